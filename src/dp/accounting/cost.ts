import { VelaturaError } from '../../core/errors.ts';
import { nextDown, nextUp } from '../../core/special/ulp.ts';
import type { Plan } from '../plan.ts';
import { correlatedGaussianPrecision } from './correlated.ts';
import { gaussianPrecision, type Leaf, leavesOf } from './leaves.ts';
import { pureEpsilon } from './pure.ts';
import { unsupported } from './refuse.ts';
import { validatePlan } from './validate.ts';

function infinite(path: string): VelaturaError {
  return new VelaturaError('dp/infinite-cost', `${path}: no finite cost bounds this event`, {
    path,
  });
}

/** Sums costs upwards; Infinity where no finite cost bounds a leaf, or their sum passes all doubles. */
export function totalCost(leaves: readonly Leaf[], cost: (leaf: Leaf) => number): number {
  let sum = 0;
  for (const leaf of leaves) {
    const added = cost(leaf);
    // Written so that NaN counts as infinite: a cost that is not a number must never pass as none.
    if (!(added >= 0 && added < Number.POSITIVE_INFINITY)) return Number.POSITIVE_INFINITY;
    // Adding to nothing rounds nothing.
    if (added > 0) sum = sum === 0 ? added : nextUp(sum + added);
  }
  return sum;
}

/** The same for a budget, which cannot book what is infinite. */
function finiteCost(plan: Plan, cost: (leaf: Leaf) => number): number {
  const leaves = leavesOf(validatePlan(plan).event);
  const sum = totalCost(leaves, cost);
  if (sum < Number.POSITIVE_INFINITY) return sum;
  const first = leaves.find((leaf) => !(cost(leaf) < Number.POSITIVE_INFINITY));
  throw infinite(first?.path ?? 'event');
}

/**
 * µ² of one leaf under Gaussian differential privacy, rounded up.
 *
 * @throws {VelaturaError} `dp/unsupported-event` when it is no Gaussian, `dp/infinite-cost`
 */
export function gdpCostOfLeaf(leaf: Leaf): number {
  const { event, count, path } = leaf;
  switch (event.kind) {
    case 'gaussian':
      return gaussianPrecision(event.noiseMultiplier, count);
    case 'correlated-gaussian':
      return nextUp(count * correlatedGaussianPrecision(event, path));
    case 'non-private':
      throw infinite(path);
    default:
      throw unsupported(path, `${event.kind} is not a Gaussian mechanism`);
  }
}

/**
 * rho of one leaf under zero-concentrated differential privacy, rounded up.
 *
 * Gaussian 1/(2·noiseMultiplier²) (Bun & Steinke 2016, proposition 1.6); discrete Gaussian the same in
 * any dimension (Canonne, Kamath & Steinke 2020, theorems 4 and 14); pure epsilon gives epsilon²/2 (Bun &
 * Steinke, proposition 1.4), the exponential mechanism epsilon²/8 (Cesar & Rogers 2021).
 *
 * @throws {VelaturaError} `dp/unsupported-event` where no rho is proven, `dp/infinite-cost`
 */
export function zcdpCostOfLeaf(leaf: Leaf): number {
  const { event, count, path } = leaf;
  switch (event.kind) {
    case 'gaussian':
    case 'correlated-gaussian':
      return gdpCostOfLeaf(leaf) / 2;
    case 'discrete-gaussian':
      return gaussianPrecision(nextDown(event.sigma / event.l2Sensitivity), count) / 2;
    case 'zcdp':
      return nextUp(count * event.rho);
    case 'exponential':
      return nextUp(count * nextUp(event.epsilon * event.epsilon)) / 8;
    case 'laplace':
    case 'discrete-laplace':
    case 'randomized-response': {
      const epsilon = pureEpsilon(event);
      if (epsilon === 0) return 0;
      return nextUp(count * nextUp(epsilon * epsilon)) / 2;
    }
    case 'non-private':
      throw infinite(path);
    default:
      throw unsupported(path, `${event.kind} has no proven rho`);
  }
}

/**
 * What a plan costs in the currency of Gaussian differential privacy: Σ 1/noiseMultiplier², the square
 * of its exact µ. Costs add up over adaptive composition (Dong, Roth & Su 2022, corollary 3.3).
 *
 * @returns µ², rounded up
 * @throws {VelaturaError} `dp/unsupported-event` with the path of a node that is no Gaussian,
 * `dp/infinite-cost`, `dp/invalid-parameter`
 */
export function gdpCost(plan: Plan): number {
  return finiteCost(plan, gdpCostOfLeaf);
}

/**
 * What a plan costs in the currency of zero-concentrated differential privacy.
 *
 * @returns rho, rounded up
 * @throws {VelaturaError} `dp/unsupported-event` with the path of a node without a proven rho,
 * `dp/infinite-cost`, `dp/invalid-parameter`
 */
export function zcdpCost(plan: Plan): number {
  return finiteCost(plan, zcdpCostOfLeaf);
}
