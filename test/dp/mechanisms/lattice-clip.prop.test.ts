import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import {
  addToLattice,
  clipToLattice,
  type LatticeBall,
  latticeBall,
} from '../../../src/dp/mechanisms/index.ts';
import { productUp, sqrtUp } from '../../../src/dp/mechanisms/rounding.ts';
import { rationalOf } from '../../../src/dp/noise/rational.ts';

const coordinate = fc.oneof(
  fc.double({ min: -1e300, max: 1e300, noNaN: true }),
  fc.double({ min: -2, max: 2, noNaN: true }),
  fc.constantFrom(0, -0, 1, -1, Number.MIN_VALUE, Number.MAX_VALUE, 0.5, 1 / 3),
);

function clip(vector: readonly number[], ball: LatticeBall): { z: Float64Array; clipped: boolean } {
  const z = new Float64Array(vector.length);
  const clipped = clipToLattice(vector, ball, z);
  return { z, clipped };
}

const balls: readonly LatticeBall['norm'][] = ['l1', 'l2'];

describe.each(balls)('clipToLattice in %s', (norm) => {
  it('never leaves the ball, whatever comes in', () => {
    fc.assert(
      fc.property(
        fc.array(coordinate, { minLength: 1, maxLength: 40 }),
        fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
        fc.constantFrom(0, 3, 12, 24),
        (vector, bound, bits) => {
          const granularity = 2 ** (Math.floor(Math.log2(bound)) - bits);
          const ball = latticeBall(norm, bound, granularity);
          const { z } = clip(vector, ball);
          expect(z.every((value) => Number.isInteger(value) && !Object.is(value, -0))).toBe(true);
          const length = z.reduce((sum, value) => {
            const k = BigInt(value);
            return sum + (norm === 'l2' ? k * k : k < 0n ? -k : k);
          }, 0n);
          expect(length).toBeLessThanOrEqual(BigInt(ball.limit));
          // The limit itself is no more than the real ball: limit · granularity^(1 or 2) ≤ bound^(1 or 2).
          const [b, g] = [rationalOf(bound), rationalOf(granularity)];
          const power = norm === 'l2' ? 2n : 1n;
          expect(
            BigInt(ball.limit) * g.numerator ** power * b.denominator ** power,
          ).toBeLessThanOrEqual(b.numerator ** power * g.denominator ** power);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('holds at the bound, where rounding lengthens every coordinate at once', () => {
    for (const dimension of [2, 64, 1000]) {
      for (const bits of [4, 10, 16]) {
        const ball = latticeBall(norm, 1, 2 ** -bits);
        const share = norm === 'l2' ? 1 / Math.sqrt(dimension) : 1 / dimension;
        const { z, clipped } = clip(new Array<number>(dimension).fill(share), ball);
        const length = z.reduce((sum, k) => sum + (norm === 'l2' ? k * k : Math.abs(k)), 0);
        expect(length).toBeLessThanOrEqual(ball.limit);
        if (dimension === 2) expect(clipped).toBe(false);
      }
    }
  });

  it('keeps what is inside to half a step, and the direction of what is not', () => {
    const ball = latticeBall(norm, 1, 2 ** -20);
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -0.1, max: 0.1, noNaN: true }), { minLength: 2, maxLength: 9 }),
        fc.constantFrom(1, 1e30, 1e307),
        (vector, scale) => {
          const { z, clipped } = clip(
            vector.map((x) => x * scale),
            ball,
          );
          // Not by squares, which would vanish for tiny vectors.
          const size =
            norm === 'l2' ? Math.hypot(...vector) : vector.reduce((sum, x) => sum + Math.abs(x), 0);
          if (scale > 1 && size * scale < 1) return;
          expect(clipped).toBe(scale > 1);
          vector.forEach((x, i) => {
            const expected = scale === 1 ? x : x / size;
            expect(Math.abs((z[i] as number) * 2 ** -20 - expected)).toBeLessThanOrEqual(2 ** -20);
          });
        },
      ),
    );
  });

  it('adds to a sum exactly what it would write', () => {
    // From 64 coordinates on a margin is kept; at the bound about every other vector fails the first check.
    const vectors = fc.oneof(
      fc.array(coordinate, { minLength: 1, maxLength: 40 }),
      fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 60, maxLength: 90 }),
    );
    fc.assert(
      fc.property(vectors, fc.constantFrom(0, 3, 12, 24), fc.maxSafeNat(), (vector, bits, base) => {
        const ball = latticeBall(norm, 1, 2 ** -bits);
        const before = vector.map(
          (_, i) => Math.floor((base / (i + 1)) % 2 ** 45) * (1 - 2 * (i % 2)),
        );
        const sum = Float64Array.from(before);
        const clipped = addToLattice(vector, ball, sum);
        const written = clip(vector, ball);
        expect(clipped).toBe(written.clipped);
        expect([...sum]).toEqual(before.map((value, i) => value + (written.z[i] as number)));
      }),
      { numRuns: 2000 },
    );
  });

  it('adds nothing of what it refuses', () => {
    const ball = latticeBall(norm, 1, 2 ** -4);
    const sum = Float64Array.of(5, -7, 9);
    for (const vector of [[0.5, Number.NaN, 0], [0.5, 0, Number.NEGATIVE_INFINITY], [0.5]]) {
      expect(() => addToLattice(vector, ball, sum)).toThrow(
        expect.objectContaining({ code: 'dp/invalid-contribution' }),
      );
      expect([...sum]).toEqual([5, -7, 9]);
    }
  });

  it('takes little from long vectors of many coordinates that it clips', () => {
    const random = new SeededRandom('margin');
    const ball = latticeBall(norm, 1, 2 ** -16);
    const limit = norm === 'l2' ? Math.sqrt(ball.limit) : ball.limit;
    let cut = 0;
    for (let i = 0; i < 40; i++) {
      const vector = Array.from({ length: 2000 }, () => random.uniform() - 0.5);
      const { z, clipped } = clip(vector, ball);
      expect(clipped).toBe(true);
      const size = norm === 'l2' ? Math.hypot(...z) : z.reduce((sum, k) => sum + Math.abs(k), 0);
      // Cutting towards zero takes up to half a step off each of 2,000 coordinates.
      expect(size).toBeGreaterThan(limit * (norm === 'l2' ? 0.999 : 0.98));
      if (size < limit - 4) cut++;
    }
    // Aimed at the sphere itself, half of them would be cut.
    if (norm === 'l2') expect(cut).toBeLessThan(10);
  });

  it.each([[[Number.NaN, 0]], [[0, Number.POSITIVE_INFINITY]], [[1]], [[undefined, 1]]])(
    'refuses %j',
    (vector) => {
      const ball = latticeBall(norm, 1, 2 ** -4);
      expect(() => clipToLattice(vector as number[], ball, new Float64Array(2))).toThrow(
        expect.objectContaining({ code: 'dp/invalid-contribution' }),
      );
    },
  );
});

describe('rounding up', () => {
  it('is never under the exact value, and a step over it at most', () => {
    const factor = fc.double({ min: 1e-100, max: 1e100, noNaN: true });
    fc.assert(
      fc.property(factor, factor, fc.maxSafeNat(), (a, b, n) => {
        const [x, y, z] = [a, b, productUp(a, b)].map(rationalOf);
        if (x === undefined || y === undefined || z === undefined) throw new Error('no rationals');
        expect(z.numerator * x.denominator * y.denominator).toBeGreaterThanOrEqual(
          x.numerator * y.numerator * z.denominator,
        );
        expect(productUp(a, b)).toBeLessThanOrEqual(a * b * (1 + 2 ** -51));
        if (n === 0) return;
        const root = rationalOf(sqrtUp(n));
        expect(root.numerator ** 2n).toBeGreaterThanOrEqual(BigInt(n) * root.denominator ** 2n);
        expect(sqrtUp(n)).toBeLessThanOrEqual(Math.sqrt(n) * (1 + 2 ** -51));
      }),
      { numRuns: 2000 },
    );
    expect([productUp(3, 0.5), sqrtUp(49), sqrtUp(0)]).toEqual([1.5, 7, 0]);
  });
});
