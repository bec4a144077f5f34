import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sameBytes } from '../../../src/core/bytes.ts';
import { SecureRandom } from '../../../src/core/secure-random.ts';
import type { Bytes } from '../../../src/federated/secagg/crypto.ts';
import {
  elementBytes,
  elementOf,
  FIELD_PRIME,
  invert,
  invertAll,
  reduce,
} from '../../../src/federated/secagg/field.ts';
import {
  randomElement,
  recoverSecret,
  type Share,
  splitSecret,
} from '../../../src/federated/secagg/shamir.ts';

const secure = new SecureRandom();
const random = (length: number): Bytes => secure.bytes(length);
const element = fc.bigInt({ min: 0n, max: FIELD_PRIME - 1n });
const indices = (length: number): number[] => Array.from({ length }, (_, i) => 3 * i + 1);

/** a^e by squaring, the other way to an inverse and to Fermat's test. */
function power(a: bigint, exponent: bigint): bigint {
  let [base, rest, result] = [reduce(a), exponent, 1n];
  for (; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = reduce(result * base);
    base = reduce(base * base);
  }
  return result;
}

describe('the field', () => {
  it('has a probable prime of 256 bits (Fermat, bases 2 to 37)', () => {
    for (const base of [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n]) {
      expect(power(base, FIELD_PRIME - 1n)).toBe(1n);
    }
    expect(FIELD_PRIME.toString(2)).toHaveLength(256);
  });

  it('inverts, one by one and all at once', () => {
    fc.assert(
      fc.property(
        fc.array(
          element.filter((a) => a !== 0n),
          { minLength: 1 },
        ),
        (values) => {
          const inverses = values.map((value) => power(value, FIELD_PRIME - 2n));
          expect(values.map(invert)).toEqual(inverses);
          expect(invertAll(values)).toEqual(inverses);
        },
      ),
      { numRuns: 10 },
    );
    expect(() => invert(0n)).toThrow(RangeError);
    expect(() => invert(FIELD_PRIME)).toThrow(RangeError);
  });

  it('writes 32 bytes, high first, and reads nothing from the prime on', () => {
    fc.assert(fc.property(element, (a) => elementOf(elementBytes(a)) === a));
    expect(elementBytes(0x0102n).slice(-2)).toEqual(new Uint8Array([1, 2]));
    expect(elementOf(elementBytes(FIELD_PRIME))).toBeNull();
    expect(elementOf(new Uint8Array(32).fill(255))).toBeNull();
    expect(elementOf(elementBytes(FIELD_PRIME - 1n))).toBe(FIELD_PRIME - 1n);
  });

  it('draws another time where the bytes are no element', () => {
    const answers = [new Uint8Array(32).fill(255), new Uint8Array(32).fill(7)];
    expect(randomElement(() => answers.shift() as Bytes)).toEqual(new Uint8Array(32).fill(7));
  });
});

describe('sharing a secret', () => {
  it('is undone by any shares from the threshold on', async () => {
    await fc.assert(
      fc.asyncProperty(
        element,
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 0, max: 8 }),
        fc.integer(),
        async (value, threshold, more, seed) => {
          const secret = elementBytes(value);
          const shares = splitSecret(secret, indices(threshold + more), threshold, random);
          const chosen = fc.sample(fc.shuffledSubarray([...shares], { minLength: threshold }), {
            seed,
            numRuns: 1,
          })[0] as Share[];
          const found = await recoverSecret(chosen, threshold, (candidate) =>
            sameBytes(candidate, secret),
          );
          expect(found).toEqual({ secret, wrong: [] });
        },
      ),
      { numRuns: 50 },
    );
  });

  it('hides the secret from fewer: any other secret fits the same shares', async () => {
    const shares = splitSecret(elementBytes(42n), indices(5), 3, random).slice(0, 2);
    const candidates: Bytes[] = [];
    // A third share of any value completes the two to some polynomial.
    for (const third of [1n, 2n, FIELD_PRIME - 1n]) {
      await recoverSecret([...shares, { index: 99, value: elementBytes(third) }], 3, (c) => {
        candidates.push(c);
        return false;
      });
    }
    expect(new Set(candidates.map(String)).size).toBe(3);
  });

  it('takes the polynomial by hand: 5 + 2x + 3x² at 1, 2 and 4', async () => {
    const shares = [10n, 21n, 61n].map((value, i) => ({
      index: [1, 2, 4][i] as number,
      value: elementBytes(value),
    }));
    const found = await recoverSecret(shares, 3, (candidate) => elementOf(candidate) === 5n);
    expect(found?.secret).toEqual(elementBytes(5n));
  });

  it('finds any one false share where there are more than the threshold', async () => {
    const secret = elementBytes(7n);
    const shares = splitSecret(secret, indices(6), 4, random);
    for (const spoilt of shares) {
      for (const value of [elementBytes(1n), new Uint8Array(32).fill(255)]) {
        const altered = shares.map((share) => (share === spoilt ? { ...share, value } : share));
        const found = await recoverSecret(altered, 4, (c) => sameBytes(c, secret));
        expect(found?.secret).toEqual(secret);
        const first = shares.indexOf(spoilt) < 4;
        expect(found?.wrong).toEqual(first ? [spoilt.index] : []);
      }
    }
  });

  it('outvotes several false shares, names them, and asks those holders last', async () => {
    const secret = elementBytes(7n);
    const wrong = [5, 40, 70].map((place) => indices(100)[place] as number);
    const shares = splitSecret(secret, indices(100), 60, random).map((share) =>
      wrong.includes(share.index) ? { ...share, value: elementBytes(1n) } : share,
    );
    let tries = 0;
    const isSecret = (candidate: Bytes): boolean => {
      tries++;
      return sameBytes(candidate, secret);
    };
    // No 60 in a row are true. Draws miss with a chance of 2e-14.
    const found = await recoverSecret(shares, 60, isSecret);
    expect(found).toEqual({ secret, wrong });
    expect(tries).toBeGreaterThan(3);
    tries = 0;
    expect((await recoverSecret(shares, 60, isSecret, new Set(found?.wrong)))?.secret).toEqual(
      secret,
    );
    expect(tries).toBe(1);
  });

  it('passes over one false share in as many tries as there are spare sets', async () => {
    const secret = elementBytes(7n);
    for (const spoilt of [0, 29, 59, 99]) {
      let tries = 0;
      const shares = splitSecret(secret, indices(100), 60, random).map((share, i) =>
        i === spoilt ? { ...share, value: elementBytes(1n) } : share,
      );
      const found = await recoverSecret(shares, 60, (candidate) => {
        tries++;
        return sameBytes(candidate, secret);
      });
      expect(found?.secret).toEqual(secret);
      expect(tries).toBeLessThanOrEqual(3);
    }
  });

  it('gives nothing rather than a false secret', async () => {
    const secret = elementBytes(7n);
    const shares = splitSecret(secret, indices(4), 4, random);
    const altered = shares.map((share, i) =>
      i === 2 ? { ...share, value: elementBytes(1n) } : share,
    );
    const isSecret = (candidate: Bytes): boolean => sameBytes(candidate, secret);
    expect(await recoverSecret(altered, 4, isSecret)).toBeNull();
    expect(await recoverSecret(shares.slice(1), 4, isSecret)).toBeNull();
    expect(await recoverSecret([], 1, isSecret)).toBeNull();
  });

  it('refuses what is no sharing', async () => {
    const secret = elementBytes(1n);
    expect(() => splitSecret(secret, [1, 1], 2, random)).toThrow('distinct');
    expect(() => splitSecret(secret, [0, 1], 2, random)).toThrow('"indices"');
    expect(() => splitSecret(secret, [1, 2 ** 32], 2, random)).toThrow('"indices"');
    expect(() => splitSecret(secret, [1, 2], 3, random)).toThrow('"threshold"');
    expect(() => splitSecret(secret, [1, 2], 0, random)).toThrow('"threshold"');
    expect(() => splitSecret(new Uint8Array(32).fill(255), [1, 2], 1, random)).toThrow('"secret"');
    expect(() => splitSecret(new Uint8Array(31), [1, 2], 1, random)).toThrow('"secret"');
    await expect(
      recoverSecret(
        [
          { index: 1, value: secret },
          { index: 1, value: secret },
        ],
        2,
        () => true,
      ),
    ).rejects.toThrow('distinct');
  });
});
