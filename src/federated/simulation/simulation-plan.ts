import { epsilonOfPlan, validatePlan } from '../../dp/accounting/index.ts';
import { checkDelta } from '../../dp/delta-check.ts';
import type { DpEvent } from '../../dp/event.ts';
import type { NeighbourRelation, Plan } from '../../dp/plan.ts';
import { tightestAccountant } from '../../dp/planning/index.ts';
import { type PrivacyStatement, UNCOVERED_SIDE_CHANNELS } from '../../dp/statement.ts';
import { sampledEvent } from '../rounds/amplified-sampling.ts';
import { expectedCohort, type SimulatedCohort } from './cohort.ts';

/** What decides the cost of the deployment that a simulation stands for. */
export interface SimulatedCost {
  /** Simulated users. */
  readonly users: number;
  readonly rounds: number;
  readonly cohort: SimulatedCohort;
  readonly clippingNorm: number;
  readonly noiseMultiplier: number;
  readonly relation: NeighbourRelation;
  readonly delta: number;
  /** Users asked in a round of the deployment, out of so many more users as its cohort is larger. */
  readonly noiseCohortSize: number | null;
  readonly insecure: boolean;
}

/** How many times more users the deployment has. */
function enlargement({ cohort, users, noiseCohortSize }: SimulatedCost): number {
  return noiseCohortSize === null ? 1 : noiseCohortSize / expectedCohort(cohort, users);
}

/**
 * The plan of the deployment: the same sampling rate, rounds and noise multiplier. A sample of fixed size
 * amplifies under `replace-one-user` only; elsewhere its members are charged as if they were in every round.
 *
 * @throws {VelaturaError} `dp/invalid-parameter`, `dp/unsupported-event`
 */
export function simulationPlan(cost: SimulatedCost): Plan {
  const { rounds, noiseMultiplier, relation } = cost;
  if (noiseMultiplier === 0) {
    return validatePlan({ unit: 'user', relation, event: { kind: 'non-private' } });
  }
  const event = roundEvent(cost, { kind: 'gaussian', noiseMultiplier });
  return validatePlan({
    unit: 'user',
    relation,
    event: rounds === 1 ? event : { kind: 'repeated', count: rounds, event },
  });
}

function roundEvent(cost: SimulatedCost, event: DpEvent): DpEvent {
  const { cohort, users, relation } = cost;
  if (cohort.kind === 'poisson' && cohort.samplingRate < 1) {
    return sampledEvent({ ...cohort, population: '' }, event, users, relation);
  }
  if (cohort.kind === 'fixed-size' && relation === 'replace-one-user') {
    // Rounded to the higher rate.
    const sampleSize = Math.ceil(cohort.sampleSize * enlargement(cost));
    const population = Math.max(sampleSize, Math.floor(users * enlargement(cost)));
    const sampling = { kind: 'fixed-size', sampleSize, population: '' } as const;
    return sampledEvent(sampling, event, population, relation);
  }
  return event;
}

/**
 * The statement of the deployment, marked as a simulation.
 *
 * @throws {VelaturaError} `dp/delta-too-large`; as {@link simulationPlan} and the accountant
 */
export function simulationStatement(cost: SimulatedCost): PrivacyStatement {
  const { users, noiseMultiplier, relation, delta, noiseCohortSize, insecure } = cost;
  const plan = simulationPlan(cost);
  const isPrivate = noiseMultiplier !== 0;
  const population = Math.floor(users * enlargement(cost));
  const warning = checkDelta(delta, population);
  const accountant = tightestAccountant(isSampled(plan.event) ? 0 : 1);
  const rescaled =
    noiseCohortSize === null
      ? []
      : [
          `noise scaled to a cohort of ${noiseCohortSize} out of ${population}: epsilon is of that deployment, the simulated cohort is smaller and not protected by it`,
        ];
  return {
    unit: 'user',
    relation,
    epsilon: isPrivate ? epsilonOfPlan(plan, delta, accountant) : null,
    delta,
    accountant: isPrivate ? accountant : 'none',
    trustModel: {
      server: 'trusted: it sees every clipped update before the noise is added (simulation)',
      otherClients: 'see the model after each round: the noise protects against them',
      modelReaders: 'see the released models: the noise protects against them',
    },
    sybilAssumption: 'one person holds one account; whoever enrols accounts vouches for that',
    bounds: [`updates clipped to norm ${cost.clippingNorm}`, `population taken as ${population}`],
    sideChannelsNotCovered: UNCOVERED_SIDE_CHANNELS,
    insecure: isPrivate && insecure,
    simulation:
      'Simulation on public data: nothing was charged to anybody; epsilon is what the run would cost',
    warnings: [...(warning === null ? [] : [warning]), ...rescaled],
  };
}

function isSampled(event: DpEvent): boolean {
  if (event.kind === 'repeated') return isSampled(event.event);
  return event.kind === 'poisson-sampled' || event.kind === 'fixed-size-sampled';
}
