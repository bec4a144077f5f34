/** Entries at which the older half is forgotten. */
const MOST = 2 ** 22;
/** Milliseconds after which the older half is forgotten. */
const LIFE = 30 * 24 * 3_600_000;

/**
 * A map that remembers at least the last 30 days or the last four million entries, whichever is less: a
 * log that grows for years must not fill the memory, nor meet the size at which a Map fails. Depends on
 * the times in the log alone, so that every process forgets the same.
 */
export class Generations<K, V> {
  #young = new Map<K, V>();
  #old = new Map<K, V>();
  #since: number = Number.NEGATIVE_INFINITY;

  get(key: K): V | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  /** @param time - milliseconds since 1970, never before that of an earlier entry */
  set(key: K, value: V, time: number): void {
    if (this.#young.size >= MOST || time - this.#since >= LIFE) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#since = time;
    }
    this.#young.set(key, value);
  }

  /** Both halves, the older first, and since when the younger one is filled: for snapshots. */
  halves(): readonly [old: ReadonlyMap<K, V>, young: ReadonlyMap<K, V>, since: number] {
    return [this.#old, this.#young, this.#since];
  }

  /** The reverse of {@link halves}. */
  restore(old: Map<K, V>, young: Map<K, V>, since: number): void {
    this.#old = old;
    this.#young = young;
    this.#since = since;
  }
}
