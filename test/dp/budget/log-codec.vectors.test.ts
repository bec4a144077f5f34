import { expect, it } from 'vitest';
import { decodeRecord, encodeRecord } from '../../../src/dp/budget/log-codec.ts';
import type { LogRecord } from '../../../src/dp/budget/log-record.ts';
import vectors from './log-codec.vectors.json' with { type: 'json' };
import { KINDS } from './log-records.ts';

/** The record of a vector: JSON has neither bytes nor words nor infinity. */
function revive(value: unknown): unknown {
  if (value === 'Infinity') return Number.POSITIVE_INFINITY;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(revive);
  if ('hex' in value) return Uint8Array.from(Buffer.from(value.hex as string, 'hex'));
  if ('handles' in value && Object.keys(value).length === 1) {
    return Uint32Array.from(value.handles as number[]);
  }
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, revive(entry)]));
}

// Logs of this version lie on disks: an entry that is written in another way is another version.
it.each(vectors)('$record.kind at $record.time is $hex', ({ record, hex }) => {
  const revived = revive(record) as LogRecord;
  expect(Buffer.from(encodeRecord(revived)).toString('hex')).toBe(hex);
  const body = Uint8Array.from(Buffer.from(hex, 'hex'));
  expect(decodeRecord({ seq: 0, hash: new Uint8Array(32), body })).toEqual(revived);
});

it('has a vector for every kind', () => {
  expect(new Set(vectors.map(({ record }) => record.kind))).toEqual(new Set(KINDS));
});
