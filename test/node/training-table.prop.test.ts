import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTrainingBounds } from '../../src/node/bounds-file.ts';
import { buildTrainingTable } from '../../src/node/training-table.ts';

const MAPS = [
  { min: 0, max: 50, map: 'share' },
  { min: 0, max: 50, map: 'smoothed-share' },
  { min: 0, max: 50, map: 'sqrt-share' },
  { min: 0, max: 50, map: 'log1p', weight: 3 },
  { min: 1, max: 50, map: 'sqrt' },
  { min: -10, max: 50, map: 'identity', weight: 900 },
  { min: -10, max: 50, map: 'linear' },
  { min: 0, max: 50, map: 'indicator' },
  { map: 'one-hot', edges: [1, 7, 20] },
] as const;

const bounds = fc
  .tuple(
    fc.array(fc.constantFrom(...MAPS), { minLength: 4, maxLength: 4 }),
    fc.constantFrom('auto', 'unit', 'clip'),
  )
  .map(([maps, norm]) =>
    parseTrainingBounds({ features: Object.fromEntries(maps.map((m, i) => [`f${i}`, m])), norm }),
  );
const count = fc.oneof(fc.nat(100), fc.double({ min: 0, max: 1e300, noNaN: true }));
const row = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), count, count, count, count, fc.nat(1));
const rows = fc.array(row, { minLength: 1, maxLength: 12 });

const COLUMNS = { user: 'user', features: 'f*', labels: 'tag' };

function build(
  cells: readonly (readonly (string | number)[])[],
  by: ReturnType<typeof parseTrainingBounds>,
): ReturnType<typeof buildTrainingTable> {
  return buildTrainingTable(
    {
      file: 't.csv',
      header: ['user', 'f0', 'f1', 'f2', 'f3', 'tag'],
      rows: cells.map((one) => one.map(String)),
      lines: Uint32Array.from(cells, (_, i) => i + 2),
    },
    COLUMNS,
    by,
  );
}

/** Features and labels of one user. */
function ofUser(built: ReturnType<typeof buildTrainingTable>, user: string): number[] {
  const at = built.table.users.indexOf(user);
  const width = built.features.length;
  return [
    ...built.table.phi.subarray(at * width, (at + 1) * width),
    built.table.labels[at] as number,
  ];
}

describe('features of a table', () => {
  it('are finite and of norm at most 1 but for rounding, whatever the counts', () => {
    fc.assert(
      fc.property(rows, bounds, (cells, by) => {
        const built = build(cells, by);
        for (const user of built.table.users) {
          const features = ofUser(built, user).slice(0, -1);
          expect(features.every(Number.isFinite)).toBe(true);
          expect(Math.hypot(...features)).toBeLessThanOrEqual(1 + 1e-6);
        }
      }),
    );
  });

  it('of one person depend on nobody else', () => {
    fc.assert(
      fc.property(rows, bounds, (cells, by) => {
        const whole = build(cells, by);
        for (const user of whole.table.users) {
          const alone = build(
            cells.filter(([owner]) => owner === user),
            by,
          );
          expect(ofUser(alone, user)).toEqual(ofUser(whole, user));
        }
      }),
    );
  });
});
