import { sameBytes } from '../../core/bytes.ts';
import { VelaturaError } from '../../core/errors.ts';
import { portableSha256, type Sha256 } from '../../core/hash-chain.ts';
import { ACCOUNT_KEY_LENGTH, AccountTable, keyWords } from './account-table.ts';
import type { PageDigest } from './log-record.ts';
import { type IdentityPage, PAGE_ACCOUNTS } from './store.ts';

const SALT_LENGTH = 16;

/** Pages to write, and what the chain is to say about them; both ascending by page. */
export interface ChangedPages {
  readonly pages: readonly IdentityPage[];
  readonly digests: readonly PageDigest[];
}

/**
 * Who is behind the handles of a budget, as far as a budget knows: account keys by handle, in pages that
 * live outside the chain, and what the chain says those pages hash to.
 *
 * ## Privacy
 * A page is salted afresh whenever it is written. Its digest in the chain, which nobody can remove, is a
 * commitment that hides the keys: once an old page and its salt are destroyed, not even the holder of all
 * secrets can test from the chain who was in it (argument: account-key.proof.md).
 */
export class AccountDirectory {
  readonly #random: (length: number) => Uint8Array;
  readonly #sha256: Sha256;
  #table = new AccountTable();
  /** Digest of each page as it is here, and as the chain wants it; they differ only in `#awaited`. */
  readonly #held: (Uint8Array | undefined)[] = [];
  readonly #expected: (Uint8Array | undefined)[] = [];
  readonly #awaited = new Set<number>();
  #expectedSize = 0;
  readonly #dirty = new Set<number>();
  readonly #probe = new Uint32Array(ACCOUNT_KEY_LENGTH / 4);
  readonly #probeBytes = new Uint8Array(this.#probe.buffer);

  /**
   * @param random - that many bytes of a secure generator, for the salts
   * @param sha256 - a faster SHA-256, where there is one
   */
  constructor(random: (length: number) => Uint8Array, sha256: Sha256 = portableSha256) {
    this.#random = random;
    this.#sha256 = sha256;
  }

  /** Number of accounts, and the next handle. */
  get size(): number {
    return this.#table.size;
  }

  /** The handle of key `i` of `keys` (`[n, 16]`), or −1. */
  find(keys: Uint8Array, i: number): number {
    const at = i * ACCOUNT_KEY_LENGTH;
    for (let byte = 0; byte < ACCOUNT_KEY_LENGTH; byte++) {
      this.#probeBytes[byte] = keys[at + byte] as number;
    }
    return this.#table.find(this.#probe, 0);
  }

  /**
   * Appends new accounts.
   *
   * @param keys - `[n, 16]`, all different and none known
   * @returns the first of their handles
   */
  append(keys: Uint8Array): number {
    checkKeys(keys);
    const words = keyWords(keys);
    const first = this.#table.size;
    const count = keys.length / ACCOUNT_KEY_LENGTH;
    for (let i = 0; i < count; i++) {
      if (this.#table.intern(words, i) === first + i) continue;
      this.#table.truncate(first);
      throw new RangeError(`"keys" expected different, unknown ones, got key ${i} again`);
    }
    for (let page = pageOf(first); page < pagesOf(first + count); page++) this.#dirty.add(page);
    return first;
  }

  /**
   * Gives accounts other keys.
   *
   * @param keys - `[handles, 16]`, all different and none known
   */
  rekey(handles: Uint32Array, keys: Uint8Array): void {
    checkKeys(keys, handles.length);
    const words = keyWords(keys);
    for (const [i, handle] of handles.entries()) {
      this.#table.rekey(handle, words, i);
      this.#dirty.add(pageOf(handle));
    }
  }

  /**
   * Gives all accounts other keys: a rotation.
   *
   * @param map - one-to-one, from `[size, 16]` by handle to the same shape
   */
  rekeyAll(map: (keys: Uint8Array) => Uint8Array): void {
    const size = this.#table.size;
    const keys = map(this.#table.keyBytes(0, size));
    checkKeys(keys, size);
    const words = keyWords(keys);
    const table = new AccountTable(size);
    for (let i = 0; i < size; i++) {
      if (table.intern(words, i) === i) continue;
      throw new RangeError(`"map" expected a one-to-one function, got key ${i} again`);
    }
    this.#table = table;
    for (let page = 0; page < pagesOf(size); page++) this.#dirty.add(page);
  }

  /** The keys of the accounts: `[handles, 16]` bytes. */
  keysAt(handles: Uint32Array): Uint8Array {
    const words = new Uint32Array((handles.length * ACCOUNT_KEY_LENGTH) / 4);
    for (const [i, handle] of handles.entries()) words.set(this.#table.keyAt(handle), 4 * i);
    return new Uint8Array(words.buffer);
  }

  /** The pages that changed since the last call, under fresh salts. Costs one hash a page. */
  takeChanged(): ChangedPages {
    const pages: IdentityPage[] = [];
    const digests: PageDigest[] = [];
    for (const page of [...this.#dirty].sort((a, b) => a - b)) {
      const bytes = this.#pageBytes(page);
      const digest = this.#sha256(bytes);
      this.#held[page] = digest;
      pages.push({ page, bytes });
      digests.push({ page, digest });
    }
    this.#dirty.clear();
    return { pages, digests };
  }

  /**
   * What the chain says now: called for every entry followed that names pages, this directory's own or
   * somebody else's.
   *
   * @param size - accounts there are from that entry on; null when the entry does not say
   */
  expect(size: number | null, digests: readonly PageDigest[]): void {
    if (size !== null) this.#expectedSize = size;
    for (const { page, digest } of digests) {
      this.#expected[page] = digest;
      if (sameBytes(digest, this.#held[page])) this.#awaited.delete(page);
      else this.#awaited.add(page);
    }
  }

  /**
   * Takes in pages as a store hands them over: all that changed by what was expected since the last call.
   * After it threw, the directory is of no use.
   *
   * @throws {VelaturaError} `dp/budget-corrupt` with the page, when it is missing, is not the one that the
   * chain speaks of, or holds an account that another handle has
   */
  load(pages: readonly IdentityPage[]): void {
    for (const page of pages) this.#refuse(page.page, this.#faultOf(page));
    for (const { page, bytes } of pages) {
      this.#take(page, bytes);
      this.#held[page] = this.#expected[page];
      this.#awaited.delete(page);
    }
    const [missing] = this.#awaited;
    if (missing !== undefined) this.#refuse(missing, 'it is missing');
    if (this.size < this.#expectedSize) this.#refuse(pageOf(this.size), 'it is missing');
    if (this.size > this.#expectedSize) {
      this.#refuse(pageOf(this.#expectedSize), 'it has accounts that the log does not know');
    }
  }

  /** What the chain wants now, ascending by page: the part of a directory that is in every snapshot. */
  expected(): readonly PageDigest[] {
    const digests: PageDigest[] = [];
    for (const [page, digest] of this.#expected.entries()) {
      if (digest !== undefined) digests.push({ page, digest });
    }
    return digests;
  }

  /**
   * What is wrong with all the pages of a store, in words: pages that are missing, foreign, altered or old,
   * accounts that are there twice.
   */
  faults(pages: readonly IdentityPage[]): readonly string[] {
    const faults: string[] = [];
    const seen = new Set<number>();
    const accounts = new AccountTable(this.#expectedSize);
    for (const stored of pages) {
      const { page, bytes } = stored;
      const reason = seen.has(page) ? 'it is there twice' : this.#faultOf(stored);
      seen.add(page);
      if (reason !== null) {
        faults.push(faultText(page, reason));
        continue;
      }
      const words = keyWords(bytes.subarray(SALT_LENGTH));
      for (let i = 0; 4 * i < words.length; i++) {
        const before = accounts.size;
        if (accounts.intern(words, i) !== before) {
          faults.push(
            faultText(page, `account ${page * PAGE_ACCOUNTS + i} is in it a second time`),
          );
        }
      }
    }
    for (let page = 0; page < pagesOf(this.#expectedSize); page++) {
      if (!seen.has(page)) faults.push(faultText(page, 'it is missing'));
    }
    return faults;
  }

  #pageBytes(page: number): Uint8Array {
    const first = page * PAGE_ACCOUNTS;
    const keys = this.#table.keyBytes(first, Math.min(first + PAGE_ACCOUNTS, this.size));
    const bytes = new Uint8Array(SALT_LENGTH + keys.length);
    bytes.set(this.#random(SALT_LENGTH));
    bytes.set(keys, SALT_LENGTH);
    return bytes;
  }

  #faultOf({ page, bytes }: IdentityPage): string | null {
    const first = page * PAGE_ACCOUNTS;
    const digest = this.#expected[page];
    if (digest === undefined || first >= this.#expectedSize) return 'the log does not know it';
    const accounts = Math.min(PAGE_ACCOUNTS, this.#expectedSize - first);
    const length = SALT_LENGTH + accounts * ACCOUNT_KEY_LENGTH;
    if (bytes.length !== length) return `expected ${length} bytes, got ${bytes.length}`;
    return sameBytes(digest, this.#sha256(bytes))
      ? null
      : 'it was altered or is not the newest: its hash is not the one in the log';
  }

  #take(page: number, bytes: Uint8Array): void {
    const words = keyWords(bytes.subarray(SALT_LENGTH));
    const first = page * PAGE_ACCOUNTS;
    if (first > this.size) this.#refuse(pageOf(this.size), 'it is missing');
    for (let i = 0; 4 * i < words.length; i++) {
      const handle = first + i;
      const holder = this.#table.find(words, i);
      if (holder === handle) continue;
      if (holder >= 0) {
        this.#refuse(page, `account ${handle} has the key of account ${holder}`);
      }
      if (handle < this.size) this.#table.rekey(handle, words, i);
      else this.#table.intern(words, i);
    }
  }

  #refuse(page: number, reason: string | null): void {
    if (reason === null) return;
    throw new VelaturaError('dp/budget-corrupt', faultText(page, reason), { page });
  }
}

function faultText(page: number, reason: string): string {
  return `identity page ${page} of the budget: ${reason}`;
}

function pageOf(handle: number): number {
  return Math.floor(handle / PAGE_ACCOUNTS);
}

function pagesOf(accounts: number): number {
  return Math.ceil(accounts / PAGE_ACCOUNTS);
}

function checkKeys(keys: Uint8Array, count?: number): void {
  const wanted = count === undefined ? '[n, 16]' : `[${count}, 16]`;
  const ok =
    count === undefined
      ? keys.length % ACCOUNT_KEY_LENGTH === 0
      : keys.length === count * ACCOUNT_KEY_LENGTH;
  if (!ok) throw new RangeError(`"keys" expected ${wanted} bytes, got ${keys.length}`);
}
