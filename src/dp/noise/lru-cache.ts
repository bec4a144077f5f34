/** Keeps the values of the last few keys that were asked for. */
export class LruCache<Value> {
  readonly #capacity: number;
  readonly #values = new Map<number, Value>();

  /** @param capacity - how many values are kept, ≥ 1 */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The value of `key`, made by `create` if it is not at hand. */
  get(key: number, create: () => Value): Value {
    const value = this.#values.get(key) ?? create();
    // A Map keeps the order of insertion: the last used key goes to its end.
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > this.#capacity) {
      this.#values.delete(this.#values.keys().next().value as number);
    }
    return value;
  }
}
