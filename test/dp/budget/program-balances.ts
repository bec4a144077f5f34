import assert from 'node:assert/strict';
import type {
  BudgetLine,
  BudgetSummary,
  PrivacyBudgetAccountant,
} from '../../../src/dp/budget/budget.ts';
import { assertClose } from './program-answers.ts';
import { codeOf } from './program-faults.ts';
import type { ProgramRun } from './program-runner.ts';
import { MONTHS, type PricedEvent, RELATION, SCENES } from './program-terms.ts';
import { ACCOUNTS, POPULATIONS } from './programs.ts';
import type { Amount, Scope } from './reference.ts';

function isAtMost(amount: Amount, most: Amount): boolean {
  return amount.every((cost, k) => cost <= (most[k] as bigint));
}

function scopeOf({ limit, scene }: BudgetLine): Scope {
  if (scene === null) return {};
  return limit === 'model' ? { model: scene } : { scene };
}

function checkLine(run: ProgramRun, account: string, line: BudgetLine): void {
  const { model, family, policy } = run;
  const { limit, epoch, spent, allowed } = line;
  const amount =
    limit === 'scene-worst-case'
      ? model.total(epoch, scopeOf(line)).cost
      : model.spent(account, epoch, scopeOf(line));
  assertClose(spent, family.epsilon(amount, policy), () => JSON.stringify([account, line]));
  if (amount.every((cost) => cost === 0n)) assert.equal(spent, 0);
  if (run.steady) assert.ok(spent <= allowed);
}

/** A few in a row, other ones in every program. */
function some<T>(run: ProgramRun, all: readonly T[], count: number): readonly T[] {
  return Array.from({ length: count }, (_, i) => all[(run.seq + i) % all.length] as T);
}

function checkSummary(run: ProgramRun, summary: BudgetSummary): void {
  const { model, family, policy } = run;
  const { scene, epoch, releases, refused, frozen, accounts, epsilonMax } = summary;
  const of = scene === null ? {} : { scene };
  const spent = ACCOUNTS.map((account) => model.spent(account, epoch, of));
  assert.deepEqual(
    [scene, epoch, releases, accounts, frozen],
    [
      scene,
      epoch,
      model.total(epoch, of).releases,
      spent.filter((amount) => amount.some((cost) => cost > 0n)).length,
      scene !== null && model.frozen.has(scene),
    ],
  );
  if (epoch === null) assert.equal(refused, run.refused.get(scene) ?? 0);
  const most = Math.max(...spent.map((amount) => family.epsilon(amount, policy)));
  assertClose(epsilonMax, most, () => JSON.stringify(summary));
}

/** Compares every balance and every sum with the reference. */
export async function checkBalances(
  run: ProgramRun,
  budget: PrivacyBudgetAccountant,
): Promise<void> {
  const { model, family } = run;
  const epochs = family.terms.monthly ? MONTHS : [null];
  // All in every program would take most of its time; the sums over everyone are below.
  for (const account of some(run, ACCOUNTS, 2)) {
    const lines = await budget.remaining(account);
    for (const line of lines) checkLine(run, account, line);
    for (const epoch of epochs) {
      const isTold = lines.some((line) => line.limit === 'user-total' && line.epoch === epoch);
      const spent = model.spent(account, epoch);
      assert.ok(isTold || spent.every((cost) => cost === 0n));
      if (run.steady) assert.ok(isAtMost(spent, model.limitOf(account)));
    }
  }
  const summaries = await budget.summary();
  for (const summary of summaries) checkSummary(run, summary);
  assert.ok(summaries.some(({ scene, epoch }) => scene === null && epoch === null));
  for (const population of POPULATIONS) {
    const members = [...(model.populations.get(population) ?? [])];
    if (members.length === 0) {
      assert.equal(await codeOf(budget.members(population)), 'dp/unknown-population');
    } else {
      const handles = await run.handlesOf(budget, members);
      assert.deepEqual(await budget.members(population), handles.sort());
    }
  }
  await checkForecasts(run, budget);
}

async function checkForecasts(run: ProgramRun, budget: PrivacyBudgetAccountant): Promise<void> {
  const { model, family } = run;
  const { event, cost } = family.events[3] as PricedEvent;
  const epochs = ['2023-10', '2023-11'];
  const plan = { unit: 'user', relation: RELATION, event } as const;
  for (const scene of some(run, SCENES, 1)) {
    if (model.policy.scenes[scene] === undefined) continue;
    const counts = await budget.forecast(scene, ACCOUNTS, plan, { epochs, model: 'tag' });
    for (const [i, account] of ACCOUNTS.entries()) {
      const request = { scene, cost, epochs, model: 'tag' };
      const [least, most] = model.further(
        { ...request, accounts: [account], population: null, delta: 0n, lease: 0 },
        account,
      );
      const count = counts[i] as number;
      assert.ok(
        count >= least && count <= most,
        JSON.stringify([scene, account, count, least, most]),
      );
    }
  }
}
