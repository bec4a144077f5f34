import { throwIfAborted } from '../../core/errors.ts';
import { yieldToEventLoop } from '../../core/event-loop.ts';
import {
  type CohortSum,
  type CohortTerms,
  CohortTrainer,
  type SimulationParts,
} from './cohort-trainer.ts';

/** One round's work, the same for all threads. */
export interface CohortTask {
  readonly round: number;
  /** `[parameterCount]` */
  readonly parameters: Float32Array;
  /** Users to be summed. */
  readonly users: Uint32Array;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The threads of a simulation, each with a model and a population of its own. Whoever makes them closes them;
 * a set of threads serves one run after the other.
 */
export interface SimulationWorkers {
  /** Threads that share the work. */
  readonly threads: number;
  /**
   * Gets ready for a run; what was before is forgotten.
   *
   * @throws what a thread finds wrong with the terms
   */
  prepare(terms: CohortTerms): Promise<void>;
  /**
   * Trains, clips and sums the users of a round.
   *
   * @throws {VelaturaError} `core/aborted`, `federated/worker-lost`
   */
  sum(task: CohortTask): Promise<CohortSum>;
  /** Ends the threads. */
  close(): Promise<void>;
}

/** Milliseconds of work between two looks at what else happens in this thread. */
const WORK_SPAN = 20;

/** Everything in the thread that asks: in browsers, in tests, and where one thread is enough. */
export class OneThread implements SimulationWorkers {
  readonly threads = 1;
  readonly #parts: SimulationParts;
  #trainer: CohortTrainer | null = null;

  constructor(parts: SimulationParts) {
    this.#parts = parts;
  }

  async prepare(terms: CohortTerms): Promise<void> {
    this.#trainer?.free();
    this.#trainer = null;
    this.#trainer = new CohortTrainer(this.#parts, terms);
  }

  async sum({ round, parameters, users, signal }: CohortTask): Promise<CohortSum> {
    const trainer = this.#trainer;
    if (trainer === null) throw new TypeError('"prepare" expected before "sum"');
    throwIfAborted(signal);
    trainer.begin(round, parameters);
    let since = performance.now();
    for (const user of users) {
      trainer.visit(user);
      if (performance.now() - since < WORK_SPAN) continue;
      await yieldToEventLoop();
      throwIfAborted(signal);
      since = performance.now();
    }
    return trainer.end();
  }

  async close(): Promise<void> {
    this.#trainer?.free();
    this.#trainer = null;
  }
}
