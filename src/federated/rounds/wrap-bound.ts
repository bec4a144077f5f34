/** A sum whose coordinates must stay within the modulus. */
export interface WrapTerms {
  /** Coordinates of the sum. */
  readonly dimension: number;
  readonly modulusBits: number;
  /** Members of whom every one may contribute. */
  readonly cohort: number;
  /** Bound on the norm of one contribution before it is rounded, in lattice units. */
  readonly norm: number;
  /** Coordinates over which a rotation spreads a vector. */
  readonly blockSize: number;
  /** Variance of the Skellam noise of one contribution. */
  readonly shareVariance: number;
}

/** Rotating in float32 lengthens a vector by far less. */
export const ROTATION_GUARD: number = 1 + 2 ** -16;
/** Far above the rounding of the exponent below. */
const ROUNDING_GUARD = 1 + 1e-6;

/**
 * Upper bound on the chance that any coordinate of the sum passes the modulus: even if all members send the same
 * vector and all of them survive. Chernoff's bound on the signs of the rotation and the noise together, with
 * roundings at their worst; proof: `distributed-noise.proof.md`.
 */
export function wrapProbability(terms: WrapTerms): number {
  const { dimension, modulusBits, cohort, norm, blockSize, shareVariance } = terms;
  const room = 2 ** (modulusBits - 1) - cohort;
  if (room <= 0) return 1;
  const spread = (cohort * norm * ROTATION_GUARD) ** 2 / blockSize;
  const noise = cohort * shareVariance;
  // The exponent spread·λ²/2 + noise·(cosh λ − 1) − λ·room bounds for every λ; the least is where its slope is 0.
  let low = 0;
  let high = Math.min(room / spread, Math.asinh(room / noise));
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (spread * middle + noise * Math.sinh(middle) < room) low = middle;
    else high = middle;
  }
  const exponent = (spread * low * low) / 2 + 2 * noise * Math.sinh(low / 2) ** 2 - low * room;
  return Math.min(1, 2 * dimension * Math.exp(exponent) * ROUNDING_GUARD);
}
