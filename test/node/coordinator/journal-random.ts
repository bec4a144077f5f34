import { SecureRandom } from '../../../src/core/secure-random.ts';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import type { LiveJournal } from '../../../src/federated/live/live-journal.ts';

/** Repeats itself from each entry of a journal on, and passes for secure so that a real budget takes it. */
export class JournalRandom extends SecureRandom {
  #inner = new SeededRandom('start');

  restartAt(entries: number): void {
    this.#inner = new SeededRandom(`entry ${entries}`);
  }

  override uint32(): number {
    return this.#inner.uint32();
  }

  override fillUint32(target: Uint32Array): void {
    this.#inner.fillUint32(target);
  }
}

/** A journal that tells the random source how far it has come, and a listener what is appended. */
export function followedBy(
  inner: LiveJournal,
  random: JournalRandom,
  onAppend: (when: 'before' | 'after', entry: Uint8Array) => void = () => {},
): LiveJournal {
  let entries = 0;
  return {
    durable: inner.durable,
    async read() {
      const all = await inner.read();
      entries = all.length;
      random.restartAt(entries);
      return all;
    },
    async append(entry) {
      onAppend('before', entry);
      await inner.append(entry);
      onAppend('after', entry);
      random.restartAt(++entries);
    },
    async compact(entry) {
      await inner.compact(entry);
      entries = 1;
      random.restartAt(entries);
    },
    close: () => inner.close(),
  };
}
