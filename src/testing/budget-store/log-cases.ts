import type { ChainEntry } from '../../core/hash-chain.ts';
import { check, errorCode } from '../conformance.ts';
import {
  append,
  appendText,
  bodyOf,
  CHAIN,
  chainOf,
  decision,
  NOTHING,
  newsAfter,
  readAll,
  START,
  type StoreCheck,
  sameEntries,
} from './steps.ts';

/** Entries: order, news, failures, turns. */
export const LOG_CASES: Readonly<Record<string, StoreCheck>> = {
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
