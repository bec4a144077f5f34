import { SecureRandom } from '../../core/secure-random.ts';
import { uniformSubset } from '../rounds/amplified-sampling.ts';
import { type Bytes, KEY_LENGTH } from './crypto.ts';
import { elementBytes, elementOf, invertAll, reduce } from './field.ts';

/** Random sets of shares that are tried at most, and products of 256 bits that they may cost. */
const MOST_DRAWS = 500;
const MOST_PRODUCTS = 2 ** 22;

/** What one holder has of a secret: a point of the polynomial. */
export interface Share {
  /** Where the polynomial was taken: 1 … 2³² − 1, another for each holder. */
  readonly index: number;
  /** 32 bytes. */
  readonly value: Bytes;
}

/** A secret put together again, and whose shares did not lie on its polynomial. */
export interface RecoveredSecret {
  readonly secret: Bytes;
  readonly wrong: readonly number[];
}

/** 32 random bytes that are an element of the field. @param random - uniform bytes */
export function randomElement(random: (length: number) => Bytes): Bytes {
  for (;;) {
    const bytes = random(KEY_LENGTH);
    if (elementOf(bytes) !== null) return bytes;
  }
}

/**
 * Splits a secret so that any `threshold` shares give it back and fewer say nothing about it.
 *
 * ## Privacy
 * Perfect: the shares of fewer than `threshold` holders are uniform, whatever the secret. The arithmetic is
 * on big integers and **not constant time**: whoever can time this device closely may learn bits of secrets
 * that live for one round. Cost: threshold · holders products of 256 bits.
 *
 * Source: A. Shamir, How to share a secret, CACM 22 (1979).
 *
 * @param secret - 32 bytes from {@link randomElement}
 * @param indices - of the holders, distinct, 1 … 2³² − 1
 * @param random - uniform bytes, for the coefficients
 * @throws {RangeError} for a secret outside the field, or a threshold or index out of range
 */
export function splitSecret(
  secret: Bytes,
  indices: readonly number[],
  threshold: number,
  random: (length: number) => Bytes,
): readonly Share[] {
  const constant = elementOf(secret);
  if (secret.length !== KEY_LENGTH || constant === null) {
    throw new RangeError(`"secret" expected ${KEY_LENGTH} bytes of a field element`);
  }
  checkIndices(indices);
  if (!Number.isInteger(threshold) || threshold < 1 || threshold > indices.length) {
    throw new RangeError(
      `"threshold" expected an integer in [1, ${indices.length}], got ${threshold}`,
    );
  }
  const coefficients = [constant];
  while (coefficients.length < threshold) {
    coefficients.push(elementOf(randomElement(random)) as bigint);
  }
  return indices.map((index) => ({ index, value: elementBytes(evaluate(coefficients, index)) }));
}

/**
 * Puts a secret together and tells which shares are false. One false share among more than `threshold` does no harm.
 * Several do none where the draws find `threshold` true ones: of 100 shares, 60 of which are enough, three false ones
 * defeat them with a chance of 2⁻⁴⁵; the more shares are needed, the fewer may be false. Cost: for each try the square of
 * the threshold in products of 256 bits; at most 500 draws, together of 2²² products or one try.
 *
 * @param shares - distinct indices
 * @param isSecret - whether these 32 bytes are what the owner committed to; without such a test a false share
 * would silently make a false secret
 * @param suspects - indices of holders that gave false shares of other secrets: they are asked last
 * @returns with `wrong` empty when the first try did it and the others were not looked at; null when no try did
 */
export async function recoverSecret(
  shares: readonly Share[],
  threshold: number,
  isSecret: (candidate: Bytes) => boolean | Promise<boolean>,
  suspects: ReadonlySet<number> = new Set(),
): Promise<RecoveredSecret | null> {
  const rank = ({ index }: Share): number => (suspects.has(index) ? 1 : 0);
  const sorted = [...shares].sort((a, b) => rank(a) - rank(b) || a.index - b.index);
  checkIndices(sorted.map(({ index }) => index));
  if (sorted.length < threshold) return null;
  let isFirst = true;
  for (const run of runsOf(sorted, threshold)) {
    const candidate = interpolate(run, 0);
    if (candidate !== null && (await isSecret(candidate))) {
      const wrong = isFirst
        ? []
        : sorted.filter(
            (share) =>
              !run.includes(share) && !sameElement(interpolate(run, share.index), share.value),
          );
      return { secret: candidate, wrong: wrong.map(({ index }) => index) };
    }
    isFirst = false;
  }
  return null;
}

/** Sets of `threshold` shares to try: the first ones, then such that each share is left out once, then random ones. */
function* runsOf(shares: readonly Share[], threshold: number): Generator<readonly Share[]> {
  const spare = shares.length - threshold;
  const pick = (place: number): Share => shares[place % shares.length] as Share;
  for (let start = 0; start < shares.length; start += spare) {
    yield Array.from({ length: threshold }, (_, i) => pick(start + i));
    if (spare === 0) return;
  }
  const draws = Math.min(MOST_DRAWS, Math.ceil(MOST_PRODUCTS / threshold ** 2));
  // Liars must not know the draws beforehand.
  const random = new SecureRandom();
  for (let i = 0; i < draws; i++) yield uniformSubset(shares.length, threshold, random).map(pick);
}

function evaluate(coefficients: readonly bigint[], x: number): bigint {
  const at = BigInt(x);
  let value = 0n;
  for (let i = coefficients.length - 1; i >= 0; i--) {
    value = reduce(value * at + (coefficients[i] as bigint));
  }
  return value;
}

/** The value at `x`, none of the indices, of the polynomial through the shares; null when one is outside the field. */
function interpolate(shares: readonly Share[], x: number): Bytes | null {
  const weights = weightsAt(
    shares.map(({ index }) => index),
    x,
  );
  let sum = 0n;
  for (const [i, { value }] of shares.entries()) {
    const element = elementOf(value);
    if (element === null) return null;
    sum += element * (weights[i] as bigint);
  }
  return elementBytes(reduce(sum));
}

/** What Lagrange's weights at any x are made of: 1 / Π (own − other), and the weights at 0. */
interface Basis {
  readonly indices: string;
  readonly points: readonly bigint[];
  readonly inverses: readonly bigint[];
  readonly atZero: readonly bigint[];
}

let lastBasis: Basis | null = null;

/** Lagrange's weights. Neighbours answer alike, so the basis of the last holders is kept. */
function weightsAt(indices: readonly number[], x: number): readonly bigint[] {
  const key = indices.join();
  if (lastBasis?.indices !== key) lastBasis = basisOf(key, indices.map(BigInt));
  return x === 0 ? lastBasis.atZero : weightsOf(lastBasis.points, lastBasis.inverses, x);
}

function basisOf(indices: string, points: readonly bigint[]): Basis {
  const denominators = points.map((own) => {
    let denominator = 1n;
    for (const other of points)
      if (other !== own) denominator = reduce(denominator * (own - other));
    return denominator;
  });
  const inverses = invertAll(denominators);
  return { indices, points, inverses, atZero: weightsOf(points, inverses, 0) };
}

/** Π (x − other) / (own − other) for each point. */
function weightsOf(points: readonly bigint[], inverses: readonly bigint[], x: number): bigint[] {
  const distances = points.map((point) => reduce(BigInt(x) - point));
  const product = distances.reduce((all, distance) => reduce(all * distance), 1n);
  return invertAll(distances).map((inverse, i) =>
    reduce(reduce(product * inverse) * (inverses[i] as bigint)),
  );
}

function sameElement(a: Bytes | null, b: Bytes): boolean {
  return a !== null && elementOf(a) === elementOf(b);
}

function checkIndices(indices: readonly number[]): void {
  if (new Set(indices).size !== indices.length) {
    throw new RangeError('"indices" expected distinct numbers');
  }
  for (const index of indices) {
    if (!Number.isInteger(index) || index < 1 || index > 0xffff_ffff) {
      throw new RangeError(`"indices" expected integers in [1, 2^32 - 1], got ${index}`);
    }
  }
}
