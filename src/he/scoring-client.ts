import { type CatalogueDescription, parseCatalogueDescription } from './catalogue-description.ts';
import { checkNormBound, parametersOf } from './catalogue-parameters.ts';
import { type EncryptedProfile, encryptQuery } from './encrypt-query.ts';
import { IncomingReply } from './incoming-reply.ts';
import type { HeParameters } from './parameters.ts';
import {
  checkTopK,
  type PrivateScores,
  type RankingOptions,
  type ScoredItem,
} from './private-scores.ts';
import { refuseInsecure } from './refuse-insecure.ts';
import type { QueryKey, ScoringProvider } from './scoring-provider.ts';

/** How a client works. */
export interface ScoringClientOptions {
  /** Keys, encryption, decryption. */
  readonly provider: ScoringProvider;
  /** What the server says of its catalogue; checked here. */
  readonly catalogue: CatalogueDescription;
  /** The parameters the description names; needed only if they are not a preset. */
  readonly parameters?: HeParameters;
  /**
   * The norm bound that the application knows its profiles to keep; a catalogue with another one is refused. Without
   * it the server chooses for which profiles `encryptProfile` throws, and may see which of them never ask.
   */
  readonly profileNormBound?: number;
  /** Queries that may wait for a reply; the oldest key is erased when one more begins. Default 8. */
  readonly maxOpenQueries?: number;
  /** Accepts parameters or providers that protect nobody, for tests. */
  readonly allowInsecure?: boolean;
}

/** Which query a reply must answer, and what of it is wanted. */
export interface ReplyOptions extends RankingOptions {
  /** Of the query that was sent, as `encryptProfile` returned it. */
  readonly queryId: string;
}

/**
 * The client's side: encrypts a profile, decrypts and ranks the scores. Every query has its own secret
 * key, which is never serialised and is erased when the reply was decrypted.
 *
 * ## Privacy
 * The query hides the profile, not that or when somebody asks. Decrypted scores must not go back to the
 * server: they carry noise that depends on the key (Li and Micciancio, "On the security of homomorphic
 * encryption on approximate numbers", 2021), which is why only rounded ones come out here. What the
 * client does next, such as fetching the top items from the same server, reveals what that shows.
 */
export class ScoringClient {
  readonly #provider: ScoringProvider;
  readonly #catalogue: CatalogueDescription;
  readonly #parameters: HeParameters;
  readonly #maxOpenQueries: number;
  readonly #open = new Map<string, QueryKey>();

  /**
   * @throws {VelaturaError} `he/malformed-message` if the description is not one, or cannot be that of a catalogue
   * @throws {VelaturaError} `he/wrong-catalogue` if its `profileNormBound` is not the one that was pinned
   * @throws {VelaturaError} `he/invalid-parameters` if its parameter set is unknown here
   * @throws {VelaturaError} `he/insecure-parameters` unless `allowInsecure`
   */
  constructor(options: ScoringClientOptions) {
    this.#catalogue = parseCatalogueDescription(options.catalogue);
    const parameters = parametersOf(this.#catalogue, options.parameters);
    refuseInsecure(options.provider.secure && parameters.secure, options.allowInsecure);
    checkNormBound(this.#catalogue, options.profileNormBound);
    const maxOpenQueries = options.maxOpenQueries ?? 8;
    if (!Number.isInteger(maxOpenQueries) || maxOpenQueries < 1) {
      throw new RangeError(`"maxOpenQueries" expected a positive integer, got ${maxOpenQueries}`);
    }
    this.#provider = options.provider;
    this.#parameters = parameters;
    this.#maxOpenQueries = maxOpenQueries;
  }

  /** Queries that wait for a reply. */
  get openQueries(): number {
    return this.#open.size;
  }

  /**
   * Encrypts a profile under a fresh key. Every feature is sent, zero or not.
   *
   * @param profile - `[dimensions]`, of Euclidean norm at most the catalogue's `profileNormBound`
   * @throws {VelaturaError} `he/value-out-of-range` if it is not finite or too long
   * @throws {VelaturaError} `he/provider-failure`
   */
  encryptProfile(profile: Float32Array): EncryptedProfile {
    const key = this.#provider.createKey(this.#parameters);
    try {
      const encrypted = encryptQuery(this.#parameters, this.#catalogue, key, profile);
      this.#remember(encrypted.queryId, key);
      return encrypted;
    } catch (error) {
      key.dispose();
      throw error;
    }
  }

  /**
   * Begins to read a reply that comes in pieces.
   *
   * @param queryId - of the query that it must answer
   * @returns what takes the pieces; several replies may be under way
   */
  readReply(queryId: string): IncomingReply {
    return new IncomingReply(this.#parameters, this.#catalogue, queryId, {
      find: () => this.#open.get(queryId),
      close: () => {
        this.#open.get(queryId)?.dispose();
        this.#open.delete(queryId);
      },
    });
  }

  /**
   * Decrypts a whole reply; the key is erased. The scores stay inside of what comes back.
   *
   * @param queryId - of the query that it must answer: a server must not choose which of several it answers
   * @throws {VelaturaError} `he/wrong-query` if the reply has another id, or the query is not open
   * @throws {VelaturaError} `he/wrong-catalogue`, `he/malformed-message` or `he/insecure-parameters`; the
   *   query stays open, since a forged reply must not end it
   */
  decryptReply(reply: Uint8Array, queryId: string): PrivateScores {
    const incoming = this.readReply(queryId);
    incoming.push(reply);
    return incoming.finish();
  }

  /**
   * Decrypts a whole reply and ranks its items; the key is erased and so are the scores.
   *
   * @throws {VelaturaError} as {@link ScoringClient.decryptReply}
   */
  decryptScores(reply: Uint8Array, options: ReplyOptions): readonly ScoredItem[] {
    checkTopK(options.topK);
    const scores = this.decryptReply(reply, options.queryId);
    try {
      return scores.rank(options);
    } finally {
      scores.erase();
    }
  }

  /** Erases the keys of all open queries. */
  dispose(): void {
    for (const key of this.#open.values()) key.dispose();
    this.#open.clear();
  }

  #remember(queryId: string, key: QueryKey): void {
    for (const [oldest, forgotten] of this.#open) {
      if (this.#open.size < this.#maxOpenQueries) break;
      this.#open.delete(oldest);
      forgotten.dispose();
    }
    this.#open.set(queryId, key);
  }
}
