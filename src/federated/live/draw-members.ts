import { type RandomSource, uniformInteger } from '../../core/random-source.ts';

/** What chance decides of a round. */
export interface Draw {
  readonly cohort: readonly string[];
  readonly nonce: Uint8Array;
  readonly graphSeed: Uint8Array;
}

/** Draws `count` of the candidates, each set of them equally likely, with a nonce and a seed. */
export function drawMembers(
  { candidates, count }: { readonly candidates: readonly string[]; readonly count: number },
  random: RandomSource,
  nonceBytes: number,
  seedBytes: number,
): Draw {
  const pool = [...candidates];
  for (let i = 0; i < count; i++) {
    const other = i + uniformInteger(random, pool.length - i);
    [pool[i], pool[other]] = [pool[other] as string, pool[i] as string];
  }
  return {
    cohort: pool.slice(0, count),
    nonce: randomBytes(random, nonceBytes),
    graphSeed: randomBytes(random, seedBytes),
  };
}

function randomBytes(random: RandomSource, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.uint32() & 0xff);
}
