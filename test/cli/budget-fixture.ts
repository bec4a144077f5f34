import type { Command } from 'commander';
import { exportBudget } from '../../src/cli/budget/export.ts';
import { forecastBudget } from '../../src/cli/budget/forecast.ts';
import { freezeBudget } from '../../src/cli/budget/freeze.ts';
import { setBudgetPolicy } from '../../src/cli/budget/set-policy.ts';
import { showBudget } from '../../src/cli/budget/show.ts';
import { verifyBudget } from '../../src/cli/budget/verify.ts';
import { budgetCommand } from '../../src/cli/budget-command.ts';
import type { CommandContext } from '../../src/cli/main.ts';
import { VelaturaError } from '../../src/core/errors.ts';
import type { PrivacyBudgetAccountant } from '../../src/dp/budget/budget.ts';
import type { BudgetPolicy } from '../../src/dp/budget/policy.ts';
import type { Plan } from '../../src/dp/plan.ts';
import { SqliteThreads } from '../../src/node/sqlite-threads.ts';
import { type CommandRun, runCommand } from './command-harness.ts';

export const TERMS = { unit: 'user', relation: 'zero-out-one-user' } as const;

/** One of them costs epsilon 0.69 at delta 1e-6, two 1.00, three 1.24, four 1.45, five 1.63, seven 1.96. */
export const PLAN: Plan = { ...TERMS, event: { kind: 'gaussian', noiseMultiplier: 6 } };

/** Scene "live" has room for 5 such releases of one person and for 7 in all, the total for 8. */
export const POLICY: BudgetPolicy = {
  version: 1,
  currency: 'gdp',
  delta: 1e-6,
  user: { epsilon: 2.2 },
  scenes: {
    live: { perUser: { epsilon: 1.65 }, worstCase: { epsilon: 2 } },
    shop: {},
  },
  groups: { minors: { user: { epsilon: 0 } } },
  reservationLease: 'PT10M',
};

export const MONTHLY: BudgetPolicy = {
  ...POLICY,
  epoch: { kind: 'calendar', length: 'P1M', timeField: 'time' },
};

/** A moment after all epochs that {@link spend} reads have begun. */
export const NOW: number = Date.UTC(2026, 10, 22);

/** Charges `accounts` once and commits. */
export async function charge(
  budget: PrivacyBudgetAccountant,
  scene: string,
  accounts: readonly string[],
  idempotencyKey: string,
  epochs?: readonly string[],
): Promise<void> {
  const decision = await budget.reserve({
    scene,
    accounts,
    plan: PLAN,
    idempotencyKey,
    ...(epochs === undefined ? {} : { epochs }),
  });
  if (decision.kind === 'refused') throw new Error(decision.refusal.message);
  await budget.commit(decision.reservation.id);
}

/**
 * ada: 3 in live, 1 in shop; bob: 1 in live; cyd: 1 in shop, given back; and a refusal of four more for ada.
 * Where epochs are given, releases read them in turn.
 */
export async function spend(
  budget: PrivacyBudgetAccountant,
  epochs?: readonly string[],
): Promise<void> {
  const epoch = (i: number): readonly string[] | undefined =>
    epochs === undefined ? undefined : [epochs[i % epochs.length] as string];
  await charge(budget, 'live', ['ada', 'bob'], 'first', epoch(0));
  await charge(budget, 'live', ['ada'], 'second', epoch(1));
  await charge(budget, 'live', ['ada'], 'third', epoch(2));
  await charge(budget, 'shop', ['ada'], 'fourth', epoch(0));
  const cyd = { scene: 'shop', accounts: ['cyd'], plan: PLAN, idempotencyKey: 'given back' };
  const read = epoch(0);
  const given = await budget.reserve(read === undefined ? cyd : { ...cyd, epochs: read });
  if (given.kind === 'admitted') await budget.release(given.reservation.id);
  const event = { kind: 'gaussian', noiseMultiplier: 1.5 } as const;
  const over = { scene: 'live', accounts: ['ada'], plan: { ...TERMS, event } };
  const large = { ...over, idempotencyKey: 'too much' };
  await budget.reserve(read === undefined ? large : { ...large, epochs: read });
}

const noop = async (): Promise<void> => {};

function subcommand(name: string): Command {
  const group = budgetCommand({
    show: noop,
    verify: noop,
    export: noop,
    forecast: noop,
    freeze: noop,
    setPolicy: noop,
  });
  const found = group.commands.find((command) => command.name() === name);
  if (found === undefined) throw new Error(`there is no "budget ${name}"`);
  return found;
}

type Run = (...args: readonly string[]) => Promise<CommandRun>;

/** What the commands that run now are told. */
let interruption = new AbortController();

/** Starting a thread takes longer than most of the commands. */
export const threads: SqliteThreads = new SqliteThreads();

function runner<O>(
  name: string,
  action: (options: O, context: CommandContext) => Promise<void>,
): Run {
  const sharing = (options: O, context: CommandContext): Promise<void> =>
    action({ ...options, threads }, { ...context, signal: interruption.signal });
  return async (...args) => {
    const before = process.exitCode;
    try {
      process.exitCode = undefined;
      const run = await runCommand(subcommand(name), sharing, ...args);
      const { exitCode } = process;
      return typeof exitCode === 'number' ? { ...run, code: exitCode } : run;
    } finally {
      process.exitCode = before;
    }
  };
}

/** Runs a command that is told to stop as soon as it looks. */
export async function interrupted(run: Run, ...args: readonly string[]): Promise<CommandRun> {
  interruption = new AbortController();
  interruption.abort(new VelaturaError('core/aborted', 'interrupted'));
  try {
    return await run(...args);
  } finally {
    interruption = new AbortController();
  }
}

/** The subcommands, each run in this process. */
export const budget: Readonly<
  Record<'show' | 'verify' | 'export' | 'forecast' | 'freeze' | 'setPolicy', Run>
> = {
  show: runner('show', showBudget),
  verify: runner('verify', verifyBudget),
  export: runner('export', exportBudget),
  forecast: runner('forecast', forecastBudget),
  freeze: runner('freeze', freezeBudget),
  setPolicy: runner('set-policy', setBudgetPolicy),
};
