import { describe, expect, it } from 'vitest';
import { quantiseItems, quantiseProfile } from '../../src/he/index.ts';
import { codeOf, unitVectors } from './fixtures.ts';

describe('quantising items', () => {
  it('makes the largest coefficient 127 and rounds the rest', () => {
    const { integers, scale } = quantiseItems(Float32Array.of(0.5, -0.25, 0, 0.126), 2, 1);
    expect(scale).toBe(254);
    expect(integers).toEqual(Int8Array.of(127, -63, 0, 32));
  });

  it('reports its error, at most half a step', () => {
    const items = unitVectors('quantise', 500, 16);
    const { integers, scale, error } = quantiseItems(items, 16, 1);
    let max = 0;
    let squares = 0;
    items.forEach((value, i) => {
      const difference = Math.abs(value - (integers[i] as number) / scale);
      max = Math.max(max, difference);
      squares += difference ** 2;
    });
    expect(error.max).toBe(max);
    expect(error.rms).toBeCloseTo(Math.sqrt(squares / items.length), 15);
    expect(error.max).toBeLessThanOrEqual(0.5 / scale + 1e-12);
    expect(error.rms).toBeGreaterThan(0.2 / scale);
  });

  it('accepts norms that pass the bound by single-precision rounding only', () => {
    const third = Math.fround(Math.sqrt(1 / 3));
    expect(() => quantiseItems(Float32Array.of(third, third, third), 3, 1)).not.toThrow();
    expect(codeOf(() => quantiseItems(Float32Array.of(1, 0.01), 2, 1))).toBe(
      'he/value-out-of-range',
    );
  });

  it.each([
    ['NaN', [0.1, Number.NaN]],
    ['infinity', [0.1, Number.POSITIVE_INFINITY]],
    ['minus infinity', [Number.NEGATIVE_INFINITY, 0.1]],
    ['a norm above the bound', [0.8, 0.8]],
    ['a norm that overflows', [3e38, 3e38]],
    ['nothing but zeros', [0, 0]],
  ])('refuses %s', (_, row) => {
    expect(codeOf(() => quantiseItems(Float32Array.from(row), 2, 1))).toBe('he/value-out-of-range');
  });

  it('names the item that is too long', () => {
    const items = Float32Array.of(0.1, 0.1, 0.9, 0.9);
    expect(() => quantiseItems(items, 2, 1)).toThrow(
      'item 1 is not finite or above the norm bound 1',
    );
  });
});

describe('quantising a profile', () => {
  it('rounds by the public scale', () => {
    expect(quantiseProfile(Float32Array.of(0.5, -0.251, 0), 100, 1)).toEqual(
      Int32Array.of(50, -25, 0),
    );
  });

  it.each([[[Number.NaN, 0]], [[Number.POSITIVE_INFINITY, 0]], [[1, 1]]])(
    'refuses %s',
    (profile) => {
      expect(codeOf(() => quantiseProfile(Float32Array.from(profile), 100, 1))).toBe(
        'he/value-out-of-range',
      );
    },
  );

  it('keeps the values of a person out of its error', () => {
    try {
      quantiseProfile(Float32Array.of(0.123, 77.25), 100, 1);
      expect.unreachable();
    } catch (error) {
      expect(`${error} ${JSON.stringify(error)}`).not.toMatch(/0\.123|77/);
    }
  });
});
