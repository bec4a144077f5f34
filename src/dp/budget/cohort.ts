import { VelaturaError } from '../../core/errors.ts';
import { AccountTable, keyWords } from './account-table.ts';
import type { BudgetState } from './state.ts';

/** Handles of a request; `interned` holds the keys of those that are new, `[n, 16]` bytes. */
export interface Cohort {
  readonly handles: Uint32Array;
  readonly interned: Uint8Array;
}

/** The error for a set of accounts that is none. */
export function invalidAccounts(message: string): VelaturaError {
  return new VelaturaError('dp/invalid-accounts', message);
}

/** True when a handle appears twice: such an account would be checked once and charged twice. */
export function hasDuplicates(handles: Uint32Array): boolean {
  const sorted = handles.slice().sort();
  return sorted.some((handle, i) => i > 0 && handle === sorted[i - 1]);
}

/**
 * Known handles, and the next free ones for new accounts, who are interned only if all are admitted.
 *
 * @param keys - account keys, `[n, 16]` bytes
 * @throws {VelaturaError} `dp/invalid-accounts` for duplicates
 */
export function cohortOf(state: BudgetState, keys: Uint8Array): Cohort {
  const words = keyWords(keys);
  const first = state.accounts.size;
  const handles = new Uint32Array(words.length / 4);
  const newcomers = new AccountTable();
  const newPositions: number[] = [];
  for (let i = 0; i < handles.length; i++) {
    const known = state.accounts.find(words, i);
    if (known >= 0) {
      handles[i] = known;
    } else {
      handles[i] = first + newcomers.intern(words, i);
      newPositions.push(i);
    }
  }
  if (hasDuplicates(handles)) {
    throw invalidAccounts('"accounts" expected each account once, got one of them twice');
  }
  const interned = new Uint32Array(newPositions.length * 4);
  newPositions.forEach((position, i) => {
    interned.set(words.subarray(position * 4, position * 4 + 4), i * 4);
  });
  return { handles, interned: new Uint8Array(interned.buffer) };
}
