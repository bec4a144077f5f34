import { expBounds } from './exp-bounds.ts';

/** Largest argument of {@link expFloat}. */
export const EXP_FLOAT_LIMIT = 80;

/** More than e^(−x) for every x over the limit, by a factor over 1.2; log₂ e^(−80) is −115.4…. */
export const EXP_BEYOND_LIMIT: number = 2 ** -115;

const STEPS = 16;
let integerPowers: Float64Array | undefined;
let fractionPowers: Float64Array | undefined;

/** e^(−index/divisor) rounded to 60 digits after the point of its own size, then to a double. */
function powers(length: number, divisor: number): Float64Array {
  return Float64Array.from({ length }, (_, index) => {
    const scale = Math.ceil((1.5 * index) / divisor) + 60;
    const [lower] = expBounds(BigInt(index), BigInt(divisor), scale);
    return Number(lower) * 2 ** -scale;
  });
}

/**
 * e^(−x) in doubles with a proven relative error under 2⁻⁴⁸, from additions and multiplications alone:
 * `Math.exp` promises no accuracy. Proof: `certified-cells.proof.md` §4.
 *
 * @param x - in [0, 80]
 */
export function expFloat(x: number): number {
  integerPowers ??= powers(EXP_FLOAT_LIMIT + 1, 1);
  fractionPowers ??= powers(STEPS, STEPS);
  const whole = Math.floor(x);
  const step = Math.floor((x - whole) * STEPS);
  // Exact: both subtractions cancel leading digits only.
  const r = x - whole - step / STEPS;
  const sum =
    1 -
    r *
      (1 -
        r *
          (1 / 2 -
            r *
              (1 / 6 - r * (1 / 24 - r * (1 / 120 - r * (1 / 720 - r * (1 / 5040 - r / 40320)))))));
  return (integerPowers[whole] as number) * (fractionPowers[step] as number) * sum;
}
