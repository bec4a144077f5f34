import { VelaturaError } from '../../core/errors.ts';
import { UpdateEncoder } from '../rounds/update-encoder.ts';

/** Lattice steps a unit. */
const STEPS = 2 ** 15;

/**
 * An encoder on a lattice of 2⁻¹⁵ with room for rounding: a vector within the norm is never scaled down, so that
 * multiples of 2⁻¹⁵ in it, such as the ones of a count, stay exact.
 *
 * @param dimension - coordinates of one client's vector
 * @param norm - bound on its l2 norm before rounding
 * @throws {VelaturaError} `dp/invalid-parameter` for a norm above 1000
 */
export function exactEncoder(dimension: number, norm: number): UpdateEncoder {
  if (!(norm > 0 && norm <= 1000)) {
    throw new VelaturaError(
      'dp/invalid-parameter',
      `the norm of one client's vector expected a number in (0, 1000], got ${norm}`,
      { norm },
    );
  }
  // Rounding moves each coordinate by at most half a step.
  const integerNorm = Math.ceil(norm * STEPS + Math.sqrt(dimension) / 2);
  return new UpdateEncoder({ dimension, clippingNorm: integerNorm / STEPS, integerNorm });
}
