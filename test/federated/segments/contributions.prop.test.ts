import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { l2Norm } from '../../../src/core/linear-algebra.ts';
import {
  type CellQuestion,
  cellContribution,
  cellDimension,
  cellNorm,
  readCellSums,
} from '../../../src/federated/segments/cell-sums.ts';
import {
  MOMENT_NORM,
  momentContribution,
  momentDimension,
} from '../../../src/federated/segments/crowd-moments.ts';
import { exactEncoder } from '../../../src/federated/segments/exact-encoder.ts';
import { nearestCentre, toUnitBall } from '../../../src/federated/segments/segment-space.ts';

const wild = fc.oneof(
  fc.double({ min: -1e100, max: 1e100, noNaN: true }),
  fc.double({ min: -2, max: 2, noNaN: true }),
  fc.constantFrom(0, -0, 1, Number.MIN_VALUE, 1e-160),
);
const SLACK = 1 + 1e-12;

describe('what one client sends', () => {
  it('has moments within their bound, wherever it is', () => {
    fc.assert(
      fc.property(
        fc.array(wild, { minLength: 1, maxLength: 40 }),
        fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
        (point, radius) => {
          const place = toUnitBall(point, { radius });
          expect(l2Norm(place)).toBeLessThanOrEqual(SLACK);
          const vector = momentContribution(place, point.length);
          expect(vector).toHaveLength(momentDimension(point.length));
          expect(l2Norm(vector)).toBeLessThanOrEqual(MOMENT_NORM * SLACK);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('tells of one cell, within the bound, and reads back', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }).chain((features) =>
          fc.record({
            features: fc.constant(features),
            point: fc.array(wild, { minLength: features, maxLength: features }),
            centres: fc.array(fc.array(wild, { minLength: features, maxLength: features }), {
              minLength: 1,
              maxLength: 5,
            }),
            reach: fc.double({ min: 1e-4, max: 2, noNaN: true }),
            energyWeight: fc.constantFrom(0, 0.25),
          }),
        ),
        ({ features, point, centres, reach, energyWeight }) => {
          const question: CellQuestion = {
            centres: Float64Array.from(
              centres.flatMap((centre) => [...toUnitBall(centre, { radius: 1 })]),
            ),
            features,
            reach,
            countWeight: 0.75,
            energyWeight,
          };
          const place = toUnitBall(point, { radius: 1 });
          const vector = cellContribution(place, question);
          expect(vector).toHaveLength(cellDimension(question));
          expect(l2Norm(vector)).toBeLessThanOrEqual(cellNorm(question) * SLACK);
          const sums = readCellSums(vector, 0, question);
          const { index, squaredDistance } = nearestCentre(place, 0, question.centres, features);
          expect([...sums.counts]).toEqual(centres.map((_, cell) => (cell === index ? 1 : 0)));
          const way = sums.ways.slice(index * features, (index + 1) * features);
          expect(l2Norm(way)).toBeCloseTo(Math.min(reach, Math.sqrt(squaredDistance)), 9);
          if (energyWeight > 0) {
            expect(sums.energies[index]).toBeCloseTo(Math.min(reach ** 2, squaredDistance), 9);
          }
          // Rounding to the lattice has room: what is within the bound is never scaled down.
          const encoder = exactEncoder(vector.length, cellNorm(question));
          const { vector: integers, clipped } = encoder.encode(vector);
          expect(clipped).toBe(false);
          const block = vector.length / centres.length;
          expect(integers[index * block + features]).toBe(0.75 * 2 ** 15);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is nothing without data', () => {
    const question: CellQuestion = {
      centres: Float64Array.of(0, 0),
      features: 2,
      reach: 1,
      countWeight: 1,
      energyWeight: 1,
    };
    expect(cellContribution(null, question).every((value) => value === 0)).toBe(true);
    expect(momentContribution(null, 3).every((value) => value === 0)).toBe(true);
  });

  it('refuses a norm for which the lattice has no room', () => {
    for (const norm of [0, -1, NaN, 1001]) expect(() => exactEncoder(2, norm)).toThrow('norm');
  });
});
