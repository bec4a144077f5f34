import { bytesToHex } from '@noble/hashes/utils.js';
import { VelaturaError } from '../core/errors.ts';
import { SecureRandom } from '../core/secure-random.ts';
import { type CatalogueDescription, parseCatalogueDescription } from './catalogue-description.ts';
import { blockCount, itemsPerBlock } from './packing.ts';
import { assertHeParameters, type HeParameters } from './parameters.ts';
import { presetById } from './presets.ts';
import { type QuantisationError, quantisationError, quantiseProfile } from './quantise.ts';
import { refuseInsecure } from './refuse-insecure.ts';
import type { QueryKey, ScoringProvider } from './scoring-provider.ts';
import { topK } from './top-k.ts';
import { decodeMessage, encodeMessage, readQueryId } from './wire.ts';

/** How a client works. */
export interface ScoringClientOptions {
  /** Keys, encryption, decryption. */
  readonly provider: ScoringProvider;
  /** What the server says of its catalogue; checked here. */
  readonly catalogue: CatalogueDescription;
  /** The parameters the description names; needed only if they are not a preset. */
  readonly parameters?: HeParameters;
  /** Queries that may wait for a reply; the oldest key is erased when one more begins. Default 8. */
  readonly maxOpenQueries?: number;
  /** Accepts parameters or providers that protect nobody, for tests. */
  readonly allowInsecure?: boolean;
}

/** A profile on its way to the server. */
export interface EncryptedProfile {
  /** 32 hex digits; the reply carries them too. */
  readonly queryId: string;
  /** What goes to the server. */
  readonly query: Uint8Array<ArrayBuffer>;
  /** What rounding the profile to integers cost; stays on the client. */
  readonly quantisationError: QuantisationError;
}

/** One item of a ranking. */
export interface ScoredItem {
  /** Row of the item in the catalogue. */
  readonly item: number;
  /** The score rounded to the resolution of the catalogue: twice its error bound. */
  readonly score: number;
}

/** What of a reply is wanted. */
export interface RankingOptions {
  /** How many items, best first. */
  readonly topK: number;
  /** Which items may appear, such as those not yet bought. Runs on the client. */
  readonly filter?: (item: number) => boolean;
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
  readonly #random = new SecureRandom();

  /**
   * @throws {VelaturaError} `he/malformed-message` if the description is not one
   * @throws {VelaturaError} `he/invalid-parameters` if its parameter set is unknown here
   * @throws {VelaturaError} `he/insecure-parameters` unless `allowInsecure`
   */
  constructor(options: ScoringClientOptions) {
    this.#catalogue = parseCatalogueDescription(options.catalogue);
    const { parametersId } = this.#catalogue;
    const parameters = options.parameters ?? presetById(parametersId);
    if (parameters?.id !== parametersId) {
      throw new VelaturaError(
        'he/invalid-parameters',
        'the catalogue names a parameter set that this client does not know',
        { parametersId },
      );
    }
    assertHeParameters(parameters);
    refuseInsecure(options.provider.secure && parameters.secure, options.allowInsecure);
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
    const { dimensions, items, profileScale, profileNormBound, version } = this.#catalogue;
    if (profile.length !== dimensions) {
      throw new RangeError(`"profile" expected ${dimensions} features, got ${profile.length}`);
    }
    const weights = quantiseProfile(profile, profileScale, profileNormBound);
    const key = this.#provider.createKey(this.#parameters);
    try {
      const ciphertexts = Array.from(weights, (weight) => key.encrypt(Int32Array.of(weight)));
      const queryId = bytesToHex(this.#random.bytes(16));
      const query = encodeMessage(
        {
          kind: 'query',
          parameters: this.#parameters,
          catalogueVersion: version,
          items,
          ciphertexts: dimensions,
        },
        queryId,
        ciphertexts,
      );
      this.#remember(queryId, key);
      const error = quantisationError(profile, weights, profileScale);
      return { queryId, query, quantisationError: error };
    } catch (error) {
      key.dispose();
      throw error;
    }
  }

  /**
   * Decrypts a reply and ranks its items; the key is erased.
   *
   * @throws {VelaturaError} `he/wrong-query` if no open query has the reply's id
   * @throws {VelaturaError} `he/wrong-catalogue`, `he/malformed-message` or `he/insecure-parameters`; the
   *   query stays open, since a forged reply must not end it
   */
  decryptScores(reply: Uint8Array, options: RankingOptions): readonly ScoredItem[] {
    const { scoreScale, scoreErrorBound } = this.#catalogue;
    const { filter, topK: k } = options;
    if (!Number.isInteger(k) || k < 1) {
      throw new RangeError(`"topK" expected a positive integer, got ${k}`);
    }
    const scores = this.#decrypt(reply);
    const resolution = scoreErrorBound === 0 ? 1 / scoreScale : 2 * scoreErrorBound;
    return Array.from(topK(scores, k, filter), (item) => ({
      item,
      score: resolution * Math.round((scores[item] as number) / scoreScale / resolution),
    }));
  }

  /**
   * Decrypts a reply to all its scores, unrounded; the key is erased.
   *
   * ## Privacy
   * The low digits are noise that depends on the secret key. Whoever sees them together with the query
   * can learn about the key, hence the profile: never send, log or store them.
   *
   * @returns `[items]`
   * @throws {VelaturaError} as {@link ScoringClient.decryptScores}
   */
  revealRawScoresUnsafely(reply: Uint8Array): Float64Array {
    const { scoreScale } = this.#catalogue;
    return Float64Array.from(this.#decrypt(reply), (score) => score / scoreScale);
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

  #decrypt(reply: Uint8Array): Int32Array {
    const { items, version } = this.#catalogue;
    const queryId = readQueryId(reply, 'reply');
    const key = this.#open.get(queryId);
    if (key === undefined) {
      throw new VelaturaError('he/wrong-query', 'the reply belongs to no open query', { queryId });
    }
    const { ciphertexts } = decodeMessage(reply, {
      kind: 'reply',
      parameters: this.#parameters,
      catalogueVersion: version,
      items,
      ciphertexts: blockCount(this.#parameters, items),
    });
    try {
      const scores = new Int32Array(items);
      const capacity = itemsPerBlock(this.#parameters);
      ciphertexts.forEach((ciphertext, block) => {
        const start = block * capacity;
        const count = Math.min(capacity, items - start);
        scores.set(key.decrypt(ciphertext).subarray(0, count), start);
      });
      return scores;
    } finally {
      this.#open.delete(queryId);
      key.dispose();
    }
  }
}
