import { VelaturaError } from '../core/errors.ts';

/** How much a scoring server does for whom. */
export interface ScoringLimits {
  /** Queries that one caller may make at once after a pause. */
  readonly burst: number;
  /** Queries per second that one caller may make in the long run. */
  readonly queriesPerSecond: number;
  /** Queries that are answered at the same time, of all callers together; one caller gets a quarter, at least one. */
  readonly concurrentQueries: number;
  /** Milliseconds from the first byte of a query to the last of its reply. */
  readonly queryMilliseconds: number;
}

/**
 * Defaults that suit a recommendation page: a list now and then. Enough queries reveal a catalogue, see
 * docs/he.md; where it is secret, the rate is to be chosen by that.
 */
export const DEFAULT_SCORING_LIMITS: ScoringLimits = Object.freeze({
  burst: 10,
  queriesPerSecond: 1,
  concurrentQueries: 16,
  queryMilliseconds: 30_000,
});

/** Callers that are remembered. Beyond, whoever has been quiet longest begins anew. */
const MAX_CALLERS = 100_000;

interface Bucket {
  tokens: number;
  /** Milliseconds of the clock at which `tokens` was right. */
  at: number;
}

/** Buckets of tokens by caller, and a count of what is under way. */
export class ScoringGate {
  readonly #limits: ScoringLimits;
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>(); // least recently used first
  readonly #places = new Map<string, number>(); // callers with queries under way
  #underWay = 0;

  /** @param now - milliseconds of a clock that never goes back */
  constructor(limits: ScoringLimits, now: () => number = () => performance.now()) {
    for (const [name, value] of Object.entries(limits)) {
      if (!(value > 0 && Number.isFinite(value))) {
        throw new RangeError(`"${name}" expected a positive number, got ${value}`);
      }
    }
    if (limits.burst < 1 || limits.concurrentQueries < 1) {
      throw new RangeError('"burst" and "concurrentQueries" expected at least 1');
    }
    this.#limits = limits;
    this.#now = now;
  }

  /** Queries under way. */
  get underWay(): number {
    return this.#underWay;
  }

  /**
   * Lets a query in.
   *
   * @param caller - whoever shares a rate
   * @returns what is to be called once when the query is over, however it ends
   * @throws {VelaturaError} `he/too-many-queries`; `retryAfterSeconds` among the details
   */
  enter(caller: string): () => void {
    const { burst, queriesPerSecond, concurrentQueries } = this.#limits;
    if (this.#underWay >= concurrentQueries) {
      throw tooMany('the server answers as many queries as it may', 'server', 1);
    }
    const places = this.#places.get(caller) ?? 0;
    if (places >= Math.max(1, Math.floor(concurrentQueries / 4))) {
      throw tooMany('the caller has as many queries under way as one may', 'caller', 1);
    }
    const now = this.#now();
    const bucket = this.#buckets.get(caller) ?? { tokens: burst, at: now };
    const tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * queriesPerSecond);
    this.#buckets.delete(caller);
    this.#buckets.set(caller, { tokens: tokens < 1 ? tokens : tokens - 1, at: now });
    if (this.#buckets.size > MAX_CALLERS) {
      this.#buckets.delete(this.#buckets.keys().next().value as string);
    }
    if (tokens < 1) {
      throw tooMany(
        'the caller has asked too often',
        'caller',
        Math.ceil((1 - tokens) / queriesPerSecond),
      );
    }
    this.#underWay++;
    this.#places.set(caller, places + 1);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#underWay--;
      const others = (this.#places.get(caller) as number) - 1;
      if (others === 0) this.#places.delete(caller);
      else this.#places.set(caller, others);
    };
  }
}

function tooMany(
  problem: string,
  limited: 'caller' | 'server',
  retryAfterSeconds: number,
): VelaturaError {
  return new VelaturaError('he/too-many-queries', problem, { limited, retryAfterSeconds });
}
