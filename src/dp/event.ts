/**
 * What a release costs: immutable, JSON-ready records that hold what is necessary and sufficient for
 * accounting and nothing else. Kinds are added, never removed or changed in meaning; an accountant that
 * does not know a kind refuses it.
 *
 * Every noise multiplier and sensitivity is **under the relation of the plan** that holds the event;
 * accountants never double or halve it.
 */
export type DpEvent =
  /** N(0, (noiseMultiplier · l2 sensitivity)²), also rounded to integers, in any dimension. */
  | { readonly kind: 'gaussian'; readonly noiseMultiplier: number }
  /** Laplace noise of scale noiseMultiplier · l1 sensitivity. */
  | { readonly kind: 'laplace'; readonly noiseMultiplier: number }
  /** Discrete Gaussian of parameter `sigma` on each of `dimension` integers (default 1). */
  | {
      readonly kind: 'discrete-gaussian';
      readonly sigma: number;
      readonly l2Sensitivity: number;
      readonly dimension?: number;
    }
  /** P[k] ∝ e^(−parameter·|k|) on an integer of that l1 sensitivity. */
  | {
      readonly kind: 'discrete-laplace';
      readonly parameter: number;
      readonly sensitivity: number;
    }
  /** Skellam noise of variance `mu` on each of `dimension` integers (default 1). */
  | {
      readonly kind: 'skellam';
      readonly mu: number;
      readonly l1Sensitivity: number;
      readonly l2Sensitivity: number;
      readonly dimension?: number;
    }
  /** Exponential mechanism with weights e^(epsilon · utility / (2 · sensitivity)). */
  | { readonly kind: 'exponential'; readonly epsilon: number }
  /** With that probability the value is replaced by a uniform one of all categories. */
  | {
      readonly kind: 'randomized-response';
      readonly probability: number;
      readonly categories: number;
    }
  /** Anything that is rho-zCDP. */
  | { readonly kind: 'zcdp'; readonly rho: number }
  /**
   * `event` on a sample into which every record enters independently with that rate. When neighbours replace a
   * record, the noise multiplier is the noise over **twice the farthest a record is from being absent**: true of
   * sums of vectors clipped to a ball around 0, not of a count or sum whose range has absence at its end.
   */
  | {
      readonly kind: 'poisson-sampled';
      readonly samplingRate: number;
      readonly event: DpEvent;
    }
  /** `event` on a uniform sample of fixed size, without replacement. */
  | {
      readonly kind: 'fixed-size-sampled';
      readonly sampleSize: number;
      readonly populationSize: number;
      readonly event: DpEvent;
    }
  /** `event`, count times over, each with fresh randomness. */
  | { readonly kind: 'repeated'; readonly count: number; readonly event: DpEvent }
  /** All of `events`, adaptively. */
  | { readonly kind: 'composed'; readonly events: readonly DpEvent[] }
  /** Matrix-factorised noise over a run in which an account takes part at most so often, so far apart. */
  | {
      readonly kind: 'correlated-gaussian';
      readonly noiseMultiplier: number;
      readonly participations: number;
      readonly minSeparation: number;
      readonly strategy: CorrelationStrategy;
    }
  /** The best outcome, by a score that is part of it, of a random number of runs of `event`. */
  | {
      readonly kind: 'repeat-and-select';
      readonly runs: SelectionRuns;
      readonly event: DpEvent;
    }
  /** No guarantee at all. */
  | { readonly kind: 'non-private' };

/** How the noise of successive rounds is correlated: first column of a lower-triangular Toeplitz matrix. */
export interface CorrelationStrategy {
  readonly kind: 'banded-toeplitz';
  readonly coefficients: readonly number[];
}

/**
 * The law of a number of runs that nobody learns. Truncated negative binomial: P[k] ∝ (1−γ)ᵏ·Π (l+η)/(l+1) over
 * l < k, for k ≥ 1, with η the `shape` in (−1, 1] (0 is the logarithmic law, 1 the geometric one) and γ `stop` in
 * [2⁻²⁰, 1). Poisson of a mean from 1 to 2²⁰: it may be no run at all.
 */
export type SelectionRuns =
  | {
      readonly kind: 'truncated-negative-binomial';
      readonly shape: number;
      readonly stop: number;
    }
  | { readonly kind: 'poisson'; readonly mean: number };

/** Kind names, in the order of the documentation. */
export const EVENT_KINDS = [
  'gaussian',
  'laplace',
  'discrete-gaussian',
  'discrete-laplace',
  'skellam',
  'exponential',
  'randomized-response',
  'zcdp',
  'poisson-sampled',
  'fixed-size-sampled',
  'repeated',
  'composed',
  'correlated-gaussian',
  'repeat-and-select',
  'non-private',
] as const;
