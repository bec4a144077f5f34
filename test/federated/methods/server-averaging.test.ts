import { describe, expect, it } from 'vitest';
import type { AverageState, WeightAveraging } from '../../../src/federated/index.ts';
import { addIterate, checkAveraging } from '../../../src/federated/methods/server-averaging.ts';

/** Average of the iterates 1, 2, …, 8, or null when none entered. */
function average(averaging: WeightAveraging): number | null {
  const state: AverageState = { weight: 0, sum: new Float64Array(1) };
  for (let round = 1; round <= 8; round++) addIterate(averaging, state, [round], round, 8);
  return state.weight === 0 ? null : (state.sum[0] as number) / state.weight;
}

describe('weight averaging', () => {
  it('takes the last, the tail, or all with falling weights', () => {
    expect(average({ kind: 'last' })).toBe(8);
    expect(average({ kind: 'tail', share: 0.5 })).toBe((5 + 6 + 7 + 8) / 4);
    expect(average({ kind: 'tail', share: 1 })).toBe(4.5);
    expect(average({ kind: 'tail', share: 0 })).toBe(null);
    expect(average({ kind: 'exponential', decay: 0 })).toBe(8);
    // Σ k·½^(8−k) / Σ ½^(8−k), by hand
    expect(average({ kind: 'exponential', decay: 0.5 })).toBeCloseTo(1793 / 255, 12);
  });

  it.each<WeightAveraging>([
    { kind: 'tail', share: 1.1 },
    { kind: 'tail', share: Number.NaN },
    { kind: 'exponential', decay: 1 },
  ])('refuses %j', (averaging) => {
    expect(() => checkAveraging(averaging)).toThrow(RangeError);
  });
});
