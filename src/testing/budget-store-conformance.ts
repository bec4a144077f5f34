import { type ChainEntry, HashChain } from '../core/hash-chain.ts';
import type { BudgetStore } from '../dp/budget/store.ts';
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

function bodyOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function chainOf(...bodies: readonly Uint8Array[]): readonly ChainEntry[] {
  const entries: ChainEntry[] = [];
  for (const body of bodies) entries.push(CHAIN.append(entries.at(-1) ?? START, body));
  return entries;
}

/** Appends one entry behind whatever is there and answers its number. */
function appendText(store: BudgetStore, text: string): Promise<number> {
  return store.transact(-1, (log) => {
    const entry = CHAIN.append(log.at(-1) ?? START, bodyOf(text));
    return { append: [entry], result: entry.seq };
  });
}

function same(actual: readonly ChainEntry[], expected: readonly ChainEntry[]): boolean {
  const bytes = (a: Uint8Array, b: Uint8Array): boolean =>
    a.length === b.length && a.every((byte, i) => byte === b[i]);
  return (
    actual.length === expected.length &&
    actual.every((entry, i) => {
      const other = expected[i] as ChainEntry;
      return (
        entry.seq === other.seq && bytes(entry.body, other.body) && bytes(entry.hash, other.hash)
      );
    })
  );
}

type Body = (store: BudgetStore, home: BudgetStoreHome) => Promise<void>;

const CASES: Readonly<Record<string, Body>> = {
  'begins with an empty log': async (store) => {
    const seen = await store.transact(-1, (log) => ({ append: [], result: log.length }));
    check(seen === 0, `expected no entries, got ${seen}`);
    check((await store.read(-1)).length === 0, 'expected nothing to read');
  },

  'gives entries back byte for byte and in order': async (store) => {
    const large = Uint8Array.from({ length: 300_000 }, (_, i) => i * 31);
    const entries = chainOf(bodyOf('a'), new Uint8Array(0), large, Uint8Array.of(0, 255));
    await store.transact(-1, () => ({ append: entries, result: null }));
    check(same(await store.read(-1), entries), 'entries came back changed');
    check(same(await store.read(1), entries.slice(2)), 'expected entries after the second only');
    check((await store.read(3)).length === 0, 'expected nothing after the last');
  },

  'hands a transaction the entries after the one it knows': async (store) => {
    const entries = chainOf(bodyOf('a'), bodyOf('b'), bodyOf('c'));
    await store.transact(-1, () => ({ append: entries, result: null }));
    const news = await store.transact(0, (log) => ({ append: [], result: log }));
    check(same(news, entries.slice(1)), 'expected the two entries after the first');
  },

  'passes on what a decision throws, and appends nothing': async (store) => {
    await appendText(store, 'first');
    const code = await errorCode(() =>
      store.transact(0, () => {
        throw new RangeError('no');
      }),
    );
    check(code === 'RangeError', `expected the RangeError of the decision, got ${code}`);
    check((await store.read(-1)).length === 1, 'a failed decision left an entry');
    check((await appendText(store, 'second')) === 1, 'the store did not go on after a failure');
  },

  'refuses to leave a gap or to write over an entry': async (store) => {
    const [first, second] = chainOf(bodyOf('a'), bodyOf('b')) as [ChainEntry, ChainEntry];
    const gap = await errorCode(() =>
      store.transact(-1, () => ({ append: [second], result: null })),
    );
    check(gap === 'RangeError', `gap: expected a RangeError, got ${gap}`);
    await store.transact(-1, () => ({ append: [first], result: null }));
    const twice = await errorCode(() =>
      store.transact(0, () => ({ append: [first], result: null })),
    );
    check(twice === 'RangeError', `overwriting: expected a RangeError, got ${twice}`);
    check(same(await store.read(-1), [first]), 'a refused append changed the log');
  },

  'lets one decide at a time': async (store, home) => {
    const other = await home.open();
    const numbers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => appendText(i % 2 === 0 ? store : other, `entry ${i}`)),
    );
    check(new Set(numbers).size === 40, 'two transactions wrote the same entry');
    const log = await store.read(-1);
    check(CHAIN.fault(START, log) === null, 'the chain is broken');
    check(log.length === 40, `expected 40 entries, got ${log.length}`);
    if (other !== store) await other.close();
  },

  'shows every handle what another one wrote': async (store, home) => {
    const other = await home.open();
    await appendText(store, 'mine');
    check((await other.read(-1)).length === 1, 'the other handle does not see the entry');
    await appendText(other, 'theirs');
    const news = await store.transact(0, (log) => ({ append: [], result: log.length }));
    check(news === 1, 'this handle does not see the entry of the other');
    if (other !== store) await other.close();
  },

  'refuses everything once closed': async (store) => {
    await store.close();
    await store.close();
    for (const use of [() => store.read(-1), () => appendText(store, 'late')]) {
      const code = await errorCode(use);
      check(code === 'dp/budget-unavailable', `expected dp/budget-unavailable, got ${code}`);
    }
  },
};

/** What every {@link BudgetStore} must do. */
export function budgetStoreConformance(subject: BudgetStoreSubject): readonly ConformanceCase[] {
  return Object.entries(CASES).map(([name, body]) => ({
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
