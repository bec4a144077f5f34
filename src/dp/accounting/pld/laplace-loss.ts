import type { ContourPart, Cumulants, TiltedPart } from './contour-part.ts';

/**
 * The loss of Laplace noise of that epsilon:
 * E[e^(zL)] = ((z+1)·e^(zε) + z·e^(−(z+1)ε)) / (2z+1) for complex z.
 */
export class LaplaceLoss implements ContourPart {
  readonly count: number;
  readonly leftOut = 0;
  readonly decays = false;
  readonly #epsilon: number;

  constructor(epsilon: number, count: number) {
    this.#epsilon = epsilon;
    this.count = count;
  }

  cumulants(s: number): Cumulants {
    const epsilon = this.#epsilon;
    const twice = 2 * s + 1;
    const fall = Math.exp(-twice * epsilon);
    // log of (s + 1 + s·fall)/(2s + 1) and its first two derivatives, besides s·ε.
    const top = s + 1 + s * fall;
    const slope = (1 + fall - 2 * epsilon * s * fall) / top;
    const bend = (4 * epsilon * fall * (epsilon * s - 1)) / top;
    const logMoment = s * epsilon + Math.log(top / twice);
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
    const scale = Math.exp(s * epsilon - logMoment);
    const fall = Math.exp(-(2 * s + 1) * epsilon);
    const at = (t: number): readonly [number, number] => {
      // (z+1)·e^(itε) + z·e^(−(2s+1)ε)·e^(−itε), over 2z+1, turned by the mean.
      const c = Math.cos(t * epsilon);
      const d = Math.sin(t * epsilon);
      const re = (s + 1) * c - t * d + fall * (s * c + t * d);
      const im = (s + 1) * d + t * c + fall * (t * c - s * d);
      const norm = (2 * s + 1) ** 2 + 4 * t * t;
      const qr = (re * (2 * s + 1) + im * 2 * t) / norm;
      const qi = (im * (2 * s + 1) - re * 2 * t) / norm;
      const turnR = Math.cos(t * mean);
      const turnI = -Math.sin(t * mean);
      return [scale * (qr * turnR - qi * turnI), scale * (qr * turnI + qi * turnR)];
    };
    const rounding = (t: number): number =>
      8 * Number.EPSILON * (2 + s * epsilon + Math.abs(logMoment) + t * (epsilon + Math.abs(mean)));
    return {
      ...cumulants,
      transform: (step, count) => {
        const logModulus = new Float64Array(count);
        const angle = new Float64Array(count);
        const error = new Float64Array(count);
        for (let k = 0; k < count; k++) {
          const [re, im] = at(k * step);
          const modulus = Math.hypot(re, im);
          logModulus[k] = Math.log(modulus);
          angle[k] = Math.atan2(im, re);
          error[k] = rounding(k * step) / modulus;
        }
        return { logModulus, angle, error };
      },
      staysUnder: () => false,
    };
  }
}
