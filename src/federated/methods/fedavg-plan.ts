import type { Plan } from '../../dp/plan.ts';
import type { RoundEnvironment } from '../rounds/private-round.ts';
import type { FedAvgOptions } from './fedavg.ts';
import { type RunTerms, runPlan } from './participation.ts';

/** What of the options decides the price of a run. */
export type FedAvgPriceOptions = Pick<
  FedAvgOptions,
  'rounds' | 'noiseMultiplier' | 'distributedNoise' | 'participation' | 'correlation'
>;

/**
 * Plan of a whole run for the account that it costs most, before anything is charged.
 *
 * @param clients - number of clients that the run will be given
 * @throws {VelaturaError} `dp/unsupported-event` where no bound is proven; `dp/invalid-parameter`
 * @throws {RangeError} for options that do not fit together
 */
export function fedAvgPlan(
  environment: Pick<RoundEnvironment, 'relation'>,
  clients: number,
  options: FedAvgPriceOptions,
): Plan {
  return runPlan(environment.relation, fedAvgTerms(clients, options));
}

/** The terms of a run with its defaults. */
export function fedAvgTerms(clients: number, options: FedAvgPriceOptions): RunTerms {
  const { rounds, noiseMultiplier, participation = { kind: 'full' }, correlation } = options;
  const { distributedNoise } = options;
  return {
    ...{ rounds, noiseMultiplier, clients, participation },
    correlation: correlation ?? null,
    ...(distributedNoise === undefined ? {} : { distributedNoise }),
  };
}
