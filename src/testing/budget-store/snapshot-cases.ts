import type { StateSnapshot } from '../../dp/budget/store.ts';
import { check } from '../conformance.ts';
import {
  append,
  bodyOf,
  chainOf,
  pageOf,
  readAll,
  type StoreCheck,
  samePages,
  sameSnapshot,
} from './steps.ts';

/** Snapshots: the newest one, whole. */
export const SNAPSHOT_CASES: Readonly<Record<string, StoreCheck>> = {
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
