import { nextUp } from '../../../core/special/ulp.ts';
import type { DpEvent } from '../../event.ts';
import type { NeighbourRelation } from '../../plan.ts';
import { correlatedGaussianPrecision } from '../correlated.ts';
import { gdpCostOfLeaf, totalCost } from '../cost.ts';
import { deltaOfCost } from '../gdp-accountant.ts';
import { type Leaf, leavesOf } from '../leaves.ts';
import { isPure, pureEpsilon } from '../pure.ts';
import { unsupported } from '../refuse.ts';
import { hasWorstPair, sampledPairDivergence } from './base-pair.ts';
import {
  discreteLaplaceDivergence,
  exchangeDivergence,
  exponentialDivergence,
  laplaceDivergence,
  skellamDivergence,
} from './closed-forms.ts';
import { type DivergenceCurve, fixedSizeDivergence, interpolateIntegers } from './fixed-size.ts';
import { privateSelectionCurve } from './private-selection.ts';
import { replacedGaussianDivergence, sampledGaussianDivergence } from './sampled-gaussian.ts';

/** All quadratures and sums stay far below this relative error; it is added on top. */
const SLACK = 1e-11;

/**
 * Upper bound on the Rényi divergence of every real order α > 1 of one use of an event.
 *
 * @throws {VelaturaError} `dp/unsupported-event` with the path of the node without a proven curve
 */
export function divergenceCurve(
  event: DpEvent,
  relation: NeighbourRelation,
  path: string,
): DivergenceCurve {
  const exact = exactCurve(event, relation, path);
  const pure = exact.pure * (1 + SLACK);
  return { pure, at: (order) => Math.min(pure, exact.at(order) * (1 + SLACK)) };
}

/** A curve linear in the order: that of everything rho-zCDP. */
function concentrated(rho: number): DivergenceCurve {
  return { at: (order) => rho * order, pure: Number.POSITIVE_INFINITY };
}

function exactCurve(event: DpEvent, relation: NeighbourRelation, path: string): DivergenceCurve {
  switch (event.kind) {
    case 'gaussian':
      return concentrated(1 / (2 * event.noiseMultiplier * event.noiseMultiplier));
    case 'correlated-gaussian':
      return concentrated(correlatedGaussianPrecision(event, path) / 2);
    case 'discrete-gaussian':
      // In any dimension: Canonne, Kamath & Steinke (2020), theorem 14.
      return concentrated((event.l2Sensitivity / event.sigma) ** 2 / 2);
    case 'zcdp':
      return concentrated(event.rho);
    case 'laplace': {
      const pure = pureEpsilon(event);
      return { pure, at: (order) => laplaceDivergence(pure, order) };
    }
    case 'discrete-laplace': {
      const { parameter } = event;
      const sensitivity = Math.ceil(event.sensitivity);
      return {
        pure: nextUp(parameter * sensitivity),
        at: (order) => discreteLaplaceDivergence(parameter, sensitivity, order),
      };
    }
    case 'randomized-response': {
      const pure = pureEpsilon(event);
      const { probability, categories } = event;
      const likely = 1 - probability + probability / categories;
      if (pure === 0) return { pure, at: () => 0 };
      return { pure, at: (order) => exchangeDivergence(pure, likely, order) };
    }
    case 'exponential': {
      const pure = pureEpsilon(event);
      return { pure, at: (order) => exponentialDivergence(pure, order) };
    }
    case 'skellam':
      return {
        pure: Number.POSITIVE_INFINITY,
        at: interpolateIntegers((order) => (order - 1) * skellamDivergence(event, order)),
      };
    case 'poisson-sampled':
      return poissonCurve(event, relation, path);
    case 'fixed-size-sampled':
      return fixedSizeCurve(event, relation, path);
    case 'repeat-and-select':
      return selectionCurve(event, relation, path);
    default:
      throw unsupported(path, `${event.kind} has no proven Rényi divergence`);
  }
}

function selectionCurve(
  event: Extract<DpEvent, { kind: 'repeat-and-select' }>,
  relation: NeighbourRelation,
  path: string,
): DivergenceCurve {
  const leaves = leavesOf(event.event, `${path}.event`);
  const run = sumOfCurves(
    leaves.map((leaf) => ({
      curve: divergenceCurve(leaf.event, relation, leaf.path),
      count: leaf.count,
    })),
  );
  return privateSelectionCurve(run, event.runs, gaussianDelta(leaves));
}

/** Delta as a function of epsilon where it is known exactly: for Gaussian noise and nothing else. */
function gaussianDelta(leaves: readonly Leaf[]): ((epsilon: number) => number) | undefined {
  if (leaves.some(({ event }) => event.kind !== 'gaussian')) return undefined;
  const cost = totalCost(leaves, gdpCostOfLeaf);
  return (epsilon) => deltaOfCost(cost, epsilon).upper;
}

/** Divergences add up under adaptive composition; rounded up. */
export function sumOfCurves(
  parts: readonly { readonly curve: DivergenceCurve; readonly count: number }[],
): DivergenceCurve {
  const sum = (value: (curve: DivergenceCurve) => number): number => {
    let total = 0;
    for (const { curve, count } of parts) total = nextUp(total + nextUp(count * value(curve)));
    return total;
  };
  return { at: (order) => sum((curve) => curve.at(order)), pure: sum((curve) => curve.pure) };
}

function poissonCurve(
  event: Extract<DpEvent, { kind: 'poisson-sampled' }>,
  relation: NeighbourRelation,
  path: string,
): DivergenceCurve {
  const { samplingRate, event: inner } = event;
  const innerPath = `${path}.event`;
  if (inner.kind === 'gaussian') {
    const pure = Number.POSITIVE_INFINITY;
    const shift = 1 / inner.noiseMultiplier;
    if (relation === 'replace-one-user') {
      const mixture = { samplingRate, shift: shift / 2 };
      return { pure, at: (order) => replacedGaussianDivergence(mixture, order) };
    }
    return { pure, at: (order) => sampledGaussianDivergence({ samplingRate, shift }, order) };
  }
  if (!hasWorstPair(inner)) {
    throw unsupported(innerPath, `no bound is proven for a Poisson sample of ${inner.kind}`);
  }
  if (relation === 'replace-one-user') {
    throw unsupported(
      innerPath,
      `no bound is proven for a Poisson sample of ${inner.kind} under it`,
    );
  }
  const pure = isPure(inner)
    ? Math.log1p(samplingRate * Math.expm1(divergenceCurve(inner, relation, innerPath).pure))
    : Number.POSITIVE_INFINITY;
  return { pure, at: (order) => sampledPairDivergence(inner, samplingRate, order) };
}

function fixedSizeCurve(
  event: Extract<DpEvent, { kind: 'fixed-size-sampled' }>,
  relation: NeighbourRelation,
  path: string,
): DivergenceCurve {
  const { sampleSize, populationSize, event: inner } = event;
  if (relation !== 'replace-one-user') {
    throw unsupported(path, `a sample of fixed size is bounded under replace-one-user only`);
  }
  if (inner.kind === 'poisson-sampled' || inner.kind === 'fixed-size-sampled') {
    throw unsupported(`${path}.event`, 'no bound is proven for a sample of a sample');
  }
  if (inner.kind === 'repeat-and-select') {
    throw unsupported(`${path}.event`, 'a selection draws samples of its own');
  }
  if (inner.kind === 'correlated-gaussian') {
    throw unsupported(`${path}.event`, 'a sample does not span the rounds of correlated noise');
  }
  const samplingRate = sampleSize / populationSize;
  const curve = divergenceCurve(inner, relation, `${path}.event`);
  return {
    pure: Math.log1p(samplingRate * Math.expm1(curve.pure)),
    at: fixedSizeDivergence(curve, samplingRate),
  };
}
