import { expect, it } from 'vitest';
import { squaredNorm } from '../../src/tfjs/squared-norm.ts';

it('hears small numbers behind a large one, however many there are', () => {
  const values = new Float32Array(2 ** 22).fill(2 ** -27);
  values[0] = 1;
  // Added one after the other, every one of the small squares would be lost.
  const small = (2 ** 22 - 1) * 2 ** -54;
  expect(Math.abs(squaredNorm(values) - 1 - small)).toBeLessThan(2 ** -42);
  expect(squaredNorm(values.subarray(0, 1_500)) - 1).toBeGreaterThan(0);
  expect(squaredNorm(Float32Array.of(3, 4))).toBe(25);
  expect(squaredNorm(new Float32Array(0))).toBe(0);
});
