import { describe, expect, it } from 'vitest';
import { HE_PRESETS, scoreErrorBound, scoreNoiseStddev } from '../../src/he/index.ts';
import { codeOf } from './fixtures.ts';

/** A full block of items of integer norm 127. */
const FULL = { blockSquaredNorm: 2048 * 127 ** 2, itemL1Norm: 127 * 8, scores: 1e6 };

describe('score error bound', () => {
  it('is the formula of the proof note, worked by hand', () => {
    // tail = sqrt(21 · 2048 · 127² · ln(2·10⁶·2⁴⁰)) = sqrt(21 · 33032192 · 42.23454) = 171163.9,
    // encoding = 508.5, and (171163.9 + 508.5) · 786433 / 268369921 + 1/2 = 503.57.
    expect(scoreErrorBound(HE_PRESETS.default, FULL)).toBe(503);
  });

  it('is zero for the exact preset at the largest norms of 64 features', () => {
    const norms = { blockSquaredNorm: 2048 * 64 * 127 ** 2, itemL1Norm: 64 * 127, scores: 1e7 };
    expect(scoreErrorBound(HE_PRESETS.exact, norms)).toBe(0);
    expect(scoreErrorBound(HE_PRESETS.default, norms)).toBeGreaterThan(0);
  });

  it('grows with norms, scores and certainty, and doubles with half the prime', () => {
    const base = scoreErrorBound(HE_PRESETS.default, FULL);
    expect(
      scoreErrorBound(HE_PRESETS.default, { ...FULL, blockSquaredNorm: 4 * FULL.blockSquaredNorm }),
    ).toBeGreaterThan(1.9 * base);
    expect(scoreErrorBound(HE_PRESETS.default, { ...FULL, itemL1Norm: 1e6 })).toBeGreaterThan(base);
    expect(scoreErrorBound(HE_PRESETS.default, { ...FULL, scores: 1e7 })).toBeGreaterThan(base);
    expect(scoreErrorBound(HE_PRESETS.default, FULL, 2 ** -80)).toBeGreaterThan(base);
    expect(scoreErrorBound(HE_PRESETS.fast, FULL) / base).toBeCloseTo(2, 1);
  });

  it('lies many deviations of the noise out', () => {
    const deviations =
      scoreErrorBound(HE_PRESETS.default, FULL) /
      scoreNoiseStddev(HE_PRESETS.default, FULL.blockSquaredNorm);
    expect(deviations).toBeGreaterThan(9);
    expect(deviations).toBeLessThan(9.5);
  });

  it('refuses impossible failure probabilities', () => {
    for (const probability of [0, 1, -1, Number.NaN]) {
      expect(codeOf(() => scoreErrorBound(HE_PRESETS.default, FULL, probability))).toBe(
        'RangeError',
      );
    }
  });
});
