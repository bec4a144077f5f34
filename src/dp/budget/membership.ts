import { VelaturaError } from '../../core/errors.ts';
import type { KeyRing } from './account-key.ts';
import { ACCOUNT_KEY_LENGTH } from './account-table.ts';
import { populationOf } from './admission.ts';
import {
  type AskedAccounts,
  assertRing,
  handleOf,
  invalidAccounts,
  type KeyedIds,
  resolveAccounts,
  writeNewcomers,
} from './cohort.ts';
import { type HandleList, pickHandles } from './handle-set.ts';
import type { Transaction } from './ledger.ts';
import type { Limits } from './limits.ts';
import type { BudgetState } from './state.ts';

/** Handles of the accounts, newcomers made known. */
function known(transaction: Transaction, asked: AskedAccounts): HandleList {
  const { sorted, newcomers } = resolveAccounts(transaction.state, asked);
  writeNewcomers(transaction, newcomers);
  return sorted;
}

function assertNotErased(state: BudgetState, asked: AskedAccounts): void {
  const { sorted } = resolveAccounts(state, asked);
  if (sorted.some((handle) => state.classes.of(handle).erased)) {
    throw invalidAccounts('"accounts" expected nobody who was erased: readmit them first');
  }
}

/**
 * Makes accounts known.
 *
 * @returns their handles in the order asked
 */
export function internAccounts(transaction: Transaction, asked: AskedAccounts): Uint32Array {
  const { handles, newcomers } = resolveAccounts(transaction.state, asked);
  writeNewcomers(transaction, newcomers);
  return Uint32Array.from(handles);
}

/** Puts accounts into a group, or into none (empty name). */
export function assignGroup(transaction: Transaction, group: string, asked: AskedAccounts): void {
  const { state, now: time } = transaction;
  if (group !== '' && (state.limits as Limits).group(group) === undefined) {
    throw new VelaturaError('dp/unknown-group', `the policy does not know the group "${group}"`, {
      group,
    });
  }
  const sorted = known(transaction, asked);
  const handles = pickHandles(sorted, (handle) => state.classes.of(handle).group !== group);
  if (handles.length > 0) transaction.write({ kind: 'assign', time, name: group, handles });
}

/** Lets accounts into a population. */
export function joinPopulation(transaction: Transaction, name: string, asked: AskedAccounts): void {
  const { state, now: time } = transaction;
  assertNotErased(state, asked);
  const sorted = known(transaction, asked);
  const population = state.classes.populations.get(name);
  const handles =
    population === undefined
      ? sorted
      : pickHandles(sorted, (handle) => !state.classes.of(handle).populations.includes(population));
  if (handles.length > 0) transaction.write({ kind: 'join', time, name, handles });
}

/** Lets accounts out of a population, with what they were charged in it. */
export function leavePopulation(
  transaction: Transaction,
  name: string,
  asked: AskedAccounts,
): void {
  const { state, now: time } = transaction;
  const population = populationOf(state, name);
  const { sorted } = resolveAccounts(state, asked);
  const handles = pickHandles(sorted, (handle) =>
    state.classes.of(handle).populations.includes(population),
  );
  if (handles.length > 0) transaction.write({ kind: 'leave', time, name, handles });
}

/** Handles of those asked who are known, ascending. */
function present(state: BudgetState, asked: AskedAccounts): Uint32Array {
  return pickHandles(resolveAccounts(state, asked).sorted, (handle) => handle < state.size);
}

/** Puts tombstones in the place of keys. Who is not known stays so. */
export function eraseAccounts(transaction: Transaction, ring: KeyRing, asked: AskedAccounts): void {
  const { state, now: time } = transaction;
  assertRing(state, ring);
  const handles = pickHandles(present(state, asked), (handle) => !state.classes.of(handle).erased);
  if (handles.length === 0) return;
  state.directory.rekey(handles, ring.tombstonesOf(state.directory.keysAt(handles)));
  const { pages, digests } = state.directory.takeChanged();
  transaction.write({ kind: 'erase', time, handles, pages: digests }, pages);
}

/** Puts keys in the place of tombstones. Who was not erased stays as they are. */
export function readmitAccounts(transaction: Transaction, keyed: KeyedIds): void {
  const { state, now: time } = transaction;
  const { ids, keys } = keyed;
  const back = new Map<number, Uint8Array>();
  for (const i of ids.keys()) {
    const handle = handleOf(state, keyed, i);
    if (handle >= 0 && state.classes.of(handle).erased) {
      back.set(handle, keys.slice(i * ACCOUNT_KEY_LENGTH, (i + 1) * ACCOUNT_KEY_LENGTH));
    }
  }
  if (back.size === 0) return;
  const handles = Uint32Array.from(back.keys()).sort();
  const ordinary = new Uint8Array(handles.length * ACCOUNT_KEY_LENGTH);
  for (const [i, handle] of handles.entries())
    ordinary.set(back.get(handle) as Uint8Array, i * ACCOUNT_KEY_LENGTH);
  state.directory.rekey(handles, ordinary);
  const { pages, digests } = state.directory.takeChanged();
  transaction.write({ kind: 'readmit', time, handles, pages: digests }, pages);
}

/** Stores all keys under a further secret. */
export function rotateKeys(transaction: Transaction, from: KeyRing, to: KeyRing): void {
  const { state, now: time } = transaction;
  assertRing(state, from);
  state.directory.rekeyAll((keys) => to.rekeyed(keys));
  const { pages, digests } = state.directory.takeChanged();
  transaction.write({ kind: 'rotate', time, keyCheck: to.check, pages: digests }, pages);
}
