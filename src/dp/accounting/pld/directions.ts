import { nextUp } from '../../../core/special/ulp.ts';
import type { DpEvent } from '../../event.ts';
import type { NeighbourRelation } from '../../plan.ts';
import { gdpCostOfLeaf, totalCost } from '../cost.ts';
import { muOfCost } from '../gdp.ts';
import type { Leaf } from '../leaves.ts';
import { isPure, pureEpsilon } from '../pure.ts';
import { hasWorstPair } from '../rdp/base-pair.ts';
import { AtomicLoss, GaussianLoss } from './closed-losses.ts';
import type { ContourPart } from './contour-part.ts';
import {
  discreteGaussianAtoms,
  discreteLaplaceAtoms,
  MAX_ATOMS,
  randomizedResponseAtoms,
} from './discrete-laws.ts';
import {
  AtomicLaw,
  type Atoms,
  ExponentialLaw,
  GaussianLaw,
  LaplaceLaw,
  type LossLaw,
} from './law.ts';
import { type Direction, SampledGaussianLoss } from './sampled-gaussian-loss.ts';
import { AddLaw, FixedSizeLaw, RemoveLaw, ReplacedGaussianLaw } from './sampled-laws.ts';
import { TwoSidedLoss } from './two-sided-loss.ts';

/** Inverse of the least noise multiplier for which a contour is tried. */
const MOST_SHIFT = 20;

/** A law and how often it is used. */
export interface LawUse {
  readonly law: LossLaw;
  readonly count: number;
}

/** A whole transcript in one direction. */
export interface DirectedLoss {
  readonly laws: readonly LawUse[];
  /** The same for the contour, or undefined where one of the laws has no moment generating function here. */
  readonly contour: readonly ContourPart[] | undefined;
}

/** A transcript as privacy losses. */
export interface TranscriptLoss {
  /** µ² when nothing but Gaussians without sampling was composed: then all is known exactly. */
  readonly gaussianSquare: number | undefined;
  /** One entry where both directions are alike. */
  readonly directions: readonly DirectedLoss[];
  /** True when neighbours exist that reach the bound, so that it is a lower bound too. */
  readonly tight: boolean;
}

/** Everything one mechanism contributes. */
interface Contribution {
  /** Missing where there is no loss at all. */
  readonly laws?: Readonly<Record<Direction, LossLaw>>;
  readonly contour?: (direction: Direction, count: number) => ContourPart;
  readonly tight: boolean;
}

/** Both directions of a law that is its own mirror image. */
function both(law: LossLaw): Readonly<Record<Direction, LossLaw>> {
  return { remove: law, add: law };
}

/**
 * The losses of a transcript, or undefined when a mechanism has a Rényi curve but no worst pair.
 *
 * @param leaves - mechanisms that the Rényi accountant accepts
 */
export function transcriptLoss(
  leaves: readonly Leaf[],
  relation: NeighbourRelation,
): TranscriptLoss | undefined {
  const gaussians: Leaf[] = [];
  let tight = true;
  const others: { readonly contribution: Contribution; readonly count: number }[] = [];
  for (const leaf of leaves) {
    if (leaf.event.kind === 'gaussian' || leaf.event.kind === 'correlated-gaussian') {
      gaussians.push(leaf);
      tight &&= leaf.event.kind === 'gaussian';
      continue;
    }
    const contribution = contributionOf(leaf.event, relation);
    if (contribution === undefined) return undefined;
    tight &&= contribution.tight;
    if (contribution.laws !== undefined) others.push({ contribution, count: leaf.count });
  }
  const square = totalCost(gaussians, gdpCostOfLeaf);
  if (square === Number.POSITIVE_INFINITY) return undefined;
  if (others.length === 0) return { gaussianSquare: square, directions: [], tight };
  const mirrored = others.every(({ contribution: { laws } }) => laws?.remove === laws?.add);
  const directions = (mirrored ? (['remove'] as const) : (['remove', 'add'] as const)).map(
    (direction) => directed(others, square, direction),
  );
  return { gaussianSquare: undefined, directions, tight };
}

function directed(
  others: readonly { readonly contribution: Contribution; readonly count: number }[],
  square: number,
  direction: Direction,
): DirectedLoss {
  const laws: LawUse[] = [];
  const contour: ContourPart[] = [];
  let complete = true;
  if (square > 0) {
    laws.push({ law: new GaussianLaw(muOfCost(square)), count: 1 });
    contour.push(new GaussianLoss(square));
  }
  for (const { contribution, count } of others) {
    if (contribution.laws === undefined) continue;
    laws.push({ law: contribution.laws[direction], count });
    if (contribution.contour === undefined) complete = false;
    else contour.push(contribution.contour(direction, count));
  }
  return { laws, contour: complete ? contour : undefined };
}

function contributionOf(event: DpEvent, relation: NeighbourRelation): Contribution | undefined {
  switch (event.kind) {
    case 'laplace': {
      const epsilon = pureEpsilon(event);
      return {
        laws: both(new LaplaceLaw(epsilon)),
        contour: (_, count) => new TwoSidedLoss('laplace', epsilon, count),
        tight: true,
      };
    }
    case 'exponential':
      return {
        laws: both(new ExponentialLaw(event.epsilon)),
        contour: (_, count) => new TwoSidedLoss('exponential', event.epsilon, count),
        tight: false,
      };
    case 'randomized-response':
      // At probability 1 the answer has nothing to do with the value.
      if (pureEpsilon(event) === 0) return { tight: true };
      return atomic(randomizedResponseAtoms(event));
    case 'discrete-laplace':
    case 'discrete-gaussian': {
      const atoms = integerAtoms(event);
      return atoms === undefined ? undefined : atomic(atoms);
    }
    case 'poisson-sampled':
      return poisson(event.event, event.samplingRate, relation);
    case 'fixed-size-sampled': {
      const base = mirrorLaw(event.event);
      if (base === undefined) return undefined;
      const law = new FixedSizeLaw(base, event.sampleSize / event.populationSize);
      return { laws: both(law), tight: false };
    }
    default:
      return undefined;
  }
}

function atomic(atoms: Atoms): Contribution {
  return {
    laws: both(new AtomicLaw(atoms)),
    contour: (_, count) => new AtomicLoss(atoms, count),
    tight: true,
  };
}

/** Integer noise on one integer; vectors have no known worst pair. */
function integerAtoms(
  event: Extract<DpEvent, { kind: 'discrete-laplace' | 'discrete-gaussian' }>,
): Atoms | undefined {
  if (event.kind === 'discrete-laplace') {
    const shift = Math.ceil(event.sensitivity);
    return shift < MAX_ATOMS ? discreteLaplaceAtoms(event.parameter, shift) : undefined;
  }
  const shift = Math.ceil(event.l2Sensitivity);
  if ((event.dimension ?? 1) > 1 || 28 * event.sigma + shift > MAX_ATOMS) return undefined;
  return discreteGaussianAtoms(event.sigma, shift);
}

/** The law of a mechanism whose worst pair is its own mirror image. */
function mirrorLaw(event: DpEvent): LossLaw | undefined {
  if (event.kind === 'gaussian') return new GaussianLaw(nextUp(1 / event.noiseMultiplier));
  if (isPure(event) && pureEpsilon(event) === 0) return undefined;
  return contributionOf(event, 'replace-one-user')?.laws?.remove;
}

function poisson(
  inner: DpEvent,
  samplingRate: number,
  relation: NeighbourRelation,
): Contribution | undefined {
  if (inner.kind === 'gaussian') {
    const shift = nextUp(1 / inner.noiseMultiplier);
    if (relation === 'replace-one-user') {
      return { laws: both(new ReplacedGaussianLaw(samplingRate, shift / 2)), tight: true };
    }
    const base = new GaussianLaw(shift);
    const laws = { remove: new RemoveLaw(base, samplingRate), add: new AddLaw(base, samplingRate) };
    // With hardly any noise the losses are too far apart for a rule of a fair size.
    if (shift > MOST_SHIFT) return { laws, tight: true };
    return {
      laws,
      contour: (direction, count) =>
        new SampledGaussianLoss({ samplingRate, shift }, direction, count),
      tight: true,
    };
  }
  const base = hasWorstPair(inner) ? mirrorLaw(inner) : undefined;
  if (base === undefined) return undefined;
  return {
    laws: { remove: new RemoveLaw(base, samplingRate), add: new AddLaw(base, samplingRate) },
    tight: true,
  };
}
