import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import {
  type ChoicePrecision,
  chooseWeighted,
} from '../../../src/dp/mechanisms/weighted-choice.ts';
import { rationalOf } from '../../../src/dp/noise/rational.ts';
import { expectCounts } from './chi-square.ts';

const SAMPLES = 20_000;

function draw(
  costs: readonly number[],
  sizes: readonly number[],
  rate: number,
  precision?: ChoicePrecision,
  samples = SAMPLES,
): Float64Array {
  const random = new SeededRandom(`weighted ${costs.length} ${precision?.totalBits}`);
  const groups = { costs: Float64Array.from(costs), sizes: Float64Array.from(sizes) };
  const counts = new Float64Array(costs.length);
  for (let i = 0; i < samples; i++) {
    const chosen = chooseWeighted(groups, rationalOf(rate), random, precision);
    counts[chosen] = (counts[chosen] as number) + 1;
  }
  return counts;
}

// False-alarm rate of each case under 1e-6 over seeds; the seed is fixed.
describe('chooseWeighted', () => {
  const costs = [0, 1, 5, 2, 0, 9, 3, 40];
  const sizes = [1, 3, 100, 1, 2, 1e4, 7, 1e12];
  const weights = costs.map((cost, i) => (sizes[i] as number) * Math.exp(-0.7 * cost));

  it('follows its weights', () => {
    expectCounts(draw(costs, sizes, 0.7), weights);
  });

  it.each([
    { relativeError: 0.3, totalBits: 50 },
    { relativeError: 0.9, totalBits: 12 },
    { relativeError: 0.01, totalBits: 4 },
    { relativeError: 2 ** -40, totalBits: 2 },
    { relativeError: 0.5, totalBits: -1 },
  ])('follows them where integers decide (%j)', (precision) => {
    expectCounts(draw(costs, sizes, 0.7, precision, 4000), weights);
  });

  it('copes with sizes that sum to 2^53 and rates past the doubles', () => {
    const counts = draw([0, 0, 3], [2 ** 52, 2 ** 51, 2 ** 51], 1e-300, undefined, 3000);
    expectCounts(counts, [2, 1, 1]);
    expect(draw([0, 1, 2 ** 53], [1, 1000, 2 ** 40], 1e300, undefined, 50)[0]).toBe(50);
  });

  it('takes the only group there is', () => {
    expect(draw([0], [1], 1, undefined, 3)[0]).toBe(3);
  });

  it('gives a group beyond the floats its chance', () => {
    // e^(−90)·2^52 against 1: some 2^−78; beyond EXP_FLOAT_LIMIT integers decide alone.
    const far = draw([0, 81], [1, 2 ** 52], 0.5, undefined, 20_000);
    expectCounts(far, [1, 2 ** 52 * Math.exp(-40.5)]);
    const farther = draw([0, 35], [1, 2 ** 50], 1, undefined, 5000);
    expectCounts(farther, [1, 2 ** 50 * Math.exp(-35)]);
  });
});
