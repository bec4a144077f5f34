import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCanonical, encodeCanonical } from '../../src/core/cbor.ts';
import { CborReader, CborWriter } from '../../src/core/cbor-stream.ts';

/** An item by the method that writes it. */
type Item =
  | { readonly type: 'uint' | 'int' | 'float64'; readonly value: number }
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'bytes'; readonly value: Uint8Array }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'nil' }
  | { readonly type: 'array'; readonly value: readonly Item[] };

function write(writer: CborWriter, item: Item): void {
  switch (item.type) {
    case 'array':
      writer.array(item.value.length);
      for (const entry of item.value) write(writer, entry);
      break;
    case 'text':
      writer.text(item.value);
      break;
    case 'bytes':
      writer.bytes(item.value);
      break;
    case 'bool':
      writer.bool(item.value);
      break;
    case 'nil':
      writer.nil();
      break;
    default:
      writer[item.type](item.value);
  }
}

/** Reads as if `like` had been written: the values may differ, the types may not. */
function read(reader: CborReader, like: Item): Item {
  switch (like.type) {
    case 'array': {
      const length = reader.array();
      const value: Item[] = [];
      for (let i = 0; i < length; i++) value.push(read(reader, like.value[i] ?? { type: 'nil' }));
      return { type: 'array', value };
    }
    case 'text':
      return { type: 'text', value: reader.text() };
    case 'bytes':
      return { type: 'bytes', value: reader.bytes() };
    case 'bool':
      return { type: 'bool', value: reader.bool() };
    case 'nil':
      if (!reader.takeNil()) throw new RangeError('null expected');
      return like;
    default:
      return { type: like.type, value: reader[like.type]() };
  }
}

function plain(item: Item): unknown {
  if (item.type === 'nil') return null;
  if (item.type === 'array') return item.value.map(plain);
  // The one number that the general codec knows only as a bigint when it is an integer.
  return item.type === 'uint' && item.value === 2 ** 53 ? 2n ** 53n : item.value;
}

function message(writer: CborWriter, item: Item): Uint8Array {
  writer.begin();
  write(writer, item);
  return writer.finish();
}

const edges = [0, 1, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];
const noNegativeZero = (x: number): number => (x === 0 ? 0 : x);
const float = fc.oneof(
  fc.double({ noNaN: true }).map(noNegativeZero),
  fc.float({ noNaN: true }).map(noNegativeZero),
  fc
    .tuple(fc.integer({ min: -2100, max: 2100 }), fc.integer({ min: -40, max: 90 }))
    .map(([mantissa, exponent]) => noNegativeZero(mantissa * 2 ** exponent)),
  fc.maxSafeInteger(),
  fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 60, 2 ** 53, -(2 ** 53)),
);
// encodeCanonical writes a leading U+FEFF that decodeCanonical drops: the general codec cannot be asked.
const text = fc
  .oneof(
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.string({ unit: 'binary-ascii', maxLength: 300 }),
  )
  .filter((value) => !value.startsWith('\uFEFF'));
const leaf: fc.Arbitrary<Item> = fc.oneof(
  fc.record({
    type: fc.constant('uint' as const),
    value: fc.oneof(fc.maxSafeNat(), fc.nat(300), fc.constantFrom(...edges, 2 ** 53)),
  }),
  fc.record({
    type: fc.constant('int' as const),
    value: fc.oneof(
      fc.maxSafeInteger(),
      fc.integer({ min: -300, max: 300 }),
      fc.constantFrom(...edges, ...edges.slice(1).map((edge) => -edge)),
    ),
  }),
  fc.record({ type: fc.constant('float64' as const), value: float }),
  fc.record({ type: fc.constant('text' as const), value: text }),
  fc.record({ type: fc.constant('bytes' as const), value: fc.uint8Array({ maxLength: 300 }) }),
  fc.record({ type: fc.constant('bool' as const), value: fc.boolean() }),
  fc.constant({ type: 'nil' as const }),
);
const item: fc.Arbitrary<Item> = fc.letrec<{ any: Item }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.record({
      type: fc.constant('array' as const),
      value: fc.array(tie('any'), { maxLength: 30 }),
    }),
  ),
})).any;

describe('CborWriter', () => {
  it('writes the bytes that encodeCanonical writes', () => {
    const writer = new CborWriter();
    fc.assert(
      fc.property(item, (original) => {
        expect(message(writer, original)).toEqual(encodeCanonical(plain(original)));
      }),
      { numRuns: 1000 },
    );
  });

  it('never touches a finished message again', () => {
    const big = fc
      .integer({ min: 0, max: 70_000 })
      .map((length): Item => ({ type: 'bytes', value: new Uint8Array(length).fill(length) }));
    const pair = fc
      .array(fc.oneof(item, big), { maxLength: 4 })
      .map((value): Item => ({ type: 'array', value }));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.oneof(item, big, pair), fc.boolean()), {
          minLength: 2,
          maxLength: 20,
        }),
        (items) => {
          const writer = new CborWriter();
          const messages: [Uint8Array, string][] = [];
          for (const [original, whole] of items) {
            if (!whole) {
              writer.begin();
              writer.array(2);
              write(writer, original);
              expect(() => writer.finish()).toThrow(RangeError);
            }
            const bytes = message(writer, original);
            messages.push([bytes, Buffer.from(encodeCanonical(plain(original))).toString('hex')]);
          }
          for (const [bytes, hex] of messages) {
            expect(Buffer.from(bytes).toString('hex') === hex).toBe(true);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('CborReader', () => {
  it('reads the values back that were written, as decodeCanonical does', () => {
    const writer = new CborWriter();
    fc.assert(
      fc.property(item, (original) => {
        const bytes = message(writer, original);
        const reader = new CborReader(bytes);
        expect(read(reader, original)).toEqual(original);
        reader.end();
        expect(decodeCanonical(bytes)).toEqual(plain(original));
      }),
      { numRuns: 1000 },
    );
  });

  it('accepts one spelling only: what it accepts is written the same way again', () => {
    const writer = new CborWriter();
    let accepted = 0;
    fc.assert(
      fc.property(item, fc.nat(), fc.integer({ min: 1, max: 255 }), (original, at, flip) => {
        const bytes = Uint8Array.from(message(writer, original));
        const index = at % bytes.length;
        bytes[index] = (bytes[index] as number) ^ flip;
        let found: Item;
        try {
          const reader = new CborReader(bytes);
          found = read(reader, original);
          reader.end();
        } catch (error) {
          if (!(error instanceof RangeError)) {
            expect(error).toMatchObject({ code: 'core/non-canonical' });
          }
          return;
        }
        accepted++;
        expect(message(writer, found)).toEqual(bytes);
      }),
      { numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(200);
  });

  it('refuses every message cut short and every message followed by more', () => {
    const writer = new CborWriter();
    fc.assert(
      fc.property(item, fc.nat(), (original, cut) => {
        const bytes = message(writer, original);
        const short = new CborReader(bytes.subarray(0, cut % bytes.length));
        expect(() => {
          read(short, original);
          short.end();
        }).toThrow();
        const long = new CborReader(Uint8Array.of(...bytes, 0));
        read(long, original);
        expect(() => long.end()).toThrow(expect.objectContaining({ code: 'core/non-canonical' }));
      }),
      { numRuns: 500 },
    );
  });
});

it('agrees with the general codec on all 65,536 half floats, written and read', () => {
  const writer = new CborWriter();
  const wrong: number[] = [];
  for (let bits = 0; bits < 0x1_0000; bits++) {
    const bytes = Uint8Array.of(0xf9, bits >>> 8, bits & 0xff);
    let expected: unknown;
    let found: unknown;
    try {
      expected = decodeCanonical(bytes);
    } catch {
      expected = 'refused';
    }
    try {
      found = new CborReader(bytes).float64();
    } catch {
      found = 'refused';
    }
    if (!Object.is(found, expected)) wrong.push(bits);
    if (typeof found !== 'number') continue;
    writer.begin();
    writer.float64(found);
    if (Buffer.compare(writer.finish(), bytes) !== 0) wrong.push(bits);
  }
  expect(wrong).toEqual([]);
});
