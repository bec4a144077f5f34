import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { VelaturaError } from '../core/errors.ts';
import { type OpenBudgetOptions, openBudget } from '../dp/budget/accountant.ts';
import type { BudgetVerification, PrivacyBudgetAccountant } from '../dp/budget/budget.ts';
import { corruptAt, decodeRecord } from '../dp/budget/log-record.ts';
import type { BudgetStore } from '../dp/budget/store.ts';
import { verifyLog } from '../dp/budget/verify.ts';
import { nodeSha256 } from './sha256.ts';
import {
  createSqliteLog,
  openSqliteBudgetStore,
  type SqliteBudgetStoreOptions,
} from './sqlite-budget-store.ts';

const KEY_LENGTH = 32;
/** How long another process may take between writing the key and putting the budget in place. */
const CREATION_WAIT = 1_000;
const CREATION_POLL = 20;

/** What a budget counts by, and the clock. */
type BudgetFileTerms = Pick<OpenBudgetOptions, 'policy' | 'unit' | 'relation' | 'clock'>;

/** Options of {@link openBudgetFile}. */
export interface BudgetFileOptions extends BudgetFileTerms, SqliteBudgetStoreOptions {}

/** Where the account key of a budget file lives. Keep the two together; the key is a secret. */
export function budgetKeyPath(path: string): string {
  return `${path}.key`;
}

/** Writes a new file to the disk, and never over an old one. */
function writeDurably(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeFileSync(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncFolder(path: string): void {
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** The bytes of a budget file whose log holds its terms and nothing else. */
async function newBudgetBytes(
  path: string,
  accountKey: Uint8Array,
  terms: BudgetFileTerms,
): Promise<Uint8Array> {
  try {
    createSqliteLog(path);
    const store = openSqliteBudgetStore(path);
    try {
      await openBudget({ ...terms, store, accountKey, sha256: nodeSha256 });
    } finally {
      await store.close();
    }
    return readFileSync(path);
  } finally {
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
  }
}

/**
 * Begins a budget. Its file appears at once and whole, its terms inside, so that an empty or half-made file
 * can only mean damage. The bytes go into a fresh file, because SQLite ties its journal's name to the file
 * a process first opened.
 *
 * @returns false when another process was faster
 */
async function createBudget(path: string, terms: BudgetFileTerms): Promise<boolean> {
  const scratch = `${path}.${randomBytes(6).toString('hex')}.new`;
  const accountKey = randomBytes(KEY_LENGTH);
  const bytes = await newBudgetBytes(scratch, accountKey, terms);
  let ownsKey = false;
  try {
    writeDurably(scratch, bytes);
    writeDurably(budgetKeyPath(path), accountKey);
    ownsKey = true;
    linkSync(scratch, path);
    syncFolder(path);
    return true;
  } catch (error) {
    if (ownsKey) rmSync(budgetKeyPath(path), { force: true });
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(scratch, { force: true });
  }
}

/** True when budget and key are both there, false when neither is. */
async function budgetExists(path: string): Promise<boolean> {
  const deadline = Date.now() + CREATION_WAIT;
  for (;;) {
    const hasKey = existsSync(budgetKeyPath(path));
    const hasBudget = existsSync(path);
    if (hasKey && hasBudget) return true;
    if (hasBudget) {
      throw new VelaturaError(
        'dp/budget-corrupt',
        `${path}: its account key ${budgetKeyPath(path)} is missing; without it everyone would start afresh`,
        { path },
      );
    }
    if (!hasKey) {
      if (existsSync(`${path}-wal`)) {
        throw new VelaturaError(
          'dp/budget-corrupt',
          `${path}: the budget is missing but its journal ${path}-wal is still there`,
          { path },
        );
      }
      return false;
    }
    if (Date.now() >= deadline) {
      throw new VelaturaError(
        'dp/budget-corrupt',
        `${path}: the budget is missing but its account key ${budgetKeyPath(path)} is still there; put the budget back, or remove the key if there never was one`,
        { path },
      );
    }
    await setTimeout(CREATION_POLL);
  }
}

function fileError(path: string, cause: unknown): unknown {
  if (cause instanceof VelaturaError || !(cause instanceof Error) || !('syscall' in cause)) {
    return cause;
  }
  return new VelaturaError(
    'dp/budget-unavailable',
    `${path}: ${cause.message}`,
    { path },
    { cause },
  );
}

function readKey(path: string): Uint8Array {
  const key = readFileSync(budgetKeyPath(path));
  if (key.length !== KEY_LENGTH) {
    throw new VelaturaError(
      'dp/budget-corrupt',
      `${budgetKeyPath(path)}: expected a key of ${KEY_LENGTH} bytes, got ${key.length}`,
      { path, length: key.length },
    );
  }
  return key;
}

/** Opens a file that is there under the terms that `termsOf` finds, and closes it again on any failure. */
async function openInPlace(
  path: string,
  options: SqliteBudgetStoreOptions,
  termsOf: (store: BudgetStore) => Promise<BudgetFileTerms>,
): Promise<PrivacyBudgetAccountant> {
  const accountKey = readKey(path);
  const store = openSqliteBudgetStore(path, options);
  try {
    const terms = await termsOf(store);
    return await openBudget({ ...terms, store, accountKey, sha256: nodeSha256, create: false });
  } catch (error) {
    await store.close();
    throw error;
  }
}

function missing(path: string): VelaturaError {
  return new VelaturaError('data/missing-file', `${path}: there is no such budget file`, { path });
}

/**
 * Opens the budget in a SQLite file, or begins one there. The key that turns account ids into the log's
 * keys is kept beside it in `<path>.key`, readable by the owner only.
 *
 * ## Privacy
 * As {@link openBudget}. Whoever has both files can tell who is in the budget and what was spent: they are
 * personal data.
 *
 * @param path - several processes may have it open
 * @throws {VelaturaError} `dp/budget-corrupt` when the file is damaged, something else, or one of budget and
 * key is missing; `dp/budget-unavailable`; and what {@link openBudget} throws
 */
export async function openBudgetFile(
  path: string,
  options: BudgetFileOptions,
): Promise<PrivacyBudgetAccountant> {
  try {
    const { policy, unit, relation, clock } = options;
    const terms = { policy, unit, relation, ...(clock === undefined ? {} : { clock }) };
    while (!(await budgetExists(path)) && !(await createBudget(path, terms)));
    return await openInPlace(path, options, async () => terms);
  } catch (error) {
    throw fileError(path, error);
  }
}

/**
 * Opens the budget in a SQLite file under whatever terms it was begun with: for those who look after a
 * budget. A pipeline states its terms and uses {@link openBudgetFile}.
 *
 * @throws {VelaturaError} `data/missing-file`, `dp/budget-corrupt`, `dp/budget-unavailable`
 */
export async function openExistingBudgetFile(
  path: string,
  options: SqliteBudgetStoreOptions = {},
): Promise<PrivacyBudgetAccountant> {
  try {
    if (!(await budgetExists(path))) throw missing(path);
    return await openInPlace(path, options, async (store) => {
      const [first] = await store.read(-1);
      const record = first === undefined ? undefined : decodeRecord(first);
      if (record?.kind !== 'open') throw corruptAt(0, 'expected the terms of the budget');
      const { policy, unit, relation } = record;
      return { policy, unit, relation };
    });
  } catch (error) {
    throw fileError(path, error);
  }
}

/**
 * Checks the log in a budget file without its key or its policy, and reports instead of throwing when the
 * log is damaged.
 *
 * @param checkpoint - a head noted down earlier, in hex
 * @throws {VelaturaError} `data/missing-file`, `dp/budget-corrupt` when it is no readable budget file at
 * all, `dp/budget-unavailable`
 */
export async function verifyBudgetFile(
  path: string,
  checkpoint?: string,
): Promise<BudgetVerification> {
  const store = openSqliteBudgetStore(path);
  try {
    return verifyLog(await store.read(-1), { checkpoint, sha256: nodeSha256 });
  } finally {
    await store.close();
  }
}
