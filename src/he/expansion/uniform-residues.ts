import type { HeParameters } from '../parameters.ts';
import { BUFFER_BYTES } from './blake2xb.ts';

/** Words of 64 bits in one buffer of the random stream. */
export const BUFFER_WORDS: number = BUFFER_BYTES / 8;

/** Makes one buffer of a random stream: 1,024 half words, low halves first. */
export type FillBuffer = (counter: number, output: Uint32Array) => void;

/** Words of the stream that one second polynomial takes, unless some are rejected. */
export function streamWords({ dataPrimes, polynomialDegree }: HeParameters): number {
  return dataPrimes.length * polynomialDegree;
}

/**
 * A word of 64 bits modulo a prime, or −1 if the word is among the last ones, which would favour small
 * residues.
 */
export function residueOrRejected(low: number, high: number, prime: number): number {
  const rest = reduceWord(0xffff_ffff, 0xffff_ffff, prime);
  if (high === 0xffff_ffff && low >= 0xffff_ffff - rest - 1) return -1;
  return reduceWord(low, high, prime);
}

/**
 * Puts residues in the places of rejected words: from the words that follow in the stream, in order. One word
 * in 2³⁶ is rejected.
 *
 * @param target - `[primes, N]`
 * @param rejected - positions in it, ascending
 */
export function replaceRejected(
  parameters: HeParameters,
  target: Uint32Array,
  rejected: readonly number[],
  fill: FillBuffer,
): void {
  const buffer = new Uint32Array(2 * BUFFER_WORDS);
  let filled = -1;
  let position = streamWords(parameters);
  for (const place of rejected) {
    const row = Math.floor(place / parameters.polynomialDegree);
    const prime = parameters.dataPrimes[row] as number;
    let residue = -1;
    while (residue < 0) {
      const counter = Math.floor(position / BUFFER_WORDS);
      if (counter !== filled) fill(counter, buffer);
      filled = counter;
      const at = 2 * (position % BUFFER_WORDS);
      residue = residueOrRejected(buffer[at] as number, buffer[at + 1] as number, prime);
      position++;
    }
    target[place] = residue;
  }
}

/** In steps of 16 bits, which stay exact in doubles for primes below 2²⁸. */
function reduceWord(low: number, high: number, prime: number): number {
  const upper = ((high % prime) * 0x1_0000 + (low >>> 16)) % prime;
  return (upper * 0x1_0000 + (low & 0xffff)) % prime;
}
