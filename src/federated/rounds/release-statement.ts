import { epsilonOfPlan } from '../../dp/accounting/index.ts';
import { invalid } from '../../dp/accounting/refuse.ts';
import { checkDelta } from '../../dp/delta-check.ts';
import { isInsecure, type Plan } from '../../dp/plan.ts';
import {
  type PrivacyStatement,
  type TrustModel,
  UNCOVERED_SIDE_CHANNELS,
} from '../../dp/statement.ts';
import type { DistributedNoise } from './distributed-noise.ts';
import type { RoundEnvironment } from './private-round.ts';
import { roundDelta } from './round-charge.ts';

/** What a statement about noisy sums needs besides where they run. */
export interface ReleaseTerms {
  readonly plan: Plan;
  readonly delta: number;
  /** Public guess of the number of clients. */
  readonly population: number;
  /** Public constants that bound the data. */
  readonly bounds: readonly string[];
  /** Noise that the clients add, and in how many rounds; null where the sums are noised. */
  readonly distributed?: { readonly noise: DistributedNoise; readonly rounds: number } | null;
}

/**
 * The statement of releases that `runPrivateRound` makes, priced by the exact Gaussian accountant; noise of the clients
 * by Rényi divergences, at what delta leaves once every round may fail.
 *
 * @throws {VelaturaError} `dp/delta-too-large`; `dp/invalid-parameter` where failing takes the whole delta
 */
export function releaseStatement(
  environment: RoundEnvironment,
  { plan, delta, population, bounds, distributed = null }: ReleaseTerms,
): PrivacyStatement {
  const isPrivate = plan.event.kind !== 'non-private';
  const warning = checkDelta(delta, population);
  const accountant = distributed === null ? 'gdp' : 'rdp';
  const { secureSum } = environment;
  const left =
    distributed === null
      ? delta
      : delta - distributed.rounds * roundDelta(secureSum, distributed.noise);
  if (left <= 0) throw invalid('delta', 'more than the rounds may fail with', delta);
  return {
    unit: plan.unit,
    relation: plan.relation,
    epsilon: isPrivate ? epsilonOfPlan(plan, left, accountant) : null,
    delta,
    accountant: isPrivate ? accountant : 'none',
    trustModel: trustWith(secureSum.trust, distributed?.noise ?? null),
    sybilAssumption: 'one person holds one account; whoever enrols accounts vouches for that',
    bounds: [...bounds, `population taken as ${population}`],
    sideChannelsNotCovered: UNCOVERED_SIDE_CHANNELS,
    insecure: isPrivate && isInsecure(environment.random),
    simulation:
      environment.budget === null
        ? 'Simulation on public data: nothing was charged to anybody'
        : null,
    warnings: warning === null ? [] : [warning],
  };
}

/** What each adversary learns once the clients have added the noise. */
function trustWith(trust: TrustModel, noise: DistributedNoise | null): TrustModel {
  if (noise === null) return trust;
  const { honestSurvivors } = noise;
  return {
    server: `${trust.server}; every sum it learns holds the noise of at least ${honestSurvivors} members who do not work with it, and epsilon bounds what that shows`,
    otherClients: `${trust.otherClients}; each knows its own part of the noise; up to the share of them named for the server, and at least one, may pool what they know and leave that of ${honestSurvivors} others, for which it is priced`,
    modelReaders: trust.modelReaders,
  };
}
