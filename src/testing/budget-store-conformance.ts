import { type ChainEntry, HashChain } from '../core/hash-chain.ts';
import type {
  BudgetStore,
  IdentityPage,
  LogDecision,
  LogNews,
  LogPosition,
  StateSnapshot,
} from '../dp/budget/store.ts';
import { type ConformanceCase, check, errorCode } from './conformance.ts';

/** A fresh, empty log; every `open` is another handle on the same one (or the same handle, in memory). */
export interface BudgetStoreHome {
  open(): Promise<BudgetStore>;
}

/** Where a store to be checked comes from. */
export interface BudgetStoreSubject {
  create(): Promise<BudgetStoreHome>;
}

const CHAIN = new HashChain('conformance');
const START = CHAIN.start();
const NOTHING: LogPosition = { entries: -1, pages: -1 };

function bodyOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function chainOf(...bodies: readonly Uint8Array[]): readonly ChainEntry[] {
  const entries: ChainEntry[] = [];
  for (const body of bodies) entries.push(CHAIN.append(entries.at(-1) ?? START, body));
  return entries;
}

function pageOf(page: number, text: string): IdentityPage {
  return { page, bytes: bodyOf(text) };
}

function decision<T>(append: readonly ChainEntry[], result: T): LogDecision<T> {
  return { append, pages: [], result };
}

/** Appends entries, and pages with them, to a log of which the first `known` entries are known. */
function append(
  store: BudgetStore,
  known: number,
  entries: readonly ChainEntry[],
  pages: readonly IdentityPage[] = [],
): Promise<null> {
  const position = { entries: known - 1, pages: known - 1 };
  return store.transact(position, () => ({ append: entries, pages, result: null }));
}

/** Appends one entry behind whatever is there and answers its number. */
function appendText(store: BudgetStore, text: string): Promise<number> {
  return store.transact(NOTHING, ({ entries }) => {
    const entry = CHAIN.append(entries.at(-1) ?? START, bodyOf(text));
    return decision([entry], entry.seq);
  });
}

function newsAfter(store: BudgetStore, entries: number, pages: number): Promise<LogNews> {
  return store.transact({ entries, pages }, (news) => decision([], news));
}

async function readAll(store: BudgetStore, since = -1): Promise<readonly ChainEntry[]> {
  const entries: ChainEntry[] = [];
  for await (const batch of store.read(since)) {
    check(batch.length > 0, 'read: got an empty batch');
    for (const entry of batch) entries.push(entry);
  }
  return entries;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function sameEntries(actual: readonly ChainEntry[], expected: readonly ChainEntry[]): boolean {
  return (
    actual.length === expected.length &&
    actual.every((entry, i) => {
      const { seq, body, hash } = expected[i] as ChainEntry;
      return entry.seq === seq && sameBytes(entry.body, body) && sameBytes(entry.hash, hash);
    })
  );
}

function samePages(actual: readonly IdentityPage[], expected: readonly IdentityPage[]): boolean {
  return (
    actual.length === expected.length &&
    actual.every(({ page, bytes }, i) => {
      const other = expected[i] as IdentityPage;
      return page === other.page && sameBytes(bytes, other.bytes);
    })
  );
}

function sameSnapshot(actual: StateSnapshot | null, expected: StateSnapshot): boolean {
  return actual?.seq === expected.seq && sameBytes(actual.bytes, expected.bytes);
}

async function expectUnavailable(use: () => unknown, what: string): Promise<void> {
  const code = await errorCode(use);
  check(code === 'dp/budget-unavailable', `${what}: expected dp/budget-unavailable, got ${code}`);
}

type Body = (store: BudgetStore, home: BudgetStoreHome) => Promise<void>;

const LOG_CASES: Readonly<Record<string, Body>> = {
  'begins with nothing': async (store) => {
    const news = await newsAfter(store, -1, -1);
    check(news.entries.length === 0, `expected no entries, got ${news.entries.length}`);
    check(news.pages.length === 0, `expected no pages, got ${news.pages.length}`);
    check((await readAll(store)).length === 0, 'expected nothing to read');
    check((await store.pages()).length === 0, 'expected no pages to read');
    check((await store.loadSnapshot()) === null, 'expected no snapshot');
  },

  'gives entries back byte for byte and in order': async (store) => {
    const large = Uint8Array.from({ length: 300_000 }, (_, i) => i * 31);
    const within = new Uint8Array(1000).fill(7).subarray(100, 110);
    const entries = chainOf(bodyOf('a'), new Uint8Array(0), large, within, Uint8Array.of(0, 255));
    await append(store, 0, entries);
    check(sameEntries(await readAll(store), entries), 'entries came back changed');
    check(sameEntries(await readAll(store, 1), entries.slice(2)), 'read gave others than asked');
    check((await readAll(store, 4)).length === 0, 'expected nothing after the last');
    const news = await newsAfter(store, -1, -1);
    check(sameEntries(news.entries, entries), 'a transaction saw other entries than a reader');
  },

  'hands a transaction the entries after the one it knows': async (store) => {
    const entries = chainOf(bodyOf('a'), bodyOf('b'), bodyOf('c'));
    await append(store, 0, entries);
    const news = await newsAfter(store, 0, -1);
    check(sameEntries(news.entries, entries.slice(1)), 'expected the two after the first');
    const none = await newsAfter(store, 2, -1);
    check(none.entries.length === 0, 'expected no news for one who knows everything');
  },

  'hands on the very answer of the decision': async (store) => {
    const answer = { ask: (): number => 42 };
    const result = await store.transact(NOTHING, () => decision(chainOf(bodyOf('a')), answer));
    check(result === answer, 'expected the object that the decision returned');
  },

  'passes on what a decision throws, and writes nothing': async (store) => {
    await appendText(store, 'first');
    const thrown = new RangeError('no');
    const caught = await store
      .transact(NOTHING, () => {
        throw thrown;
      })
      .catch((error: unknown) => error);
    check(caught === thrown, `expected the very error of the decision, got ${caught}`);
    check((await readAll(store)).length === 1, 'a failed decision left an entry');
    check((await appendText(store, 'second')) === 1, 'the store did not go on after a failure');
  },

  'goes on after failures among transactions in waiting': async (store) => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 12 }, (_, i) =>
        i % 3 === 1
          ? store.transact(NOTHING, () => {
              throw new RangeError('no');
            })
          : appendText(store, `entry ${i}`),
      ),
    );
    const failed = outcomes.map(({ status }, i) => (status === 'rejected' ? i : -1));
    check(failed.filter((i) => i >= 0).join() === '1,4,7,10', `failed: ${failed.join()}`);
    const log = await readAll(store);
    check(log.length === 8, `expected 8 entries, got ${log.length}`);
    check(CHAIN.fault(START, log) === null, 'the chain is broken');
  },

  'refuses to leave a gap or to write over an entry': async (store) => {
    const [first, second] = chainOf(bodyOf('a'), bodyOf('b')) as [ChainEntry, ChainEntry];
    const gap = await errorCode(() => append(store, 0, [second]));
    check(gap === 'RangeError', `gap: expected a RangeError, got ${gap}`);
    await append(store, 0, [first]);
    const twice = await errorCode(() => append(store, 1, [first]));
    check(twice === 'RangeError', `overwriting: expected a RangeError, got ${twice}`);
    check(sameEntries(await readAll(store), [first]), 'a refused append changed the log');
  },

  'reads a long log in several batches, and lets others write meanwhile': async (store, home) => {
    const other = await home.open();
    const bodies = Array.from({ length: 20_000 }, (_, i) => new Uint8Array(100).fill(i));
    const entries = chainOf(...bodies);
    await append(store, 0, entries.slice(0, 15_000));
    await append(other, 15_000, entries.slice(15_000));
    const seen: ChainEntry[] = [];
    let batches = 0;
    for await (const batch of store.read(9)) {
      if (batches++ === 0) {
        await appendText(store, 'written here meanwhile');
        await appendText(other, 'written there meanwhile');
      }
      for (const entry of batch) seen.push(entry);
    }
    check(batches > 1, 'expected more than one batch');
    const whole = entries.slice(10);
    check(sameEntries(seen.slice(0, whole.length), whole), 'the batches do not make up the log');
    check(CHAIN.fault(entries[9] ?? START, seen) === null, 'entries written meanwhile do not fit');
    if (other !== store) await other.close();
  },

  'lets a reader stop early': async (store) => {
    await append(store, 0, chainOf(...Array.from({ length: 20_000 }, () => new Uint8Array(50))));
    for await (const batch of store.read(-1)) {
      check(batch[0]?.seq === 0, 'expected to begin with the first entry');
      break;
    }
    check((await appendText(store, 'next')) === 20_000, 'the store did not go on');
  },

  'lets one decide at a time': async (store, home) => {
    const other = await home.open();
    const numbers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => appendText(i % 2 === 0 ? store : other, `entry ${i}`)),
    );
    check(new Set(numbers).size === 40, 'two transactions wrote the same entry');
    const log = await readAll(store);
    check(CHAIN.fault(START, log) === null, 'the chain is broken');
    check(log.length === 40, `expected 40 entries, got ${log.length}`);
    if (other !== store) await other.close();
  },

  'shows every handle what another one wrote': async (store, home) => {
    const other = await home.open();
    await appendText(store, 'mine');
    check((await readAll(other)).length === 1, 'the other handle does not see the entry');
    await appendText(other, 'theirs');
    const news = await newsAfter(store, 0, -1);
    check(news.entries.length === 1, 'this handle does not see the entry of the other');
    if (other !== store) await other.close();
  },
};

const PAGE_CASES: Readonly<Record<string, Body>> = {
  'keeps the newest of every page, in order of their numbers': async (store, home) => {
    const entries = chainOf(bodyOf('a'), bodyOf('b'));
    const large = { page: 2, bytes: Uint8Array.from({ length: 4112 }, (_, i) => i * 7) };
    await append(store, 0, entries.slice(0, 1), [large, pageOf(0, 'old'), pageOf(1, 'one')]);
    await append(store, 1, entries.slice(1), [pageOf(3, 'three'), pageOf(0, 'a longer new')]);
    const expected = [pageOf(0, 'a longer new'), pageOf(1, 'one'), large, pageOf(3, 'three')];
    check(samePages(await store.pages(), expected), 'expected the newest pages in order');
    const other = await home.open();
    check(samePages(await other.pages(), expected), 'another handle sees other pages');
    check(samePages((await newsAfter(other, 1, -1)).pages, expected), 'news are other pages');
    if (other !== store) await other.close();
  },

  'stamps pages with the last entry they came with': async (store) => {
    const entries = chainOf(bodyOf('a'), bodyOf('b'), bodyOf('c'), bodyOf('d'));
    await append(store, 0, entries.slice(0, 3), [pageOf(0, 'zero'), pageOf(1, 'one')]);
    for (const known of [-1, 0, 1]) {
      const { pages } = await newsAfter(store, 2, known);
      check(pages.length === 2, `after entry ${known}: expected 2 pages, got ${pages.length}`);
    }
    check((await newsAfter(store, 2, 2)).pages.length === 0, 'pages came again to their reader');
    await append(store, 3, entries.slice(3), [pageOf(1, 'new')]);
    const { pages } = await newsAfter(store, 2, 2);
    check(samePages(pages, [pageOf(1, 'new')]), 'expected the one page written since');
    check((await newsAfter(store, 3, 3)).pages.length === 0, 'expected no page after the last');
  },

  'writes pages only together with entries, each once': async (store) => {
    const [first, second] = chainOf(bodyOf('a'), bodyOf('b')) as [ChainEntry, ChainEntry];
    const page = pageOf(0, 'zero');
    const refused: readonly [string, readonly ChainEntry[], readonly IdentityPage[]][] = [
      ['without an entry', [], [page]],
      ['twice', [first], [page, pageOf(0, 'again')]],
      ['with an entry that leaves a gap', [second], [page]],
    ];
    for (const [what, entries, pages] of refused) {
      const code = await errorCode(() => append(store, 0, entries, pages));
      check(code === 'RangeError', `a page ${what}: expected a RangeError, got ${code}`);
    }
    check((await readAll(store)).length === 0, 'a refused transaction left an entry');
    check((await store.pages()).length === 0, 'a refused transaction left a page');
  },

  'never shows an entry without its page': async (store, home) => {
    const other = await home.open();
    const countUp = (handle: BudgetStore): Promise<void> =>
      handle.transact(NOTHING, ({ entries, pages }) => {
        const last = entries.at(-1) ?? START;
        const said = pages[0] === undefined ? '-1' : new TextDecoder().decode(pages[0].bytes);
        check(said === `${last.seq}`, `the log ends with ${last.seq}, the page says ${said}`);
        const entry = CHAIN.append(last, bodyOf('next'));
        return { append: [entry], pages: [pageOf(5, `${entry.seq}`)], result: undefined };
      });
    await Promise.all(Array.from({ length: 30 }, (_, i) => countUp(i % 2 === 0 ? store : other)));
    check(samePages(await store.pages(), [pageOf(5, '29')]), 'expected the last page written');
    if (other !== store) await other.close();
  },
};

const SNAPSHOT_CASES: Readonly<Record<string, Body>> = {
  'keeps the newest snapshot, whatever the order of saving': async (store, home) => {
    await append(store, 0, chainOf(bodyOf('a'), bodyOf('b'), bodyOf('c')), [pageOf(0, 'zero')]);
    const first = { seq: 0, bytes: Uint8Array.from({ length: 3_000_001 }, (_, i) => i * 13) };
    const second = { seq: 1, bytes: bodyOf('smaller') };
    const third = { seq: 2, bytes: new Uint8Array(0) };
    await store.saveSnapshot(first);
    check(sameSnapshot(await store.loadSnapshot(), first), 'the first came back changed');
    await store.saveSnapshot(second);
    check(sameSnapshot(await store.loadSnapshot(), second), 'expected the newer one');
    await store.saveSnapshot({ seq: 0, bytes: bodyOf('late') });
    check(sameSnapshot(await store.loadSnapshot(), second), 'an older one took its place');
    const other = await home.open();
    check(sameSnapshot(await other.loadSnapshot(), second), 'another handle sees another one');
    await other.saveSnapshot(third);
    check(sameSnapshot(await store.loadSnapshot(), third), 'one of another handle is not seen');
    if (other !== store) await other.close();
    check((await readAll(store)).length === 3, 'snapshots changed the log');
    check(samePages(await store.pages(), [pageOf(0, 'zero')]), 'snapshots changed the pages');
  },

  'keeps one whole snapshot when several are saved at once': async (store, home) => {
    const other = await home.open();
    const snapshots = Array.from({ length: 8 }, (_, seq) => ({
      seq,
      bytes: new Uint8Array(1_500_000 - 150_000 * seq).fill(seq + 1),
    }));
    await Promise.all(snapshots.map((it, i) => (i % 2 === 0 ? store : other).saveSnapshot(it)));
    const kept = await store.loadSnapshot();
    check(sameSnapshot(kept, snapshots[7] as StateSnapshot), `kept the one of ${kept?.seq}`);
    if (other !== store) await other.close();
  },
};

const CLOSING_CASES: Readonly<Record<string, Body>> = {
  'refuses everything once closed': async (store) => {
    await appendText(store, 'first');
    const begun = store.read(-1)[Symbol.asyncIterator]();
    await begun.next();
    await store.close();
    await store.close();
    await expectUnavailable(() => appendText(store, 'late'), 'transact');
    await expectUnavailable(() => readAll(store), 'read');
    await expectUnavailable(() => store.pages(), 'pages');
    await expectUnavailable(() => store.loadSnapshot(), 'loadSnapshot');
    const late = { seq: 0, bytes: bodyOf('late') };
    await expectUnavailable(() => store.saveSnapshot(late), 'saveSnapshot');
  },

  'keeps everything it acknowledged before it was closed': async (store, home) => {
    if (!store.durable) return;
    const entries = chainOf(bodyOf('a'), bodyOf('b'));
    const snapshot = { seq: 1, bytes: Uint8Array.from({ length: 1_200_000 }, (_, i) => i * 17) };
    await append(store, 0, entries, [pageOf(0, 'zero'), pageOf(1, 'one')]);
    await store.saveSnapshot(snapshot);
    const waiting = Array.from({ length: 5 }, (_, i) => appendText(store, `entry ${i}`));
    const closing = store.close();
    const outcomes = await Promise.allSettled(waiting);
    await closing;
    const again = await home.open();
    try {
      const log = await readAll(again);
      check(sameEntries(log.slice(0, 2), entries), 'the log came back changed');
      check(CHAIN.fault(START, log) === null, 'the chain is broken');
      for (const outcome of outcomes) {
        if (outcome.status === 'fulfilled') {
          check(outcome.value < log.length, `entry ${outcome.value} was acknowledged and is lost`);
        } else {
          await expectUnavailable(() => Promise.reject(outcome.reason), 'overtaken by close');
        }
      }
      check(samePages(await again.pages(), [pageOf(0, 'zero'), pageOf(1, 'one')]), 'pages changed');
      check(sameSnapshot(await again.loadSnapshot(), snapshot), 'the snapshot came back changed');
    } finally {
      await again.close();
    }
  },
};

/**
 * What every {@link BudgetStore} must do. Cases that ask for a second handle make do with the same one where
 * `open` gives it again; what must survive closing is asked of durable stores only.
 */
export function budgetStoreConformance(subject: BudgetStoreSubject): readonly ConformanceCase[] {
  const cases = { ...LOG_CASES, ...PAGE_CASES, ...SNAPSHOT_CASES, ...CLOSING_CASES };
  return Object.entries(cases).map(([name, body]) => ({
    name,
    async run(): Promise<void> {
      const home = await subject.create();
      const store = await home.open();
      try {
        await body(store, home);
      } finally {
        await store.close();
      }
    },
  }));
}
