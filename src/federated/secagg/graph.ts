import type { Sha256 } from '../../core/hash-chain.ts';
import { uniformInteger } from '../../core/random-source.ts';
import { SeedWords } from './seed-words.ts';

/** Who is tied to whom, the same for everybody who knows the seed. */
export interface Graph {
  /** The neighbours of one member, in rising order. */
  neighboursOf(member: number): readonly number[];
}

/**
 * A ring in an order drawn from the seed, each member tied to the next k/2 on either side (Harary's graph), or
 * everybody to everybody for k = n − 1.
 *
 * @param seed - public bytes that nobody could choose after knowing who colludes
 */
export function drawGraph(
  seed: Uint8Array,
  members: number,
  neighbours: number,
  sha256: Sha256,
): Graph {
  if (neighbours === members - 1) {
    const all = Array.from({ length: members }, (_, i) => i);
    return { neighboursOf: (member) => all.filter((other) => other !== member) };
  }
  const words = new SeedWords(seed, sha256);
  const order = Uint32Array.from({ length: members }, (_, i) => i);
  for (let i = members - 1; i > 0; i--) {
    const j = uniformInteger(words, i + 1);
    const swap = order[i] as number;
    order[i] = order[j] as number;
    order[j] = swap;
  }
  const places = new Uint32Array(members);
  for (let place = 0; place < members; place++) places[order[place] as number] = place;
  return {
    neighboursOf: (member) => {
      const place = places[member] as number;
      const found: number[] = [];
      for (let step = 1; step <= neighbours / 2; step++) {
        found.push(order[(place + step) % members] as number);
        found.push(order[(place - step + members) % members] as number);
      }
      return found.sort((a, b) => a - b);
    },
  };
}
