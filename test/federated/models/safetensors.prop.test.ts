import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VelaturaError } from '../../../src/core/errors.ts';
import { decodeSafetensors, encodeSafetensors } from '../../../src/federated/models/safetensors.ts';
import type { Tensor } from '../../../src/federated/models/tensor.ts';

const values = fc.oneof(
  fc.float32Array({ maxLength: 24 }),
  fc.float64Array({ maxLength: 24 }),
  fc.int8Array({ maxLength: 24 }),
  fc.uint8Array({ maxLength: 24 }),
  fc.int32Array({ maxLength: 24 }),
  fc.bigInt64Array({ maxLength: 24 }),
);

/** Any factorisation of the length will do. */
const tensor: fc.Arbitrary<Tensor> = values.chain((numbers) => {
  const { length } = numbers;
  const divisors = [1, 2, 3, 4].filter((divisor) => length % divisor === 0);
  return fc
    .constantFrom(...divisors)
    .map((divisor) => ({ shape: [length / divisor, divisor], values: numbers }));
});
const text = fc.string({ unit: 'binary', maxLength: 12 });
const name = fc
  .oneof(text, fc.constantFrom('__proto__', 'constructor', '0', '"', '\\', '\u0000'))
  .filter((key) => key !== '__metadata__');
const contents = fc.record({
  tensors: fc.array(fc.tuple(name, tensor), { maxLength: 5 }).map((list) => new Map(list)),
  metadata: fc.array(fc.tuple(text, text), { maxLength: 4 }).map((list) => new Map(list)),
});

/** The answer to any bytes: contents, or the one coded refusal. */
function decodes(bytes: Uint8Array): boolean {
  try {
    decodeSafetensors(bytes);
    return true;
  } catch (error) {
    if (!(error instanceof VelaturaError)) throw error;
    expect(error.code).toBe('federated/invalid-model-file');
    return false;
  }
}

describe('safetensors', () => {
  it('gives back what it was given, and equal bytes for equal contents', () => {
    fc.assert(
      fc.property(contents, ({ tensors, metadata }) => {
        const bytes = encodeSafetensors({ tensors, metadata });
        const back = decodeSafetensors(bytes);
        expect(new Map(back.tensors)).toEqual(tensors);
        expect(new Map(back.metadata)).toEqual(metadata);
        const reversed = {
          tensors: new Map([...tensors].reverse()),
          metadata: new Map([...metadata].reverse()),
        };
        expect(encodeSafetensors(reversed)).toEqual(bytes);
      }),
      { numRuns: 300 },
    );
  });

  it('reads bytes that begin anywhere in their buffer', () => {
    const bytes = encodeSafetensors({
      tensors: new Map([['x', { shape: [2], values: Float64Array.of(1.5, -2) }]]),
      metadata: new Map(),
    });
    const moved = new Uint8Array(bytes.length + 3);
    moved.set(bytes, 3);
    expect(decodeSafetensors(moved.subarray(3)).tensors.get('x')?.values).toEqual(
      Float64Array.of(1.5, -2),
    );
  });

  it('refuses every file cut short or prolonged', () => {
    fc.assert(
      fc.property(contents, fc.nat(), ({ tensors, metadata }, cut) => {
        const bytes = encodeSafetensors({ tensors, metadata });
        expect(decodes(bytes.subarray(0, cut % bytes.length))).toBe(false);
        expect(decodes(Uint8Array.of(...bytes, 0))).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('answers damaged files with contents or the coded refusal, nothing else', () => {
    let refused = 0;
    fc.assert(
      fc.property(
        contents,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 8,
        }),
        (content, damage) => {
          const bytes = encodeSafetensors(content);
          const headerLength = new DataView(bytes.buffer).getUint32(0, true);
          for (const [at, byte] of damage) bytes[at % (8 + headerLength)] = byte;
          if (!decodes(bytes)) refused++;
        },
      ),
      { numRuns: 1000 },
    );
    expect(refused).toBeGreaterThan(500);
  });

  it('answers headers made of its own words the same way', () => {
    const words = fc.constantFrom(
      ...['{', '}', '[', ']', ':', ',', '"x"', '"dtype"', '"F32"', '"U8"', '"shape"', '0', '1'],
      ...['"data_offsets"', '[0,1]', '[1]', '"__metadata__"', ' ', '1e400', '-0', 'null', '"\\u"'],
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 20 }), fc.nat(3), (parts, dataLength) => {
        const json = new TextEncoder().encode(`{${parts.join('')}}`);
        const bytes = new Uint8Array(8 + json.length + dataLength);
        bytes[0] = json.length;
        bytes.set(json, 8);
        decodes(bytes);
      }),
      { numRuns: 1000 },
    );
  });

  it('survives headers that are deep or long', () => {
    for (const body of ['['.repeat(3e6), `{"a":${'{"a":'.repeat(1e6)}`, `{"${'\\n'.repeat(1e6)}`]) {
      const json = new TextEncoder().encode(`{"x":${body}`);
      const bytes = new Uint8Array(8 + json.length);
      new DataView(bytes.buffer).setUint32(0, json.length, true);
      bytes.set(json, 8);
      expect(decodes(bytes)).toBe(false);
    }
    const metadata = new Map([['k', 'é"\\\n'.repeat(500_000)]]);
    const bytes = encodeSafetensors({ tensors: new Map(), metadata });
    expect(decodeSafetensors(bytes).metadata.get('k')).toBe(metadata.get('k'));
  });
});
