import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AccountTable, keyWords } from '../../../src/dp/budget/account-table.ts';

/** Few different first words, so that runs of slots are long, collide and wrap around the end. */
const key = fc.tuple(
  fc.constantFrom(0, 1, 2, 126, 127, 128, 255, 0xffff_ffff),
  fc.nat(9),
  fc.nat(1),
  fc.nat(1),
);
type Key = readonly [number, number, number, number];

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('intern' as const), key }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('rekey' as const), key, at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('truncate' as const), by: fc.nat(20) }) },
);

/** The same table as a Map and an array. */
class Reference {
  readonly handles = new Map<string, number>();
  readonly keys: Key[] = [];

  intern(k: Key): number {
    const known = this.handles.get(k.join());
    if (known !== undefined) return known;
    this.handles.set(k.join(), this.keys.length);
    return this.keys.push(k) - 1;
  }

  rekey(handle: number, k: Key): void {
    this.handles.delete((this.keys[handle] as Key).join());
    this.handles.set(k.join(), handle);
    this.keys[handle] = k;
  }

  truncate(size: number): void {
    for (const k of this.keys.splice(size)) this.handles.delete(k.join());
  }
}

describe('AccountTable', () => {
  it('agrees with a Map through growth, new keys and forgetting', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), fc.nat(70), (steps, capacity) => {
        const table = new AccountTable(capacity);
        const reference = new Reference();
        for (const s of steps) {
          if (s.kind === 'intern') {
            const words = Uint32Array.of(9, 9, 9, 9, ...s.key);
            expect(table.intern(words, 1)).toBe(reference.intern(s.key));
          } else if (s.kind === 'truncate') {
            const size = Math.max(0, reference.keys.length - s.by);
            table.truncate(size);
            reference.truncate(size);
          } else if (reference.keys.length > 0) {
            const handle = s.at % reference.keys.length;
            const holder = reference.handles.get(s.key.join());
            const rekey = (): void => table.rekey(handle, Uint32Array.from(s.key), 0);
            if (holder !== undefined && holder !== handle) {
              expect(rekey).toThrow(RangeError);
            } else {
              rekey();
              reference.rekey(handle, s.key);
            }
          }
          expect(table.size).toBe(reference.keys.length);
        }
        const everyKey = steps.flatMap((s) => ('key' in s ? [s.key] : []));
        const found = everyKey.map((k) => table.find(Uint32Array.from(k), 0));
        expect(found).toEqual(everyKey.map((k) => reference.handles.get(k.join()) ?? -1));
        const kept = reference.keys.map((_, handle) => [...table.keyAt(handle)]);
        expect(kept).toEqual(reference.keys);
      }),
      { numRuns: 400 },
    );
  });

  it('grows to many accounts and can be made large at once', () => {
    const words = Uint32Array.from({ length: 4 * 5000 }, (_, i) => Math.imul(i, 0x9e37_79b1));
    for (const table of [new AccountTable(), new AccountTable(5000)]) {
      for (let i = 0; i < 5000; i++) expect(table.intern(words, i)).toBe(i);
      for (let i = 0; i < 5000; i++) expect(table.find(words, i)).toBe(i);
      expect(keyWords(table.keyBytes(4990, 5000))).toEqual(words.slice(4 * 4990));
    }
  });

  it('hands out copies', () => {
    const table = new AccountTable();
    const words = Uint32Array.of(1, 2, 3, 4);
    table.intern(words, 0);
    table.keyAt(0).fill(9);
    table.keyBytes(0, 1).fill(9);
    words.fill(9);
    expect(table.find(Uint32Array.of(1, 2, 3, 4), 0)).toBe(0);
  });

  it('refuses handles that do not exist', () => {
    const table = new AccountTable();
    table.intern(Uint32Array.of(1, 2, 3, 4), 0);
    for (const handle of [-1, 1, 0.5, Number.NaN]) {
      expect(() => table.keyAt(handle)).toThrow(RangeError);
      expect(() => table.rekey(handle, Uint32Array.of(5, 6, 7, 8), 0)).toThrow(RangeError);
    }
  });
});

describe('keyWords', () => {
  it('reads bytes at any offset', () => {
    const bytes = Uint8Array.from({ length: 33 }, (_, i) => i);
    const aligned = bytes.slice(1);
    expect(keyWords(bytes.subarray(1))).toEqual(keyWords(aligned));
    expect(keyWords(aligned)).toHaveLength(8);
    expect(keyWords(Buffer.from(bytes.buffer, 1))).toEqual(keyWords(aligned));
  });
});
