/** Milliseconds since 1970-01-01T00:00Z. */
export type Clock = () => number;

/**
 * A clock that never runs back. A device's clock may be set back, by hand or by an attacker; what has
 * expired then stays expired.
 */
export class MonotoneClock {
  readonly #clock: Clock;
  #latest = Number.NEGATIVE_INFINITY;
  #previous = Number.NEGATIVE_INFINITY;
  #setbacks = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How often the underlying clock was found to have been set back. */
  get setbacks(): number {
    return this.#setbacks;
  }

  /** @throws RangeError when the underlying clock tells no time */
  now(): number {
    const time = this.#clock() + 0; // not −0, which has no canonical form
    if (!Number.isSafeInteger(time)) {
      throw new RangeError(`"clock" expected whole milliseconds, got ${time}`);
    }
    if (time < this.#previous) this.#setbacks += 1;
    this.#previous = time;
    if (time > this.#latest) this.#latest = time;
    return this.#latest;
  }
}
