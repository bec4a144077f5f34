import type { SeededRandom } from '../../../src/core/seeded-random.ts';
import { ciphertextWords } from '../../../src/he/ciphertext.ts';
import type { Ciphertext, HeParameters } from '../../../src/he/index.ts';

/** `degree` coefficients in [−127, 127]. */
export function randomColumn(random: SeededRandom, degree: number): Int8Array {
  return Int8Array.from({ length: degree }, () => (random.uint32() % 255) - 127);
}

/** Uniform residues, with the largest and zero among them. */
export function randomCiphertext(random: SeededRandom, parameters: HeParameters): Ciphertext {
  const { dataPrimes, polynomialDegree: degree } = parameters;
  const words = new Uint32Array(ciphertextWords(parameters));
  for (let i = 0; i < words.length; i++) {
    const prime = dataPrimes[Math.floor(i / degree) % dataPrimes.length] as number;
    words[i] = i % 61 === 0 ? prime - 1 : i % 67 === 0 ? 0 : random.uint32() % prime;
  }
  return words;
}
