import { type ErrorDetails, VelaturaError, type VelaturaErrorCode } from '../core/errors.ts';
import type { ChainEntry } from '../core/hash-chain.ts';
import type { IdentityPage, LogPosition, StateSnapshot } from '../dp/budget/store.ts';
import { packRows, unpackRows } from './packed-rows.ts';

/**
 * Points at which a test may kill the process. `begun`: the lock is held and the news are read; `decided`:
 * nothing is written yet; `written`: inserted, and the transaction still open; `committed`: durable, and
 * nobody told. Snapshots: `snapshot-begun` before their first part; `snapshot-part` with a part inserted and
 * its transaction open; `snapshot-whole` with the last part durable, and nobody told.
 */
export type TransactionPoint =
  | 'begun'
  | 'decided'
  | 'written'
  | 'committed'
  | 'snapshot-begun'
  | 'snapshot-part'
  | 'snapshot-whole';

/** Which file to open, and how. */
export interface SqliteOpening {
  readonly path: string;
  /** Makes the file, which must not exist. */
  readonly create: boolean;
  /** Milliseconds. */
  readonly busyTimeout: number;
  /** Milliseconds after which a transaction without a decision is given up. */
  readonly decisionTimeout: number;
  /** Pages the file may grow to, or null; for tests of full disks. */
  readonly maxPageCount: number | null;
}

/** One part of a snapshot; its writer is a random number, so that two writers cannot mix theirs. */
export interface SnapshotPart {
  readonly seq: number;
  readonly writer: number;
  readonly part: number;
  readonly parts: number;
  readonly bytes: Uint8Array;
}

/**
 * What the store asks of its worker, one file at a time. Every request but `rollback` is answered, in order.
 */
export type SqliteRequest = { readonly killAt?: TransactionPoint | null } & (
  | { readonly kind: 'open'; readonly opening: SqliteOpening }
  | { readonly kind: 'lock' }
  | { readonly kind: 'begin'; readonly position: LogPosition }
  | { readonly kind: 'write'; readonly entries: ArrayBuffer; readonly pages: ArrayBuffer | null }
  | { readonly kind: 'rollback' }
  | { readonly kind: 'read'; readonly since: number }
  | { readonly kind: 'pages' }
  | { readonly kind: 'load-snapshot' }
  | { readonly kind: 'wants-snapshot'; readonly seq: number }
  | { readonly kind: 'save-snapshot'; readonly part: SnapshotPart }
  | { readonly kind: 'close' }
);

/** What the worker answers; null is nothing. */
export interface SqliteAnswer {
  readonly entries: ArrayBuffer | null;
  readonly pages: ArrayBuffer | null;
  readonly snapshot: StateSnapshot | null;
  readonly wanted: boolean;
  /** When a decision on this comes too late, as `process.hrtime.bigint()` of every thread; null for never. */
  readonly until: bigint | null;
}

/** An error between threads: classes and codes do not survive the way by themselves. */
export interface SentError {
  readonly code: VelaturaErrorCode | null;
  readonly name: string;
  readonly message: string;
  readonly details: ErrorDetails;
}

export type SqliteReply =
  | { readonly answer: SqliteAnswer; readonly error: null }
  | { readonly answer: null; readonly error: SentError };

export function sentError(error: unknown): SentError {
  if (error instanceof VelaturaError) {
    const { code, name, message, details } = error;
    return { code, name, message, details };
  }
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { code: null, name, message, details: {} };
}

export function receivedError({ code, name, message, details }: SentError): Error {
  if (code !== null) return new VelaturaError(code, message, details);
  return new Error(`${name}: ${message}`);
}

export function packEntries(entries: readonly ChainEntry[]): ArrayBuffer | null {
  if (entries.length === 0) return null;
  return packRows(entries.map(({ seq, body, hash }) => [seq, body, hash]));
}

export function unpackEntries(buffer: ArrayBuffer | null): readonly ChainEntry[] {
  if (buffer === null) return [];
  return unpackRows(buffer).map(([seq, body, hash]) => ({
    seq,
    body: body as Uint8Array,
    hash: hash as Uint8Array,
  }));
}

export function packPages(pages: readonly IdentityPage[]): ArrayBuffer | null {
  if (pages.length === 0) return null;
  return packRows(pages.map(({ page, bytes }) => [page, bytes]));
}

export function unpackPages(buffer: ArrayBuffer | null): readonly IdentityPage[] {
  if (buffer === null) return [];
  return unpackRows(buffer).map(([page, bytes]) => ({ page, bytes: bytes as Uint8Array }));
}
