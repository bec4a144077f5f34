import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeCanonical, encodeCanonical } from '../../src/core/cbor.ts';

const number = fc.double({ noNaN: true }).map((x) => (x === 0 ? 0 : x));
const leaf = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  number,
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
  fc.string({ unit: 'grapheme' }),
  fc.uint8Array(),
);
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('any'), { maxLength: 5 }),
    fc.dictionary(fc.string({ unit: 'grapheme', minLength: 1 }), tie('any'), { maxKeys: 5 }),
  ),
})).any;

it('decodes what it encodes, and encodes it to the same bytes', () => {
  fc.assert(
    fc.property(value, (original) => {
      const bytes = encodeCanonical(original);
      const decoded = decodeCanonical(bytes);
      expect(encodeCanonical(decoded)).toEqual(bytes);
      expect(decoded).toEqual(original);
    }),
    { numRuns: 300 },
  );
});

it('accepts one spelling only: any other bytes it accepts are the encoding of another value', () => {
  fc.assert(
    fc.property(value, fc.nat(), fc.integer({ min: 1, max: 255 }), (original, at, flip) => {
      const bytes = Uint8Array.from(encodeCanonical(original));
      const index = at % bytes.length;
      bytes[index] = (bytes[index] as number) ^ flip;
      let decoded: unknown;
      try {
        decoded = decodeCanonical(bytes);
      } catch (error) {
        expect(error).toMatchObject({ code: 'core/non-canonical' });
        return;
      }
      expect(encodeCanonical(decoded)).toEqual(bytes);
    }),
    { numRuns: 500 },
  );
});
