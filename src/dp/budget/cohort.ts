import { sameBytes } from '../../core/bytes.ts';
import { isWellFormedText } from '../../core/cbor.ts';
import { VelaturaError } from '../../core/errors.ts';
import type { KeyRing } from './account-key.ts';
import { ACCOUNT_KEY_LENGTH, AccountTable, keyWords } from './account-table.ts';
import type { Accounts } from './budget.ts';
import { type HandleList, sortedHandles } from './handle-set.ts';
import type { Transaction } from './ledger.ts';
import type { BudgetState } from './state.ts';

/** The error for a set of accounts that is none. */
export function invalidAccounts(message: string): VelaturaError {
  return new VelaturaError('dp/invalid-accounts', message);
}

/** Ids with the keys that a ring gave them, `[n, 16]` bytes. */
export interface KeyedIds {
  readonly ids: readonly string[];
  readonly keys: Uint8Array;
  /** Whose keys they are: after a rotation nobody would be found by them. */
  readonly ring: KeyRing;
  readonly handles?: never;
}

/** Ids with their keys, or handles. */
export type AskedAccounts = KeyedIds | { readonly handles: HandleList; readonly ids?: never };

/** A cohort by handles; `newcomers` holds the keys of those that follow the known ones, `[n, 16]` bytes. */
export interface ResolvedAccounts {
  /** In the order asked. */
  readonly handles: HandleList;
  readonly sorted: HandleList;
  readonly newcomers: Uint8Array | null;
}

/**
 * Throws unless there is at least one account, and every id is text.
 *
 * @throws {VelaturaError} `dp/invalid-accounts`
 */
export function assertAccounts(accounts: Accounts): void {
  if (!(accounts instanceof Uint32Array) && !Array.isArray(accounts)) {
    throw invalidAccounts('"accounts" expected account ids or handles');
  }
  if (accounts.length === 0) throw invalidAccounts('"accounts" expected at least one account');
  if (accounts instanceof Uint32Array) return;
  for (const account of accounts) {
    if (typeof account !== 'string' || account === '' || !isWellFormedText(account)) {
      throw invalidAccounts('"accounts" expected non-empty, well-formed account ids');
    }
  }
}

/**
 * Throws when the account keys of the log were made anew since.
 *
 * @throws {VelaturaError} `dp/keys-rotated`
 */
export function assertRing(state: BudgetState, ring: KeyRing): void {
  if (sameBytes(state.keyCheck, ring.check)) return;
  throw new VelaturaError(
    'dp/keys-rotated',
    'the account keys of the budget were rotated: open it again with all its secrets',
  );
}

/**
 * Handle of an id, also of somebody who was erased; −1 for nobody known.
 *
 * @throws {VelaturaError} `dp/keys-rotated`
 */
export function handleOf(state: BudgetState, keyed: KeyedIds, index: number): number {
  assertRing(state, keyed.ring);
  return find(state, keyed, index);
}

function find(state: BudgetState, { ids, keys, ring }: KeyedIds, index: number): number {
  const known = state.directory.find(keys, index);
  if (known >= 0 || !state.classes.anyErased) return known;
  for (const tombstone of ring.tombstonesOfAccounts(ids, index, index + 1)) {
    const erased = state.directory.find(tombstone, 0);
    if (erased >= 0) return erased;
  }
  return -1;
}

/**
 * Handles of the accounts asked: those known, and the next free ones for newcomers. Changes nothing.
 *
 * @throws {VelaturaError} `dp/invalid-accounts` for duplicates and handles that nobody was given;
 * `dp/keys-rotated`
 */
export function resolveAccounts(state: BudgetState, asked: AskedAccounts): ResolvedAccounts {
  const { handles, newcomers } =
    asked.handles === undefined
      ? resolveIds(state, asked)
      : { handles: asked.handles, newcomers: null };
  const sorted = sortedHandles(handles);
  if (sorted === null) {
    throw invalidAccounts('"accounts" expected each account once, got one of them twice');
  }
  const known = state.size + (newcomers?.length ?? 0) / ACCOUNT_KEY_LENGTH;
  if ((sorted[sorted.length - 1] as number) >= known) {
    throw invalidAccounts('"accounts" expected handles that this budget gave out');
  }
  return { handles, sorted, newcomers };
}

function resolveIds(
  state: BudgetState,
  keyed: KeyedIds,
): { readonly handles: Uint32Array; readonly newcomers: Uint8Array | null } {
  const { ids, keys, ring } = keyed;
  assertRing(state, ring);
  const handles = new Uint32Array(ids.length);
  const fresh = new AccountTable();
  let words: Uint32Array | null = null;
  const positions: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    const known = find(state, keyed, i);
    if (known >= 0) {
      handles[i] = known;
      continue;
    }
    words ??= keyWords(keys);
    handles[i] = state.size + fresh.intern(words, i);
    positions.push(i);
  }
  if (positions.length === 0) return { handles, newcomers: null };
  const newcomers = new Uint8Array(positions.length * ACCOUNT_KEY_LENGTH);
  for (const [i, position] of positions.entries()) {
    const at = position * ACCOUNT_KEY_LENGTH;
    newcomers.set(keys.subarray(at, at + ACCOUNT_KEY_LENGTH), i * ACCOUNT_KEY_LENGTH);
  }
  return { handles, newcomers };
}

/** Makes newcomers known, whatever becomes of the request that named them. */
export function writeNewcomers(transaction: Transaction, newcomers: Uint8Array | null): void {
  if (newcomers === null) return;
  const { state, now } = transaction;
  state.directory.append(newcomers);
  const { pages, digests } = state.directory.takeChanged();
  transaction.write(
    { kind: 'intern', time: now, size: state.directory.size, pages: digests },
    pages,
  );
}
