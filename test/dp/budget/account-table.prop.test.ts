import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AccountKeys } from '../../../src/dp/budget/account-key.ts';
import { AccountTable, keyWords } from '../../../src/dp/budget/account-table.ts';
import { Balances, FIRST_SCENE_COLUMN } from '../../../src/dp/budget/balances.ts';

describe('AccountTable', () => {
  it('gives each key the next handle and finds it again, also when first words collide', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(3), fc.nat(40), fc.nat(2), fc.nat(2)), { maxLength: 300 }),
        (keys) => {
          const table = new AccountTable();
          const expected = new Map<string, number>();
          const words = Uint32Array.from(keys.flat());
          keys.forEach((key, i) => {
            const known = expected.get(key.join()) ?? -1;
            expect(table.find(words, i)).toBe(known);
            if (known < 0) expected.set(key.join(), expected.size);
            expect(table.intern(words, i)).toBe(expected.get(key.join()));
          });
          expect(table.size).toBe(expected.size);
        },
      ),
    );
  });
});

describe('AccountKeys', () => {
  const secret = new Uint8Array(32).fill(3);
  const keyOf = (id: string): string =>
    Buffer.from(new AccountKeys(secret).of([id])).toString('hex');

  it('is a keyed function of the id: HMAC-SHA256 of 0x01 and the id, 16 bytes', async () => {
    const { createHmac } = await import('node:crypto');
    const hmac = createHmac('sha256', secret).update('\x01anna é').digest('hex');
    expect(keyOf('anna é')).toBe(hmac.slice(0, 32));
    const other = new AccountKeys(new Uint8Array(32).fill(4));
    expect(Buffer.from(other.of(['anna é'])).toString('hex')).not.toBe(keyOf('anna é'));
  });

  it('has a check that is the key of no account', () => {
    const check = Buffer.from(new AccountKeys(secret).check).toString('hex');
    expect([keyOf(''), keyOf('\0'), keyOf('\x00')]).not.toContain(check);
  });

  it('reads bytes at any offset', () => {
    const keys = new AccountKeys(secret).of(['a', 'b']);
    const shifted = new Uint8Array(33);
    shifted.set(keys, 1);
    expect(keyWords(shifted.subarray(1))).toEqual(keyWords(keys));
  });

  it.each([new Uint8Array(31), new Uint8Array(0), 'x'.repeat(32)])('wants 32 bytes', (key) => {
    expect(() => new AccountKeys(key as Uint8Array)).toThrow(RangeError);
  });
});

describe('Balances', () => {
  it('keeps every balance while rows and columns grow', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.record({ rows: fc.nat(300) }),
            fc.record({ scene: fc.nat(20), handle: fc.nat(300), cost: fc.nat(1000) }),
          ),
          { maxLength: 60 },
        ),
        (steps) => {
          const balances = new Balances();
          const columns: number[] = [];
          const expected = new Map<string, number>();
          const add = (handle: number, column: number, cost: number): void => {
            const key = `${handle} ${column}`;
            expected.set(key, (expected.get(key) ?? 0) + cost);
          };
          for (const step of steps) {
            if ('rows' in step) {
              balances.growTo(step.rows);
              continue;
            }
            while (columns.length <= step.scene) columns.push(balances.addColumn());
            balances.growTo(step.handle + 1);
            const column = columns[step.scene] as number;
            balances.add(Uint32Array.of(step.handle), column, step.cost, 1);
            add(step.handle, 0, step.cost);
            add(step.handle, 1, 1);
            add(step.handle, column, step.cost);
          }
          const wrong: string[] = [];
          for (let handle = 0; handle < 301; handle++) {
            for (let column = 0; column < FIRST_SCENE_COLUMN + columns.length; column++) {
              const key = `${handle} ${column}`;
              if (balances.get(handle, column) !== (expected.get(key) ?? 0)) wrong.push(key);
            }
          }
          expect(wrong).toEqual([]);
        },
      ),
      { numRuns: 40 },
    );
  });
});
