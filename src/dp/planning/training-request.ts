import { invalid } from '../accounting/refuse.ts';
import type { NeighbourRelation } from '../plan.ts';
import type { TrustModel } from '../statement.ts';
import { PARTICIPATIONS, type Participation } from './training-candidates.ts';

/** What is to be trained, for whom and within what. Public facts only. */
export interface TrainingRequest {
  /** Number of users, as the public knows it. */
  readonly population: number;
  /** Numbers in one update: parameters of the model. */
  readonly dimension: number;
  readonly epsilon: number;
  readonly delta: number;
  readonly relation: NeighbourRelation;
  /** Default 500. */
  readonly maximumRounds?: number;
  /** Fewest users in a round; default 100, or everybody where there are fewer. */
  readonly minimumCohort?: number;
  /** Most users in a round (expected, for samples); default everybody. */
  readonly maximumCohort?: number;
  /**
   * Default everybody or fixed groups in turn. `poisson` samples count only where the sample stays hidden
   * from all readers, the aggregator included.
   */
  readonly participation?: readonly Participation[];
  /** Bound on the norm of one update, a public constant; default 1. */
  readonly clippingNorm?: number;
  /** ‖mean update‖ / clippingNorm as guessed in advance, in (0, 1]; default 0.2. Ratios are proportional to it. */
  readonly alignment?: number;
  /** Shape of a linear model, to see what one upload of its moments would do. */
  readonly linear?: LinearShape;
  /** For the statement; default: what a secure sum or a trusted aggregator must see to. */
  readonly trustModel?: TrustModel;
  readonly allowLargeDelta?: boolean;
}

/** Shape of a linear model. */
export interface LinearShape {
  /** Features, the constant included. */
  readonly features: number;
  readonly labels: number;
}

/** A request with its defaults filled in and its numbers checked. */
export type TrainingTerms = Required<
  Omit<TrainingRequest, 'linear' | 'trustModel' | 'allowLargeDelta'>
> &
  Pick<TrainingRequest, 'linear' | 'trustModel'>;

/**
 * Fills in defaults and checks every number.
 *
 * @throws {VelaturaError} `dp/invalid-parameter`
 */
export function resolveRequest(request: TrainingRequest): TrainingTerms {
  const { population } = request;
  requireCount('population', population);
  const terms: TrainingTerms = {
    maximumRounds: 500,
    minimumCohort: Math.min(100, population),
    maximumCohort: population,
    participation: ['full', 'rotating'],
    clippingNorm: 1,
    alignment: 0.2,
    ...request,
  };
  requireCount('dimension', terms.dimension);
  requireCount('maximumRounds', terms.maximumRounds);
  requireCount('minimumCohort', terms.minimumCohort);
  requireCount('maximumCohort', terms.maximumCohort);
  if (terms.linear !== undefined) {
    requireCount('linear.features', terms.linear.features);
    requireCount('linear.labels', terms.linear.labels);
  }
  if (!(terms.clippingNorm > 0 && terms.clippingNorm < Number.POSITIVE_INFINITY)) {
    throw invalid('clippingNorm', 'a positive finite number', terms.clippingNorm);
  }
  if (!(terms.alignment > 0 && terms.alignment <= 1)) {
    throw invalid('alignment', 'a number in (0, 1]', terms.alignment);
  }
  for (const way of terms.participation) {
    if (!PARTICIPATIONS.includes(way)) {
      throw invalid('participation', `some of ${PARTICIPATIONS.join(', ')}`, way);
    }
  }
  return terms;
}

function requireCount(name: string, value: number): void {
  if (!(Number.isSafeInteger(value) && value >= 1))
    throw invalid(name, 'a positive integer', value);
}
