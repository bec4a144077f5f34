import { SeededRandom } from '../core/seeded-random.ts';
import {
  type Ciphertext,
  expandCiphertext,
  FRESH_NOISE_MAX,
  HE_PRESETS,
  type HeParameters,
  type QueryKey,
  type ScoringProvider,
} from '../he/index.ts';
import { type ConformanceCase, check, errorCode } from './conformance.ts';

/**
 * What every `ScoringProvider` must do.
 *
 * @param provider - the subject; providers that claim `secure` must pass the stricter cases too
 * @param parameters - tested with these; every preset that the provider should serve deserves a run
 */
export function scoringProviderConformance(
  provider: ScoringProvider,
  parameters: HeParameters = HE_PRESETS.default,
): readonly ConformanceCase[] {
  const { polynomialDegree: degree, dataPrimes, plaintextModulus, ciphertextModulus } = parameters;
  const limit = (plaintextModulus - 1) / 2;
  const words = 2 * dataPrimes.length * degree;

  const withKey = async (body: (key: QueryKey) => void | Promise<void>): Promise<void> => {
    const key = provider.createKey(parameters);
    try {
      await body(key);
    } finally {
      key.dispose();
    }
  };
  const encrypt = (key: QueryKey, coefficients: Int32Array): Ciphertext =>
    expandCiphertext(parameters, key.encrypt(coefficients));
  /** Σ factors[i] · ciphertexts[i], residue by residue. */
  const combine = (ciphertexts: readonly Ciphertext[], factors: readonly number[]): Ciphertext =>
    Uint32Array.from({ length: words }, (_, at) => {
      const prime = BigInt(dataPrimes[Math.floor(at / degree) % dataPrimes.length] as number);
      const sum = ciphertexts.reduce(
        (total, ciphertext, i) =>
          total + BigInt(ciphertext[at] as number) * BigInt(factors[i] ?? 0),
        0n,
      );
      return Number(((sum % prime) + prime) % prime);
    });
  const same = (got: Int32Array, expected: ArrayLike<number>, tolerance = 0): boolean =>
    got.length === degree &&
    got.every((value, i) => Math.abs(value - (expected[i] ?? 0)) <= tolerance);

  return [
    {
      name: 'decrypts what it encrypted: nothing, constants, the extremes, full polynomials',
      run: () =>
        withKey((key) => {
          const random = new SeededRandom('scoring-provider');
          const full = Int32Array.from({ length: degree }, () =>
            Math.round((2 * random.uniform() - 1) * limit),
          );
          const plaintexts = [[], [0], [1], [-1], [limit], [-limit], [0, 0, 5], full];
          for (const plaintext of plaintexts) {
            const decrypted = key.decrypt(encrypt(key, Int32Array.from(plaintext)));
            check(same(decrypted, plaintext), 'another plaintext came back');
          }
        }),
    },
    {
      name: 'hands out [primes, N] residues and a seed of 64 bytes',
      run: () =>
        withKey((key) => {
          const { first, seed } = key.encrypt(Int32Array.of(7));
          check(first.length === words / 2, `${first.length} words instead of ${words / 2}`);
          check(seed.length === 64, `a seed of ${seed.length} bytes`);
          const small = first.every(
            (word, at) => word < (dataPrimes[Math.floor(at / degree)] as number),
          );
          check(small, 'a residue is not below its prime');
        }),
    },
    {
      name: 'is linear: decrypting a sum of multiples gives the sum of the multiples',
      run: () =>
        withKey((key) => {
          const left = encrypt(key, Int32Array.of(100, -3));
          const right = encrypt(key, Int32Array.of(-40, 9, 1));
          const decrypted = key.decrypt(combine([left, right], [127, -126]));
          const noise = (253 * (FRESH_NOISE_MAX + 1) * plaintextModulus) / ciphertextModulus + 1;
          check(
            same(decrypted, [127 * 100 + 126 * 40, -127 * 3 - 126 * 9, -126], noise),
            'the sum is off by more than the noise',
          );
        }),
    },
    {
      name: `adds fresh noise of at most ${FRESH_NOISE_MAX}`,
      run: () =>
        withKey((key) => {
          const factor = Math.floor(ciphertextModulus / plaintextModulus);
          for (let trial = 0; trial < 10; trial++) {
            const noise = key.decrypt(combine([encrypt(key, new Int32Array())], [factor]));
            check(
              noise.every((value) => Math.abs(value) <= FRESH_NOISE_MAX),
              'more noise than the error bound assumes',
            );
          }
        }),
    },
    {
      name: 'refuses coefficients beyond ±(t−1)/2 and more than N of them',
      run: () =>
        withKey(async (key) => {
          for (const value of [limit + 1, -limit - 1, 2 ** 31 - 1, -(2 ** 31)]) {
            const code = await errorCode(() => key.encrypt(Int32Array.of(0, value)));
            check(code === 'he/value-out-of-range', `a large coefficient gave ${code}`);
          }
          const code = await errorCode(() => key.encrypt(new Int32Array(degree + 1)));
          check(code === 'RangeError', `too many coefficients gave ${code}`);
        }),
    },
    {
      name: 'refuses malformed ciphertexts, and goes on',
      run: () =>
        withKey(async (key) => {
          const good = encrypt(key, Int32Array.of(3));
          const tooLarge = good.slice();
          tooLarge[words - 1] = dataPrimes[dataPrimes.length - 1] as number;
          const transparent = good.slice().fill(0, words / 2);
          const malformed = [
            good.subarray(1),
            new Uint32Array(words + 1),
            new Uint32Array(),
            tooLarge,
            transparent,
          ];
          for (const ciphertext of malformed) {
            const code = await errorCode(() => key.decrypt(ciphertext));
            check(code === 'he/malformed-message', `a malformed ciphertext gave ${code}`);
          }
          check(same(key.decrypt(good), [3]), 'the key does not work any more');
        }),
    },
    {
      name: 'erases a key for good, as often as asked',
      async run() {
        const key = provider.createKey(parameters);
        const ciphertext = encrypt(key, Int32Array.of(1));
        key.dispose();
        key.dispose();
        for (const use of [() => key.encrypt(Int32Array.of(1)), () => key.decrypt(ciphertext)]) {
          const code = await errorCode(use);
          check(code === 'TypeError', `a disposed key gave ${code}`);
        }
      },
    },
    {
      name: 'refuses parameters that nobody checked',
      async run() {
        const code = await errorCode(() => provider.createKey({ ...parameters }));
        check(code === 'TypeError', `unchecked parameters gave ${code}`);
      },
    },
    ...(provider.secure
      ? [
          {
            name: 'encrypts afresh each time, under keys that do not open one another',
            run: () =>
              withKey((key) =>
                withKey((other) => {
                  const plaintext = Int32Array.of(limit);
                  const first = encrypt(key, plaintext);
                  const second = encrypt(key, plaintext);
                  const third = encrypt(other, plaintext);
                  for (const [a, b] of [
                    [first, second],
                    [first, third],
                  ] as const) {
                    const equal = a.reduce(
                      (count, word, at) => count + (word === b[at] ? 1 : 0),
                      0,
                    );
                    check(equal < words / 100 + 8, 'two ciphertexts share their words');
                  }
                  check(!same(other.decrypt(first), plaintext), 'another key opens the ciphertext');
                }),
              ),
          },
        ]
      : []),
  ];
}
