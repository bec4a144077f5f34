import { expect } from 'vitest';

/** Two-sided normal quantile of 1e-7: the false-alarm rate of each chi-square here is under 1e-6. */
const NORMAL_QUANTILE = 5.33;

/** Expects counts to follow the weights; bins that expect under 20 are put together. */
export function expectCounts(counts: ArrayLike<number>, weights: ArrayLike<number>): void {
  const samples = Array.from(counts).reduce((sum, count) => sum + count, 0);
  const total = Array.from(weights).reduce((sum, weight) => sum + weight, 0);
  let statistic = 0;
  let freedom = -1;
  const rest = { count: 0, expected: 0 };
  const close = (count: number, expected: number): void => {
    statistic += (count - expected) ** 2 / expected;
    freedom++;
  };
  for (let i = 0; i < weights.length; i++) {
    const expected = ((weights[i] as number) / total) * samples;
    if (expected >= 20) close(counts[i] as number, expected);
    else {
      rest.count += counts[i] as number;
      rest.expected += expected;
    }
  }
  if (rest.expected >= 20) close(rest.count, rest.expected);
  // Chernoff: so few are expected that so many never come.
  else expect(rest.count).toBeLessThan(rest.expected + 8 * Math.sqrt(rest.expected) + 16);
  expect(freedom).toBeGreaterThan(0);
  // Wilson and Hilferty (1931).
  const spread = 2 / (9 * freedom);
  expect(statistic).toBeLessThan(freedom * (1 - spread + NORMAL_QUANTILE * Math.sqrt(spread)) ** 3);
}
