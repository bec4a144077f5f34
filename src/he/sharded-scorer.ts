import type { ScoringCatalogue } from './catalogue.ts';
import type { CatalogueDescription } from './catalogue-description.ts';
import { checkHead, expectNumber } from './message-head.ts';
import { blockCount, groupCount } from './packing.ts';
import { queryBytes } from './query-wire.ts';
import { refuseInsecure } from './refuse-insecure.ts';
import { encodeReplyHead, replyBytes } from './reply-wire.ts';

/**
 * Whoever does the arithmetic of a catalogue in shards: runs of consecutive blocks, together all of them. The port of
 * {@link ShardedScorer}; threads of Node are one implementation.
 */
export interface ShardCrew {
  /** Shards of the catalogue that was loaded last. */
  readonly shards: number;
  /**
   * Takes a catalogue in place of the one before. Queries that are already under way are still scored on that one. If it
   * fails, the crew goes back to the last that it could take; until it has, it scores nothing.
   *
   * @throws {VelaturaError} `he/worker-failed`
   */
  load(catalogue: ScoringCatalogue): Promise<void>;
  /**
   * The blocks of one shard in the reply to a query. All shards are asked for at once.
   *
   * @param query - whose head and length fit the catalogue; all else is to be checked here. One object to a query:
   *   what was made of it for one shard serves the others
   * @throws {VelaturaError} as `EncryptedScorer.score`, and `he/worker-failed` instead of waiting for ever
   */
  score(shard: number, query: Uint8Array): Promise<Uint8Array>;
  /** Ends the crew; what it still owes is rejected. */
  close(): Promise<void>;
}

/** A reply on its way. */
export interface StreamedReply {
  /** Bytes of all pieces together. */
  readonly bytes: number;
  /** The head, then the shards in order, each as soon as it is there. */
  readonly pieces: AsyncIterable<Uint8Array>;
}

/** How a sharded scorer works. */
export interface ShardedScorerOptions {
  /** Accepts parameters that protect nobody, for tests. */
  readonly allowInsecure?: boolean;
}

/**
 * The server's side for catalogues that one thread is too slow for: the same replies as those of
 * {@link EncryptedScorer}, in pieces.
 *
 * ## Privacy
 * As {@link EncryptedScorer}.
 */
export class ShardedScorer {
  readonly #crew: ShardCrew;
  readonly #options: ShardedScorerOptions;
  #catalogue: ScoringCatalogue;
  /** The last one that the crew could take. */
  #loaded: ScoringCatalogue;

  private constructor(catalogue: ScoringCatalogue, crew: ShardCrew, options: ShardedScorerOptions) {
    this.#catalogue = catalogue;
    this.#loaded = catalogue;
    this.#crew = crew;
    this.#options = options;
  }

  /**
   * Has a crew encode a catalogue.
   *
   * @throws {VelaturaError} `he/insecure-parameters` unless `allowInsecure`
   * @throws {VelaturaError} `he/worker-failed`
   */
  static async create(
    catalogue: ScoringCatalogue,
    crew: ShardCrew,
    options: ShardedScorerOptions = {},
  ): Promise<ShardedScorer> {
    refuseInsecure(catalogue.parameters.secure, options.allowInsecure);
    await crew.load(catalogue);
    return new ShardedScorer(catalogue, crew, options);
  }

  /** What clients are told. */
  get description(): CatalogueDescription {
    return this.#catalogue.description;
  }

  /** The one length a query may have, for limits in front of the scorer. */
  get queryBytes(): number {
    const { parameters, description } = this.#catalogue;
    return queryBytes(
      parameters,
      groupCount(description.dimensions, description.featuresPerCiphertext),
    );
  }

  /**
   * Scores one query.
   *
   * @param query - what {@link ScoringClient.encryptProfile} made
   * @returns once the first shard is there, so that a malformed query is refused before anything is sent
   * @throws {VelaturaError} `he/malformed-message`, `he/insecure-parameters`, `he/wrong-catalogue` or
   *   `he/worker-failed`; the pieces throw the last one too
   */
  async score(query: Uint8Array): Promise<StreamedReply> {
    const { parameters } = this.#catalogue;
    const { dimensions, items, version, droppedBits, featuresPerCiphertext } = this.description;
    const frame = { parameters, catalogueVersion: version, items, dropped: droppedBits };
    const ciphertexts = groupCount(dimensions, featuresPerCiphertext);
    const queryId = checkHead(query, 'query', { ...frame, ciphertexts });
    expectNumber('bytes', this.queryBytes, query.length);
    const blocks = blockCount(parameters, items, featuresPerCiphertext);
    const own = query.subarray(); // callers may use their array again
    const shards = Array.from({ length: this.#crew.shards }, (_, shard) =>
      this.#crew.score(shard, own),
    );
    // Whoever stops reading leaves rejections that nobody waits for.
    for (const shard of shards) shard.catch(() => undefined);
    await shards[0];
    const head = encodeReplyHead({ ...frame, ciphertexts: blocks }, queryId);
    return {
      bytes: replyBytes(parameters, blocks, droppedBits),
      pieces: piecesOf(head, shards),
    };
  }

  /**
   * Goes on with another catalogue, or a changed one, of which only the blocks that differ are encoded. Queries to the
   * catalogue of before are refused from then on.
   *
   * @throws {VelaturaError} as {@link ShardedScorer.create}; the scorer then goes on with the last catalogue that the
   *   crew could take
   */
  async update(catalogue: ScoringCatalogue): Promise<void> {
    refuseInsecure(catalogue.parameters.secure, this.#options.allowInsecure);
    const loaded = this.#crew.load(catalogue);
    this.#catalogue = catalogue;
    try {
      await loaded;
      this.#loaded = catalogue;
    } catch (error) {
      if (this.#catalogue === catalogue) this.#catalogue = this.#loaded;
      throw error;
    }
  }

  /** Ends the crew. */
  close(): Promise<void> {
    return this.#crew.close();
  }
}

async function* piecesOf(
  head: Uint8Array,
  shards: readonly Promise<Uint8Array>[],
): AsyncGenerator<Uint8Array> {
  yield head;
  for (const shard of shards) yield await shard;
}

/** The whole of a streamed reply, for callers that have no use for pieces. */
export async function collectReply(reply: StreamedReply): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(reply.bytes);
  let at = 0;
  for await (const piece of reply.pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
