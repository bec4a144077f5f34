import type { DroppedBits } from './dropped-bits.ts';
import type { HeParameters } from './parameters.ts';
import type { Ciphertext } from './scoring-provider.ts';

/** The ciphertexts of one query in transformed form, in the layout of the kernel that made it. */
export interface EncodedQuery {
  readonly features: number;
  /** Gives the memory back to the kernel; idempotent. The query cannot be used afterwards. */
  dispose(): void;
}

/** The item columns of one block in transformed form, in the layout of the kernel that made it. */
export interface EncodedBlock {
  readonly features: number;
  /** Gives the memory back to the kernel; idempotent. The block cannot be used afterwards. */
  dispose(): void;
}

/**
 * The arithmetic of the scoring server: only public residues, no secrets. All kernels give the same bits.
 *
 * What a kernel encoded only that kernel can read, and whoever asked for it owns it: dispose it, or let the
 * kernel go with everything in it. One kernel may serve several catalogues.
 */
export interface ScoringKernel {
  readonly name: string;
  readonly parameters: HeParameters;
  /**
   * Makes sure that so many blocks can be encoded, before the work begins.
   *
   * @param blocks - how many more
   * @param features - of each
   * @param addends - whether they have addends
   * @throws {RangeError} if the memory of the kernel cannot hold them
   */
  reserve(blocks: number, features: number, addends: boolean): void;
  /**
   * Transforms the items of one block, once per catalogue.
   *
   * @param columns - per feature the coefficients of a polynomial, at most N of them
   * @param addend - `[primes, N]` residues in coefficient form that are added to the first polynomial of
   *   every result
   * @throws {RangeError} if the memory of the kernel cannot hold the block
   */
  encodeBlock(columns: readonly Int8Array[], addend?: Uint32Array): EncodedBlock;
  /**
   * Transforms a query, once per query.
   *
   * @param ciphertexts - one per feature, already checked
   * @throws {RangeError} if the memory of the kernel cannot hold the query
   */
  encodeQuery(ciphertexts: readonly Ciphertext[]): EncodedQuery;
  /** Σ over the features of ciphertext × polynomial, back in coefficient form, plus the addend. */
  multiplyAccumulate(query: EncodedQuery, block: EncodedBlock): Ciphertext;
  /**
   * The same for some blocks of a catalogue, packed as replies have it.
   *
   * @param dropped - low bits that the reply leaves out
   * @param target - the bytes of the blocks
   */
  score(
    query: EncodedQuery,
    blocks: readonly EncodedBlock[],
    dropped: DroppedBits,
    target: Uint8Array,
  ): void;
}
