import type { HeParameters } from '../parameters.ts';
import { fillBlake2xb } from './blake2xb.ts';
import type { SeedExpander } from './seed-expander.ts';
import {
  BUFFER_WORDS,
  type FillBuffer,
  replaceRejected,
  residueOrRejected,
  streamWords,
} from './uniform-residues.ts';

/** The expander in plain TypeScript. */
export function createPlainExpander(parameters: HeParameters): SeedExpander {
  return {
    name: 'plain',
    expand(seed: Uint8Array, target: Uint32Array): void {
      expandStream(parameters, (counter, output) => fillBlake2xb(seed, counter, output), target);
    },
  };
}

/**
 * Uniform residues from a stream, as SEAL 4.1 samples polynomials: all words are drawn first and reduced row
 * by row, then those rejected are replaced by later ones.
 *
 * @param target - `[primes, N]`, written
 */
export function expandStream(
  parameters: HeParameters,
  fill: FillBuffer,
  target: Uint32Array,
): void {
  const { dataPrimes, polynomialDegree: degree } = parameters;
  const words = streamWords(parameters);
  const buffer = new Uint32Array(2 * BUFFER_WORDS);
  const rejected: number[] = [];
  for (let start = 0; start < words; start += BUFFER_WORDS) {
    fill(start / BUFFER_WORDS, buffer);
    for (let i = 0; i < Math.min(BUFFER_WORDS, words - start); i++) {
      const prime = dataPrimes[Math.floor((start + i) / degree)] as number;
      const residue = residueOrRejected(
        buffer[2 * i] as number,
        buffer[2 * i + 1] as number,
        prime,
      );
      if (residue < 0) rejected.push(start + i);
      else target[start + i] = residue;
    }
  }
  replaceRejected(parameters, target, rejected, fill);
}
