import type { RandomSource } from '../../core/random-source.ts';

/** How many fair coins fall heads before the first tails: n with probability 2^(−n−1). */
export function fairRun(random: RandomSource): number {
  for (let run = 0; ; run += 32) {
    const word = random.uint32();
    if (word !== 0) return run + Math.clz32(word);
  }
}
