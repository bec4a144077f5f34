import type { RandomSource } from '../../core/random-source.ts';
import type { CorrelationStrategy, DpEvent } from '../../dp/event.ts';
import type { NeighbourRelation, Plan } from '../../dp/plan.ts';
import {
  type AmplifiedSampling,
  sampledEvent,
  uniformSubset,
} from '../rounds/amplified-sampling.ts';
import { type DistributedNoise, distributedPlan } from '../rounds/distributed-noise.ts';
import { roundPlan } from '../rounds/private-round.ts';

/** Who takes part in the rounds of a run. All of it is public but the outcome of a secret sample. */
export type Participation =
  /** Everybody in every round. */
  | { readonly kind: 'full' }
  /**
   * In each round a public uniform sample, without replacement. Those who are asked pay for the whole round:
   * nothing is hidden, so nothing is amplified.
   */
  | { readonly kind: 'fixed-size'; readonly cohortSize: number }
  /**
   * In each round one of so many fixed groups, in turn: members are asked every `groups` rounds. Client i is
   * in group i mod groups.
   */
  | { readonly kind: 'cyclic'; readonly groups: number }
  /** In each round a secret sample; the whole population pays for the sampled event. */
  | { readonly kind: 'amplified'; readonly sampling: AmplifiedSampling };

/** What decides the price of a run. */
export interface RunTerms {
  readonly rounds: number;
  /** Of one participation, as one Gaussian release; 0 is non-private. */
  readonly noiseMultiplier: number;
  /** Number of clients. */
  readonly clients: number;
  readonly participation: Participation;
  /** Correlation of the noise of successive rounds; only for cyclic participation. */
  readonly correlation: CorrelationStrategy | null;
  /** Noise of the clients in each round, in place of `noiseMultiplier`'s. */
  readonly distributedNoise?: DistributedNoise;
}

/**
 * Plan of a whole run for the account that it costs most: the exact composition of its rounds.
 *
 * @throws {VelaturaError} `dp/unsupported-event` where no bound is proven; `dp/invalid-parameter`
 * @throws {RangeError} for terms out of range or correlated noise without its groups
 */
export function runPlan(relation: NeighbourRelation, terms: RunTerms): Plan {
  checkTerms(terms);
  const { rounds, clients, participation, correlation } = terms;
  const single = singlePlan(relation, terms);
  if (single.event.kind === 'non-private') return single;
  switch (participation.kind) {
    case 'full':
    case 'fixed-size':
      return { ...single, event: repeated(rounds, single.event) };
    case 'amplified': {
      const event = sampledEvent(participation.sampling, single.event, clients, relation);
      return { ...single, event: repeated(rounds, event) };
    }
    case 'cyclic':
      return correlation === null
        ? { ...single, event: repeated(participationsOf(terms, 0), single.event) }
        : correlatedPlan(relation, terms, 0);
  }
}

function singlePlan(
  relation: NeighbourRelation,
  { noiseMultiplier, distributedNoise }: RunTerms,
): Plan {
  return distributedNoise === undefined
    ? roundPlan(noiseMultiplier, relation)
    : distributedPlan(distributedNoise, relation);
}

/**
 * Plan of the members of one group over a run with correlated noise. One participation costs what a release of
 * `noiseMultiplier` costs, as with independent noise: the multiplier of the event is that times ‖c‖.
 */
export function correlatedPlan(relation: NeighbourRelation, terms: RunTerms, group: number): Plan {
  const { participation, correlation, noiseMultiplier } = terms;
  if (participation.kind !== 'cyclic' || correlation === null) {
    throw new RangeError('"correlation" expected cyclic participation');
  }
  return {
    unit: 'user',
    relation,
    event: {
      kind: 'correlated-gaussian',
      noiseMultiplier: correlatedMultiplier(noiseMultiplier, correlation),
      participations: participationsOf(terms, group),
      minSeparation: participation.groups,
      strategy: correlation,
    },
  };
}

/** noiseMultiplier · ‖c‖, rounded up by more than the arithmetic can err. */
export function correlatedMultiplier(
  noiseMultiplier: number,
  { coefficients }: CorrelationStrategy,
): number {
  const square = coefficients.reduce((sum, c) => sum + c * c, 0);
  return noiseMultiplier * Math.sqrt(square) * (1 + 2 ** -48);
}

/** Group of a round in cyclic participation, counted from 0. */
export function groupOfRound(groups: number, round: number): number {
  return (round - 1) % groups;
}

/** Clients that are asked in a round, and the secret sample of them if there is one. */
export function askedInRound<Client>(
  participation: Participation,
  clients: readonly Client[],
  round: number,
  random: RandomSource,
): { readonly clients: readonly Client[]; readonly sampling: AmplifiedSampling | null } {
  switch (participation.kind) {
    case 'full':
      return { clients, sampling: null };
    case 'fixed-size': {
      const drawn = uniformSubset(clients.length, participation.cohortSize, random);
      return { clients: drawn.map((i) => clients[i] as Client), sampling: null };
    }
    case 'cyclic': {
      const group = groupOfRound(participation.groups, round);
      const asked = clients.filter((_, i) => i % participation.groups === group);
      return { clients: asked, sampling: null };
    }
    case 'amplified':
      return { clients, sampling: participation.sampling };
  }
}

/**
 * @throws {RangeError} for terms out of range; for correlated noise without cyclic participation, or in a band
 * wider than the groups keep members apart; for noise of the clients beside other noise or a secret sample
 */
export function checkTerms(terms: RunTerms): void {
  const { rounds, clients, participation, correlation, noiseMultiplier } = terms;
  if (terms.distributedNoise !== undefined) {
    const isAlone =
      noiseMultiplier === 0 && correlation === null && participation.kind !== 'amplified';
    if (!isAlone) {
      throw new RangeError(
        '"distributedNoise" expected a noise multiplier of 0, no correlation and no secret sample',
      );
    }
  }
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new RangeError(`"rounds" expected a positive integer, got ${rounds}`);
  }
  if (participation.kind === 'fixed-size') {
    requireCount('cohortSize', participation.cohortSize, clients);
  }
  if (participation.kind === 'cyclic') requireCount('groups', participation.groups, clients);
  if (correlation === null) return;
  const separation = participation.kind === 'cyclic' ? participation.groups : 0;
  if (correlation.coefficients.length > separation) {
    throw new RangeError(
      `"correlation" expected at most ${separation} coefficients, as many as there are groups in cyclic participation, got ${correlation.coefficients.length}`,
    );
  }
}

function requireCount(name: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new RangeError(`"${name}" expected an integer in [1, ${most}], got ${value}`);
  }
}

/** Rounds in which a group is asked. */
function participationsOf({ rounds, participation }: RunTerms, group: number): number {
  const groups = participation.kind === 'cyclic' ? participation.groups : 1;
  return Math.ceil((rounds - group) / groups);
}

function repeated(count: number, event: DpEvent): DpEvent {
  return count === 1 ? event : { kind: 'repeated', count, event };
}
