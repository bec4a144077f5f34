import assert from 'node:assert/strict';
import type { Refusal, ReserveDecision, ReserveRequest } from '../../../src/dp/budget/budget.ts';
import type { Family } from './program-terms.ts';
import {
  type Amount,
  exact,
  type Passed,
  type ReferenceBudget,
  type ReferenceRequest,
} from './reference.ts';

/** The real budget rounds every charge up by at most a unit, which epsilon shows about this much. */
const SLACK = 1e-6;

/** Throws unless two epsilons are the same but for rounding in units. */
export function assertClose(actual: number, expected: number, what: () => string): void {
  // Negated, so that what is no number is not close.
  if (!(Math.abs(actual - expected) <= SLACK * (1 + expected))) {
    throw new RangeError(`${what()}: expected ${expected}, got ${actual}`);
  }
}

/** An answer that was given, and what was asked. */
export interface Answered {
  readonly real: ReserveRequest;
  readonly asked: ReferenceRequest;
  readonly decision: ReserveDecision;
  /** Index of the charge in the reference. */
  readonly charge: number | null;
  /** The policy's at that time. */
  readonly lease: number;
}

/** What a call came to, according to the reference. */
export interface Told {
  readonly what: string;
  readonly answered: Answered | null;
}

/** One of several calls under way at once. */
export interface Call {
  make(): Promise<unknown>;
  /** Throws where the reference, at this moment, would have answered otherwise. */
  check(model: ReferenceBudget, outcome: PromiseSettledResult<unknown>, now: number): Told;
}

/** Orders of so many things, the given one first. */
export function* permutations(count: number): Generator<readonly number[]> {
  if (count === 0) {
    yield [];
    return;
  }
  const insert = count - 1;
  for (const order of permutations(insert)) {
    for (let at = insert; at >= 0; at--) yield [...order.slice(0, at), insert, ...order.slice(at)];
  }
}

/** A request, and what it takes to judge the answer. */
export interface Asking {
  readonly family: Family;
  /** The policy in force, by index. */
  readonly policy: number;
  readonly real: ReserveRequest;
  readonly asked: ReferenceRequest;
  /** Who is meant by the positions of a refusal. */
  readonly positions: readonly string[];
  readonly now: number;
}

/** Throws unless the answer to a request is the one that the reference gives. */
export function checkReserve(
  model: ReferenceBudget,
  asking: Asking,
  outcome: PromiseSettledResult<unknown>,
): Told {
  const { real, asked, positions, now } = asking;
  const faults = model.faults(asked, now);
  if (faults.length > 0) {
    assert.equal(outcome.status, 'rejected');
    const { code } = (outcome as PromiseRejectedResult).reason;
    assert.ok(faults.includes(code), `expected one of ${faults.join()}, got ${code}`);
    return { what: code, answered: null };
  }
  if (outcome.status === 'rejected') throw outcome.reason;
  const decision = outcome.value as ReserveDecision;
  for (const account of asked.accounts ?? []) model.known.add(account);
  const { lease } = model.policy;
  const passed = model.passed(asked, now);
  // Where nothing but the rounding against the asker decides, either answer is right.
  if (passed.some(({ certain }) => certain)) assert.equal(decision.kind, 'refused');
  else if (passed.length === 0) assert.equal(decision.kind, 'admitted');
  if (decision.kind === 'admitted') {
    const { id } = decision.reservation;
    assert.deepEqual(decision.reservation, {
      id,
      scene: asked.scene,
      accounts: model.cohort(asked).length,
      expiresAt: now + asked.lease,
      replayed: false,
    });
    const charge = model.book(asked, now);
    const what = asked.population === null ? 'admitted' : 'population admitted';
    return { what, answered: { real, asked, decision, charge, lease } };
  }
  const { limit, epoch, blocked } = decision.refusal;
  // Who was erased is refused in every epoch.
  const named = passed.filter(
    (each) => each.limit === limit && (each.epoch === epoch || limit === 'erased'),
  );
  assert.ok(
    named.length > 0,
    `${limit} of ${epoch} is none of ${passed.map((p) => p.limit).join()}`,
  );
  if (passed.every(({ certain }) => certain)) {
    const ofScene = passed.some(({ account }) => account === null);
    if (ofScene) assert.equal(named[0]?.account, null);
    const inTheWay = ofScene ? positions : passed.map(({ account }) => account);
    const told = Array.from(blocked, (i) => positions[i] as string);
    assert.deepEqual([...told].sort(), [...new Set(inTheWay)].sort());
    checkNumbers(model, asking, named, decision.refusal);
  }
  return { what: `refused: ${limit}`, answered: { real, asked, decision, charge: null, lease } };
}

/** What the account furthest over had spent, was asked for and is allowed. */
function checkNumbers(
  model: ReferenceBudget,
  { asked, real, family, policy }: Asking,
  named: readonly Passed[],
  refusal: Refusal,
): void {
  const { scene, model: name } = asked;
  const { limit, epoch } = named[0] as Passed;
  const { spent } = refusal;
  if (limit === 'max-releases') {
    assert.equal(spent, model.total(epoch, { scene }).releases);
    assert.equal(refusal.allowed, model.policy.scenes[scene]?.maxReleases);
  } else if (limit === 'delta') {
    const sums = named.map(({ account }) => model.deltaSpent(account as string, epoch));
    assert.equal(
      exact(spent),
      sums.reduce((most, sum) => (sum > most ? sum : most)),
    );
    assert.equal(refusal.asked, real.delta);
    assert.equal(exact(refusal.allowed), model.policy.delta);
  } else if (EPSILONS.includes(limit)) {
    const of = { 'user-total': {}, model: { model: name ?? '' } }[limit] ?? { scene };
    const sums = named.map(({ account }): readonly [over: bigint, sum: Amount] => {
      const sum = account === null ? model.total(epoch, of).cost : model.spent(account, epoch, of);
      // Only a total may be limited differently for different accounts.
      const most = limit === 'user-total' ? model.limitOf(account as string) : [0n];
      return [(sum[0] as bigint) - (most[0] as bigint), sum];
    });
    const furthest = sums.reduce((most, each) => (each[0] > most[0] ? each : most));
    const expected = asked.cost.length === 1 ? family.epsilon(furthest[1], policy) : spent;
    assertClose(spent, expected, () => `spent of ${limit}`);
    assertClose(refusal.asked, family.epsilon(asked.cost, policy), () => `asked of ${limit}`);
  }
}

const EPSILONS: readonly string[] = ['user-total', 'user-scene', 'scene-worst-case', 'model'];
