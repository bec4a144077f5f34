import type { DpEvent } from '../event.ts';
import type { NeighbourRelation, PrivacyUnit } from '../plan.ts';
import { UNCOVERED_SIDE_CHANNELS } from '../statement.ts';
import type { FilterCurrency } from './currency.ts';
import type { BudgetPolicy, EpochPolicy, EpsilonLimit } from './policy.ts';

/** Version of the statement's form; another form gets another name. */
export const CONFORMANCE_SCHEMA = 'velatura/budget-conformance/1';

/** Data over which losses add up: all of a user's life, or what arose in one epoch. */
export type PromisePeriod =
  | 'lifetime'
  | {
      /** ISO 8601 duration of an epoch. */
      readonly length: EpochPolicy['length'];
      readonly calendar: 'UTC';
      /** Field of the data that says in which epoch it arose. */
      readonly timeField: string;
    };

/** One bound on privacy loss. All bounds of a statement have these keys. */
export interface PrivacyPromise {
  readonly unit: PrivacyUnit;
  readonly relation: NeighbourRelation;
  readonly epsilon: number;
  /** All of it: for the conversion of epsilon, and for what releases spend by themselves. */
  readonly delta: number;
  readonly period: PromisePeriod;
  /** Releases that count. */
  readonly scope: 'all scenes' | 'scene' | 'every scene not named' | 'model';
  /** Scene or model; null where the scope needs none. */
  readonly name: string | null;
  /** About whom: everyone in no group; the accounts of a group; everyone; someone in every release. */
  readonly accounts: 'ungrouped' | 'group' | 'each' | 'worst case';
  /** Group; null for all others. */
  readonly group: string | null;
}

/** How often a scene may release, whatever it costs. */
export interface ReleasePace {
  readonly scope: 'scene' | 'every scene not named';
  readonly name: string | null;
  /** In each period. */
  readonly maxReleases: number | null;
  readonly period: PromisePeriod;
  /** ISO 8601 duration. */
  readonly minAggregationInterval: string | null;
}

/** What a budget promises, for programs: plain JSON of a fixed form. */
export interface ConformanceStatement {
  readonly schema: typeof CONFORMANCE_SCHEMA;
  /** The bound to rely on, for every account that is in no group. */
  readonly guarantee: PrivacyPromise;
  /** The bounds to rely on instead, for accounts of a group. */
  readonly groups: readonly PrivacyPromise[];
  /** Limits under the guarantee. They hold, but bound nothing by themselves: scenes learn from each other. */
  readonly quotas: readonly PrivacyPromise[];
  readonly pace: readonly ReleasePace[];
  readonly enforcement: {
    readonly kind: 'fully adaptive filter';
    readonly currency: FilterCurrency;
    /** What is added up. */
    readonly quantity: string;
    readonly source: string;
    /** Delta at which epsilons are converted. */
    readonly conversionDelta: number;
    /** Delta set aside for what releases spend by themselves. */
    readonly additiveDelta: number;
    /** The run that says which Rényi orders are pinned; null in other currencies. */
    readonly plannedRun: DpEvent | null;
    /** ISO 8601 duration after which an open reservation counts as spent. */
    readonly reservationLease: string;
  };
  /** What the promise rests on. */
  readonly assumptions: readonly string[];
  /** What it does not cover. */
  readonly notCovered: readonly string[];
}

/** Terms of the budget that are not in its policy. */
export interface ConformanceTerms {
  readonly unit: PrivacyUnit;
  readonly relation: NeighbourRelation;
  readonly currency: FilterCurrency;
}

const FILTERS: Readonly<Record<FilterCurrency, { quantity: string; source: string }>> = {
  gdp: {
    quantity: 'sum of 1/noiseMultiplier^2',
    source:
      'Koskela, Tobaben & Honkela (2023), arXiv 2209.15596; Smith & Thakurta (2022), arXiv 2210.17520',
  },
  zcdp: {
    quantity: 'sum of rho',
    source: 'Whitehouse, Ramdas, Rogers & Wu (2023), arXiv 2203.05481',
  },
  rdp: {
    quantity: 'sum of Rényi divergences at an order that is pinned in advance',
    source: 'Feldman & Zrnic (2021), arXiv 2008.11193; Lécuyer (2021), arXiv 2103.01379',
  },
};

const ASSUMPTIONS: readonly string[] = [
  'every plan states the truth about its release, and every release is reserved before it is made',
  'whoever takes part in a release is among the accounts that were charged for it',
  'one person has one account: many accounts of one person have many budgets',
  'policies, groups and populations were chosen without regard to anything released',
];

const EPOCH_ASSUMPTION =
  'the sensitivity in a plan bounds what the data of one user and one epoch can change, also where a release reads several epochs';

/**
 * What a policy promises once a budget enforces it, in a form for programs: bounds with unit, relation,
 * epsilon, delta, period and scope, what enforces them, and what they leave out.
 *
 * @param policy - as validated
 */
export function conformanceStatement(
  policy: BudgetPolicy,
  terms: ConformanceTerms,
): ConformanceStatement {
  const { unit, relation, currency } = terms;
  const { delta, additiveDelta = 0, epoch } = policy;
  const period: PromisePeriod =
    epoch === undefined
      ? 'lifetime'
      : { length: epoch.length, calendar: 'UTC', timeField: epoch.timeField };
  const promise = (
    { epsilon }: EpsilonLimit,
    about: Pick<PrivacyPromise, 'scope' | 'name' | 'accounts' | 'group'>,
  ): PrivacyPromise => ({ unit, relation, epsilon, delta, period, ...about });
  const overall = { scope: 'all scenes', name: null } as const;
  const quotas: PrivacyPromise[] = [];
  const pace: ReleasePace[] = [];
  for (const [scene, rules] of Object.entries(policy.scenes)) {
    const { perUser, worstCase, maxReleases, minAggregationInterval } = rules;
    const where: Pick<ReleasePace, 'scope' | 'name'> =
      scene === 'default'
        ? { scope: 'every scene not named', name: null }
        : { scope: 'scene', name: scene };
    if (perUser !== undefined) {
      quotas.push(promise(perUser, { ...where, accounts: 'each', group: null }));
    }
    if (worstCase !== undefined) {
      quotas.push(promise(worstCase, { ...where, accounts: 'worst case', group: null }));
    }
    if (maxReleases === undefined && minAggregationInterval === undefined) continue;
    pace.push({
      ...where,
      maxReleases: maxReleases ?? null,
      period,
      minAggregationInterval: minAggregationInterval ?? null,
    });
  }
  for (const [model, limit] of Object.entries(policy.models ?? {})) {
    quotas.push(promise(limit, { scope: 'model', name: model, accounts: 'each', group: null }));
  }
  return {
    schema: CONFORMANCE_SCHEMA,
    guarantee: promise(policy.user, { ...overall, accounts: 'ungrouped', group: null }),
    groups: Object.entries(policy.groups ?? {}).map(([group, { user }]) =>
      promise(user, { ...overall, accounts: 'group', group }),
    ),
    quotas,
    pace,
    enforcement: {
      kind: 'fully adaptive filter',
      currency,
      ...FILTERS[currency],
      conversionDelta: delta - additiveDelta,
      additiveDelta,
      plannedRun: policy.plannedRun ?? null,
      reservationLease: policy.reservationLease,
    },
    assumptions: period === 'lifetime' ? ASSUMPTIONS : [...ASSUMPTIONS, EPOCH_ASSUMPTION],
    notCovered: [
      ...(period === 'lifetime'
        ? []
        : ["what adds up over epochs: each epoch of a user's data has the whole budget"]),
      'releases that are made without a reservation',
      'whether an account is known, in a group, in a population or erased',
      ...UNCOVERED_SIDE_CHANNELS,
    ],
  };
}
