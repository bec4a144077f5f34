import { KeyTable } from './key-table.ts';

/** Entries at which the older half is forgotten. */
const MOST = 2 ** 20;
/** Milliseconds after which the older half is forgotten. */
const LIFE = 30 * 24 * 3_600_000;

/** One half of {@link Generations}. */
export interface Generation<V> {
  readonly values: KeyTable<V>;
  /** Time and number of the entry with which it began. */
  readonly since: number;
  readonly first: number;
}

/**
 * A map that remembers at least the last 30 days or the last million entries, whichever is less: a
 * log that grows for years must not fill the memory, nor meet the size at which a Map fails. Depends on
 * the times in the log alone, so that every process forgets the same.
 */
export class Generations<V> {
  #young: Generation<V> = {
    values: new KeyTable(),
    since: Number.NEGATIVE_INFINITY,
    first: -1,
  };
  #old: Generation<V> | null = null;

  get(key: string): V | undefined {
    return this.#young.values.get(key) ?? this.#old?.values.get(key);
  }

  /** Number of the entry with which the older half begins; −1 while there is none. */
  get oldest(): number {
    return this.#old?.first ?? -1;
  }

  /**
   * @param time - milliseconds since 1970, never before that of an earlier entry
   * @param seq - number of the entry in the log
   * @returns false when the key was remembered already
   */
  add(key: string, value: V, time: number, seq: number): boolean {
    const { values, since, first } = this.#young;
    if (values.size >= MOST || time - since >= LIFE) {
      this.#old = first < 0 ? null : this.#young;
      this.#young = { values: new KeyTable(), since: time, first: seq };
    }
    return this.#young.values.add(key, value) && this.#old?.values.get(key) === undefined;
  }

  /** Both halves, the older first: for snapshots. */
  halves(): readonly [old: Generation<V> | null, young: Generation<V>] {
    return [this.#old, this.#young];
  }

  /** The reverse of {@link halves}. */
  restore(old: Generation<V> | null, young: Generation<V>): void {
    this.#old = old;
    this.#young = young;
  }
}
