import { VelaturaError } from '../core/errors.ts';
import type { HeParameters } from './parameters.ts';
import type { Ciphertext } from './scoring-provider.ts';

/** Words of a ciphertext: `[2, primes, N]`. */
export function ciphertextWords(parameters: HeParameters): number {
  return 2 * parameters.dataPrimes.length * parameters.polynomialDegree;
}

/**
 * Throws unless the words are a ciphertext: right length, every residue below its prime, second
 * polynomial not all zero (else the "ciphertext" hides nothing, and SEAL would accept it).
 *
 * @throws {VelaturaError} `he/malformed-message`
 */
export function assertCiphertext(parameters: HeParameters, ciphertext: Ciphertext): void {
  const { dataPrimes, polynomialDegree: degree } = parameters;
  const expected = ciphertextWords(parameters);
  if (ciphertext.length !== expected) {
    throw new VelaturaError(
      'he/malformed-message',
      `a ciphertext must have ${expected} words, got ${ciphertext.length}`,
      { expected, got: ciphertext.length },
    );
  }
  const half = expected / 2;
  let hides = 0;
  for (let at = 0; at < expected; at += degree) {
    const prime = dataPrimes[(at % half) / degree] as number;
    for (let i = at; i < at + degree; i++) {
      const word = ciphertext[i] as number;
      if (word >= prime) {
        throw new VelaturaError('he/malformed-message', 'a residue is not below its prime', {
          index: i,
          prime,
        });
      }
      if (i >= half) hides |= word;
    }
  }
  if (hides === 0) {
    throw new VelaturaError(
      'he/malformed-message',
      'the second polynomial of a ciphertext is all zero, so it hides nothing',
    );
  }
}
