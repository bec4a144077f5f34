import { bytesToHex } from '@noble/hashes/utils.js';
import { type Bytes, KEY_LENGTH } from './crypto.ts';

/** The largest prime under 2²⁵⁶: a secret of 32 random bytes is in the field but for a chance of 2⁻²⁴⁸. */
export const FIELD_PRIME: bigint = 2n ** 256n - 189n;

/** `a` modulo the prime, in [0, prime). */
export function reduce(a: bigint): bigint {
  const rest = a % FIELD_PRIME;
  return rest < 0n ? rest + FIELD_PRIME : rest;
}

/**
 * 1/a by Euclid's algorithm.
 *
 * @throws {RangeError} for a multiple of the prime
 */
export function invert(a: bigint): bigint {
  let [low, high] = [reduce(a), FIELD_PRIME];
  let [x, y] = [1n, 0n];
  if (low === 0n) throw new RangeError('"a" expected an element that is not zero');
  while (low > 1n) {
    const quotient = high / low;
    [low, high] = [high % low, low];
    [x, y] = [y - quotient * x, x];
  }
  return reduce(x);
}

/** The inverses of all of `values` for the price of one and three products each (P. Montgomery, 1987). */
export function invertAll(values: readonly bigint[]): bigint[] {
  const prefixes: bigint[] = [];
  let product = 1n;
  for (const value of values) {
    prefixes.push(product);
    product = reduce(product * value);
  }
  let rest = invert(product);
  const inverses = new Array<bigint>(values.length);
  for (let i = values.length - 1; i >= 0; i--) {
    inverses[i] = reduce(rest * (prefixes[i] as bigint));
    rest = reduce(rest * (values[i] as bigint));
  }
  return inverses;
}

/** Reads 32 bytes, high byte first; null for what is not under the prime. */
export function elementOf(bytes: Uint8Array): bigint | null {
  const value = BigInt(`0x${bytesToHex(bytes)}`);
  return value < FIELD_PRIME ? value : null;
}

/** Writes an element as 32 bytes, high byte first. */
export function elementBytes(element: bigint): Bytes {
  const bytes = new Uint8Array(KEY_LENGTH);
  const view = new DataView(bytes.buffer);
  let rest = element;
  for (let at = KEY_LENGTH - 8; at >= 0; at -= 8) {
    view.setBigUint64(at, rest & 0xffff_ffff_ffff_ffffn);
    rest >>= 64n;
  }
  return bytes;
}
