import { gaussLegendre } from '../../../core/special/gauss-legendre.ts';
import type { DpEvent } from '../../event.ts';
import { pureEpsilon } from '../pure.ts';
import { logOnePlusExp, logPowerAboveTangent, logSum } from './power-tangent.ts';

/** One point of a pair of laws: its log-odds, and its log-probability under the second law. */
type Point = (logOdds: number, logWeight: number) => void;

/** Mechanisms other than the Gaussian with one worst pair, which therefore may be sampled. */
export type PairEvent = Extract<
  DpEvent,
  { readonly kind: 'laplace' | 'discrete-laplace' | 'discrete-gaussian' }
>;

/** More points than this are not summed for one order. */
const MAX_POINTS = 1 << 20;

/** True where a single pair is the worst for neighbours in both directions. See sampling.proof.md. */
export function hasWorstPair(event: DpEvent): event is PairEvent {
  if (event.kind === 'discrete-gaussian') return (event.dimension ?? 1) === 1;
  return event.kind === 'laplace' || event.kind === 'discrete-laplace';
}

/** Calls `point` for all of a pair that moments up to `order` can see; false when that is too much. */
function visit(event: PairEvent, order: number, point: Point): boolean {
  switch (event.kind) {
    case 'laplace':
      return visitLaplace(pureEpsilon(event), order, point);
    case 'discrete-laplace':
      return visitDiscreteLaplace(event.parameter, Math.ceil(event.sensitivity), point);
    case 'discrete-gaussian':
      return visitDiscreteGaussian(event.sigma, Math.ceil(event.l2Sensitivity), order, point);
  }
}

/** Half below 0 with log-odds −ε, e^(−ε)/2 above with ε, and a density e^(−(l+ε)/2)/4 between. */
function visitLaplace(epsilon: number, order: number, point: Point): boolean {
  const panels = Math.ceil((epsilon * (order + 1)) / 2);
  const { nodes, weights } = gaussLegendre(12);
  if (panels * nodes.length > MAX_POINTS) return false;
  point(-epsilon, -Math.LN2);
  point(epsilon, -Math.LN2 - epsilon);
  const half = epsilon / panels;
  for (let panel = 0; panel < panels; panel++) {
    const middle = (2 * panel + 1) * half - epsilon;
    for (let i = 0; i < nodes.length; i++) {
      const logOdds = middle + half * (nodes[i] as number);
      point(logOdds, Math.log((half * (weights[i] as number)) / 4) - (logOdds + epsilon) / 2);
    }
  }
  return true;
}

function visitDiscreteLaplace(parameter: number, sensitivity: number, point: Point): boolean {
  if (sensitivity > MAX_POINTS) return false;
  const logScale = Math.log(-Math.expm1(-parameter)) - Math.log1p(Math.exp(-parameter));
  const logTail = logScale - Math.log(-Math.expm1(-parameter));
  point(-parameter * sensitivity, logTail);
  point(parameter * sensitivity, logTail - parameter * sensitivity);
  for (let k = 1; k < sensitivity; k++) {
    point(parameter * (2 * k - sensitivity), logScale - parameter * k);
  }
  return true;
}

function visitDiscreteGaussian(
  sigma: number,
  sensitivity: number,
  order: number,
  point: Point,
): boolean {
  const reach = Math.ceil(14 * sigma) + sensitivity;
  const last = Math.ceil(order * sensitivity) + reach;
  if (last + reach > MAX_POINTS) return false;
  const inverse = 1 / (2 * sigma * sigma);
  let mass = 1;
  for (let k = 1; k <= reach; k++) mass += 2 * Math.exp(-k * k * inverse);
  const logMass = Math.log(mass);
  for (let k = -reach; k <= last; k++) {
    point((2 * k - sensitivity) * sensitivity * inverse, -k * k * inverse - logMass);
  }
  return true;
}

/**
 * Rényi divergence of a Poisson sample of a mechanism with a worst pair (P, Q): the larger of that of
 * (1−q)Q + qP from Q and of Q from (1−q)Q + qP.
 *
 * Source: Zhu, Dong & Wang, Optimal accounting of differential privacy via characteristic function
 * (2022), theorem 11.
 */
export function sampledPairDivergence(
  event: PairEvent,
  samplingRate: number,
  order: number,
): number {
  const added: number[] = [];
  const removed: number[] = [];
  const whole = visit(event, order, (logOdds, logWeight) => {
    const logRatio =
      logOdds < 600
        ? Math.log1p(samplingRate * Math.expm1(logOdds))
        : logOdds + Math.log(samplingRate);
    added.push(logWeight + logPowerAboveTangent(logRatio, order));
    removed.push(logWeight + logRatio + logPowerAboveTangent(-logRatio, order));
  });
  if (!whole) return Number.POSITIVE_INFINITY;
  return logOnePlusExp(Math.max(logSum(added), logSum(removed))) / (order - 1);
}
