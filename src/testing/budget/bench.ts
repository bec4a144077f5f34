import { gdpCost } from '../../dp/accounting/cost.ts';
import { epsilonOfGdp } from '../../dp/accounting/gdp.ts';
import type {
  Accounts,
  PrivacyBudgetAccountant,
  Refusal,
  Reservation,
  ReserveRequest,
} from '../../dp/budget/budget.ts';
import type { BudgetPolicy } from '../../dp/budget/policy.ts';
import type { NeighbourRelation, Plan, PrivacyUnit } from '../../dp/plan.ts';
import { check, errorCode } from '../conformance.ts';

/** How the suite opens a budget. */
export interface BudgetOpening {
  readonly policy: BudgetPolicy;
  readonly unit: PrivacyUnit;
  readonly relation: NeighbourRelation;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/** A place without a budget yet; every `open` continues what the first began. */
export interface BudgetHome {
  /** True when insecure releases must be refused. */
  readonly durable: boolean;
  /** Puts an empty place there instead, for cases under other terms. */
  reset(): Promise<void>;
  open(opening: BudgetOpening): Promise<PrivacyBudgetAccountant>;
}

/** Where an accountant to be checked comes from. */
export interface BudgetSubject {
  create(): Promise<BudgetHome>;
}

export const RELATION: NeighbourRelation = 'zero-out-one-user';
export const MINUTE = 60_000;
export const START = 1_700_000_000_000;

export const POLICY: BudgetPolicy = {
  version: 1,
  currency: 'auto',
  delta: 1e-6,
  additiveDelta: 1e-7,
  user: { epsilon: 3 },
  scenes: {
    morning: { perUser: { epsilon: 2 } },
    midday: {},
    capped: { worstCase: { epsilon: 1.5 } },
    rare: { maxReleases: 2, minAggregationInterval: 'PT1H' },
    default: { perUser: { epsilon: 1 } },
  },
  reservationLease: 'PT10M',
};

export function gaussian(noiseMultiplier: number): Plan {
  return { unit: 'user', relation: RELATION, event: { kind: 'gaussian', noiseMultiplier } };
}

/** About epsilon 1.03, 1.5 and 2.2 for one, two and four of them at delta 9e-7. */
export const RELEASE: Plan = gaussian(4);

/** A budget in use, its clock, and short ways to ask. */
export class Bench {
  now: number = START;
  readonly home: BudgetHome;
  #keys = 0;

  constructor(home: BudgetHome) {
    this.home = home;
  }

  open(changes: Partial<BudgetOpening> = {}): Promise<PrivacyBudgetAccountant> {
    return this.home.open({
      policy: POLICY,
      unit: 'user',
      relation: RELATION,
      clock: () => this.now,
      ...changes,
    });
  }

  request(scene: string, accounts: Accounts, more: Partial<ReserveRequest> = {}): ReserveRequest {
    return { scene, accounts, plan: RELEASE, idempotencyKey: `key ${this.#keys++}`, ...more };
  }
}

export async function admitted(
  budget: PrivacyBudgetAccountant,
  request: ReserveRequest,
): Promise<Reservation> {
  const decision = await budget.reserve(request);
  check(
    decision.kind === 'admitted',
    `expected to be admitted, was refused: ${decision.kind === 'refused' ? decision.refusal.message : ''}`,
  );
  return decision.reservation;
}

export async function refused(
  budget: PrivacyBudgetAccountant,
  request: ReserveRequest,
): Promise<Refusal> {
  const decision = await budget.reserve(request);
  check(decision.kind === 'refused', 'expected to be refused, was admitted');
  return decision.refusal;
}

export async function totalOf(budget: PrivacyBudgetAccountant, account: string): Promise<number> {
  const [total] = await budget.remaining(account);
  check(total?.limit === 'user-total', 'expected the total first');
  return total.spent;
}

export async function expectCode(code: string, use: () => unknown): Promise<void> {
  const got = await errorCode(use);
  check(got === code, `expected ${code}, got ${got}`);
}

/** Epsilon of so many of {@link RELEASE}, by the exact formula. */
export function epsilonOf(releases: number): number {
  return epsilonOfGdp(Math.sqrt(releases * gdpCost(RELEASE)), 9e-7);
}

/** One check on a fresh budget. */
export type BudgetCase = (budget: PrivacyBudgetAccountant, bench: Bench) => Promise<void>;
