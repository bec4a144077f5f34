import { check } from '../conformance.ts';
import {
  append,
  appendText,
  bodyOf,
  CHAIN,
  chainOf,
  expectUnavailable,
  pageOf,
  readAll,
  START,
  type StoreCheck,
  sameEntries,
  samePages,
  sameSnapshot,
} from './steps.ts';

/** What closing ends, and what outlives it. */
export const CLOSING_CASES: Readonly<Record<string, StoreCheck>> = {
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
