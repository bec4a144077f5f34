import { type GaussianMixture, logMixtureRatio } from '../rdp/mixture.ts';
import type { ContourPart, Cumulants, TiltedPart } from './contour-part.ts';
import { oscillationLimit, staysUnder } from './oscillation.ts';
import { type TiltedNodes, tiltedNodes, transformOf } from './tilted-nodes.ts';

/** Which of the two laws is in front: that with the record (it is removed) or that without (added). */
export type Direction = 'remove' | 'add';

const HALF_LOG_2_PI = 0.9189385332046727;
/** Beyond that many deviations from where the tilted law lies its mass is under e^(−70). */
const REACH = 12;
/** Angles by which the line of integration may be turned to bound the rule; π is the end of the strip. */
const ANGLES = [0.1, 0.3, 0.7, 1.2, 1.8, 2.3, 2.7, 3];
/** Beyond double precision: a power of a hundred thousand uses multiplies the error. */
const FULL_PRECISION = 46;
/** Share of the decay at one frequency that is to hold at all beyond it. */
const PROVEN = 0.72;
const ESTIMATE = 20;
/** With more points than that a lattice is quicker. */
const MOST_NODES = 50_000;

/**
 * The privacy loss of one Poisson-sampled Gaussian in one direction: log R(x) with x from the mixture, or
 * −log R(x) with x ~ N(0,1). Its moment is E[R(x)^power] over N(0,1) with power 1 + s or −s.
 */
export class SampledGaussianLoss implements ContourPart {
  readonly count: number;
  readonly leftOut = 0;
  readonly #mixture: GaussianMixture;
  readonly #direction: Direction;

  constructor(mixture: GaussianMixture, direction: Direction, count: number) {
    this.#mixture = mixture;
    this.#direction = direction;
    this.count = count;
  }

  cumulants(s: number): Cumulants {
    return this.#nodes(s, 0, ESTIMATE);
  }

  size(s: number, frequency: number): number {
    const [from, to] = this.#range(this.#power(s));
    return (to - from) / this.#stepWidth(s, frequency, FULL_PRECISION);
  }

  tilt(s: number, frequency: number): TiltedPart {
    const nodes = this.#nodes(s, frequency, FULL_PRECISION);
    return {
      ...nodes,
      transform: (step, count) => transformOf(nodes, step, count),
      decay: (_, logModulus) => PROVEN * logModulus,
      staysUnder: (from, bound) => this.#staysUnder(s, nodes.logMoment, from, bound),
    };
  }

  /** Real exponent of R in the moment. */
  #power(s: number): number {
    return this.#direction === 'remove' ? 1 + s : -s;
  }

  /** Ends beyond which the log-density of the tilted law falls with a slope of at least REACH. */
  #range(power: number): readonly [number, number] {
    const { shift, samplingRate } = this.#mixture;
    if (power >= 0) return [-REACH, REACH + power * shift];
    const odds = ((1 - samplingRate) / samplingRate) * Math.exp(shift * (REACH + shift / 2));
    return [-REACH + (power * shift) / (1 + odds), REACH];
  }

  /**
   * The tilted law on a trapezoidal rule good to e^(−digits) for all frequencies up to `frequency`.
   * See contour.proof.md, section 2.
   */
  #nodes(s: number, frequency: number, digits: number): TiltedNodes {
    const { samplingRate, shift } = this.#mixture;
    const power = this.#power(s);
    const [from, to] = this.#range(power);
    const step = this.#stepWidth(s, frequency, digits);
    const n = Math.ceil((to - from) / step) + 1;
    const sign = this.#direction === 'remove' ? 1 : -1;
    const losses = new Float64Array(n);
    const logWeights = new Float64Array(n);
    const weightRoundings = new Float64Array(n);
    const lossRoundings = new Float64Array(n);
    const logStep = Math.log(step) - HALF_LOG_2_PI;
    let peak = Number.NEGATIVE_INFINITY;
    for (let j = 0; j < n; j++) {
      const x = from + j * step;
      const exponent = shift * (x - shift / 2);
      const logRatio = logMixtureRatio(this.#mixture, x);
      const logWeight = power * logRatio - 0.5 * x * x + logStep;
      losses[j] = sign * logRatio;
      logWeights[j] = logWeight;
      const share = samplingRate * Math.exp(exponent - logRatio);
      const roundings =
        Math.abs(logRatio) +
        4 * share * (Math.abs(shift * x) + shift * shift + 1) +
        4 * samplingRate * Math.exp(-logRatio);
      lossRoundings[j] = roundings;
      weightRoundings[j] = Math.abs(power) * roundings + 2 * x * x + 2 * Math.abs(logWeight);
      if (logWeight > peak) peak = logWeight;
    }
    // Points that weigh nothing cost time only; what they weigh goes into the error.
    const floor = peak - digits - Math.log(n + 2 / step);
    let first = 0;
    let last = n - 1;
    while ((logWeights[first] as number) < floor) first++;
    while ((logWeights[last] as number) < floor) last--;
    const kept = (array: Float64Array): Float64Array => array.subarray(first, last + 1);
    const complete = first > 0 && last < n - 1;
    const dropped = complete ? Math.exp(-digits) : 1;
    return tiltedNodes(
      {
        losses: kept(losses),
        logWeights: kept(logWeights),
        weightRoundings: kept(weightRoundings),
        lossRoundings: kept(lossRoundings),
      },
      dropped + 2 * Math.exp(-digits),
    );
  }

  /** Widest step whose error stays under e^(−digits) of the moment. */
  #stepWidth(s: number, frequency: number, digits: number): number {
    const { shift } = this.#mixture;
    // Where much noise makes the strip wide, this line is the best of all.
    const free = shift * Math.sqrt(2 * (digits + 1));
    let best = 0;
    for (const angle of [...ANGLES, Math.min(free, 3)]) {
      const strip = angle / shift;
      const shrink = this.#direction === 'add' ? -s * Math.log(Math.cos(angle / 2)) : 0;
      const growth = digits + 1 + 0.5 * strip * strip + frequency * angle + shrink;
      best = Math.max(best, (2 * Math.PI * strip) / growth);
    }
    return best;
  }

  /** True when |m(t)| ≤ bound is certain for every t ≥ from. */
  #staysUnder(s: number, logMoment: number, from: number, bound: number): boolean {
    const power = this.#power(s);
    const limit = oscillationLimit(this.#mixture, power, this.#range(power), logMoment, bound);
    if (limit <= from) return true;
    const digits = 4 - Math.log1p(-bound);
    const [start, end] = this.#range(power);
    if (!((end - start) / this.#stepWidth(s, limit, digits) < MOST_NODES)) return false;
    const nodes = this.#nodes(s, limit, digits);
    return staysUnder(nodes, from, limit, bound);
  }
}
