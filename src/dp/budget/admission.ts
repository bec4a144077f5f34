import { VelaturaError } from '../../core/errors.ts';
import type { Sha256 } from '../../core/hash-chain.ts';
import type { Population } from './account-classes.ts';
import type { ReserveDecision } from './budget.ts';
import {
  type AskedAccounts,
  type ResolvedAccounts,
  resolveAccounts,
  writeNewcomers,
} from './cohort.ts';
import { type Charge, violationOf } from './filters.ts';
import type { Transaction } from './ledger.ts';
import type { Limits, SceneLimits } from './limits.ts';
import { encodeRecord } from './log-codec.ts';
import type { RefuseRecord, ReserveRecord } from './log-record.ts';
import type { PricedPlan } from './plan-prices.ts';
import { readableNumbers, refusalOf } from './refusal.ts';
import { type Answer, isRefusal, type ReservationState, refuseRecordOf } from './reservations.ts';
import { type BudgetState, cohortText, fingerprintOf, tagOf } from './state.ts';

/** A request that is well formed and priced. */
export interface PricedRequest {
  readonly scene: string;
  readonly priced: PricedPlan;
  /** Units. */
  readonly deltaCost: number;
  readonly idempotencyKey: string;
  readonly model: string | null;
  readonly epochs: readonly string[];
  readonly sensitivityPerEpoch: boolean;
  /** Milliseconds; null for the policy's. */
  readonly lease: number | null;
  readonly insecure: boolean;
}

/** The error for a scene that the policy does not know. */
export function sceneRules(limits: Limits, scene: string): SceneLimits {
  const rules = typeof scene === 'string' && scene !== '' ? limits.scene(scene) : undefined;
  if (rules === undefined) {
    throw new VelaturaError('dp/unknown-scene', `the policy does not know the scene "${scene}"`, {
      scene: String(scene),
    });
  }
  return rules;
}

/**
 * Throws unless the epochs are some of the budget's calendar, each once, that have begun. Without a
 * calendar they are only recorded.
 *
 * @throws {VelaturaError} `dp/invalid-epoch`
 */
export function assertEpochs(limits: Limits, epochs: readonly string[], now: number): void {
  const { epochs: calendar } = limits;
  if (calendar === null) return;
  const invalid = (message: string): VelaturaError =>
    new VelaturaError('dp/invalid-epoch', `"epochs" expected ${message}`, { epochs });
  if (epochs.length === 0) {
    throw invalid(
      `the epochs of the data that is read, such as ${calendar.nameAt(now)}: this budget renews with them`,
    );
  }
  for (const [i, epoch] of epochs.entries()) {
    const start = calendar.start(epoch);
    if (start === null) throw invalid(`names such as ${calendar.nameAt(now)}, got "${epoch}"`);
    if (start > now) throw invalid(`epochs that have begun, got "${epoch}"`);
    if (epochs.indexOf(epoch) !== i) throw invalid(`each epoch once, got "${epoch}" twice`);
  }
}

/**
 * Refuses several epochs where the sensitivity of a joint release to one of them may be twice what the plan
 * counted (filters.proof.md).
 */
function assertOneEpoch(state: BudgetState, limits: Limits, epochs: readonly string[]): void {
  const moves = state.opened?.relation !== 'replace-one-user';
  if (limits.epochs === null || epochs.length <= 1 || !moves) return;
  throw new VelaturaError(
    'dp/invalid-epoch',
    'a release that reads several epochs moves by up to twice its clipping norm when the data of one goes: count that in the noise multiplier and set "sensitivityPerEpoch"',
    { epochs },
  );
}

function unknownPopulation(name: string): VelaturaError {
  return new VelaturaError('dp/unknown-population', `nobody is in a population "${name}"`, {
    population: name,
  });
}

/** The population of that name. @throws {VelaturaError} `dp/unknown-population` */
export function populationOf(state: BudgetState, name: string): Population {
  const population = state.classes.populations.get(name);
  if (population === undefined || population.size === 0) throw unknownPopulation(name);
  return population;
}

/** Number of the plan; the next free one when it is new. */
function planNumber(state: BudgetState, { key }: PricedPlan): number {
  return state.planNumbers.get(key) ?? state.plans.length;
}

function writePlan(transaction: Transaction, { plan, cost }: PricedPlan, number: number): void {
  const { state, now: time } = transaction;
  if (number < state.plans.length) return;
  transaction.write({ kind: 'plan', time, number, plan, cost: [...cost] });
}

/**
 * Decides a request on a state that has seen every entry: the first answer again for a key that has one,
 * else a refusal or a charge on all accounts.
 *
 * @param asked - accounts, or the name of a population
 * @throws {VelaturaError} `dp/unknown-scene`, `dp/unknown-population`, `dp/invalid-epoch`,
 * `dp/invalid-accounts`, `dp/invalid-parameter`, `dp/idempotency-conflict`, `dp/reservation-closed`
 */
export function admit(
  transaction: Transaction,
  sha256: Sha256,
  request: PricedRequest,
  asked: AskedAccounts | string,
): ReserveDecision {
  const { state, now: time } = transaction;
  const { scene, priced, deltaCost, idempotencyKey, model, epochs, insecure } = request;
  const limits = state.limits as Limits;
  const population = typeof asked === 'string' ? state.classes.populations.get(asked) : null;
  if (population === undefined) throw unknownPopulation(asked as string);
  const accounts = typeof asked === 'string' ? null : resolveAccounts(state, asked);
  const lease = request.lease ?? limits.lease;
  const plan = planNumber(state, priced);
  const record: ReserveRecord = {
    kind: 'reserve',
    time,
    scene,
    plan,
    deltaCost,
    handles: accounts === null ? null : accounts.sorted,
    population: population === null ? null : population.name,
    idempotencyKey,
    expiresAt: time + lease,
    model,
    epochs,
    insecure,
  };
  // Before anything that the policy or the population decides: the answer to a retry is the first one.
  const answered = state.answers.get(idempotencyKey);
  if (answered !== undefined) {
    const fingerprint = fingerprintOf(record, cohortText(record, sha256));
    return sameAnswer(state, answered, fingerprint, accounts, population);
  }
  const rules = sceneRules(limits, scene);
  assertEpochs(limits, epochs, time);
  if (!request.sensitivityPerEpoch) assertOneEpoch(state, limits, epochs);
  if (lease > limits.lease) {
    throw new VelaturaError(
      'dp/invalid-parameter',
      `"lease" expected at most the policy's ${limits.policy.reservationLease}`,
      { lease, most: limits.lease },
    );
  }
  if (population !== null && population.size === 0) throw unknownPopulation(population.name);
  const charge: Charge = {
    scene,
    handles: record.handles,
    population,
    model,
    epochs,
    cost: priced.cost,
    deltaCost,
    time,
  };
  const violation = violationOf(state, limits, rules, charge);
  const newcomers = accounts === null ? null : accounts.newcomers;
  if (newcomers !== null || plan === state.plans.length) {
    // What cannot be written must fail before anything is, or everyone else in the group fails with it.
    encodeRecord(record);
    writeNewcomers(transaction, newcomers);
    writePlan(transaction, priced, plan);
  }
  if (violation !== null) {
    const { limit, epoch, blocked } = violation;
    const refuse: RefuseRecord = {
      kind: 'refuse',
      time,
      scene,
      limit,
      epoch,
      count: accounts === null ? (population as Population).size : accounts.handles.length,
      blocked,
      ...readableNumbers(violation, limits),
      idempotencyKey,
      fingerprint: fingerprintOf(record, cohortText(record, sha256)),
    };
    transaction.write(refuse);
    return refusedAnswer(state, refuse, accounts, population);
  }
  const { seq, hash } = transaction.write(record);
  return {
    kind: 'admitted',
    reservation: {
      id: idOf(seq, tagOf(hash)),
      scene,
      accounts: accounts === null ? (population as Population).size : accounts.handles.length,
      expiresAt: record.expiresAt,
      replayed: false,
    },
  };
}

function refusedAnswer(
  state: BudgetState,
  refuse: RefuseRecord,
  accounts: ResolvedAccounts | null,
  population: Population | null,
): ReserveDecision {
  const handles = accounts?.handles ?? state.classes.members(population as Population);
  return { kind: 'refused', refusal: refusalOf(refuse, handles) };
}

/** A key stands for one release: the same body gets the first answer again, without a charge. */
function sameAnswer(
  state: BudgetState,
  answer: Answer,
  fingerprint: string,
  accounts: ResolvedAccounts | null,
  population: Population | null,
): ReserveDecision {
  if (state.fingerprintOf(answer) !== fingerprint) {
    throw new VelaturaError(
      'dp/idempotency-conflict',
      'the idempotency key was used before, with another request',
      { scene: isRefusal(answer) ? answer.scene : answer.terms.scene },
    );
  }
  if (isRefusal(answer)) {
    return refusedAnswer(state, refuseRecordOf(answer), accounts, population);
  }
  // Nothing is charged any more, so the old right must not be handed out again.
  if (answer.status === 'released') throw closedError(answer);
  const { terms, accounts: count, expiresAt } = answer;
  return {
    kind: 'admitted',
    reservation: {
      id: idOf(answer.seq, answer.tag),
      scene: terms.scene,
      accounts: count,
      expiresAt,
      replayed: true,
    },
  };
}

/** The id under which callers know a reservation. */
function idOf(seq: number, tag: number): string {
  return `${seq}-${tag}`;
}

/**
 * The reservation of that id.
 *
 * @throws {VelaturaError} `dp/reservation-unknown`
 */
export function reservationOf(state: BudgetState, id: string): ReservationState {
  const at = typeof id === 'string' ? id.indexOf('-') : -1;
  const seq = at > 0 ? Number(id.slice(0, at)) : Number.NaN;
  const reservation = state.reservations.get(seq);
  if (reservation === undefined || idOf(seq, reservation.tag) !== id) {
    throw new VelaturaError('dp/reservation-unknown', 'no reservation of that id exists');
  }
  return reservation;
}

/** The error for a reservation that takes no more changes. */
export function closedError(
  reservation: ReservationState,
  status: ReservationState['status'] = reservation.status,
): VelaturaError {
  const id = idOf(reservation.seq, reservation.tag);
  return new VelaturaError('dp/reservation-closed', `the reservation ${id} is ${status}`, {
    id,
    status,
  });
}
