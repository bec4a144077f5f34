import { assertCiphertext, ciphertextWords } from './ciphertext.ts';
import { SEED_BYTES } from './expansion/blake2xb.ts';
import { inverseModulo, reduceModulo } from './modular.ts';
import { assertHeParameters, type HeParameters } from './parameters.ts';
import { assertPlaintext } from './plaintext.ts';
import { scaleToCiphertext } from './scaling.ts';
import type {
  Ciphertext,
  QueryKey,
  ScoringProvider,
  SeededCiphertext,
} from './scoring-provider.ts';

/**
 * A provider that hides nothing: the first polynomial is the scaled plaintext without noise, the second the
 * expansion of a seed of zeros (a ciphertext under the secret 0). Sizes and arithmetic are the real ones, so pipelines
 * can be tested without the cost of cryptography. Scorer and client refuse it unless told otherwise.
 *
 * ## Privacy
 * None whatsoever: the server can read the profile.
 */
export const insecureNoOpProvider: ScoringProvider = Object.freeze({
  name: 'insecure-no-op',
  secure: false,
  createKey(parameters: HeParameters): QueryKey {
    assertHeParameters(parameters);
    return new NoOpKey(parameters);
  },
});

class NoOpKey implements QueryKey {
  readonly parameters: HeParameters;
  #disposed = false;

  constructor(parameters: HeParameters) {
    this.parameters = parameters;
  }

  encrypt(coefficients: Int32Array): SeededCiphertext {
    this.#assertAlive();
    assertPlaintext(this.parameters, coefficients);
    const { dataPrimes, polynomialDegree: degree } = this.parameters;
    const first = new Uint32Array(ciphertextWords(this.parameters) / 2);
    dataPrimes.forEach((prime, row) => {
      coefficients.forEach((value, i) => {
        const scaled = scaleToCiphertext(this.parameters, value);
        first[row * degree + i] = reduceModulo(scaled, prime);
      });
    });
    return { first, seed: new Uint8Array(SEED_BYTES) };
  }

  decrypt(ciphertext: Ciphertext): Int32Array {
    this.#assertAlive();
    assertCiphertext(this.parameters, ciphertext);
    const { dataPrimes, polynomialDegree: degree } = this.parameters;
    const q = BigInt(this.parameters.ciphertextModulus);
    const t = BigInt(this.parameters.plaintextModulus);
    const weights = dataPrimes.map((prime) => chineseRemainderWeight(q, prime));
    return Int32Array.from({ length: degree }, (_, i) => {
      const phase = weights.reduce(
        (sum, weight, row) => (sum + weight * BigInt(ciphertext[row * degree + i] as number)) % q,
        0n,
      );
      const rounded = ((2n * t * phase + q) / (2n * q)) % t;
      return Number(2n * rounded > t ? rounded - t : rounded);
    });
  }

  dispose(): void {
    this.#disposed = true;
  }

  #assertAlive(): void {
    if (this.#disposed) throw new TypeError('"key" expected a live key, got a disposed one');
  }
}

/** The number modulo q that is 1 modulo `prime` and 0 modulo the other primes. */
function chineseRemainderWeight(q: bigint, prime: number): bigint {
  const others = q / BigInt(prime);
  return others * BigInt(inverseModulo(Number(others % BigInt(prime)), prime));
}
