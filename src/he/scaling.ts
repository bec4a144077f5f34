import type { HeParameters } from './parameters.ts';

/**
 * ⌊q·value/t⌉, the place of an integer score in the ciphertext modulus, for |value| ≤ t/2. Exact in
 * doubles: q < 2⁵³ bounds the whole part, t < 2²⁴ the rest, and t odd keeps halves away.
 */
export function scaleToCiphertext(parameters: HeParameters, value: number): number {
  const { ciphertextModulus: q, plaintextModulus: t } = parameters;
  const rest = q % t;
  return value * ((q - rest) / t) + Math.round((value * rest) / t);
}
