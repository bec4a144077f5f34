/** Where the members of a crew wait for each other. */
export interface Barrier {
  /**
   * Returns when every member has called it.
   *
   * @throws Error when a member has failed or does not come
   */
  wait(): void;
  /** Wakes everybody who waits, and fails for all of them. */
  fail(): void;
}

/** Of a crew of one. */
export const NO_BARRIER: Barrier = { wait: () => {}, fail: () => {} };

/** Words that a {@link SpinBarrier} keeps in shared memory. */
export const BARRIER_WORDS = 3;
const ARRIVED = 0;
const GENERATION = 1;
const FAILED = 2;

/** Looks before a member sleeps: some tens of microseconds. */
const SPINS = 20_000;
/** Spins for a while, for steps end within microseconds of each other, and then sleeps. */
export class SpinBarrier implements Barrier {
  readonly #words: Int32Array;
  readonly #members: number;
  readonly #patience: number;

  /**
   * @param words - on shared memory, zeros at first, `[BARRIER_WORDS]`
   * @param patience - milliseconds after which those who have not come count as failed; default: none
   */
  constructor(words: Int32Array, members: number, patience: number = Number.POSITIVE_INFINITY) {
    this.#words = words;
    this.#members = members;
    this.#patience = patience;
  }

  wait(): void {
    const words = this.#words;
    // In this order: a failure that comes later than the look at it changes the generation.
    const generation = Atomics.load(words, GENERATION);
    this.#checkAlive();
    if (Atomics.add(words, ARRIVED, 1) === this.#members - 1) {
      Atomics.store(words, ARRIVED, 0);
      Atomics.add(words, GENERATION, 1);
      Atomics.notify(words, GENERATION);
    } else this.#waitFor(generation);
    this.#checkAlive();
  }

  fail(): void {
    Atomics.store(this.#words, FAILED, 1);
    Atomics.add(this.#words, GENERATION, 1);
    Atomics.notify(this.#words, GENERATION);
  }

  #checkAlive(): void {
    if (Atomics.load(this.#words, FAILED) === 0) return;
    throw new Error('another thread of the run has failed');
  }

  #waitFor(generation: number): void {
    const words = this.#words;
    for (let spin = 0; spin < SPINS; spin++) {
      if (Atomics.load(words, GENERATION) !== generation) return;
    }
    if (Atomics.wait(words, GENERATION, generation, this.#patience) !== 'timed-out') return;
    this.fail();
    throw new Error('another thread of the run does not answer');
  }
}
