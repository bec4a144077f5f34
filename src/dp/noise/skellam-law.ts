import { type CertifiedLaw, LEAST_RELATIVE_ERROR } from './certified-law.ts';
import type { Bounds } from './exp-bounds.ts';
import { dyadicOf } from './rational.ts';

/** The weight is kept in doubles up to here, where it is under 2⁻⁹⁰. */
const KEPT_SPREADS = 11.5;
const KEPT_EXTRA = 24;

/**
 * Weight I_m(mu) / I₀(mu) on the integers: the Skellam law of variance mu, for the exact value of the double.
 *
 * Source: DLMF 10.29.1 (recurrence) and 10.41; Miller's downward recurrence with a proven enclosure, see
 * `skellam.proof.md`.
 *
 * @param mu - in [2⁻⁶, 2³²]
 * @param relativeError - added to what is proven for the doubles; tests widen it to force the exact path
 */
export function skellamLaw(mu: number, relativeError: number = LEAST_RELATIVE_ERROR): CertifiedLaw {
  const spread = Math.sqrt(mu);
  const { weights, proven } = weightTable(mu, Math.ceil(KEPT_SPREADS * spread) + KEPT_EXTRA);
  return {
    continuous: false,
    spread,
    relativeError: relativeError + 2 * proven,
    weightBeyond: 2 * (weights[weights.length - 1] as number),
    weight(point: number): number {
      return point < weights.length ? (weights[point] as number) : Number.NaN;
    },
    weightBounds(point: bigint, _shift: number, precision: number): Bounds {
      const [lower, upper] = besselQuotientBounds(mu, Number(point), precision);
      return point === 0n ? [lower >> 1n, (upper >> 1n) + 1n] : [lower, upper];
    },
  };
}

/** I_m(mu) / I₀(mu) for m ≤ last (m = 0 halved), and a bound of the relative error. */
function weightTable(mu: number, last: number): { weights: Float64Array; proven: number } {
  for (let start = Math.ceil(1.3 * last); ; start *= 2) {
    // The true quotient lies between the two runs; a step of a run rounds three times.
    const weights = millerRun(mu, start, last, 0);
    const other = millerRun(mu, start, last, 1);
    const gap = weights.reduce(
      (most, w, m) => Math.max(most, Math.abs((other[m] as number) / w - 1)),
      0,
    );
    if (gap > 2 ** -40) continue;
    weights[0] = 0.5;
    return { weights, proven: 2 * gap + 32 * start * 2 ** -53 };
  }
}

/** f_m / f₀ for m ≤ last, where f_{k−1} = f_{k+1} + (2k/mu)·f_k from f_{start+1} = next·f_start. */
function millerRun(mu: number, start: number, last: number, next: 0 | 1): Float64Array {
  const run = new Float64Array(last + 1);
  // So small that a thousand steps of any admitted mu stay finite.
  let here = 2 ** -900;
  let above = next * here;
  for (let k = start; k > 0; k--) {
    const below = above + ((2 * k) / mu) * here;
    above = here;
    here = below;
    if (k - 1 <= last) run[k - 1] = here;
  }
  for (let m = last; m >= 0; m--) run[m] = (run[m] as number) / here;
  return run;
}

/**
 * Encloses 2^precision · I_m(mu) / I₀(mu): the two extreme runs of the downward recurrence, each with every
 * step rounded down and up. The enclosure shrinks to nothing as the precision grows.
 *
 * @param mu - a finite double > 0
 * @param m - an integer ≥ 0
 */
export function besselQuotientBounds(mu: number, m: number, precision: number): Bounds {
  const start = Math.ceil(Math.sqrt(m * m + mu * (precision + 32))) + precision + 32;
  const first = quotientOfRun(mu, m, precision, start, 0n);
  const second = quotientOfRun(mu, m, precision, start, 1n);
  return [first[0] < second[0] ? first[0] : second[0], first[1] > second[1] ? first[1] : second[1]];
}

function quotientOfRun(
  mu: number,
  m: number,
  precision: number,
  start: number,
  next: bigint,
): Bounds {
  const { mantissa, exponent } = dyadicOf(mu);
  const divisor = mantissa << BigInt(Math.max(exponent, 0));
  const factorShift = BigInt(1 + Math.max(-exponent, 0));
  const unit = 1n << BigInt(precision + 64);
  let [lowHere, highHere] = [unit, unit];
  let [lowAbove, highAbove] = [next * unit, next * unit];
  let [lowAtM, highAtM] = [unit, unit];
  for (let k = start; k > 0; k--) {
    if (k === m) [lowAtM, highAtM] = [lowHere, highHere];
    const factor = BigInt(k) << factorShift;
    const lowBelow = lowAbove + (lowHere * factor) / divisor;
    const highBelow = highAbove + (highHere * factor) / divisor + 1n;
    [lowAbove, highAbove] = [lowHere, highHere];
    [lowHere, highHere] = [lowBelow, highBelow];
  }
  if (m === 0) [lowAtM, highAtM] = [lowHere, highHere];
  const scale = BigInt(precision);
  return [(lowAtM << scale) / highHere, (highAtM << scale) / lowHere + 1n];
}
