import { sameBytes } from '../../core/bytes.ts';
import { type ChainEntry, type ChainHead, HashChain } from '../../core/hash-chain.ts';
import type {
  BudgetStore,
  IdentityPage,
  LogDecision,
  LogNews,
  LogPosition,
  StateSnapshot,
} from '../../dp/budget/store.ts';
import { check, errorCode } from '../conformance.ts';

/** A fresh, empty log; every `open` is another handle on the same one (or the same handle, in memory). */
export interface BudgetStoreHome {
  open(): Promise<BudgetStore>;
}

/** Where a store to be checked comes from. */
export interface BudgetStoreSubject {
  create(): Promise<BudgetStoreHome>;
}

export const CHAIN: HashChain = new HashChain('conformance');
export const START: ChainHead = CHAIN.start();
export const NOTHING: LogPosition = { entries: -1, pages: -1 };

export function bodyOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function chainOf(...bodies: readonly Uint8Array[]): readonly ChainEntry[] {
  const entries: ChainEntry[] = [];
  for (const body of bodies) entries.push(CHAIN.append(entries.at(-1) ?? START, body));
  return entries;
}

export function pageOf(page: number, text: string): IdentityPage {
  return { page, bytes: bodyOf(text) };
}

export function decision<T>(append: readonly ChainEntry[], result: T): LogDecision<T> {
  return { append, pages: [], result };
}

/** Appends entries, and pages with them, to a log of which the first `known` entries are known. */
export function append(
  store: BudgetStore,
  known: number,
  entries: readonly ChainEntry[],
  pages: readonly IdentityPage[] = [],
): Promise<null> {
  const position = { entries: known - 1, pages: known - 1 };
  return store.transact(position, () => ({ append: entries, pages, result: null }));
}

/** Appends one entry behind whatever is there and answers its number. */
export function appendText(store: BudgetStore, text: string): Promise<number> {
  return store.transact(NOTHING, ({ entries }) => {
    const entry = CHAIN.append(entries.at(-1) ?? START, bodyOf(text));
    return decision([entry], entry.seq);
  });
}

export function newsAfter(store: BudgetStore, entries: number, pages: number): Promise<LogNews> {
  return store.transact({ entries, pages }, (news) => decision([], news));
}

export async function readAll(store: BudgetStore, since = -1): Promise<readonly ChainEntry[]> {
  const entries: ChainEntry[] = [];
  for await (const batch of store.read(since)) {
    check(batch.length > 0, 'read: got an empty batch');
    for (const entry of batch) entries.push(entry);
  }
  return entries;
}

export function sameEntries(
  actual: readonly ChainEntry[],
  expected: readonly ChainEntry[],
): boolean {
  return (
    actual.length === expected.length &&
    actual.every((entry, i) => {
      const { seq, body, hash } = expected[i] as ChainEntry;
      return entry.seq === seq && sameBytes(entry.body, body) && sameBytes(entry.hash, hash);
    })
  );
}

export function samePages(
  actual: readonly IdentityPage[],
  expected: readonly IdentityPage[],
): boolean {
  return (
    actual.length === expected.length &&
    actual.every(({ page, bytes }, i) => {
      const other = expected[i] as IdentityPage;
      return page === other.page && sameBytes(bytes, other.bytes);
    })
  );
}

export function sameSnapshot(actual: StateSnapshot | null, expected: StateSnapshot): boolean {
  return actual?.seq === expected.seq && sameBytes(actual.bytes, expected.bytes);
}

export async function expectUnavailable(use: () => unknown, what: string): Promise<void> {
  const code = await errorCode(use);
  check(code === 'dp/budget-unavailable', `${what}: expected dp/budget-unavailable, got ${code}`);
}

/** Checks one thing on a fresh store. */
export type StoreCheck = (store: BudgetStore, home: BudgetStoreHome) => Promise<void>;
