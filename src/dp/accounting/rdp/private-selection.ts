import { logAddExp } from '../../../core/special/log-space.ts';
import type { SelectionRuns } from '../../event.ts';
import type { DivergenceCurve } from './fixed-size.ts';
import { minimiseOverOrders, type OrderOptimum } from './orders.ts';
import { deltaOfCurve } from './readouts.ts';

/** More than the roundings of any formula here, relative to the sizes that are added up. */
const ROUNDING = 64 * Number.EPSILON;
/** Below that a shape changes the expected number of runs by less than one part in 2⁵⁷. */
const TINY_SHAPE = 2 ** -61;

/**
 * log of the expected number of runs, rounded up.
 *
 * Source: Papernot & Steinke (2022), definition 1.
 */
export function logExpectedRuns(runs: SelectionRuns): number {
  if (runs.kind === 'poisson') return Math.log(runs.mean) * (1 + ROUNDING);
  const { shape, stop } = runs;
  const logStop = Math.log(stop);
  // (1 − γ^η)/η. Near 0 its limit log(1/γ), closer to it than ROUNDING, where subnormal quotients lose digits.
  const spread = Math.abs(shape) < TINY_SHAPE ? -logStop : -Math.expm1(shape * logStop) / shape;
  return Math.max(0, Math.log1p(-stop) - logStop - Math.log(spread)) + ROUNDING * (1 - logStop);
}

/**
 * Upper bound on the Rényi divergence of releasing only the best of a random number of runs, by a score that is
 * part of what a run returns.
 *
 * ## Privacy
 * Nobody may learn how many runs there were, nor anything of those that lost. Argument and the places where it
 * departs from the paper: `private-selection.proof.md`.
 *
 * Source: Papernot & Steinke, Hyperparameter tuning with Rényi differential privacy (2022), theorems 2 and 6.
 *
 * @param base - of one run, its score included
 * @param deltaOf - delta of one run at an epsilon, where something better than the curve is known; a Poisson number
 * of runs is priced by it
 */
export function privateSelectionCurve(
  base: DivergenceCurve,
  runs: SelectionRuns,
  deltaOf?: (epsilon: number) => number,
): DivergenceCurve {
  const known = new Map<number, number>();
  const run: DivergenceCurve = {
    pure: base.pure,
    at: (order) => {
      const value = known.get(order) ?? base.at(order);
      known.set(order, value);
      return value;
    },
  };
  const at =
    runs.kind === 'poisson'
      ? poissonBound(run, runs.mean, deltaOf ?? ((epsilon) => deltaOfCurve(run, epsilon)))
      : negativeBinomialBound(run, runs);
  const flattest = lazily(() => minimiseOverOrders(at));
  // Pure: the divergence of infinite order, where only the truncated law keeps a bound.
  const pure =
    runs.kind === 'poisson'
      ? Number.POSITIVE_INFINITY
      : (2 + runs.shape) * run.pure * (1 + ROUNDING);
  return {
    pure,
    at: (order) => {
      const { order: higher, value } = flattest();
      // Divergences grow with the order: that of a higher one bounds this one too.
      const own = at(order);
      return Math.min(pure, order <= higher ? Math.min(own, value) : own);
    },
  };
}

type NegativeBinomial = Extract<SelectionRuns, { kind: 'truncated-negative-binomial' }>;

/** Theorem 2: D(α) + (1+η)·min over β ≥ 1 of ((1 − 1/β)·D(β) + log(1/γ)/β) + log E[K]/(α−1). */
function negativeBinomialBound(
  run: DivergenceCurve,
  runs: NegativeBinomial,
): (order: number) => number {
  const logExpected = logExpectedRuns(runs);
  const logRate = -Math.log(runs.stop);
  const excess = lazily(() => {
    const { value } = minimiseOverOrders(
      (order) => (1 - 1 / order) * run.at(order) + logRate / order,
    );
    return (1 + runs.shape) * Math.min(value, run.pure, logRate);
  });
  return (order) => {
    const sum = run.at(order) + excess() + logExpected / (order - 1);
    return sum + ROUNDING * sum;
  };
}

/** Theorem 6: D(α) + μ·δ(log(1 + 1/(α−1))) + log μ/(α−1), and e^(−μ) for the case of no run at all. */
function poissonBound(
  run: DivergenceCurve,
  mean: number,
  deltaOf: (epsilon: number) => number,
): (order: number) => number {
  return (order) => {
    // Rounded down: delta falls with epsilon.
    const delta = deltaOf(Math.log1p(1 / (order - 1)) * (1 - ROUNDING));
    const exponent = (order - 1) * (run.at(order) + mean * delta) + Math.log(mean);
    const moment = logAddExp(-mean, exponent + ROUNDING * (1 + exponent));
    return Math.max(0, moment) / (order - 1);
  };
}

function lazily<T extends OrderOptimum | number>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
