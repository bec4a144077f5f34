import { VelaturaError } from '../core/errors.ts';
import type { CatalogueDescription } from './catalogue-description.ts';
import { blockCount, itemsPerBlock, unpackScores } from './packing.ts';
import type { HeParameters } from './parameters.ts';
import { PrivateScores } from './private-scores.ts';
import { ReplyReader } from './reply-wire.ts';
import type { QueryKey } from './scoring-provider.ts';

/** The keys of queries that wait for a reply. */
export interface OpenQueries {
  /** The key of a query, or undefined if it is not open. */
  find(queryId: string): QueryKey | undefined;
  /** Erases the key of a query that was answered. */
  close(queryId: string): void;
}

/**
 * A reply on its way in: each block is decrypted as soon as it is whole, while the server works on others.
 * Nothing of it can be had before the whole reply was read and checked, and the key is erased then. A reply
 * that is refused leaves its query open, since a forged one must not end it.
 */
export class IncomingReply {
  readonly #parameters: HeParameters;
  readonly #catalogue: CatalogueDescription;
  readonly #queries: OpenQueries;
  readonly #reader: ReplyReader;
  readonly #scores: Int32Array;
  #decrypted = 0;
  #ended = false;

  constructor(parameters: HeParameters, catalogue: CatalogueDescription, queries: OpenQueries) {
    const { items, version, droppedBits, featuresPerCiphertext } = catalogue;
    this.#parameters = parameters;
    this.#catalogue = catalogue;
    this.#queries = queries;
    this.#scores = new Int32Array(items);
    this.#reader = new ReplyReader({
      parameters,
      catalogueVersion: version,
      items,
      ciphertexts: blockCount(parameters, items, featuresPerCiphertext),
      dropped: droppedBits,
    });
  }

  /**
   * Takes the next piece and decrypts the blocks that it completes.
   *
   * @throws {VelaturaError} `he/wrong-query` if no open query has the reply's id
   * @throws {VelaturaError} `he/wrong-catalogue`, `he/malformed-message` or `he/insecure-parameters`
   */
  push(piece: Uint8Array): void {
    this.#assertGoing();
    this.#guarded(() => {
      for (const ciphertext of this.#reader.push(piece)) this.#decrypt(ciphertext);
    });
  }

  /**
   * Ends the reply and erases the key.
   *
   * @throws {VelaturaError} `he/malformed-message` if the reply is not whole, and as {@link IncomingReply.push}
   */
  finish(): PrivateScores {
    this.#assertGoing();
    return this.#guarded(() => {
      this.#reader.finish();
      this.#keyOf();
      this.#ended = true;
      this.#queries.close(this.#reader.queryId as string);
      return new PrivateScores(this.#catalogue, this.#scores);
    });
  }

  #decrypt(ciphertext: Uint32Array): void {
    const { featuresPerCiphertext } = this.#catalogue;
    const capacity = itemsPerBlock(this.#parameters, featuresPerCiphertext);
    const block = this.#scores.subarray(this.#decrypted, this.#decrypted + capacity);
    unpackScores(this.#keyOf().decrypt(ciphertext), block, featuresPerCiphertext);
    this.#decrypted += block.length;
  }

  #keyOf(): QueryKey {
    const queryId = this.#reader.queryId as string;
    const key = this.#queries.find(queryId);
    if (key === undefined) {
      throw new VelaturaError('he/wrong-query', 'the reply belongs to no open query', { queryId });
    }
    return key;
  }

  /** A reply that was refused is over: nothing that was decrypted of it stays. */
  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.#ended = true;
      this.#scores.fill(0);
      throw error;
    }
  }

  #assertGoing(): void {
    if (this.#ended) throw new TypeError('"reply" expected one that goes on, got one that ended');
  }
}
