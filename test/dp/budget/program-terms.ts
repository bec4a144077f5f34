/**
 * Under what terms the programs run: for each currency, for life and by months, three policies that can
 * follow one another, and the prices of some plans, both also in exact rationals.
 */
import { epsilonOfGdp, muOfEpsilon } from '../../../src/dp/accounting/gdp.ts';
import { epsilonOfZcdp, rhoOfEpsilon } from '../../../src/dp/accounting/zcdp.ts';
import { type CurrencyRules, currencyOf } from '../../../src/dp/budget/currency.ts';
import type { BudgetPolicy, ScenePolicy } from '../../../src/dp/budget/policy.ts';
import type { DpEvent } from '../../../src/dp/event.ts';
import {
  type Amount,
  COST_UNIT,
  exact,
  PARTS,
  type ReferencePolicy,
  type ReferenceScene,
  type ReferenceTerms,
  ratio,
} from './reference.ts';

export const RELATION = 'add-or-remove-one-user';
export const MINUTE = 60_000;
/** Just before the end of a month. */
export const START: number = Date.UTC(2023, 10, 29, 12);
/** The last has not begun at first. */
export const MONTHS = ['2023-10', '2023-11', '2023-12'] as const;
/** `passing` is known to the last policy only. */
export const SCENES = ['open', 'quota', 'capped', 'slow', 'passing'] as const;
export const MODELS = ['tag', 'other'] as const;
export const GROUPS = ['minors', 'staff'] as const;
/** Exact in the units that delta is counted in, and together exactly at limits. */
export const DELTAS = [0, 2 ** -30, 2 ** -28] as const;

const COMMON = { version: 1, delta: 1e-6, reservationLease: 'PT10M' } as const;
const POLICIES: readonly Omit<BudgetPolicy, 'currency' | 'epoch'>[] = [
  {
    ...COMMON,
    additiveDelta: 2 ** -27,
    user: { epsilon: 3.5 },
    scenes: {
      open: {},
      quota: { perUser: { epsilon: 2 } },
      capped: { worstCase: { epsilon: 3 }, maxReleases: 3 },
      slow: { perUser: { epsilon: 3 }, minAggregationInterval: 'PT5M' },
    },
    models: { tag: { epsilon: 2.5 } },
    groups: { minors: { user: { epsilon: 0 } }, staff: { user: { epsilon: 6 } } },
  },
  {
    ...COMMON,
    additiveDelta: 2 ** -28,
    user: { epsilon: 2.5 },
    scenes: {
      open: { maxReleases: 5 },
      quota: { perUser: { epsilon: 3 } },
      capped: { worstCase: { epsilon: 2 } },
      slow: { minAggregationInterval: 'PT30M' },
    },
    groups: { staff: { user: { epsilon: 3 } } },
    reservationLease: 'PT20M',
  },
  {
    ...COMMON,
    delta: 2e-6,
    user: { epsilon: 5 },
    scenes: {
      default: { perUser: { epsilon: 2 } },
      open: {},
      capped: { perUser: { epsilon: 4 }, worstCase: { epsilon: 5 }, maxReleases: 8 },
    },
    models: { tag: { epsilon: 3 }, other: { epsilon: 1 } },
    groups: { minors: { user: { epsilon: 1 } }, staff: { user: { epsilon: 4 } } },
  },
];

const MILLISECONDS: Readonly<Record<string, number>> = {
  PT5M: 5 * MINUTE,
  PT10M: 10 * MINUTE,
  PT20M: 20 * MINUTE,
  PT30M: 30 * MINUTE,
};

/** Milliseconds of the durations that the programs use. */
export function millisecondsOf(duration: string): number {
  const found = MILLISECONDS[duration];
  if (found === undefined) throw new RangeError(`"duration" expected one in use, got ${duration}`);
  return found;
}

export interface PricedEvent {
  readonly event: DpEvent;
  readonly cost: Amount;
}

/** A currency, for life or by months. */
export interface Family {
  readonly name: string;
  readonly terms: ReferenceTerms;
  readonly policies: readonly BudgetPolicy[];
  readonly limits: readonly ReferencePolicy[];
  readonly events: readonly PricedEvent[];
  /** Epsilon of an amount under one of the policies. */
  epsilon(amount: Amount, policy: number): number;
}

const gaussian = (noiseMultiplier: number): DpEvent => ({ kind: 'gaussian', noiseMultiplier });
/** Events with Σ 1/noiseMultiplier², as a fraction. */
const GAUSSIANS: readonly (readonly [DpEvent, bigint, bigint])[] = [
  [gaussian(2), 1n, 4n],
  [gaussian(3), 1n, 9n],
  [gaussian(4), 1n, 16n],
  [gaussian(6), 1n, 36n],
  [gaussian(12), 1n, 144n],
  [{ kind: 'repeated', count: 3, event: gaussian(6) }, 3n, 36n],
  [{ kind: 'composed', events: [gaussian(4), gaussian(12)] }, 10n, 144n],
];

interface Pricing {
  readonly events: readonly PricedEvent[];
  readonly costSlack: bigint;
  readonly limitSlack: bigint;
  capacity(epsilon: number, delta: number): Amount;
  epsilon(amount: Amount, delta: number): number;
}

/** The double nearest below. */
function double(parts: bigint): number {
  return Number((parts << 80n) / PARTS) / 2 ** 80;
}

const GDP: Pricing = {
  events: GAUSSIANS.map(([event, n, d]) => ({ event, cost: [ratio(n, d)] })),
  costSlack: COST_UNIT,
  limitSlack: 2n * COST_UNIT,
  capacity: (epsilon, delta) => [epsilon === 0 ? 0n : exact(muOfEpsilon(epsilon, delta), 2)],
  epsilon: ([cost], delta) => epsilonOfGdp(Math.sqrt(double(cost as bigint)), delta),
};

const ZCDP: Pricing = {
  events: [
    ...GAUSSIANS.map(([event, n, d]) => ({ event, cost: [ratio(n, 2n * d)] })),
    { event: { kind: 'zcdp', rho: 2 ** -5 }, cost: [ratio(1n, 32n)] },
  ],
  costSlack: COST_UNIT,
  limitSlack: 2n * COST_UNIT,
  capacity: (epsilon, delta) => [epsilon === 0 ? 0n : exact(rhoOfEpsilon(epsilon, delta))],
  epsilon: ([cost], delta) => epsilonOfZcdp(double(cost as bigint), delta),
};

const PLANNED_RUN: DpEvent = { kind: 'repeated', count: 24, event: gaussian(6) };

/** Prices in whole units by order, as they are: what is checked here is the counting. */
function rdpPricing(rules: CurrencyRules): Pricing {
  const amount = (units: Iterable<number>): Amount =>
    Array.from(units, (unit) => BigInt(unit) * COST_UNIT);
  const events: readonly DpEvent[] = [
    ...GAUSSIANS.map(([event]) => event),
    { kind: 'laplace', noiseMultiplier: 4 },
    { kind: 'poisson-sampled', samplingRate: 0.1, event: gaussian(1.5) },
  ];
  return {
    events: events.map((event) => ({
      event,
      cost: amount(rules.cost({ unit: 'user', relation: RELATION, event })),
    })),
    costSlack: 0n,
    limitSlack: 0n,
    capacity: (epsilon, delta) => amount(rules.capacity(epsilon, delta)),
    epsilon: (cost, delta) =>
      rules.epsilon(
        cost.map((parts) => Number(parts / COST_UNIT)),
        delta,
      ),
  };
}

function limitsOf(policy: BudgetPolicy, { capacity }: Pricing): ReferencePolicy {
  const additive = policy.additiveDelta ?? 0;
  const amount = (limit: { readonly epsilon: number }): Amount =>
    capacity(limit.epsilon, policy.delta - additive);
  const map = <T, U>(record: Readonly<Record<string, T>>, to: (value: T) => U): Record<string, U> =>
    Object.fromEntries(Object.entries(record).map(([name, value]) => [name, to(value)]));
  const sceneOf = (scene: ScenePolicy): ReferenceScene => ({
    perUser: scene.perUser === undefined ? null : amount(scene.perUser),
    worstCase: scene.worstCase === undefined ? null : amount(scene.worstCase),
    maxReleases: scene.maxReleases ?? null,
    interval:
      scene.minAggregationInterval === undefined ? 0 : millisecondsOf(scene.minAggregationInterval),
  });
  const { default: others, ...named } = policy.scenes;
  const scenes = SCENES.flatMap((name): [string, ScenePolicy][] => {
    const scene = named[name] ?? others;
    return scene === undefined ? [] : [[name, scene]];
  });
  return {
    user: amount(policy.user),
    groups: map(policy.groups ?? {}, ({ user }) => amount(user)),
    models: map(policy.models ?? {}, amount),
    scenes: map(Object.fromEntries(scenes), sceneOf),
    delta: exact(additive),
    lease: millisecondsOf(policy.reservationLease),
  };
}

function familyOf(currency: 'gdp' | 'zcdp' | 'rdp', monthly: boolean): Family {
  const policies = POLICIES.map(
    (policy): BudgetPolicy => ({
      ...policy,
      currency,
      ...(currency === 'rdp' ? { plannedRun: PLANNED_RUN } : {}),
      ...(monthly ? { epoch: { kind: 'calendar', length: 'P1M', timeField: 'time' } } : {}),
    }),
  );
  const first = policies[0] as BudgetPolicy;
  const pricing =
    currency === 'rdp'
      ? rdpPricing(currencyOf(first, 'user', RELATION))
      : { gdp: GDP, zcdp: ZCDP }[currency];
  const known = new Map<string, number>();
  return {
    name: `${currency}${monthly ? ' by months' : ' for life'}`,
    terms: { monthly, costSlack: pricing.costSlack, limitSlack: pricing.limitSlack },
    policies,
    limits: policies.map((policy) => limitsOf(policy, pricing)),
    events: pricing.events,
    epsilon: (amount, index) => {
      const { delta, additiveDelta = 0 } = policies[index] as BudgetPolicy;
      if (amount.every((cost) => cost === 0n)) return 0;
      const key = `${index} ${amount.join()}`;
      let epsilon = known.get(key);
      if (epsilon === undefined) {
        epsilon = pricing.epsilon(amount, delta - additiveDelta);
        known.set(key, epsilon);
      }
      return epsilon;
    },
  };
}

const family = (currency: 'gdp' | 'zcdp' | 'rdp'): readonly [Family, Family] => [
  familyOf(currency, false),
  familyOf(currency, true),
];
const [gdp, gdpByMonths] = family('gdp');
const [zcdp, zcdpByMonths] = family('zcdp');
const [rdp, rdpByMonths] = family('rdp');

/** Budgets for life; those whose limits are quickly converted more often. */
export const FOR_LIFE: readonly Family[] = [...new Array<Family>(8).fill(gdp), zcdp, zcdp, rdp];
/** The same by months. */
export const BY_MONTHS: readonly Family[] = [
  ...new Array<Family>(8).fill(gdpByMonths),
  zcdpByMonths,
  zcdpByMonths,
  rdpByMonths,
];
