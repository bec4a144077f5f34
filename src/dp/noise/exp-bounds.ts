import { bitLength } from './rational.ts';

/** Two integers that enclose 2^precision times a real number. */
export type Bounds = readonly [lower: bigint, upper: bigint];

/**
 * Encloses 2^precision · e^(−numerator/denominator) in integer arithmetic that rounds outwards.
 * The distance of the two bounds is at most 3. Proof: `certified-cells.proof.md` §3.
 *
 * @param numerator - ≥ 0
 * @param denominator - > 0
 * @param precision - binary digits after the point, ≥ 0
 */
export function expBounds(numerator: bigint, denominator: bigint, precision: number): Bounds {
  // e^(−x) = (e^(−r))^(2^halvings) with r = x / 2^halvings under 1/8.
  const halvings = Math.max(0, bitLength(numerator) - bitLength(denominator) + 4);
  const guard = halvings + 2 * bitLength(BigInt(precision + halvings)) + 8;
  const digits = BigInt(precision + guard);
  const r = (numerator << digits) / (denominator << BigInt(halvings));
  let term = 1n << digits;
  let sum = 0n;
  let count = 0n;
  while (term > 0n) {
    sum += count % 2n === 0n ? term : -term;
    count++;
    term = ((term * r) >> digits) / count;
  }
  // Each term is at most 2 too low, the terms left out and the digits of r left out cost at most 2 each.
  const slack = 2n * count + 4n;
  let lower = sum - slack;
  let upper = sum + slack;
  for (let i = 0; i < halvings; i++) {
    lower = (lower * lower) >> digits;
    upper = ((upper * upper) >> digits) + 1n;
  }
  return [lower >> BigInt(guard), (upper >> BigInt(guard)) + 1n];
}
