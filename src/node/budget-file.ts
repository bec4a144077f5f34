import { existsSync } from 'node:fs';
import { link, readFile, rm } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { VelaturaError } from '../core/errors.ts';
import type { Checkpoint } from '../core/signed-head.ts';
import {
  type BudgetAccess,
  type BudgetRows,
  type OpenBudgetOptions,
  openBudget,
  openExistingBudget,
} from '../dp/budget/accountant.ts';
import type { BudgetVerification, PrivacyBudgetAccountant } from '../dp/budget/budget.ts';
import { verifyStore } from '../dp/budget/verify.ts';
import {
  allSecrets,
  type BudgetKeys,
  encodeBudgetKeys,
  newBudgetKeys,
  readBudgetKeys,
  withSecrets,
} from './budget-keys.ts';
import { besides, replaceFile, sweepBesides, syncFolder, writeNewFile } from './durable-file.ts';
import { ed25519Signer, verifyEd25519 } from './ed25519.ts';
import { nodeSha256 } from './sha256.ts';
import {
  createSqliteBudgetStore,
  openSqliteBudgetStore,
  type SqliteBudgetStore,
  type SqliteBudgetStoreOptions,
} from './sqlite-budget-store.ts';

/** How long another process may take between writing the key and putting the budget in place. */
const CREATION_WAIT = 1_000;
const CREATION_POLL = 20;

/** What a budget counts by. */
type BudgetTerms = Pick<OpenBudgetOptions, 'policy' | 'unit' | 'relation'>;

/** Options of {@link openExistingBudgetFile}. */
export interface ExistingBudgetFileOptions
  extends SqliteBudgetStoreOptions,
    Pick<BudgetAccess, 'clock' | 'snapshotBytes'> {}

/** Options of {@link openBudgetFile}. */
export interface BudgetFileOptions extends ExistingBudgetFileOptions, BudgetTerms {}

/** Options of {@link verifyBudgetFile}. */
export interface VerifyBudgetFileOptions
  extends Pick<SqliteBudgetStoreOptions, 'busyTimeout' | 'threads'> {
  /** Key that must have signed the checkpoint, where it is a signed one; default: that of the key file. */
  readonly publicKey?: Uint8Array;
}

/**
 * Where the account secrets and the signing key of a budget file live. Keep the two together; the keys are
 * secrets.
 */
export function budgetKeyPath(path: string): string {
  return `${path}.key`;
}

/** All that openers of budgets take besides the store and the secrets. */
function accessOf(
  { signingKey }: BudgetKeys,
  { clock, snapshotBytes }: ExistingBudgetFileOptions,
): Omit<BudgetAccess, 'store' | 'secrets'> {
  return {
    ...(signingKey === null ? {} : { signer: ed25519Signer(signingKey) }),
    ...(clock === undefined ? {} : { clock }),
    ...(snapshotBytes === undefined ? {} : { snapshotBytes }),
    verifySignature: verifyEd25519,
    sha256: nodeSha256,
  };
}

/** The bytes of a budget file whose log holds its terms and nothing else. */
async function newBudgetBytes(
  path: string,
  keys: BudgetKeys,
  options: BudgetFileOptions,
): Promise<Uint8Array> {
  const { policy, unit, relation, threads } = options;
  try {
    const store = await createSqliteBudgetStore(path, threads === undefined ? {} : { threads });
    try {
      const { secrets } = keys;
      await openBudget({ ...accessOf(keys, options), policy, unit, relation, store, secrets });
    } finally {
      await store.close();
    }
    return await readFile(path);
  } finally {
    for (const suffix of ['', '-wal', '-shm']) await rm(path + suffix, { force: true });
  }
}

/**
 * Begins a budget. Its file appears at once and whole, its terms inside, so that an empty or half-made file
 * can only mean damage. The bytes go into a fresh file, because SQLite ties its journal's name to the file
 * a process first opened.
 *
 * @returns false when another process was faster
 */
async function createBudget(path: string, options: BudgetFileOptions): Promise<boolean> {
  const scratch = besides(path);
  const keys = newBudgetKeys();
  const bytes = await newBudgetBytes(scratch, keys, options);
  let ownsKeys = false;
  try {
    await writeNewFile(scratch, bytes);
    await writeNewFile(budgetKeyPath(path), encodeBudgetKeys(keys));
    ownsKeys = true;
    await link(scratch, path);
    // From here on others may be using both.
    ownsKeys = false;
    await syncFolder(path);
    return true;
  } catch (error) {
    if (ownsKeys) await rm(budgetKeyPath(path), { force: true });
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(scratch, { force: true });
  }
}

/** True when budget and keys are both there, false when neither is. */
async function budgetExists(path: string): Promise<boolean> {
  const deadline = Date.now() + CREATION_WAIT;
  for (;;) {
    const hasKeys = existsSync(budgetKeyPath(path));
    const hasBudget = existsSync(path);
    if (hasKeys && hasBudget) return true;
    if (hasBudget) {
      throw new VelaturaError(
        'dp/budget-corrupt',
        `${path}: its key file ${budgetKeyPath(path)} is missing; without it everyone would start afresh`,
        { path },
      );
    }
    if (!hasKeys) {
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
        `${path}: the budget is missing but its key file ${budgetKeyPath(path)} is still there; put the budget back, or remove the key file if there never was one`,
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

/** Writes down further secrets. Others who do the same wait, so that none overwrites what another wrote. */
async function saveSecrets(
  path: string,
  store: SqliteBudgetStore,
  secrets: readonly Uint8Array[],
): Promise<void> {
  const file = budgetKeyPath(path);
  try {
    await store.exclusively(() =>
      replaceFile(file, encodeBudgetKeys(withSecrets(readBudgetKeys(file), secrets))),
    );
  } catch (error) {
    throw fileError(file, error);
  }
}

/** Opens a file that is there, and closes it again on any failure. */
async function openInPlace<T>(
  path: string,
  options: ExistingBudgetFileOptions,
  open: (access: BudgetAccess) => Promise<T>,
): Promise<T> {
  for (const file of [path, budgetKeyPath(path)]) await sweepBesides(file);
  const keys = readBudgetKeys(budgetKeyPath(path));
  const store = await openSqliteBudgetStore(path, options);
  const access = {
    ...accessOf(keys, options),
    store,
    saveSecrets: (secrets: readonly Uint8Array[]) => saveSecrets(path, store, secrets),
  };
  try {
    return await open({ ...access, secrets: allSecrets(keys) });
  } catch (error) {
    await store.close();
    throw error;
  }
}

/**
 * Opens the budget in a SQLite file, or begins one there. The secrets that turn account ids into the log's
 * keys, and the key that signs heads, are kept beside it in `<path>.key`, readable by the owner only.
 *
 * ## Privacy
 * As {@link openBudget}. Whoever has both files can tell who is in the budget and what was spent: they are
 * personal data.
 *
 * @param path - several processes may have it open. A program that has it open copies or reads the file in
 * another process: closing a descriptor of its own would take SQLite's locks away (POSIX)
 * @throws {VelaturaError} `dp/budget-corrupt` when the file is damaged, something else, or one of budget and
 * key file is missing; `data/invalid-value` for a damaged key file; `dp/budget-unavailable`; and what
 * {@link openBudget} throws
 */
export async function openBudgetFile(
  path: string,
  options: BudgetFileOptions,
): Promise<PrivacyBudgetAccountant & BudgetRows> {
  try {
    const { policy, unit, relation } = options;
    while (!(await budgetExists(path)) && !(await createBudget(path, options)));
    return await openInPlace(path, options, (access) =>
      openBudget({ ...access, policy, unit, relation, create: false }),
    );
  } catch (error) {
    throw fileError(path, error);
  }
}

/**
 * Opens the budget in a SQLite file under whatever terms are in force: for those who look after a budget. A
 * pipeline states its terms and uses {@link openBudgetFile}.
 *
 * @throws {VelaturaError} `data/missing-file`, `data/invalid-value`, `dp/budget-corrupt`,
 * `dp/budget-unavailable`
 */
export async function openExistingBudgetFile(
  path: string,
  options: ExistingBudgetFileOptions = {},
): Promise<PrivacyBudgetAccountant & BudgetRows> {
  try {
    if (!(await budgetExists(path))) {
      throw new VelaturaError('data/missing-file', `${path}: there is no such budget file`, {
        path,
      });
    }
    return await openInPlace(path, options, openExistingBudget);
  } catch (error) {
    throw fileError(path, error);
  }
}

/**
 * Checks the log in a budget file without its secrets or its policy, and reports instead of throwing when
 * the log is damaged. Others may go on writing meanwhile.
 *
 * @param checkpoint - a head noted down earlier, signed or as hex. Where the budget has a signing key, a
 * head that says who signed it must be signed by that one
 * @throws {VelaturaError} `data/missing-file`, `dp/budget-corrupt` when it is no readable budget file at
 * all, `data/invalid-value` for a damaged key file, `dp/budget-unavailable`
 */
export async function verifyBudgetFile(
  path: string,
  checkpoint?: Checkpoint,
  options: VerifyBudgetFileOptions = {},
): Promise<BudgetVerification> {
  const publicKey = options.publicKey ?? publicKeyOf(path, checkpoint);
  const mustBeSigned = publicKey !== undefined || hasSignature(checkpoint);
  const store = await openSqliteBudgetStore(path, options);
  try {
    return await verifyStore(store, {
      checkpoint,
      publicKey,
      sha256: nodeSha256,
      ...(mustBeSigned ? { verifySignature: verifyEd25519 } : {}),
    });
  } finally {
    await store.close();
  }
}

function hasSignature(checkpoint: Checkpoint | undefined): boolean {
  return typeof checkpoint === 'object' && checkpoint.signature !== null;
}

function publicKeyOf(path: string, checkpoint: Checkpoint | undefined): Uint8Array | undefined {
  const file = budgetKeyPath(path);
  if (typeof checkpoint !== 'object' || !existsSync(file)) return undefined;
  const { signingKey } = readBudgetKeys(file);
  return signingKey === null ? undefined : ed25519Signer(signingKey).publicKey;
}
