import { VelaturaError } from '../../core/errors.ts';
import type { SignedBy } from '../../federated/live/signed-request.ts';

/** Seconds by which the clock of a client may be off. */
const CLOCK_TOLERANCE = 300;
/** Nonces and senders that are remembered at once. */
const MOST_REMEMBERED = 200_000;

/**
 * Lets each signed request in once. Nonces are remembered as long as their time is near; those from before this
 * coordinator started are not known, so requests from then are refused altogether.
 */
export class ReplayGuard {
  readonly #now: () => number;
  readonly #started: number;
  readonly #seen = new Map<string, number>();

  /** @param now - milliseconds since 1970 */
  constructor(now: () => number) {
    this.#now = now;
    this.#started = Math.floor(now() / 1000);
  }

  /**
   * @throws {VelaturaError} `federated/clock-skew` with the coordinator's time, `federated/replayed-request`;
   * `federated/too-many-requests` when there is no room to remember it
   */
  admit({ key, created, nonce }: SignedBy): void {
    const now = this.#now();
    const seconds = Math.floor(now / 1000);
    if (Math.abs(created - seconds) > CLOCK_TOLERANCE || created <= this.#started) {
      throw new VelaturaError(
        'federated/clock-skew',
        `the request is of another time: the clock is ${created - seconds} s ahead of the coordinator's, or the coordinator started since`,
        // A time that is good at once, also within the second in which the coordinator started.
        { serverTime: Math.max(now, 1000 * (this.#started + 1)), skewSeconds: created - seconds },
      );
    }
    this.#forget(seconds);
    const name = `${key}/${nonce}`;
    if (this.#seen.has(name)) {
      throw new VelaturaError('federated/replayed-request', 'the request came before');
    }
    if (this.#seen.size >= MOST_REMEMBERED) throw tooMany();
    this.#seen.set(name, seconds + 2 * CLOCK_TOLERANCE);
  }

  /** Insertion order is nearly the order of expiry, so this touches only what goes. */
  #forget(seconds: number): void {
    for (const [name, expires] of this.#seen) {
      if (expires >= seconds) return;
      this.#seen.delete(name);
    }
  }
}

/** A bucket of requests for each sender, which fills up again with time. */
export class RateLimiter {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #now: () => number;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(perSecond: number, burst: number, now: () => number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#now = now;
  }

  /** @throws {VelaturaError} `federated/too-many-requests` */
  take(sender: string): void {
    const at = this.#now();
    const bucket = this.#buckets.get(sender) ?? { tokens: this.#burst, at };
    const refilled = bucket.tokens + (Math.max(0, at - bucket.at) / 1000) * this.#perSecond;
    const tokens = Math.min(this.#burst, refilled);
    if (tokens < 1) throw tooMany();
    // Those asked for least lately come first, and go first.
    this.#buckets.delete(sender);
    this.#buckets.set(sender, { tokens: tokens - 1, at });
    if (this.#buckets.size > MOST_REMEMBERED) {
      const [oldest] = this.#buckets.keys();
      this.#buckets.delete(oldest as string);
    }
  }
}

export function tooMany(): VelaturaError {
  return new VelaturaError('federated/too-many-requests', 'too many requests: try again later');
}
