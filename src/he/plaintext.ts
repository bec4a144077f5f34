import { VelaturaError } from '../core/errors.ts';
import type { HeParameters } from './parameters.ts';

/**
 * Throws unless the coefficients make a plaintext polynomial: at most N of them, each in (−t/2, t/2).
 *
 * @throws {VelaturaError} `he/value-out-of-range`
 */
export function assertPlaintext(parameters: HeParameters, coefficients: Int32Array): void {
  const { polynomialDegree: degree, plaintextModulus } = parameters;
  if (coefficients.length > degree) {
    throw new RangeError(
      `"coefficients" expected at most ${degree} values, got ${coefficients.length}`,
    );
  }
  const limit = (plaintextModulus - 1) / 2;
  for (const value of coefficients) {
    if (value > limit || value < -limit) {
      throw new VelaturaError('he/value-out-of-range', `a coefficient is beyond ±${limit}`, {
        limit,
      });
    }
  }
}
