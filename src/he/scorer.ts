import type { ScoringCatalogue } from './catalogue.ts';
import type { CatalogueDescription } from './catalogue-description.ts';
import { EncodedBlocks } from './encoded-blocks.ts';
import { createScoringKernel } from './kernel/scoring-kernel.ts';
import type { ScoringKernel } from './kernel.ts';
import { HEADER_BYTES } from './message-head.ts';
import { groupCount } from './packing.ts';
import { decodeQuery, queryBytes } from './query-wire.ts';
import { refuseInsecure } from './refuse-insecure.ts';
import { encodeReplyHead } from './reply-wire.ts';

/** How a scorer works. */
export interface EncryptedScorerOptions {
  /**
   * The arithmetic, of the catalogue's parameters. By default one of the scorer's own, the fastest that
   * runs here. Several scorers may share one; then its memory holds all their catalogues, and
   * {@link EncryptedScorer.dispose} gives a part of it back.
   */
  readonly kernel?: ScoringKernel;
  /** Accepts parameters that protect nobody, for tests. */
  readonly allowInsecure?: boolean;
}

/**
 * The server's side: scores encrypted profiles against a catalogue. It holds no secret and never touches
 * the cryptographic library; queries are numbers to it.
 *
 * ## Privacy
 * The profile is hidden from this side (128-bit BFV) as long as it runs this code on this catalogue
 * (semi-honest) and does not learn what the client does with the scores. The catalogue is **not** hidden
 * from clients: scores of chosen profiles reveal the items.
 */
export class EncryptedScorer {
  readonly #kernel: ScoringKernel;
  readonly #blocks: EncodedBlocks;
  #catalogue: ScoringCatalogue;

  /**
   * Encodes the catalogue: 10 to 100 µs per feature and block of N − 1 items.
   *
   * @throws {VelaturaError} `he/insecure-parameters` unless `allowInsecure`
   * @throws {RangeError} if the memory of the kernel cannot hold the catalogue; nothing stays in it then
   */
  constructor(catalogue: ScoringCatalogue, options: EncryptedScorerOptions = {}) {
    const { parameters } = catalogue;
    refuseInsecure(parameters.secure, options.allowInsecure);
    const kernel = options.kernel ?? createScoringKernel(parameters);
    if (kernel.parameters.id !== parameters.id) {
      throw new TypeError(
        `"kernel" expected parameters ${parameters.id}, got ${kernel.parameters.id}`,
      );
    }
    this.#catalogue = catalogue;
    this.#kernel = kernel;
    this.#blocks = new EncodedBlocks(kernel, catalogue.frame);
    this.#blocks.update(catalogue.blocks);
  }

  /** What clients are told. */
  get description(): CatalogueDescription {
    return this.#catalogue.description;
  }

  /** Which kernel does the arithmetic. */
  get kernelName(): string {
    return this.#kernel.name;
  }

  /** The one length a query may have, for limits in front of the scorer. */
  get queryBytes(): number {
    return queryBytes(this.#catalogue.parameters, this.#queryCiphertexts);
  }

  get #queryCiphertexts(): number {
    const { dimensions, featuresPerCiphertext } = this.description;
    return groupCount(dimensions, featuresPerCiphertext);
  }

  /**
   * Scores one query.
   *
   * @param query - what {@link ScoringClient.encryptProfile} made
   * @returns the reply, encrypted under the key of the query
   * @throws {VelaturaError} `he/malformed-message`, `he/insecure-parameters` or `he/wrong-catalogue`;
   *   nothing was computed then
   */
  score(query: Uint8Array): Uint8Array<ArrayBuffer> {
    const { parameters } = this.#catalogue;
    const { items, version } = this.description;
    const frame = { parameters, catalogueVersion: version, items };
    const { droppedBits: dropped } = this.description;
    const { queryId, ciphertexts } = decodeQuery(query, {
      ...frame,
      ciphertexts: this.#queryCiphertexts,
    });
    const reply = new Uint8Array(HEADER_BYTES + this.#blocks.replyBytes);
    reply.set(encodeReplyHead({ ...frame, dropped, ciphertexts: this.#blocks.count }, queryId));
    const encoded = this.#kernel.encodeQuery(ciphertexts);
    try {
      this.#blocks.score(encoded, reply.subarray(HEADER_BYTES));
    } finally {
      encoded.dispose();
    }
    return reply;
  }

  /**
   * Goes on with a changed catalogue; only the blocks that differ are encoded. Queries to the catalogue of before are
   * refused from then on.
   *
   * @param catalogue - made from the one of now by `addItems`, `replaceItems` or `removeItems`
   * @returns blocks that were encoded
   * @throws {RangeError} if the memory of the kernel cannot hold it; then nothing has changed
   */
  update(catalogue: ScoringCatalogue): number {
    if (catalogue.frame !== this.#catalogue.frame) {
      throw new TypeError(
        '"catalogue" expected a changed version of the catalogue of now, got another one',
      );
    }
    const encoded = this.#blocks.update(catalogue.blocks);
    this.#catalogue = catalogue;
    return encoded;
  }

  /** Gives the memory of the catalogue back to the kernel; idempotent. The scorer cannot score afterwards. */
  dispose(): void {
    this.#blocks.dispose();
  }
}
