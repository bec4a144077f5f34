import type { HeParameters } from '../parameters.ts';
import type { Ciphertext, SeededCiphertext } from '../scoring-provider.ts';
import { createSeedExpander, type SeedExpander } from './seed-expander.ts';

const expanders = new WeakMap<HeParameters, SeedExpander>();

/** Both polynomials of a ciphertext, `[2, primes, N]`. */
export function expandCiphertext(
  parameters: HeParameters,
  { first, seed }: SeededCiphertext,
): Ciphertext {
  const ciphertext = new Uint32Array(2 * first.length);
  ciphertext.set(first);
  expanderOf(parameters).expand(seed, ciphertext.subarray(first.length));
  return ciphertext;
}

function expanderOf(parameters: HeParameters): SeedExpander {
  const known = expanders.get(parameters);
  if (known !== undefined) return known;
  const made = createSeedExpander(parameters);
  expanders.set(parameters, made);
  return made;
}
