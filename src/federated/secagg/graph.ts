import type { Sha256 } from '../../core/hash-chain.ts';
import { type RandomSource, uniformInteger } from '../../core/random-source.ts';

/**
 * The words of SHA-256(seed ‖ 0), SHA-256(seed ‖ 1), …: everybody who knows the public seed draws the same.
 */
class SeedWords implements RandomSource {
  readonly #block: Uint8Array;
  readonly #sha256: Sha256;
  #digest: DataView = new DataView(new ArrayBuffer(0));
  #counter = 0;
  #at = 0;

  constructor(seed: Uint8Array, sha256: Sha256) {
    this.#sha256 = sha256;
    this.#block = new Uint8Array(seed.length + 4);
    this.#block.set(seed);
  }

  uint32(): number {
    if (this.#at === this.#digest.byteLength) {
      new DataView(this.#block.buffer).setUint32(this.#block.length - 4, this.#counter++);
      const digest = this.#sha256(this.#block);
      this.#digest = new DataView(digest.buffer, digest.byteOffset, digest.length);
      this.#at = 0;
    }
    const word = this.#digest.getUint32(this.#at);
    this.#at += 4;
    return word;
  }

  fillUint32(target: Uint32Array): void {
    for (let i = 0; i < target.length; i++) target[i] = this.uint32();
  }
}

/**
 * The neighbours of every member: a ring in an order drawn from the seed, each tied to the next k/2 on either
 * side (Harary's graph), or everybody to everybody for k = n − 1.
 *
 * @param seed - public bytes that nobody could choose after knowing who colludes
 * @returns for each member, its neighbours in rising order
 */
export function drawGraph(
  seed: Uint8Array,
  members: number,
  neighbours: number,
  sha256: Sha256,
): readonly (readonly number[])[] {
  if (neighbours === members - 1) {
    const all = Array.from({ length: members }, (_, i) => i);
    return all.map((member) => all.filter((other) => other !== member));
  }
  const words = new SeedWords(seed, sha256);
  const order = Uint32Array.from({ length: members }, (_, i) => i);
  for (let i = members - 1; i > 0; i--) {
    const j = uniformInteger(words, i + 1);
    const swap = order[i] as number;
    order[i] = order[j] as number;
    order[j] = swap;
  }
  const graph = new Array<readonly number[]>(members);
  for (let place = 0; place < members; place++) {
    const found: number[] = [];
    for (let step = 1; step <= neighbours / 2; step++) {
      found.push(order[(place + step) % members] as number);
      found.push(order[(place - step + members) % members] as number);
    }
    graph[order[place] as number] = found.sort((a, b) => a - b);
  }
  return graph;
}
