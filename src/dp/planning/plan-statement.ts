import type { AccountantName, CertifiedInterval } from '../accountant.ts';
import type { Plan } from '../plan.ts';
import { type PrivacyStatement, type TrustModel, UNCOVERED_SIDE_CHANNELS } from '../statement.ts';
import type { Participation } from './training-candidates.ts';

/** What a statement about a plan needs to know. */
export interface PlannedGuarantee {
  readonly plan: Plan;
  readonly interval: CertifiedInterval;
  readonly delta: number;
  readonly accountant: AccountantName;
  readonly choice: { readonly participation: Participation };
  readonly population: number;
  readonly clippingNorm: number;
  readonly trustModel?: TrustModel | undefined;
  /** About delta. */
  readonly warning: string | null;
}

/** The statement that a run will carry if it keeps to its plan. */
export function planStatement(guarantee: PlannedGuarantee): PrivacyStatement {
  const { plan, interval, warning } = guarantee;
  return {
    unit: plan.unit,
    relation: plan.relation,
    epsilon: interval,
    delta: guarantee.delta,
    accountant: guarantee.accountant,
    trustModel: guarantee.trustModel ?? TRUST[guarantee.choice.participation],
    sybilAssumption: 'one person holds one account; whoever enrols accounts vouches for that',
    bounds: [
      `updates clipped to norm ${guarantee.clippingNorm}`,
      `population taken as ${guarantee.population}`,
    ],
    sideChannelsNotCovered: UNCOVERED_SIDE_CHANNELS,
    insecure: false,
    simulation: null,
    warnings: warning === null ? [] : [warning],
  };
}

const SERVER = 'must not see single updates, by a secure sum, or is trusted not to look';

/** What every deployment of a plan has to see to. */
const TRUST: Readonly<Record<Participation, TrustModel>> = {
  full: {
    server: SERVER,
    otherClients: 'see the model after each round: the noise protects against them',
    modelReaders: 'see the released models: the noise protects against them',
  },
  rotating: {
    server: SERVER,
    otherClients:
      'see the model after each round and know all groups: the noise protects against them',
    modelReaders: 'see the released models: the noise protects against them',
  },
  poisson: {
    server: `${SERVER}; must not learn who is in a sample, or the epsilon does not hold`,
    otherClients:
      'see the model after each round: noise and the hidden sample protect, if no client learns who else is in it',
    modelReaders: 'see the released models: noise and the hidden sample protect against them',
  },
};
