import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import {
  ExampleSampler,
  type ExampleSampling,
} from '../../../src/federated/example-level/example-sampler.ts';

const EXAMPLES = 60;
const STEPS = 40_000;
/**
 * Deviations of a standard normal that hold 1 − 1e-9 of it. The tests here look at under 500 counts in all, so a
 * right sampler fails one of them for less than 1e-6 of the seeds.
 */
const DEVIATIONS = 6.2;

function counts(sampling: ExampleSampling): { single: number[]; pairs: number[]; sizes: number[] } {
  const sampler = new ExampleSampler(sampling, EXAMPLES);
  const random = new SeededRandom(`example-sampler ${sampling.kind}`);
  const single = new Array<number>(EXAMPLES).fill(0);
  const pairs = new Array<number>(EXAMPLES).fill(0);
  const sizes: number[] = [];
  const inside = new Uint8Array(EXAMPLES);
  for (let step = 0; step < STEPS; step++) {
    const drawn = sampler.draw(random);
    inside.fill(0);
    for (const example of drawn) inside[example] = 1;
    sizes.push(drawn.length);
    for (let i = 0; i < EXAMPLES; i++) {
      if (inside[i] !== 1) continue;
      single[i] = (single[i] as number) + 1;
      if (inside[(i + 1) % EXAMPLES] === 1) pairs[i] = (pairs[i] as number) + 1;
    }
  }
  return { single, pairs, sizes };
}

function expectCounts(observed: readonly number[], probability: number): void {
  const mean = STEPS * probability;
  const slack = DEVIATIONS * Math.sqrt(mean * (1 - probability));
  for (const count of observed) expect(Math.abs(count - mean)).toBeLessThan(slack);
}

describe('Poisson samples', () => {
  const rate = 0.3;
  const { single, pairs, sizes } = counts({ kind: 'poisson', batchSize: rate * EXAMPLES });

  it('hold each example with the stated rate', () => expectCounts(single, rate));

  it('hold two examples independently', () => expectCounts(pairs, rate * rate));

  it('vary in size as a binomial count does', () => {
    const mean = rate * EXAMPLES;
    const variance = mean * (1 - rate);
    const observed = sizes.reduce((sum, size) => sum + (size - mean) ** 2, 0) / STEPS;
    // The kurtosis of this binomial law is 3 to 0.1, so a squared deviation has variance of about 2·variance².
    expect(Math.abs(observed / variance - 1)).toBeLessThan(DEVIATIONS * Math.sqrt(2 / STEPS));
    expect(new Set(sizes).size).toBeGreaterThan(10);
  });
});

describe('samples of fixed size', () => {
  const batchSize = 20;
  const { single, pairs, sizes } = counts({ kind: 'fixed-size', batchSize });

  it('hold each example equally often', () => expectCounts(single, batchSize / EXAMPLES));

  it('hold two examples as sets without replacement do', () => {
    expectCounts(pairs, (batchSize * (batchSize - 1)) / (EXAMPLES * (EXAMPLES - 1)));
  });

  it('have that size', () => expect(sizes.every((size) => size === batchSize)).toBe(true));
});
