import { epsilonOfPlan } from '../../dp/accounting/index.ts';
import { checkDelta } from '../../dp/delta-check.ts';
import { isInsecure, type Plan } from '../../dp/plan.ts';
import { type PrivacyStatement, UNCOVERED_SIDE_CHANNELS } from '../../dp/statement.ts';
import type { RoundEnvironment } from './private-round.ts';

/** What a statement about noisy sums needs besides where they run. */
export interface ReleaseTerms {
  readonly plan: Plan;
  readonly delta: number;
  /** Public guess of the number of clients. */
  readonly population: number;
  /** Public constants that bound the data. */
  readonly bounds: readonly string[];
}

/**
 * The statement of releases that `runPrivateRound` makes, priced by the exact Gaussian accountant.
 *
 * @throws {VelaturaError} `dp/delta-too-large`
 */
export function releaseStatement(
  environment: RoundEnvironment,
  { plan, delta, population, bounds }: ReleaseTerms,
): PrivacyStatement {
  const isPrivate = plan.event.kind !== 'non-private';
  const warning = checkDelta(delta, population);
  return {
    unit: plan.unit,
    relation: plan.relation,
    epsilon: isPrivate ? epsilonOfPlan(plan, delta, 'gdp') : null,
    delta,
    accountant: isPrivate ? 'gdp' : 'none',
    trustModel: environment.secureSum.trust,
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
