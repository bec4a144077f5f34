import { describe, expect, it } from 'vitest';
import { HandleScope, withHandles } from '../../src/he/handle-scope.ts';
import { createInsecureHeParameters, HE_PRESETS } from '../../src/he/index.ts';
import { loadSeal } from '../../src/he/node-seal-provider.ts';
import { createSealContext, guardSeal, type Seal } from '../../src/he/seal-context.ts';
import {
  frameCiphertext,
  framePlaintext,
  unframeCiphertext,
  unframePlaintext,
} from '../../src/he/seal-framing.ts';
import { codeOf } from './fixtures.ts';

const seal = await loadSeal();

/** node-seal with another way to write ciphertexts. */
function sealThatWrites(change: (bytes: Uint8Array) => Uint8Array): Seal {
  return new Proxy(seal, {
    get(target, name) {
      if (name !== 'CipherText') return Reflect.get(target, name);
      return () => {
        const ciphertext = seal.CipherText();
        return {
          ...ciphertext,
          instance: ciphertext.instance,
          saveArray: () => change(ciphertext.saveArray(seal.ComprModeType.none)),
        };
      };
    },
  });
}

/** node-seal with another way to write ciphertexts with a seed. */
function sealThatSeeds(change: (bytes: Uint8Array) => Uint8Array): Seal {
  return new Proxy(seal, {
    get(target, name) {
      if (name !== 'Encryptor') return Reflect.get(target, name);
      return (...parts: Parameters<Seal['Encryptor']>) => {
        const encryptor = seal.Encryptor(...parts);
        const encrypt = encryptor.encryptSymmetricSerializable;
        return {
          ...encryptor,
          encryptSymmetricSerializable: (...values: Parameters<typeof encrypt>) => {
            const written = encrypt(...values);
            return {
              saveArray: () => change(written.saveArray(seal.ComprModeType.none)),
              delete: () => written.delete(),
            };
          },
        };
      };
    },
  });
}

/** The default preset: frame and words of the first polynomial, then a header and the kind of the generator. */
const KIND = 113 + 8 * 2048 + 16;

describe('start-up test of the framing', () => {
  it('passes the version that is installed', () => {
    expect(seal.Version).toBe('6.0.3');
    expect(createSealContext(seal, HE_PRESETS.default).parmsId.length).toBe(32);
  });

  it.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    ['one byte more', (bytes) => Uint8Array.of(...bytes, 0)],
    ['one byte fewer', (bytes) => bytes.slice(1)],
    ['another version', (bytes) => bytes.slice().fill(5, 3, 4)],
    ['another scale', (bytes) => bytes.slice().fill(1, 73, 74)],
    [
      'big-endian words',
      (bytes) => {
        const swapped = bytes.slice();
        for (let at = 113; at < bytes.length; at += 8) swapped.subarray(at, at + 8).reverse();
        return swapped;
      },
    ],
  ])('refuses a version that writes %s', (_, change) => {
    expect(codeOf(() => createSealContext(sealThatWrites(change), HE_PRESETS.default))).toBe(
      'he/provider-failure',
    );
  });

  it.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    ['one byte more', (bytes) => Uint8Array.of(...bytes, 0)],
    ['one byte fewer', (bytes) => bytes.slice(1)],
    ['another generator', (bytes) => bytes.slice().fill(2, KIND, KIND + 1)],
    ['another seed', (bytes) => bytes.slice().fill(0, KIND + 1)],
    ['words above 32 bits', (bytes) => bytes.slice().fill(1, 117, 118)],
  ])('refuses a version that seeds with %s', (_, change) => {
    expect(codeOf(() => createSealContext(sealThatSeeds(change), HE_PRESETS.default))).toBe(
      'he/provider-failure',
    );
  });

  it('refuses parameters that SEAL refuses', () => {
    // Degree 64 is no problem without the security table; with it SEAL must object.
    const toy = createInsecureHeParameters({
      polynomialDegree: 64,
      dataPrimes: [268_432_897],
      plaintextModulus: 786_433,
    });
    expect(createSealContext(seal, toy).parmsId.length).toBe(32);
    expect(codeOf(() => createSealContext(seal, { ...toy, secure: true }))).toBe(
      'he/provider-failure',
    );
  });
});

describe('framing', () => {
  const parameters = HE_PRESETS.insecureToy;

  it('comes back', () => {
    const ciphertext = Uint32Array.from({ length: 128 }, (_, i) => i * 1_000_003);
    const framed = frameCiphertext(parameters, new Uint8Array(32), ciphertext);
    expect(framed.length).toBe(113 + 8 * 128);
    expect(unframeCiphertext(parameters, framed)).toEqual(ciphertext);
    const coefficients = Int32Array.from({ length: 64 }, (_, i) => (i % 2 === 0 ? i : -i));
    expect(unframePlaintext(parameters, framePlaintext(parameters, coefficients))).toEqual(
      coefficients,
    );
    expect(unframePlaintext(parameters, framePlaintext(parameters, new Int32Array()))).toEqual(
      new Int32Array(64),
    );
  });

  it('refuses frames of another size, or with words above 32 bits', () => {
    const bytes = new Uint8Array(113 + 8 * 128);
    expect(codeOf(() => unframeCiphertext(parameters, bytes.subarray(1)))).toBe(
      'he/provider-failure',
    );
    expect(codeOf(() => unframeCiphertext(parameters, bytes.fill(1, 117, 118)))).toBe(
      'he/provider-failure',
    );
    for (const size of [0, 87, 90, 88 + 8 * 65]) {
      expect(codeOf(() => unframePlaintext(parameters, new Uint8Array(size)))).toBe(
        'he/provider-failure',
      );
    }
  });
});

describe('guard', () => {
  it('turns the bare numbers of node-seal into coded errors with their text', () => {
    const context = createSealContext(seal, HE_PRESETS.default);
    withHandles((scope) => {
      const generator = scope.own(seal.KeyGenerator(context.handle));
      const keys = scope.own(seal.RelinKeys());
      let thrown: unknown;
      const throwing = (): void => {
        try {
          generator.instance.createRelinKeys(keys.instance);
        } catch (error) {
          thrown = error;
          throw error;
        }
      };
      expect(() => guardSeal(seal, 'testing', throwing)).toThrow(
        /SEAL failed while testing: .*keyswitching/,
      );
      expect(typeof thrown).toBe('number');
      expect(codeOf(() => guardSeal(seal, 'testing', throwing))).toBe('he/provider-failure');
    });
    context.handle.delete();
  });
});

describe('handle scope', () => {
  it('frees in reverse order, once, also when the work throws', () => {
    const freed: string[] = [];
    const handle = (name: string) => ({ delete: () => void freed.push(name) });
    expect(() =>
      withHandles((scope) => {
        scope.own(handle('first'));
        scope.own(handle('second'));
        throw new Error('stop');
      }),
    ).toThrow('stop');
    expect(freed).toEqual(['second', 'first']);
    const scope = new HandleScope();
    scope.own(handle('third'));
    scope.dispose();
    scope.dispose();
    expect(freed).toEqual(['second', 'first', 'third']);
  });
});
