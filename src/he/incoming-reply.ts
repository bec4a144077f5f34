import { VelaturaError } from '../core/errors.ts';
import type { CatalogueDescription } from './catalogue-description.ts';
import { blockCount, itemsPerBlock, unpackScores } from './packing.ts';
import type { HeParameters } from './parameters.ts';
import { PrivateScores } from './private-scores.ts';
import { ReplyReader } from './reply-wire.ts';
import type { QueryKey } from './scoring-provider.ts';

/** The key of the query that waits for the reply. */
export interface OpenQuery {
  /** Undefined if the query is not open any more. */
  find(): QueryKey | undefined;
  /** Erases the key: the query was answered. */
  close(): void;
}

/**
 * A reply on its way in: each block is decrypted as soon as it is whole, while the server works on others.
 * Nothing of it can be had before the whole reply was read and checked, and the key is erased then. A reply
 * that is refused or breaks off leaves its query open, since a forged one must not end it.
 */
export class IncomingReply {
  readonly #parameters: HeParameters;
  readonly #catalogue: CatalogueDescription;
  readonly #queryId: string;
  readonly #query: OpenQuery;
  readonly #reader: ReplyReader;
  readonly #scores: Int32Array;
  #decrypted = 0;
  #ended = false;

  /** @param queryId - of the query that the reply must answer, 32 hex digits */
  constructor(
    parameters: HeParameters,
    catalogue: CatalogueDescription,
    queryId: string,
    query: OpenQuery,
  ) {
    const { items, version, droppedBits, featuresPerCiphertext } = catalogue;
    this.#parameters = parameters;
    this.#catalogue = catalogue;
    this.#queryId = queryId;
    this.#query = query;
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
   * @throws {VelaturaError} `he/wrong-query` if the reply is to another query, or its own is not open
   * @throws {VelaturaError} `he/wrong-catalogue`, `he/malformed-message` or `he/insecure-parameters`
   */
  push(piece: Uint8Array): void {
    this.#assertGoing();
    this.#guarded(() => {
      const ciphertexts = this.#reader.push(piece);
      if (this.#reader.queryId !== null) this.#keyOf();
      for (const ciphertext of ciphertexts) this.#decrypt(ciphertext);
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
      this.#query.close();
      return new PrivateScores(this.#catalogue, this.#scores);
    });
  }

  /**
   * Gives the reply up, when its stream breaks off: what was decrypted is overwritten with zeros. The query stays open.
   * Idempotent; a reply that was finished is not touched.
   */
  abort(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#scores.fill(0);
  }

  #decrypt(ciphertext: Uint32Array): void {
    const { featuresPerCiphertext } = this.#catalogue;
    const capacity = itemsPerBlock(this.#parameters, featuresPerCiphertext);
    const block = this.#scores.subarray(this.#decrypted, this.#decrypted + capacity);
    unpackScores(this.#keyOf().decrypt(ciphertext), block, featuresPerCiphertext);
    this.#decrypted += block.length;
  }

  #keyOf(): QueryKey {
    const got = this.#reader.queryId;
    const key = got === this.#queryId ? this.#query.find() : undefined;
    if (key === undefined) {
      const problem =
        got === this.#queryId
          ? 'the reply belongs to a query that is not open'
          : 'the reply belongs to another query';
      throw new VelaturaError('he/wrong-query', problem, { expected: this.#queryId });
    }
    return key;
  }

  /** A reply that was refused is over: nothing that was decrypted of it stays. */
  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  #assertGoing(): void {
    if (this.#ended) throw new TypeError('"reply" expected one that goes on, got one that ended');
  }
}
