/**
 * Arithmetic modulo a prime below 2²⁸ on plain numbers, exact although a product may need 56 bits and a
 * double holds 53.
 *
 * The trick: a floating-point estimate of the quotient is off by at most one, so the remainder lies in
 * [−p, 2p), which 32-bit wrap-around arithmetic (`Math.imul`) computes exactly.
 */

/** Primes are below this, so that remainders before correction fit 32 bits with room to spare. */
export const MAX_PRIME_BITS = 28;

/** `value` + p if `value` is negative. Without a branch: on random residues a branch costs four times more. */
export function liftNegative(value: number, p: number): number {
  return (value + ((value >> 31) & p)) | 0;
}

/**
 * a·b mod p.
 *
 * @param a - an integer in [0, p)
 * @param b - an integer in [0, p)
 * @param p - a prime below 2²⁸
 * @param ratio - b/p as a double; a loop with a fixed b computes it once
 */
export function multiplyModulo(a: number, b: number, p: number, ratio: number): number {
  const quotient = (a * ratio) | 0;
  const remainder = (Math.imul(a, b) - Math.imul(quotient, p)) | 0;
  return liftNegative((liftNegative(remainder, p) - p) | 0, p);
}

/** base^exponent mod p, for an exponent in [0, 2³¹). */
export function powerModulo(base: number, exponent: number, p: number): number {
  let square = base;
  let result = 1;
  for (let rest = exponent; rest > 0; rest >>>= 1) {
    if ((rest & 1) === 1) result = multiplyModulo(result, square, p, square / p);
    square = multiplyModulo(square, square, p, square / p);
  }
  return result;
}

/** The x with a·x ≡ 1 mod the prime p (Fermat). */
export function inverseModulo(a: number, p: number): number {
  return powerModulo(a, p - 2, p);
}

/** The representative of the integer `value`, |value| ≤ 2⁵³, in [0, p). */
export function reduceModulo(value: number, p: number): number {
  const remainder = value % p;
  return remainder + (remainder < 0 ? p : 0); // also turns −0 into 0
}

/** Whether `value` is prime, by trial division: meant for values below 2³². */
export function isPrime(value: number): boolean {
  if (!Number.isInteger(value) || value < 2) return false;
  if (value % 2 === 0) return value === 2;
  for (let divisor = 3; divisor * divisor <= value; divisor += 2) {
    if (value % divisor === 0) return false;
  }
  return true;
}
