import { nextUp } from '../../core/special/ulp.ts';
import { rationalOf } from '../noise/rational.ts';

/** The product, never under the exact one. @param a, b - positive finite, product in the normal range */
export function productUp(a: number, b: number): number {
  const product = a * b;
  const [x, y, z] = [rationalOf(a), rationalOf(b), rationalOf(product)];
  const isShort =
    z.numerator * x.denominator * y.denominator < x.numerator * y.numerator * z.denominator;
  return isShort ? nextUp(product) : product;
}

/** The square root, never under the exact one. @param n - a safe integer ≥ 0 */
export function sqrtUp(n: number): number {
  const root = Math.sqrt(n);
  return isSquareOf(root, n) ? root : nextUp(root);
}

function isSquareOf(root: number, n: number): boolean {
  return Number.isInteger(root) && BigInt(root) * BigInt(root) === BigInt(n);
}
