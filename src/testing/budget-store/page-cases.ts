import type { ChainEntry } from '../../core/hash-chain.ts';
import type { BudgetStore, IdentityPage } from '../../dp/budget/store.ts';
import { check, errorCode } from '../conformance.ts';
import {
  append,
  bodyOf,
  CHAIN,
  chainOf,
  NOTHING,
  newsAfter,
  pageOf,
  readAll,
  START,
  type StoreCheck,
  samePages,
} from './steps.ts';

/** Identity pages, together with entries. */
export const PAGE_CASES: Readonly<Record<string, StoreCheck>> = {
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
