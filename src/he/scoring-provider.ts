import type { HeParameters } from './parameters.ts';

/**
 * One ciphertext as public residues: `[2, primes, N]` words, each below its prime; the first half is c0,
 * the second c1, in coefficient form.
 */
export type Ciphertext = Uint32Array;

/** A fresh ciphertext as it travels: its second polynomial is what a seed expands to. */
export interface SeededCiphertext {
  /** `[primes, N]`: c0, each word below its prime, in coefficient form. */
  readonly first: Uint32Array;
  /** 64 bytes, drawn afresh; c1 is the expansion of it by {@link createSeedExpander}. */
  readonly seed: Uint8Array;
}

/** A secret key that lives for one query. It is never serialised; `dispose` erases it. */
export interface QueryKey {
  readonly parameters: HeParameters;
  /**
   * Encrypts one plaintext polynomial of at most N coefficients, each in [−t/2, t/2), symmetrically.
   *
   * @throws {VelaturaError} `he/value-out-of-range`
   */
  encrypt(coefficients: Int32Array): SeededCiphertext;
  /**
   * Decrypts to N centred coefficients in [−t/2, t/2). They must not leave the client (IND-CPA-D).
   *
   * @throws {VelaturaError} `he/malformed-message`
   */
  decrypt(ciphertext: Ciphertext): Int32Array;
  /** Erases the key; idempotent. */
  dispose(): void;
}

/**
 * The cryptography that needs secrets: keys, encryption, decryption. The scoring server needs none of it.
 *
 * Conformance suite: `scoringProviderConformance` in `velatura/testing`.
 */
export interface ScoringProvider {
  readonly name: string;
  /** False for the no-op provider of pipeline tests. */
  readonly secure: boolean;
  /** A fresh secret key for one query. */
  createKey(parameters: HeParameters): QueryKey;
}
