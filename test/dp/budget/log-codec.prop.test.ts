import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeCanonical, encodeCanonical } from '../../../src/core/cbor.ts';
import { VelaturaError } from '../../../src/core/errors.ts';
import { decodeRecord, encodeRecord } from '../../../src/dp/budget/log-codec.ts';
import type { LogRecord } from '../../../src/dp/budget/log-record.ts';
import { KINDS, recordOf } from './log-records.ts';

const decode = (body: Uint8Array, seq = 7): LogRecord =>
  decodeRecord({ seq, hash: new Uint8Array(32), body });

/** Decodes, or null where the bytes are refused as they should be. */
function decodeOrNull(body: Uint8Array): LogRecord | null {
  try {
    return decode(body);
  } catch (error) {
    const refusal = error instanceof VelaturaError ? error : null;
    if (refusal?.code !== 'dp/budget-corrupt' || refusal.details['seq'] !== 7) throw error;
    return null;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

// Hundreds of thousands of refusals: most of their cost is stack traces nobody reads.
const { stackTraceLimit } = Error;
beforeAll(() => {
  Error.stackTraceLimit = 0;
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

describe.each(KINDS)('%s', (kind) => {
  const records = recordOf(kind);

  it('is decoded to what was encoded', () => {
    fc.assert(
      fc.property(records, (record) => {
        expect(decode(encodeRecord(record))).toEqual(record);
      }),
      { numRuns: 150 },
    );
  });

  it('is canonical CBOR: an array with a number for the kind, then the time', () => {
    fc.assert(
      fc.property(records, (record) => {
        const body = encodeRecord(record);
        // The general decoder drops a leading U+FEFF of a text, and says so.
        fc.pre(!Buffer.from(body).includes('\uFEFF'));
        const items = decodeCanonical(body) as readonly unknown[];
        expect(items.slice(0, 2)).toEqual([KINDS.indexOf(kind), record.time]);
        expect(sameBytes(encodeCanonical(items), body)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('has one spelling: cut short, or with any byte changed, it is refused or another record', () => {
    let changed = 0;
    fc.assert(
      fc.property(records, (record) => {
        const body = Uint8Array.from(encodeRecord(record));
        for (let length = 0; length < body.length; length++) {
          if (decodeOrNull(body.subarray(0, length)) !== null)
            expect.unreachable(`${length} bytes`);
        }
        expect(decodeOrNull(Uint8Array.of(...body, 0))).toBeNull();
        // Long entries: their head and every place after it with a stride of its own.
        const stride = 1 + Math.floor(body.length / 120);
        for (let at = 0; at < body.length; at += at < 40 ? 1 : stride) {
          const original = body[at] as number;
          for (let flip = 1; flip < 256; flip += at < 40 ? 1 : 7) {
            body[at] = original ^ flip;
            const other = decodeOrNull(body);
            if (other === null) continue;
            changed++;
            if (!sameBytes(encodeRecord(other), body)) expect.unreachable(`byte ${at}`);
          }
          body[at] = original;
        }
      }),
      { numRuns: 1 },
    );
    expect(changed).toBeGreaterThan(0);
  });
});

it('refuses bytes at random, and reads nothing twice from those it takes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (body) => {
      const record = decodeOrNull(body);
      if (record !== null) expect(sameBytes(encodeRecord(record), body)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
