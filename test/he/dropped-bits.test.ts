import { describe, expect, it } from 'vitest';
import {
  type DroppedBits,
  droppedBits,
  firstDropError,
  NOTHING_DROPPED,
  secondDropProxy,
} from '../../src/he/dropped-bits.ts';
import { FRESH_NOISE_VARIANCE, HE_PRESETS, scoreErrorBound } from '../../src/he/index.ts';

const { default: parameters, exact } = HE_PRESETS;

/** What the bits add, as shares of the noise's standard deviation. */
function shares(variance: number, dropped: DroppedBits): [number, number] {
  const second = Math.sqrt(secondDropProxy(parameters, dropped) / variance);
  return [firstDropError(dropped) / Math.sqrt(variance), second];
}

describe('bits that a reply leaves out', () => {
  it.each([1e4, 3.7e7, 1.4e9, 5e11])(
    'are as many as an eighth of the noise hides (variance %d)',
    (variance) => {
      const dropped = droppedBits(parameters, variance);
      for (const share of shares(variance, dropped)) expect(share).toBeLessThanOrEqual(1 / 8);
      const [first, second] = shares(variance, [dropped[0] + 1, dropped[1] + 1]);
      expect(Math.min(first, second)).toBeGreaterThan(1 / 8);
    },
  );

  it('are none where there is no noise to hide them, and none of several primes', () => {
    expect(droppedBits(parameters, 1)).toEqual(NOTHING_DROPPED);
    expect(droppedBits(exact, 1e9)).toEqual(NOTHING_DROPPED);
  });

  it('change a number by half of what they can hold', () => {
    expect([0, 1, 2, 12].map((bits) => firstDropError([bits, 0]))).toEqual([0, 1, 2, 2048]);
    expect(secondDropProxy(parameters, [0, 0])).toBe(0);
    // 2/3 per coefficient of the key, times 2,048 of them, times the square of 64.
    expect(secondDropProxy(parameters, [0, 7])).toBeCloseTo((2 / 3) * 2048 * 64 ** 2, 3);
  });

  // The sum of the changes times a ternary key, for the worst changes: all of them as large as can be.
  it('have the variance that the proof states', () => {
    const terms = 2048;
    let squares = 0;
    const keys = 4000;
    let state = 1;
    for (let key = 0; key < keys; key++) {
      let sum = 0;
      for (let j = 0; j < terms; j++) {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        sum += 64 * (((state >>> 8) % 3) - 1);
      }
      squares += sum * sum;
    }
    const ratio = squares / keys / secondDropProxy(parameters, [0, 7]);
    expect(ratio).toBeGreaterThan(0.9);
    expect(ratio).toBeLessThan(1.1);
  });

  it('widen the stated bound, by little', () => {
    const norms = { blockSquaredNorm: 2047 * 254 ** 2, itemL1Norm: 1600, scores: 1e6 };
    const dropped = droppedBits(parameters, FRESH_NOISE_VARIANCE * norms.blockSquaredNorm);
    const before = scoreErrorBound(parameters, norms);
    const after = scoreErrorBound(parameters, { ...norms, dropped });
    expect(after).toBeGreaterThan(before);
    expect(after).toBeLessThan(1.03 * before);
  });
});
