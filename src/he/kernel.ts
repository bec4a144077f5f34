import type { HeParameters } from './parameters.ts';
import type { Ciphertext } from './scoring-provider.ts';

/** The ciphertexts of one query in transformed form, in the layout of the kernel that made it. */
export interface EncodedQuery {
  readonly features: number;
  readonly words: Uint32Array;
}

/** The item columns of one block in transformed form, in the layout of the kernel that made it. */
export interface EncodedBlock {
  readonly features: number;
  readonly words: Uint32Array;
}

/**
 * The arithmetic of the scoring server: only public residues, no secrets. All kernels give the same bits.
 * What one kernel encoded only that kernel may read.
 */
export interface ScoringKernel {
  readonly name: string;
  readonly parameters: HeParameters;
  /**
   * Transforms the items of one block, once per catalogue.
   *
   * @param columns - per feature the coefficients of a polynomial, at most N of them
   */
  encodeBlock(columns: readonly Int8Array[]): EncodedBlock;
  /**
   * Transforms a query, once per query.
   *
   * @param ciphertexts - one per feature, already checked
   */
  encodeQuery(ciphertexts: readonly Ciphertext[]): EncodedQuery;
  /** Σ over the features of ciphertext × polynomial, back in coefficient form. */
  multiplyAccumulate(query: EncodedQuery, block: EncodedBlock): Ciphertext;
}
