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
import { verifyEd25519 } from './ed25519.ts';
import {
  openPostgresBudgetStore,
  type PostgresBudgetStore,
  type PostgresBudgetStoreOptions,
} from './postgres-budget-store.ts';
import type { PostgresAddress } from './postgres-connection.ts';
import { nodeSha256 } from './sha256.ts';

/** Secrets of a budget in a database, and who signs: all that stays outside of it. */
type DatabaseAccess = Pick<BudgetAccess, 'secrets' | 'saveSecrets' | 'signer' | 'clock'>;

/** Options of {@link openExistingBudgetDatabase}. */
export interface ExistingBudgetDatabaseOptions
  extends Omit<PostgresBudgetStoreOptions, 'create'>,
    DatabaseAccess {}

/** Options of {@link openBudgetDatabase}. */
export interface BudgetDatabaseOptions
  extends PostgresBudgetStoreOptions,
    DatabaseAccess,
    Pick<OpenBudgetOptions, 'policy' | 'unit' | 'relation'> {}

/** Options of {@link verifyBudgetDatabase}. */
export interface VerifyBudgetDatabaseOptions extends Omit<PostgresBudgetStoreOptions, 'create'> {
  /** Key that must have signed the checkpoint, where it is a signed one. */
  readonly publicKey?: Uint8Array;
}

/** Does something with an open store, and closes it when that fails. */
async function withStore<T>(
  address: string | PostgresAddress,
  options: PostgresBudgetStoreOptions,
  work: (store: PostgresBudgetStore) => Promise<T>,
): Promise<T> {
  const store = await openPostgresBudgetStore(address, options);
  try {
    return await work(store);
  } catch (error) {
    await store.close();
    throw error;
  }
}

function accessOf(
  { secrets, saveSecrets, signer, clock }: DatabaseAccess,
  store: PostgresBudgetStore,
): BudgetAccess {
  return {
    store,
    secrets,
    ...(saveSecrets === undefined ? {} : { saveSecrets }),
    ...(signer === undefined ? {} : { signer }),
    verifySignature: verifyEd25519,
    ...(clock === undefined ? {} : { clock }),
    sha256: nodeSha256,
  };
}

/**
 * Opens a budget in PostgreSQL, or begins one there: one budget for any number of coordinators on any number
 * of machines, all with the same secrets.
 *
 * With `create: false` an empty database is an error. Say so once the budget has begun: a database that
 * was lost or mistaken for another would otherwise begin a new one, with nothing spent.
 *
 * ## Privacy
 * As {@link openBudget}. The secrets come from the caller and never reach the database: there they would lie
 * beside the pseudonyms they protect, in every backup and replica, and whoever reads a copy could tell for
 * any account id whether it is in the budget and what it spent. Keep them where the coordinators' other
 * secrets are (an environment variable, a secret manager, a key file readable by one user), back them up
 * apart from the database, and give `saveSecrets` before keys are rotated. Without them the balances can
 * no longer be told from one another, and everyone would have to be counted as spent.
 *
 * @param address - `postgres://user:password@host:port/database`, or its parts
 * @throws {VelaturaError} what {@link openPostgresBudgetStore} and {@link openBudget} throw
 */
export function openBudgetDatabase(
  address: string | PostgresAddress,
  options: BudgetDatabaseOptions,
): Promise<PrivacyBudgetAccountant & BudgetRows> {
  const { policy, unit, relation, create = true } = options;
  return withStore(address, options, (store) =>
    openBudget({ ...accessOf(options, store), policy, unit, relation, create }),
  );
}

/**
 * Opens a budget in PostgreSQL under whatever terms are in force: for those who look after a budget. A
 * pipeline states its terms and uses {@link openBudgetDatabase}.
 *
 * @throws {VelaturaError} `data/missing-file` when there is no such budget; what
 * {@link openPostgresBudgetStore} and {@link openExistingBudget} throw
 */
export function openExistingBudgetDatabase(
  address: string | PostgresAddress,
  options: ExistingBudgetDatabaseOptions,
): Promise<PrivacyBudgetAccountant & BudgetRows> {
  return withStore(address, { ...options, create: false }, (store) =>
    openExistingBudget(accessOf(options, store)),
  );
}

/**
 * Checks a budget in PostgreSQL without its secrets or its policy, and reports instead of throwing when its
 * log is damaged. Others may go on writing meanwhile.
 *
 * @param checkpoint - a head noted down earlier, signed or as hex
 * @throws {VelaturaError} `data/missing-file` when there is no such budget; `dp/budget-corrupt` when the tables
 * are not those of a budget; `dp/budget-unavailable`
 */
export async function verifyBudgetDatabase(
  address: string | PostgresAddress,
  options: VerifyBudgetDatabaseOptions,
  checkpoint?: Checkpoint,
): Promise<BudgetVerification> {
  const store = await openPostgresBudgetStore(address, { ...options, create: false });
  try {
    const { publicKey } = options;
    const signed = typeof checkpoint === 'object' && checkpoint.signature !== null;
    return await verifyStore(store, {
      checkpoint,
      publicKey,
      verifySignature: signed || publicKey !== undefined ? verifyEd25519 : undefined,
      sha256: nodeSha256,
    });
  } finally {
    await store.close();
  }
}
