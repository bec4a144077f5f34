import type { ContourPart, Cumulants, TiltedPart } from './contour-part.ts';

/** How the two ends of a bounded loss are weighted in its moment generating function. */
export type TwoSidedKind = 'laplace' | 'exponential';

/**
 * Losses between −ε and ε whose moment is two exponentials over 2z + 1:
 * (a(z)·e^(zε) + b(z)·e^(−(z+1)ε)) / (2z + 1) with a = z + 1, b = z for Laplace noise, and
 * a = −b = 1/(1 − e^(−ε)) for the worst pair of an exponential mechanism.
 */
export class TwoSidedLoss implements ContourPart {
  readonly count: number;
  readonly leftOut = 0;
  readonly #epsilon: number;
  readonly #kind: TwoSidedKind;

  constructor(kind: TwoSidedKind, epsilon: number, count: number) {
    this.#kind = kind;
    this.#epsilon = epsilon;
    this.count = count;
  }

  cumulants(s: number): Cumulants {
    const epsilon = this.#epsilon;
    const twice = 2 * s + 1;
    const fall = Math.exp(-twice * epsilon);
    // log of the numerator without e^(sε), and its first two derivatives.
    let log: number;
    let slope: number;
    let bend: number;
    if (this.#kind === 'laplace') {
      const top = s + 1 + s * fall;
      log = Math.log(top);
      slope = (1 + fall - 2 * epsilon * s * fall) / top;
      bend = (4 * epsilon * fall * (epsilon * s - 1)) / top;
    } else {
      const top = -Math.expm1(-twice * epsilon);
      log = Math.log(top / -Math.expm1(-epsilon));
      slope = (2 * epsilon * fall) / top;
      bend = -2 * epsilon * slope;
    }
    const logMoment = s * epsilon + log - Math.log(twice);
    return {
      logMoment,
      logMomentError: 8 * Number.EPSILON * (2 + s * epsilon + Math.abs(logMoment)),
      mean: epsilon + slope - 2 / twice,
      variance: Math.max(0, bend - slope * slope + 4 / (twice * twice)),
    };
  }

  size(): number {
    return 8;
  }

  tilt(s: number): TiltedPart {
    const epsilon = this.#epsilon;
    const cumulants = this.cumulants(s);
    const { logMoment, mean } = cumulants;
    const twice = 2 * s + 1;
    const fall = Math.exp(-twice * epsilon);
    const scale =
      this.#kind === 'laplace' ? twice / (s + 1 + s * fall) : twice / -Math.expm1(-twice * epsilon);
    const rounding = (t: number): number =>
      8 * Number.EPSILON * (2 + s * epsilon + Math.abs(logMoment) + t * (epsilon + Math.abs(mean)));
    // |z + 1| over |2z + 1| falls in t, |z| over it stays under 1/2, and 1 over it falls.
    const beyond = (t: number): number => {
      const below = Math.hypot(twice, 2 * t);
      const most =
        this.#kind === 'laplace' ? Math.hypot(s + 1, t) / below + fall / 2 : (1 + fall) / below;
      return Math.min(1, scale * most);
    };
    return {
      ...cumulants,
      transform: (step, count) => {
        const logModulus = new Float64Array(count);
        const angle = new Float64Array(count);
        const error = new Float64Array(count);
        for (let k = 0; k < count; k++) {
          const t = k * step;
          const c = Math.cos(t * epsilon);
          const d = Math.sin(t * epsilon);
          const [re, im] = this.#numerator(s, t, fall, c, d);
          logModulus[k] = Math.log((scale * Math.hypot(re, im)) / Math.hypot(twice, 2 * t));
          // The angle of e^(−it·mean) is taken out; whole turns do not matter.
          angle[k] = Math.atan2(im, re) - Math.atan2(2 * t, twice) - t * mean;
          error[k] = rounding(t) / Math.exp(logModulus[k] as number);
        }
        return { logModulus, angle, error };
      },
      decay: (t) => Math.log(beyond(t)),
      staysUnder: (from, bound) => beyond(from) <= bound * (1 + 1e-9),
    };
  }

  /** Numerator at s + it over e^(sε): c + id is e^(itε). */
  #numerator(s: number, t: number, fall: number, c: number, d: number): readonly [number, number] {
    if (this.#kind === 'exponential') return [c - fall * c, d + fall * d];
    return [
      (s + 1) * c - t * d + fall * (s * c + t * d),
      (s + 1) * d + t * c + fall * (t * c - s * d),
    ];
  }
}
