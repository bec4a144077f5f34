import { type Bytes, KEY_LENGTH } from './crypto.ts';
import { elementBytes, elementOf, invertAll, reduce } from './field.ts';

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
 * Puts a secret together and tells which shares are false. Some run of `threshold` shares, in the order of
 * their indices and around the end, must be whole: any one false share among more than `threshold` does
 * no harm. Shares beyond the first whole run are looked at only when an earlier run was not whole.
 *
 * @param shares - distinct indices
 * @param isSecret - whether these 32 bytes are what the owner committed to; without such a test a false share
 * would silently make a false secret
 * @returns null when no run of shares gives the secret
 */
export async function recoverSecret(
  shares: readonly Share[],
  threshold: number,
  isSecret: (candidate: Bytes) => boolean | Promise<boolean>,
): Promise<RecoveredSecret | null> {
  const sorted = [...shares].sort((a, b) => a.index - b.index);
  checkIndices(sorted.map(({ index }) => index));
  const runs = sorted.length > threshold ? sorted.length : Math.floor(sorted.length / threshold);
  for (let start = 0; start < runs; start++) {
    const run = Array.from(
      { length: threshold },
      (_, i) => sorted[(start + i) % sorted.length] as Share,
    );
    const candidate = interpolate(run, 0);
    if (candidate === null || !(await isSecret(candidate))) continue;
    if (start === 0) return { secret: candidate, wrong: [] };
    const wrong = sorted.filter(
      (share) => !run.includes(share) && !sameElement(interpolate(run, share.index), share.value),
    );
    return { secret: candidate, wrong: wrong.map(({ index }) => index) };
  }
  return null;
}

function evaluate(coefficients: readonly bigint[], x: number): bigint {
  const at = BigInt(x);
  let value = 0n;
  for (let i = coefficients.length - 1; i >= 0; i--) {
    value = reduce(value * at + (coefficients[i] as bigint));
  }
  return value;
}

/** The value at `x` of the polynomial through the shares; null when one is outside the field. */
function interpolate(shares: readonly Share[], x: number): Bytes | null {
  const weights = lagrangeWeights(
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

let lastIndices = '';
let lastWeights: readonly bigint[] = [];

/** Lagrange's weights. Neighbours answer alike, so those of the last holders are kept. */
function lagrangeWeights(indices: readonly number[], x: number): readonly bigint[] {
  const key = `${x}:${indices.join()}`;
  if (key === lastIndices) return lastWeights;
  const points = indices.map(BigInt);
  const at = BigInt(x);
  const numerators: bigint[] = [];
  const denominators: bigint[] = [];
  for (const own of points) {
    let numerator = 1n;
    let denominator = 1n;
    for (const other of points) {
      if (other === own) continue;
      numerator = reduce(numerator * (at - other));
      denominator = reduce(denominator * (own - other));
    }
    numerators.push(numerator);
    denominators.push(denominator);
  }
  lastWeights = invertAll(denominators).map((inverse, i) =>
    reduce(inverse * (numerators[i] as bigint)),
  );
  lastIndices = key;
  return lastWeights;
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
