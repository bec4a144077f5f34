import { describe, expect, it } from 'vitest';
import { type ChainEntry, HashChain } from '../../../src/core/hash-chain.ts';
import { MemoryBudgetStore } from '../../../src/dp/budget/memory-store.ts';
import type { BudgetStore, IdentityPage, LogNews } from '../../../src/dp/budget/store.ts';
import { WhatIfStore } from '../../../src/dp/budget/what-if-store.ts';

const chain = new HashChain('budget');

function grown(log: readonly ChainEntry[], ...bodies: readonly number[]): readonly ChainEntry[] {
  const all = [...log];
  for (const body of bodies)
    all.push(chain.append(all.at(-1) ?? chain.start(), Uint8Array.of(body)));
  return all;
}

const page = (number: number, byte: number): IdentityPage => ({
  page: number,
  bytes: new Uint8Array(32).fill(byte),
});

const LOG = grown([], 1, 2, 3);
const LONGER = grown(LOG, 4, 5);

async function all(store: BudgetStore, since = -1): Promise<readonly ChainEntry[]> {
  const entries: ChainEntry[] = [];
  for await (const batch of store.read(since)) entries.push(...batch);
  return entries;
}

function append(
  store: BudgetStore,
  known: number,
  entries: readonly ChainEntry[],
  pages: readonly IdentityPage[] = [],
): Promise<LogNews> {
  return store.transact({ entries: known, pages: known }, (news) => ({
    append: entries,
    pages,
    result: news,
  }));
}

describe('a store of what might be', () => {
  it('begins as the other store and writes nothing to it', async () => {
    const base = new MemoryBudgetStore(LOG, [page(0, 7)]);
    const store = new WhatIfStore(base);
    expect(await append(store, 0, [])).toEqual({ entries: LOG.slice(1), pages: [page(0, 7)] });
    const news = await append(store, -1, LONGER.slice(3, 4), [page(0, 8), page(1, 9)]);
    expect(news.entries).toEqual(LOG);
    await append(store, 3, LONGER.slice(4));
    expect(await all(store)).toEqual(LONGER);
    expect(await all(store, 2)).toEqual(LONGER.slice(3));
    expect(await all(store, 3)).toEqual(LONGER.slice(4));
    expect(await store.pages()).toEqual([page(0, 8), page(1, 9)]);
    expect(await all(base)).toEqual(LOG);
    expect(await base.pages()).toEqual([page(0, 7)]);
  });

  it('hands over what was written since, entries and pages apart', async () => {
    const store = new WhatIfStore(new MemoryBudgetStore(LOG, [page(0, 7)]));
    await append(store, 2, LONGER.slice(3, 4), [page(0, 8)]);
    await append(store, 3, LONGER.slice(4), [page(1, 9)]);
    const at = (entries: number, pages: number): Promise<LogNews> =>
      store.transact({ entries, pages }, (news) => ({ append: [], pages: [], result: news }));
    expect(await at(4, 4)).toEqual({ entries: [], pages: [] });
    expect(await at(3, 3)).toEqual({ entries: LONGER.slice(4), pages: [page(1, 9)] });
    expect(await at(4, 2)).toEqual({ entries: [], pages: [page(0, 8), page(1, 9)] });
    await expect(at(1, 1)).rejects.toThrow(RangeError);
  });

  it('sees what others write before its first change, and nothing after', async () => {
    const base = new MemoryBudgetStore(LOG);
    const store = new WhatIfStore(base);
    await append(base, 2, LONGER.slice(3, 4));
    expect((await append(store, 2, [])).entries).toEqual(LONGER.slice(3, 4));
    const ours = grown(LONGER.slice(0, 4), 66);
    await append(store, 3, ours.slice(4));
    await append(base, 3, LONGER.slice(4));
    expect(await all(store)).toEqual(ours);
    expect(await all(base)).toEqual(LONGER);
  });

  it('is as before when a decision throws, or leaves a gap', async () => {
    const base = new MemoryBudgetStore(LOG);
    const store = new WhatIfStore(base);
    const fails = store.transact({ entries: 2, pages: 2 }, () => {
      throw new RangeError('no');
    });
    await expect(fails).rejects.toThrow('no');
    await expect(append(store, 2, LONGER.slice(4))).rejects.toThrow(RangeError);
    expect(await all(store)).toEqual(LOG);
    await append(store, 2, LONGER.slice(3));
    await expect(append(store, 4, LONGER.slice(3, 4))).rejects.toThrow(RangeError);
    await expect(append(store, 4, [], [page(0, 1)])).rejects.toThrow(RangeError);
    expect(await all(store)).toEqual(LONGER);
  });

  it('keeps what the last of several tries decided', async () => {
    const base = new MemoryBudgetStore(LOG);
    const twice: BudgetStore = Object.assign(Object.create(base) as BudgetStore, {
      transact: async (...[position, decide]: Parameters<BudgetStore['transact']>) => {
        await base.transact(position, decide);
        return base.transact(position, decide);
      },
    });
    const tries = [grown(LOG, 8, 9).slice(3), LONGER.slice(3, 4)];
    const store = new WhatIfStore(twice);
    await store.transact({ entries: 2, pages: 2 }, () => ({
      append: tries.shift() ?? [],
      pages: [],
      result: null,
    }));
    expect((await append(store, 2, [])).entries).toEqual(LONGER.slice(3, 4));
  });

  it('begins from a snapshot and never keeps one; closing closes both', async () => {
    const base = new MemoryBudgetStore(LOG);
    await base.saveSnapshot({ seq: 1, bytes: Uint8Array.of(1) });
    const store = new WhatIfStore(base);
    await store.saveSnapshot();
    expect(await store.loadSnapshot()).toEqual({ seq: 1, bytes: Uint8Array.of(1) });
    await store.close();
    await expect(base.pages()).rejects.toMatchObject({ code: 'dp/budget-unavailable' });
  });
});
