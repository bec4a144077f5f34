import assert from 'node:assert/strict';
import type {
  PrivacyBudgetAccountant,
  ReserveDecision,
  ReserveRequest,
} from '../../../src/dp/budget/budget.ts';
import type { BudgetPolicy } from '../../../src/dp/budget/policy.ts';
import {
  type Answered,
  type Call,
  checkReserve,
  permutations,
  type Told,
} from './program-answers.ts';
import { checkBalances } from './program-balances.ts';
import { badRequest, codeOf } from './program-faults.ts';
import {
  type Family,
  MINUTE,
  millisecondsOf,
  type PricedEvent,
  RELATION,
  START,
} from './program-terms.ts';
import type { ActedStep, Actor, ClosingStep, Naming, ReserveStep, Step } from './programs.ts';
import {
  exact,
  ReferenceBudget,
  type ReferencePolicy,
  type ReferenceRequest,
} from './reference.ts';

/** Where the budget of one program lives. */
export interface ProgramHome {
  /** True when insecure releases must be refused. */
  readonly durable: boolean;
  /** Another accountant on the same store, which `close` leaves open for the others. */
  open(opening: ProgramOpening): Promise<PrivacyBudgetAccountant>;
}

export interface ProgramOpening {
  readonly policy: BudgetPolicy;
  readonly secrets: readonly Uint8Array[];
  readonly clock: () => number;
}

/** How often the programs met what they are about: a run that never does proves nothing. */
export type Tally = Map<string, number>;

/** A program under way: the budget, the reference, and what a caller would remember. */
export class ProgramRun {
  readonly family: Family;
  model: ReferenceBudget;
  readonly home: ProgramHome;
  readonly tally: Tally;
  readonly answers: Answered[] = [];
  readonly refused: Map<string | null, number> = new Map();
  /** Numbers of accounts, as far as anybody asked for them. */
  readonly handles: Map<string, number> = new Map();
  policy = 0;
  clock: number = START;
  /** Nothing but charges happened so far: no limit was lowered, and nobody took on open ones by joining. */
  steady = true;
  /** Number of the last entry of the log before the present step. */
  seq = -1;
  #accountants: PrivacyBudgetAccountant[] = [];
  #secrets: readonly Uint8Array[] = [new Uint8Array(32).fill(9)];
  #keys = 0;

  constructor(home: ProgramHome, family: Family, tally: Tally) {
    this.home = home;
    this.family = family;
    this.tally = tally;
    this.model = new ReferenceBudget(family.limits[0] as ReferencePolicy, family.terms);
  }

  async begin(): Promise<void> {
    this.#accountants = [await this.#open(), await this.#open()];
    this.model.wrote(this.clock);
    this.seq = (await this.accountant(0).head()).seq;
  }

  accountant(actor: Actor): PrivacyBudgetAccountant {
    return this.#accountants[actor] as PrivacyBudgetAccountant;
  }

  async step(step: Step): Promise<void> {
    const now = this.model.at(this.clock);
    await this.#act(step, this.accountant(step.actor), now);
    if (step.kind === 'wait') return;
    // Some calls have nothing to write down, and time moves only with what is written.
    const { seq } = await this.accountant(step.actor).head();
    if (seq !== this.seq) this.model.wrote(now);
    this.seq = seq;
  }

  async end(): Promise<void> {
    // Either may have followed the other up to now.
    await checkBalances(this, this.accountant((this.answers.length % 2) as Actor));
    const [first, second] = this.#accountants;
    assert.deepEqual(await first?.head(), await second?.head());
    if (this.model.known.size > 0) {
      await this.handlesOf(this.accountant(0), [...this.model.known]);
    }
    const { problems } = await this.accountant(0).verify();
    assert.deepEqual(problems, []);
    for (const accountant of this.#accountants) await accountant.close();
  }

  nextKey(): string {
    return `step ${this.#keys++}`;
  }

  count(what: string): void {
    this.tally.set(what, (this.tally.get(what) ?? 0) + 1);
  }

  /** Handles of accounts; checks that each keeps its own. */
  async handlesOf(
    budget: PrivacyBudgetAccountant,
    accounts: readonly string[],
  ): Promise<Uint32Array> {
    const handles = await budget.intern(accounts);
    for (const [i, account] of accounts.entries()) {
      const handle = handles[i] as number;
      assert.equal(this.handles.get(account) ?? handle, handle);
      this.handles.set(account, handle);
      this.model.known.add(account);
    }
    assert.equal(new Set(this.handles.values()).size, this.handles.size);
    return handles;
  }

  async named(
    budget: PrivacyBudgetAccountant,
    accounts: readonly string[],
    naming: Naming,
  ): Promise<readonly string[] | Uint32Array> {
    return naming === 'ids' ? accounts : await this.handlesOf(budget, accounts);
  }

  #open(): Promise<PrivacyBudgetAccountant> {
    return this.home.open({
      policy: this.family.policies[this.policy] as BudgetPolicy,
      secrets: this.#secrets,
      clock: () => this.clock,
    });
  }

  async #reopen(actor: Actor): Promise<void> {
    await this.accountant(actor).close();
    this.#accountants[actor] = await this.#open();
  }

  async #act(step: Step, budget: PrivacyBudgetAccountant, now: number): Promise<void> {
    const { model } = this;
    switch (step.kind) {
      case 'wait':
        this.clock += step.minutes * MINUTE;
        break;
      case 'reopen':
        await this.#reopen(step.actor);
        break;
      case 'reserve':
      case 'commit':
      case 'release':
        await this.#burst([step], now);
        break;
      case 'burst':
        await this.#burst(step.steps, now);
        break;
      case 'retry':
        await this.#retry(budget, step.which, step.changed);
        assert.equal((await budget.head()).seq, this.seq);
        break;
      case 'freeze': {
        const known = model.policy.scenes[step.scene] !== undefined;
        assert.equal(await codeOf(budget.freeze(step.scene)), known ? null : 'dp/unknown-scene');
        if (known) model.frozen.add(step.scene);
        break;
      }
      case 'join':
      case 'leave':
        await this.#membership(budget, step);
        break;
      case 'erase':
        await budget.erase(await this.named(budget, step.accounts, step.naming));
        model.erase(step.accounts);
        break;
      case 'readmit':
        await budget.readmit(step.accounts);
        for (const account of step.accounts) model.erased.delete(account);
        break;
      case 'assign': {
        const { group } = step;
        const known = group === null || model.policy.groups[group] !== undefined;
        const accounts = await this.named(budget, step.accounts, step.naming);
        assert.equal(
          await codeOf(budget.assign(group, accounts)),
          known ? null : 'dp/unknown-group',
        );
        this.steady = false;
        if (!known) break;
        for (const account of step.accounts) {
          model.known.add(account);
          if (group === null) model.groups.delete(account);
          else model.groups.set(account, group);
        }
        break;
      }
      case 'set-policy': {
        const next = this.family.limits[step.policy] as ReferencePolicy;
        const gone = [...model.groups.values()].some((group) => next.groups[group] === undefined);
        const policy = this.family.policies[step.policy] as BudgetPolicy;
        assert.equal(await codeOf(budget.setPolicy(policy)), gone ? 'dp/invalid-policy' : null);
        if (gone) break;
        this.steady = false;
        this.policy = step.policy;
        model.policy = next;
        break;
      }
      case 'rotate': {
        const secret = new Uint8Array(32).fill(this.#secrets.length + 9);
        const known = [...model.known];
        const [rotated, meanwhile] = await Promise.allSettled([
          budget.rotateKey(secret),
          this.handlesOf(budget, known.length === 0 ? ['a'] : known),
        ]);
        if (rotated.status === 'rejected') throw rotated.reason;
        if (meanwhile.status === 'rejected') {
          assert.equal(meanwhile.reason.code, 'dp/keys-rotated');
        }
        this.#secrets = [...this.#secrets, secret];
        const other = this.accountant(step.actor === 0 ? 1 : 0);
        // Under the old secrets everyone would seem to be new.
        assert.equal(await codeOf(other.intern(['a'])), 'dp/keys-rotated');
        await this.#reopen(step.actor === 0 ? 1 : 0);
        break;
      }
      case 'bad':
        await badRequest(this, budget, step.request);
    }
  }

  async #membership(
    budget: PrivacyBudgetAccountant,
    step: Extract<Step, { kind: 'join' | 'leave' }>,
  ): Promise<void> {
    const { kind, population, accounts } = step;
    const { model } = this;
    const named = await this.named(budget, accounts, step.naming);
    const code = await codeOf(budget[kind](population, named));
    if (kind === 'leave' && (model.populations.get(population)?.size ?? 0) === 0) {
      assert.equal(code, 'dp/unknown-population');
    } else if (kind === 'join' && accounts.some((account) => model.erased.has(account))) {
      assert.equal(code, 'dp/invalid-accounts');
    } else {
      assert.equal(code, null);
      if (kind === 'join') {
        for (const account of accounts) model.known.add(account);
        model.join(population, accounts);
      } else model.leave(population, accounts);
    }
  }

  /** Calls that do not wait for one another: some order of them must explain all answers. */
  async #burst(steps: readonly ActedStep[], now: number): Promise<void> {
    const calls: Call[] = [];
    for (const step of steps) {
      const call = step.kind === 'reserve' ? await this.#reserve(step) : this.#closing(step);
      if (call !== null) calls.push(call);
    }
    const outcomes = await Promise.allSettled(calls.map((call) => call.make()));
    let failure: unknown = null;
    for (const order of permutations(calls.length)) {
      const model = this.model.clone();
      try {
        const told = order.map((i) =>
          (calls[i] as Call).check(model, outcomes[i] as PromiseSettledResult<unknown>, now),
        );
        for (const each of told) this.#note(each);
        this.model = model;
        return;
      } catch (error) {
        failure ??= error;
      }
    }
    throw failure;
  }

  #note({ what, answered }: Told): void {
    this.count(what);
    if (answered === null) return;
    this.answers.push(answered);
    if (answered.decision.kind === 'admitted') return;
    for (const scope of [null, answered.asked.scene]) {
      this.refused.set(scope, (this.refused.get(scope) ?? 0) + 1);
    }
  }

  #closing({ kind, which, actor }: ClosingStep & { readonly actor: Actor }): Call | null {
    const known = this.answers.filter(({ charge }) => charge !== null);
    const about = known[which % known.length];
    if (about?.decision.kind !== 'admitted') return null;
    const { id } = about.decision.reservation;
    return {
      make: () => this.accountant(actor)[kind](id),
      check: (model, outcome, now) => {
        const done = model[kind](about.charge as number, now);
        assert.equal(outcome.status, done ? 'fulfilled' : 'rejected');
        if (outcome.status === 'rejected') {
          assert.equal(outcome.reason.code, 'dp/reservation-closed');
        }
        return { what: `${kind} ${done ? 'done' : 'refused'}`, answered: null };
      },
    };
  }

  async #reserve(step: ReserveStep & { readonly actor: Actor }): Promise<Call> {
    const budget = this.accountant(step.actor);
    const { scene, population, delta, epochs, model, lease } = step;
    const { events } = this.family;
    const { event, cost } = events[step.event % events.length] as PricedEvent;
    const cohort =
      population === null
        ? { accounts: await this.named(budget, step.accounts, step.naming) }
        : { population };
    const real: ReserveRequest = {
      ...cohort,
      scene,
      plan: { unit: 'user', relation: RELATION, event },
      idempotencyKey: `step ${this.#keys++}`,
      delta,
      epochs,
      sensitivityPerEpoch: true,
      ...(model === null ? {} : { model }),
      ...(lease === null ? {} : { lease }),
    };
    const asked: ReferenceRequest = {
      scene,
      accounts: population === null ? step.accounts : null,
      population,
      cost,
      delta: exact(delta),
      epochs,
      model,
      lease: lease === null ? this.model.policy.lease : millisecondsOf(lease),
    };
    const positions = population === null ? step.accounts : await this.#members(budget, population);
    return {
      make: () => budget.reserve(real),
      check: (reference, outcome, now) =>
        checkReserve(
          reference,
          { real, asked, positions, now, family: this.family, policy: this.policy },
          outcome,
        ),
    };
  }

  /** Accounts of a population in the order of `members`. */
  async #members(budget: PrivacyBudgetAccountant, population: string): Promise<readonly string[]> {
    const accounts = [...(this.model.populations.get(population) ?? [])];
    if (accounts.length === 0) return [];
    const handles = await this.handlesOf(budget, accounts);
    const byHandle = new Map(accounts.map((account, i) => [handles[i] as number, account]));
    return Array.from(await budget.members(population), (h) => byHandle.get(h) as string);
  }

  async #retry(budget: PrivacyBudgetAccountant, which: number, changed: boolean): Promise<void> {
    const answered = this.answers[which % this.answers.length];
    if (answered === undefined) return;
    const { real, asked, decision, charge } = answered;
    // Under another policy, or with nobody left in the population, it may be no request at all any more.
    const reasonable =
      this.model.policy.scenes[asked.scene] !== undefined &&
      this.model.policy.lease === answered.lease &&
      this.model.cohort(asked).length > 0;
    if (!reasonable) {
      const again = await codeOf(budget.reserve(real).then(asReplay));
      this.count(`retried under other terms: ${again}`);
    } else if (changed) {
      this.count('conflict');
      const other = { ...real, delta: (real.delta ?? 0) + 2 ** -40 };
      assert.equal(await codeOf(budget.reserve(other)), 'dp/idempotency-conflict');
    } else if (charge !== null && this.model.charges[charge]?.state === 'released') {
      assert.equal(await codeOf(budget.reserve(real)), 'dp/reservation-closed');
    } else if (decision.kind === 'admitted') {
      this.count('replayed');
      const reservation = { ...decision.reservation, replayed: true };
      assert.deepEqual(await budget.reserve(real), { kind: 'admitted', reservation });
    } else {
      const again = await budget.reserve(real);
      assert.equal(again.kind, 'refused');
      // Who was in the way is told by positions among those who are in the population now.
      const { limit, epoch, spent, asked: price, allowed } = decision.refusal;
      const { refusal } = again as Extract<ReserveDecision, { kind: 'refused' }>;
      assert.deepEqual(
        { ...refusal, blocked: null, message: null },
        {
          limit,
          epoch,
          spent,
          asked: price,
          allowed,
          blocked: null,
          message: null,
        },
      );
      if (asked.population === null) assert.deepEqual(again, decision);
    }
  }
}

/** Throws where an answer is given for the first time. */
function asReplay(decision: ReserveDecision): void {
  if (decision.kind === 'admitted' && !decision.reservation.replayed) {
    throw new RangeError('expected an answer given before, got a new reservation');
  }
}

/** Runs a program on a budget and on the reference, and compares every answer and every balance. */
export async function runProgram(
  home: ProgramHome,
  family: Family,
  steps: readonly Step[],
  tally: Tally,
): Promise<void> {
  const run = new ProgramRun(home, family, tally);
  await run.begin();
  for (const step of steps) await run.step(step);
  await run.end();
}
