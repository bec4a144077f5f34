import { describe, expect, it } from 'vitest';
import { erf, erfc, erfcx } from '../../../src/core/special/erf.ts';
import { lgamma } from '../../../src/core/special/gamma.ts';
import { logAddExp, logSubExp } from '../../../src/core/special/log-space.ts';
import { logNormalCdf, normalCdf, normalQuantile } from '../../../src/core/special/normal.ts';
import { findRoot, lastHolding } from '../../../src/core/special/roots.ts';
import { nextDown, nextUp } from '../../../src/core/special/ulp.ts';

describe('limits of the special functions', () => {
  it('reaches the ends without NaN', () => {
    expect(erf(Number.POSITIVE_INFINITY)).toBe(1);
    expect(erf(Number.NEGATIVE_INFINITY)).toBe(-1);
    expect(erfc(40)).toBe(0);
    expect(erfc(-40)).toBe(2);
    expect(erfcx(-40)).toBe(Number.POSITIVE_INFINITY);
    expect(erfcx(1e200) * 1e200).toBeCloseTo(1 / Math.sqrt(Math.PI), 14);
    expect(normalCdf(-50)).toBe(0);
    expect(normalCdf(50)).toBe(1);
    expect(logNormalCdf(-1e6) / -5e11).toBeCloseTo(1, 9);
    expect(-logNormalCdf(50)).toBe(0);
    expect(normalQuantile(0)).toBe(Number.NEGATIVE_INFINITY);
    expect(normalQuantile(1)).toBe(Number.POSITIVE_INFINITY);
    expect(normalQuantile(0.5)).toBe(0);
    expect(lgamma(1)).toBe(0);
    expect(lgamma(2)).toBe(0);
    expect(lgamma(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
  });

  it('refuses what has no answer', () => {
    expect(() => lgamma(0)).toThrow(RangeError);
    expect(() => lgamma(Number.NaN)).toThrow(RangeError);
    expect(() => normalQuantile(-1e-9)).toThrow(RangeError);
    expect(() => normalQuantile(Number.NaN)).toThrow(RangeError);
    expect(() => logSubExp(1, 2)).toThrow(RangeError);
  });
});

describe('sums and differences of logarithms', () => {
  it('neither overflows nor loses the small part', () => {
    expect(logAddExp(1000, 1000)).toBeCloseTo(1000 + Math.LN2, 12);
    expect(logAddExp(0, -50)).toBe(Math.exp(-50));
    expect(logAddExp(Number.NEGATIVE_INFINITY, 3)).toBe(3);
    expect(logAddExp(Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY)).toBe(
      Number.NEGATIVE_INFINITY,
    );
    expect(logSubExp(-1000, -1000)).toBe(Number.NEGATIVE_INFINITY);
    expect(logSubExp(Math.log(3), Math.log(2))).toBeCloseTo(0, 14);
    expect(logSubExp(5, Number.NEGATIVE_INFINITY)).toBe(5);
  });
});

describe('findRoot', () => {
  it('finds roots of smooth, flat and steep functions to the last digits', () => {
    expect(findRoot((x) => x * x - 2, 0, 2)).toBeCloseTo(Math.SQRT2, 15);
    expect(findRoot((x) => x ** 9, -1, 1.3)).toBeCloseTo(0, 1);
    expect(findRoot((x) => Math.exp(x) - 1e-200, -1000, 0)).toBeCloseTo(Math.log(1e-200), 9);
    expect(findRoot((x) => Math.cos(x) - x, 0, 1)).toBeCloseTo(0.7390851332151607, 15);
    expect(findRoot((x) => x - 3, 3, 7)).toBe(3);
  });

  it('stops at the tolerance', () => {
    let calls = 0;
    const root = findRoot(
      (x) => {
        calls++;
        return Math.tanh(x - 0.3);
      },
      -10,
      10,
      { tolerance: 1e-3 },
    );
    expect(Math.abs(root - 0.3)).toBeLessThan(1e-3);
    expect(calls).toBeLessThan(25);
  });

  it('needs a change of sign', () => {
    expect(() => findRoot((x) => x * x + 1, -1, 1)).toThrow(RangeError);
    expect(() => findRoot(() => Number.NaN, -1, 1)).toThrow(RangeError);
  });
});

describe('lastHolding', () => {
  it('returns the last double at which the condition held, from either side', () => {
    const up = lastHolding((x) => x * x <= 2, 0, 2);
    expect(up * up).toBeLessThanOrEqual(2);
    expect(nextUp(up) ** 2).toBeGreaterThan(2);
    const down = lastHolding((x) => x * x >= 2, 2, 0);
    expect(down * down).toBeGreaterThanOrEqual(2);
    expect(nextDown(down) ** 2).toBeLessThan(2);
  });
});

describe('neighbouring doubles', () => {
  it('steps by one unit in the last place', () => {
    expect(nextUp(1)).toBe(1 + Number.EPSILON);
    expect(nextDown(1)).toBe(1 - Number.EPSILON / 2);
    expect(nextUp(0)).toBe(Number.MIN_VALUE);
    expect(nextDown(0)).toBe(-Number.MIN_VALUE);
    expect(nextUp(-1)).toBe(-1 + Number.EPSILON / 2);
    expect(nextUp(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
    expect(nextUp(Number.MAX_VALUE)).toBe(Number.POSITIVE_INFINITY);
  });
});
