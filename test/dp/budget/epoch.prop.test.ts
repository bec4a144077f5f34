import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calendar, EPOCH_LENGTHS } from '../../../src/dp/budget/epoch.ts';

const FIRST = Date.parse('0001-01-01T00:00Z');
/** The week after it reaches into a year of five digits. */
const LAST = Date.parse('9999-12-26T23:59:59.999Z');
const time = fc.oneof(
  fc.integer({ min: FIRST, max: LAST }),
  fc.integer({ min: Date.parse('1999-12-01T00:00Z'), max: Date.parse('2031-02-01T00:00Z') }),
);

describe.each(EPOCH_LENGTHS)('calendar of %s', (length) => {
  const epochs = calendar(length);

  it('puts every moment into exactly one epoch', () => {
    fc.assert(
      fc.property(time, (moment) => {
        const name = epochs.nameAt(moment);
        const start = epochs.start(name) as number;
        const end = epochs.end(name) as number;
        expect(start).toBeLessThanOrEqual(moment);
        expect(end).toBeGreaterThan(moment);
        expect(epochs.nameAt(start)).toBe(name);
        expect(epochs.nameAt(end - 1)).toBe(name);
        if (end <= LAST) expect(epochs.start(epochs.nameAt(end))).toBe(end);
      }),
    );
  });

  it('names epochs in an order that sorts like time', () => {
    fc.assert(
      fc.property(time, time, (a, b) => {
        const [x, y] = [epochs.nameAt(Math.min(a, b)), epochs.nameAt(Math.max(a, b))];
        expect(x <= y).toBe(true);
      }),
    );
  });

  it('leaves no gap in a stretch', () => {
    const span = fc.integer({ min: 0, max: 400 * 86_400_000 });
    fc.assert(
      fc.property(time, span, (from, length) => {
        const to = Math.min(from + length, LAST);
        const names = epochs.between(from, to);
        expect(names[0]).toBe(epochs.nameAt(from));
        expect(names.at(-1)).toBe(epochs.nameAt(to));
        for (let i = 1; i < names.length; i++) {
          expect(epochs.start(names[i] as string)).toBe(epochs.end(names[i - 1] as string));
        }
      }),
    );
  });
});
