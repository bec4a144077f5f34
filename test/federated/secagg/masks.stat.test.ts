import { describe, expect, it } from 'vitest';
import type { Bytes } from '../../../src/federated/secagg/crypto.ts';
import { bodyOf, Scene } from './fixtures.ts';

/** Dimension of 32,768 bytes of masked vector at 16 bits. */
const DIMENSION = 16_384;
/** Quantile 1 − 1e-8 of chi-square with 255 degrees of freedom; the seeds are fixed, so it is met once. */
const LIMIT = 400;

/** How often each byte comes among the masked vectors of all members. */
async function masked(seed: string, vectors: (place: number) => Float64Array): Promise<number[][]> {
  const scene = await Scene.open(seed, { dimension: DIMENSION, contributionBound: 5000 });
  const counts: number[][] = [];
  for (const [place, frame] of await scene.toMask()) {
    const histogram = new Array<number>(256).fill(0);
    const packed = bodyOf(await scene.client(place).mask(frame, vectors(place))) as Bytes;
    for (const byte of packed) histogram[byte] = (histogram[byte] as number) + 1;
    counts.push(histogram);
  }
  return counts;
}

function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/** Chi-square of two histograms of equally many. */
function twoSample(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, count, i) => {
    const other = b[i] as number;
    return sum + (count - other) ** 2 / (count + other);
  }, 0);
}

const zero = (): Float64Array => new Float64Array(DIMENSION);
const full = (): Float64Array => new Float64Array(DIMENSION).fill(5000);

describe('masked vectors', () => {
  it('are uniform, whatever is below', async () => {
    for (const vectors of [zero, full]) {
      for (const histogram of await masked('uniform', vectors)) {
        expect(chiSquare(histogram)).toBeLessThan(LIMIT);
      }
    }
    // The test would see a vector without masks.
    const bare = new Array<number>(256).fill(0);
    bare[0] = 2 * DIMENSION;
    expect(chiSquare(bare)).toBeGreaterThan(LIMIT);
  });

  it('do not tell which of two members had which vector', async () => {
    const one = await masked('flip one', (place) => (place === 0 ? full() : zero()));
    const two = await masked('flip two', (place) => (place === 1 ? full() : zero()));
    for (const place of [0, 1, 2]) {
      expect(twoSample(one[place] as number[], two[place] as number[])).toBeLessThan(LIMIT);
    }
  });

  it('share no words between rounds, members or vectors: a mask is used once', async () => {
    const words = new Set<number>();
    let count = 0;
    for (const seed of ['once', 'twice']) {
      const scene = await Scene.open(seed, {
        dimension: 500,
        modulusBits: 52,
        contributionBound: 1,
      });
      for (const [place, frame] of await scene.toMask()) {
        const vector = new Float64Array(500);
        const packed = bodyOf(await scene.client(place).mask(frame, vector)) as Bytes;
        const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
        for (let at = 0; at + 8 <= packed.length; at += 8) {
          words.add(view.getFloat64(at));
          count++;
        }
      }
    }
    // Among 5,000 words of 64 bits two agree with a chance of 2^-40; NaN makes some look alike.
    expect(words.size).toBeGreaterThan(count - 20);
  });
});
