import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/core/seeded-random.ts';
import { HandleScope } from '../../src/he/handle-scope.ts';
import {
  createNodeSealProvider,
  createPlainKernel,
  expandCiphertext,
  HE_PRESETS,
} from '../../src/he/index.ts';
import { loadSeal } from '../../src/he/node-seal-provider.ts';
import { createSealContext, createSealKey, sealEncrypt } from '../../src/he/seal-context.ts';
import {
  framePlaintext,
  unframeCiphertext,
  unframeSeededCiphertext,
} from '../../src/he/seal-framing.ts';
import { codeOf } from './fixtures.ts';

const seal = await loadSeal();

function randomColumn(random: SeededRandom, degree: number): Int8Array {
  return Int8Array.from({ length: degree }, () => (random.uint32() % 255) - 127);
}

describe('plain kernel', () => {
  // SEAL lifts a plaintext coefficient above t/2 to its negative modulo each prime, and reduces
  // completely, so the result is the same number here and there: equality of bits is well defined.
  it.each(Object.entries(HE_PRESETS))(
    "gives the bits of SEAL's multiplyPlain and add (%s)",
    (_, parameters) => {
      const random = new SeededRandom('kernel');
      const { polynomialDegree: degree } = parameters;
      const features = 7;
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

        const kernel = createPlainKernel(parameters);
        const query = kernel.encodeQuery(
          queries.map((q) => expandCiphertext(parameters, unframeSeededCiphertext(parameters, q))),
        );
        const result = kernel.multiplyAccumulate(query, kernel.encodeBlock(columns));
        expect(result).toEqual(expected);
      } finally {
        scope.dispose();
      }
    },
  );

  it('is exact at 1,024 features of the largest residues', () => {
    const parameters = HE_PRESETS.insecureToy;
    const prime = BigInt(parameters.dataPrimes[0] as number);
    const kernel = createPlainKernel(parameters);
    const degree = parameters.polynomialDegree;
    const constant = new Uint32Array(2 * degree);
    constant[0] = Number(prime - 1n);
    constant[degree] = Number(prime - 1n);
    const query = kernel.encodeQuery(new Array(1024).fill(constant));
    const block = kernel.encodeBlock(new Array(1024).fill(new Int8Array(degree).fill(-127)));
    const expected = Number((1024n * 127n) % prime);
    const result = kernel.multiplyAccumulate(query, block);
    expect(new Set(result)).toEqual(new Set([expected]));
  });

  it('leaves its inputs alone', () => {
    const kernel = createPlainKernel(HE_PRESETS.insecureToy);
    const ciphertext = new Uint32Array(128).fill(5);
    const query = kernel.encodeQuery([ciphertext]);
    const block = kernel.encodeBlock([Int8Array.of(1, 2, 3)]);
    const before = [query.words.slice(), block.words.slice()];
    const first = kernel.multiplyAccumulate(query, block);
    expect(kernel.multiplyAccumulate(query, block)).toEqual(first);
    expect([query.words, block.words]).toEqual(before);
    expect(ciphertext).toEqual(new Uint32Array(128).fill(5));
  });

  it('refuses shapes that do not fit', () => {
    const kernel = createPlainKernel(HE_PRESETS.insecureToy);
    const query = kernel.encodeQuery([new Uint32Array(128)]);
    const two = kernel.encodeBlock([Int8Array.of(1), Int8Array.of(1)]);
    expect(codeOf(() => kernel.multiplyAccumulate(query, two))).toBe('RangeError');
    expect(codeOf(() => kernel.encodeBlock([new Int8Array(65)]))).toBe('RangeError');
    const many = kernel.encodeQuery(new Array(1025).fill(new Uint32Array(128)));
    const wide = kernel.encodeBlock(new Array(1025).fill(Int8Array.of(1)));
    expect(codeOf(() => kernel.multiplyAccumulate(many, wide))).toBe('RangeError');
  });
});

describe('provider and kernel together', () => {
  it('compute a product of polynomials under encryption', async () => {
    const key = (await createNodeSealProvider()).createKey(HE_PRESETS.exact);
    const kernel = createPlainKernel(HE_PRESETS.exact);
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
});
