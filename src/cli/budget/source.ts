import { existsSync } from 'node:fs';
import { throwIfAborted, VelaturaError } from '../../core/errors.ts';
import { yieldToEventLoop } from '../../core/event-loop.ts';
import type { ChainEntry } from '../../core/hash-chain.ts';
import {
  type BudgetAccess,
  type BudgetRows,
  openExistingBudget,
} from '../../dp/budget/accountant.ts';
import type { PrivacyBudgetAccountant } from '../../dp/budget/budget.ts';
import type { BudgetStore } from '../../dp/budget/store.ts';
import { WhatIfStore } from '../../dp/budget/what-if-store.ts';
import { openExistingBudgetDatabase } from '../../node/budget-database.ts';
import { budgetKeyPath, openExistingBudgetFile } from '../../node/budget-file.ts';
import { allSecrets, type BudgetKeys, readBudgetKeys } from '../../node/budget-keys.ts';
import { ed25519Signer, verifyEd25519 } from '../../node/ed25519.ts';
import { openPostgresBudgetStore } from '../../node/postgres-budget-store.ts';
import { nodeSha256 } from '../../node/sha256.ts';
import { openSqliteBudgetStore } from '../../node/sqlite-budget-store.ts';
import type { SqliteThreads } from '../../node/sqlite-threads.ts';

/** Where a budget is, as every subcommand is told. */
export interface BudgetPlace {
  /** SQLite file or `postgres://…`. */
  readonly budget: string;
  /** Of the budget, in a database. */
  readonly name?: string;
  /** Of the tables, in a database. */
  readonly schema?: string;
  /** Key file of a budget in a database. */
  readonly key?: string;
  /** For programs that run many commands: where files get their threads from. */
  readonly threads?: SqliteThreads;
}

/** An open budget whose balances can be listed. */
export type ListedBudget = PrivacyBudgetAccountant & BudgetRows;

/** A budget that exists, in a file or a database. */
export interface BudgetSource {
  /** Its secrets and signing key; null where there is no key file. */
  keys(): BudgetKeys | null;
  /** The store alone, which needs no key; the caller closes it. */
  store(): Promise<BudgetStore>;
  /** Opens it under the terms in force; the caller closes it. */
  open(): Promise<ListedBudget>;
}

/**
 * The budget that `--budget`, `--name`, `--schema` and `--key` mean.
 *
 * @throws {VelaturaError} `cli/usage` for options that do not go together
 */
export function budgetSource(place: BudgetPlace): BudgetSource {
  const isDatabase = /^postgres(?:ql)?:\/\//iu.test(place.budget);
  return isDatabase ? databaseSource(place) : fileSource(place);
}

function fileSource({ budget: path, threads, ...others }: BudgetPlace): BudgetSource {
  for (const option of ['name', 'schema', 'key'] as const) {
    if (others[option] !== undefined) {
      throw usage(`--${option}`, `--${option} is for budgets in a database`);
    }
  }
  const sharing = threads === undefined ? {} : { threads };
  return {
    keys: () => {
      const file = budgetKeyPath(path);
      return existsSync(file) ? readBudgetKeys(file) : null;
    },
    store: () => openSqliteBudgetStore(path, sharing),
    open: () => openExistingBudgetFile(path, sharing),
  };
}

function databaseSource({ budget: url, name, schema, key }: BudgetPlace): BudgetSource {
  if (name === undefined) throw usage('--name', '--name of the budget in the database is missing');
  const where = { budget: name, ...(schema === undefined ? {} : { schema }) };
  return {
    keys: () => (key === undefined ? null : readBudgetKeys(key)),
    store: () => asTyped(() => openPostgresBudgetStore(url, { ...where, create: false })),
    open: async () => {
      if (key === undefined) throw usage('--key', '--key is missing: the database holds no keys');
      const access = accessOf(readBudgetKeys(key));
      return asTyped(() => openExistingBudgetDatabase(url, { ...where, ...access }));
    },
  };
}

/** Parameters of a database's budget that are options here. */
const OPTION_OF: Readonly<Record<string, string>> = { budget: '--name', schema: '--schema' };

/** What is a programmer's mistake in a call is here a mistake of whoever typed the options. */
async function asTyped<T>(open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    const [, name = '', rest] =
      error instanceof RangeError ? (/^"(\w+)" (expected .*)$/s.exec(error.message) ?? []) : [];
    const option = OPTION_OF[name];
    throw option === undefined ? error : usage(option, `${option} ${rest}`);
  }
}

type Access = Pick<BudgetAccess, 'secrets' | 'signer'>;

function accessOf({ secrets, signingKey }: BudgetKeys): Access {
  return signingKey === null ? { secrets } : { secrets, signer: ed25519Signer(signingKey) };
}

/**
 * Opens the budget on a store that is open already, of which it takes over the closing.
 *
 * @param keys - those of the source
 */
export async function openOn(store: BudgetStore, keys: BudgetKeys): Promise<ListedBudget> {
  return openExistingBudget({
    ...accessOf({ ...keys, secrets: allSecrets(keys) }),
    store,
    sha256: nodeSha256,
    verifySignature: verifyEd25519,
  });
}

/**
 * Opens the budget as it would be after changes that bind nobody: nothing is ever written to its store. The
 * caller closes it.
 */
export async function tryOut(source: BudgetSource): Promise<ListedBudget> {
  const keys = source.keys();
  if (keys === null) throw usage('--key', 'the key file of the budget is missing');
  const store = await source.store();
  try {
    return await openOn(new WhatIfStore(store), keys);
  } catch (error) {
    await store.close();
    throw error;
  }
}

function usage(option: string, message: string): VelaturaError {
  return new VelaturaError('cli/usage', message, { option });
}

/** Opens the budget, hands it over and closes it, whatever happens. */
export async function withBudget<T>(
  source: BudgetSource,
  use: (budget: ListedBudget) => Promise<T>,
): Promise<T> {
  const budget = await source.open();
  try {
    return await use(budget);
  } finally {
    await budget.close();
  }
}

/** Opens the store alone, hands it over and closes it, whatever happens. */
export async function withStore<T>(
  source: BudgetSource,
  use: (store: BudgetStore) => Promise<T>,
): Promise<T> {
  const store = await source.store();
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** Reads the log from its first entry, until the signal says to stop. */
export function withLog<T>(
  source: BudgetSource,
  signal: AbortSignal,
  use: (entries: AsyncIterable<readonly ChainEntry[]>) => Promise<T>,
): Promise<T> {
  return withStore(source, (store) => use(untilAborted(store.read(-1), signal)));
}

async function* untilAborted<T>(batches: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  for await (const batch of batches) {
    await yieldToEventLoop(); // where Ctrl-C is heard
    throwIfAborted(signal);
    yield batch;
  }
}
