import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { residueBits, unpackBits } from '../../../src/he/bit-packing.ts';
import { NOTHING_DROPPED } from '../../../src/he/dropped-bits.ts';
import { HandleScope } from '../../../src/he/handle-scope.ts';
import {
  createHeParameters,
  createInsecureHeParameters,
  createNodeSealProvider,
  createPlainKernel,
  createScoringKernel,
  createSimdKernel,
  expandCiphertext,
  HE_PRESETS,
  type HeParameters,
  type ScoringKernel,
} from '../../../src/he/index.ts';
import { loadSeal } from '../../../src/he/node-seal-provider.ts';
import { replyBlockBytes } from '../../../src/he/reply-wire.ts';
import { createSealContext, createSealKey, sealEncrypt } from '../../../src/he/seal-context.ts';
import {
  framePlaintext,
  unframeCiphertext,
  unframeSeededCiphertext,
} from '../../../src/he/seal-framing.ts';
import { codeOf } from '../fixtures.ts';
import { randomCiphertext, randomColumn } from './fixtures.ts';

const seal = await loadSeal();
const toy = HE_PRESETS.insecureToy;

/** Fails where SIMD is missing: every platform that runs these tests has it. */
function simdKernel(parameters: HeParameters): ScoringKernel {
  const kernel = createSimdKernel(parameters);
  if (kernel === null) throw new Error('the SIMD kernel does not compile here');
  return kernel;
}

const KERNELS: Record<string, (parameters: HeParameters) => ScoringKernel> = {
  plain: createPlainKernel,
  simd: simdKernel,
};

describe.each(Object.entries(KERNELS))('%s kernel', (name, create) => {
  it('says its name and parameters', () => {
    const kernel = create(toy);
    expect(kernel.name).toBe(name);
    expect(kernel.parameters).toBe(toy);
  });

  // SEAL lifts a plaintext coefficient above t/2 to its negative modulo each prime, and reduces
  // completely, so the result is the same number here and there: equality of bits is well defined.
  it.each(Object.entries(HE_PRESETS))(
    "gives the bits of SEAL's multiplyPlain and add (%s)",
    (_, parameters) => {
      const random = new SeededRandom('kernel');
      const { polynomialDegree: degree } = parameters;
      const features = 35; // odd, and more than one 32-bit sum holds
      const scope = new HandleScope();
      try {
        const context = createSealContext(seal, parameters);
        scope.own(context.handle);
        const key = createSealKey(context, scope);
        const evaluator = scope.own(seal.Evaluator(context.handle));
        const columns = Array.from({ length: features }, () => randomColumn(random, degree));
        columns[2]?.fill(-127);
        columns[3]?.fill(0).fill(1, degree - 1); // one term: SEAL takes another path
        const queries = columns.map((_, i) =>
          sealEncrypt(context, key, Int32Array.of(1000 * i - 3000)),
        );

        const sum = scope.own(seal.CipherText());
        columns.forEach((column, i) => {
          const ciphertext = scope.own(seal.CipherText());
          const plaintext = scope.own(seal.PlainText());
          ciphertext.loadArray(context.handle, queries[i] as Uint8Array);
          plaintext.loadArray(context.handle, framePlaintext(parameters, Int32Array.from(column)));
          evaluator.multiplyPlain(ciphertext, plaintext, i === 0 ? sum : ciphertext);
          if (i > 0) evaluator.add(sum, ciphertext, sum);
        });
        const expected = unframeCiphertext(parameters, sum.saveArray(seal.ComprModeType.none));

        const kernel = create(parameters);
        const query = kernel.encodeQuery(
          queries.map((q) => expandCiphertext(parameters, unframeSeededCiphertext(parameters, q))),
        );
        expect(kernel.multiplyAccumulate(query, kernel.encodeBlock(columns))).toEqual(expected);
      } finally {
        scope.dispose();
      }
    },
  );

  it('multiplies what a secret key encrypted', async () => {
    const key = (await createNodeSealProvider()).createKey(HE_PRESETS.exact);
    const kernel = create(HE_PRESETS.exact);
    const query = kernel.encodeQuery([
      expandCiphertext(HE_PRESETS.exact, key.encrypt(Int32Array.of(3))),
      expandCiphertext(HE_PRESETS.exact, key.encrypt(Int32Array.of(-5))),
    ]);
    const block = kernel.encodeBlock([Int8Array.of(1, 2, -127), Int8Array.of(0, 10, 127)]);
    expect(key.decrypt(kernel.multiplyAccumulate(query, block)).slice(0, 4)).toEqual(
      Int32Array.of(3, -44, -1016, 0),
    );
    key.dispose();
  });

  it('is exact at 1,024 features of the largest residues', () => {
    const prime = BigInt(toy.dataPrimes[0] as number);
    const kernel = create(toy);
    const degree = toy.polynomialDegree;
    const constant = new Uint32Array(2 * degree);
    constant[0] = Number(prime - 1n);
    constant[degree] = Number(prime - 1n);
    const query = kernel.encodeQuery(new Array(1024).fill(constant));
    const block = kernel.encodeBlock(new Array(1024).fill(new Int8Array(degree).fill(-127)));
    const result = kernel.multiplyAccumulate(query, block);
    expect(new Set(result)).toEqual(new Set([Number((1024n * 127n) % prime)]));
  });

  it('packs the results of many blocks as messages have them', () => {
    const random = new SeededRandom('packing');
    for (const parameters of Object.values(HE_PRESETS)) {
      const kernel = create(parameters);
      const { dataPrimes, polynomialDegree: degree } = parameters;
      const query = kernel.encodeQuery([
        randomCiphertext(random, parameters),
        randomCiphertext(random, parameters),
        randomCiphertext(random, parameters),
      ]);
      const blocks = Array.from({ length: 19 }, () =>
        kernel.encodeBlock([1, 2, 3].map(() => randomColumn(random, degree))),
      );
      const dropped = dataPrimes.length === 1 ? ([5, 3] as const) : NOTHING_DROPPED;
      const size = replyBlockBytes(parameters, dropped);
      const whole = new Uint8Array(19 * size + 40).fill(0xaa);
      kernel.score(query, blocks, dropped, whole.subarray(24, 24 + 19 * size));
      expect(new Set([...whole.subarray(0, 24), ...whole.subarray(-16)])).toEqual(new Set([0xaa]));
      const view = new DataView(whole.buffer);
      let offset = 24;
      for (const block of blocks) {
        const words = new Uint32Array(2 * dataPrimes.length * degree);
        for (let row = 0; row < 2 * dataPrimes.length; row++) {
          const drop = dropped[row < dataPrimes.length ? 0 : 1];
          const bits = residueBits(dataPrimes[row % dataPrimes.length] as number) - drop;
          unpackBits(view, offset, bits, words.subarray(row * degree, (row + 1) * degree));
          offset += (degree * bits) / 8;
        }
        const half = words.length / 2;
        const kept = kernel
          .multiplyAccumulate(query, block)
          .map((word, at) => word >>> dropped[at < half ? 0 : 1]);
        expect(words).toEqual(kept);
      }
    }
  });

  it('adds the addend to the first polynomial only', () => {
    const random = new SeededRandom('addend');
    for (const parameters of [HE_PRESETS.exact, toy]) {
      const kernel = create(parameters);
      const { dataPrimes, polynomialDegree: degree } = parameters;
      const query = kernel.encodeQuery([randomCiphertext(random, parameters)]);
      const column = randomColumn(random, degree);
      const addend = randomCiphertext(random, parameters).slice(0, dataPrimes.length * degree);
      const kept = addend.slice();
      const block = kernel.encodeBlock([column], addend);
      addend.fill(0); // the block has a copy
      const without = kernel.multiplyAccumulate(query, kernel.encodeBlock([column]));
      const expected = without.map((word, i) => {
        const prime = dataPrimes[Math.floor(i / degree) % dataPrimes.length] as number;
        return (word + (kept[i] ?? 0)) % prime;
      });
      expect(kernel.multiplyAccumulate(query, block)).toEqual(expected);
    }
  });

  it('pads short columns with zeros, whatever was encoded before', () => {
    const random = new SeededRandom('short');
    const kernel = create(toy);
    const query = kernel.encodeQuery([1, 2, 3].map(() => randomCiphertext(random, toy)));
    kernel.encodeBlock([1, 2, 3].map(() => new Int8Array(64).fill(99)));
    const short = kernel.encodeBlock([Int8Array.of(5), new Int8Array(0), Int8Array.of(-1, 2)]);
    const padded = [5, 0, -1].map((value) => new Int8Array(64).fill(value, 0, 1));
    padded[2]?.set([2], 1);
    expect(kernel.multiplyAccumulate(query, short)).toEqual(
      kernel.multiplyAccumulate(query, kernel.encodeBlock(padded)),
    );
  });

  it('leaves its inputs alone, and comes to the same every time', () => {
    const random = new SeededRandom('inputs');
    const kernel = create(toy);
    const ciphertext = randomCiphertext(random, toy);
    const column = randomColumn(random, 64);
    const before = [ciphertext.slice(), column.slice()];
    const query = kernel.encodeQuery([ciphertext]);
    const block = kernel.encodeBlock([column]);
    const first = kernel.multiplyAccumulate(query, block);
    const kept = first.slice();
    for (let i = 0; i < 20; i++) {
      kernel.encodeBlock([randomColumn(random, 64)]);
      kernel.encodeQuery([randomCiphertext(random, toy)]);
    }
    expect(kernel.multiplyAccumulate(query, block)).toEqual(kept);
    expect(first).toEqual(kept); // a copy, not a view
    expect([ciphertext, column]).toEqual(before);
  });

  it('uses memory of what was disposed again without touching what lives', () => {
    const random = new SeededRandom('lifetimes');
    const kernel = create(toy);
    const plain = createPlainKernel(toy);
    const ciphertexts = [1, 2, 3, 4, 5].map(() => randomCiphertext(random, toy));
    const living: { columns: Int8Array[]; block: ReturnType<ScoringKernel['encodeBlock']> }[] = [];
    for (let i = 0; i < 200; i++) {
      const features = 1 + (random.uint32() % 5);
      const columns = Array.from({ length: features }, () => randomColumn(random, 64));
      living.push({ columns, block: kernel.encodeBlock(columns) });
      if (i % 3 === 0) living.splice(random.uint32() % living.length, 1)[0]?.block.dispose();
    }
    for (const { columns, block } of living) {
      const asked = ciphertexts.slice(0, columns.length);
      const query = kernel.encodeQuery(asked);
      expect(kernel.multiplyAccumulate(query, block)).toEqual(
        plain.multiplyAccumulate(plain.encodeQuery(asked), plain.encodeBlock(columns)),
      );
      query.dispose();
    }
  });

  it('refuses shapes that do not fit', () => {
    const kernel = create(toy);
    const query = kernel.encodeQuery([new Uint32Array(128)]);
    const one = kernel.encodeBlock([Int8Array.of(1)]);
    const two = kernel.encodeBlock([Int8Array.of(1), Int8Array.of(1)]);
    const many = kernel.encodeQuery(new Array(1025).fill(new Uint32Array(128)));
    const wide = kernel.encodeBlock(new Array(1025).fill(Int8Array.of(1)));
    for (const body of [
      () => kernel.multiplyAccumulate(query, two),
      () => kernel.multiplyAccumulate(many, wide),
      () => kernel.encodeBlock([new Int8Array(65)]),
      () => kernel.encodeBlock([Int8Array.of(1)], new Uint32Array(63)),
      () => kernel.encodeQuery([new Uint32Array(127)]),
      () => kernel.encodeQuery([new Uint32Array(129)]),
      () => kernel.score(query, [one], NOTHING_DROPPED, new Uint8Array(448 + 1)),
      () => kernel.score(query, [one], [1, 0], new Uint8Array(448)),
    ]) {
      expect(codeOf(body)).toBe('RangeError');
    }
  });

  it('refuses what it did not encode, and what was disposed', () => {
    const kernel = create(toy);
    const other = create(toy);
    const query = kernel.encodeQuery([new Uint32Array(128)]);
    const block = kernel.encodeBlock([Int8Array.of(1)]);
    expect(kernel.multiplyAccumulate(query, block)).toEqual(new Uint32Array(128));
    for (const body of [
      () => kernel.multiplyAccumulate(query, other.encodeBlock([Int8Array.of(1)])),
      () => kernel.multiplyAccumulate(other.encodeQuery([new Uint32Array(128)]), block),
      () => kernel.multiplyAccumulate({ features: 1, dispose: () => {} }, block),
      () => kernel.multiplyAccumulate(block, block),
      () => kernel.multiplyAccumulate(query, query),
    ]) {
      expect(codeOf(body)).toBe('TypeError');
    }
    const spare = kernel.encodeBlock([Int8Array.of(1)]);
    spare.dispose();
    spare.dispose();
    expect(codeOf(() => kernel.multiplyAccumulate(query, spare))).toBe('TypeError');
    query.dispose();
    expect(codeOf(() => kernel.multiplyAccumulate(query, block))).toBe('TypeError');
  });
});

describe('SIMD kernel beside the plain one', () => {
  const MORE = {
    'small primes': createInsecureHeParameters({
      polynomialDegree: 64,
      dataPrimes: [12_289, 18_433, 40_961],
      specialPrime: 59_393,
      plaintextModulus: 257,
    }),
    'a large degree': createHeParameters({
      polynomialDegree: 8192,
      dataPrimes: [268_369_921],
      plaintextModulus: 786_433,
    }),
  };
  it.each(Object.entries({ ...HE_PRESETS, ...MORE }))(
    'gives the same bits (%s)',
    (_, parameters) => {
      const random = new SeededRandom('twins');
      const simd = simdKernel(parameters);
      const plain = createPlainKernel(parameters);
      const { polynomialDegree: degree } = parameters;
      for (const features of [0, 1, 2, 3, 31, 32, 33, 34, 64, 65, 200]) {
        const ciphertexts = Array.from({ length: features }, () =>
          randomCiphertext(random, parameters),
        );
        const columns = Array.from({ length: features }, () => randomColumn(random, degree));
        const result = simd.multiplyAccumulate(
          simd.encodeQuery(ciphertexts),
          simd.encodeBlock(columns),
        );
        expect(result).toEqual(
          plain.multiplyAccumulate(plain.encodeQuery(ciphertexts), plain.encodeBlock(columns)),
        );
      }
    },
  );

  it('is what is chosen here', () => {
    expect(createScoringKernel(toy).name).toBe('simd');
  });

  it('refuses parameters of other making', () => {
    expect(codeOf(() => createSimdKernel({ ...toy }))).toBe('TypeError');
  });

  it('refuses what 4 GiB cannot hold, before any work', () => {
    const kernel = simdKernel(HE_PRESETS.default);
    const random = new SeededRandom('full');
    const query = kernel.encodeQuery([randomCiphertext(random, HE_PRESETS.default)]);
    const block = kernel.encodeBlock([randomColumn(random, 2048)]);
    const before = kernel.multiplyAccumulate(query, block);
    expect(() => kernel.reserve(8200, 64, false)).toThrow(
      /"items" expected to fit a kernel's 4294901760 bytes, got 4\d{9}; split the catalogue/,
    );
    expect(codeOf(() => kernel.reserve(8200, 64, false))).toBe('RangeError');
    expect(kernel.multiplyAccumulate(query, block)).toEqual(before);
  });
});
