import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Segment } from '../../../src/core/kernels/segment.ts';
import { TRAINING_WASM } from '../../../src/core/kernels/training-wasm.ts';

const module = new WebAssembly.Module(
  Uint8Array.from(atob(TRAINING_WASM), (character) => character.charCodeAt(0)),
);

describe('Segment', () => {
  it('never gives a byte to two, and is whole again when all is released', () => {
    const step = fc.oneof(
      fc.record({ reserve: fc.integer({ min: 1, max: 20_000 }) }),
      fc.record({ release: fc.nat() }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const segment = new Segment(module, 2);
        const held: { start: number; end: number }[] = [];
        const lowest = segment.kernels.arenaStart();
        for (const action of steps) {
          if ('reserve' in action) {
            const start = segment.reserve(action.reserve);
            if (start === 0) continue;
            const range = { start, end: start + action.reserve };
            expect(start % 64).toBe(0);
            expect(start).toBeGreaterThanOrEqual(lowest);
            expect(range.end).toBeLessThanOrEqual(segment.buffer.byteLength - 16);
            for (const other of held) {
              expect(range.end <= other.start || other.end <= range.start).toBe(true);
            }
            held.push(range);
          } else if (held.length > 0) {
            const [range] = held.splice(action.release % held.length, 1);
            segment.release((range as { start: number }).start);
          }
        }
        for (const { start } of held) segment.release(start);
        const whole = segment.buffer.byteLength - lowest - 64;
        expect(segment.reserve(whole)).not.toBe(0);
        expect(segment.reserve(1)).toBe(0);
      }),
    );
  });

  it('refuses to take back what it did not give', () => {
    const segment = new Segment(module, 2);
    const address = segment.reserve(10);
    segment.release(address);
    expect(() => segment.release(address)).toThrow(RangeError);
  });
});
