import { setTimeout as wait } from 'node:timers/promises';
import { VelaturaError } from '../core/errors.ts';
import { GOODBYE, type PostgresConnection } from './postgres-connection.ts';

/** One connection for many: their work is done one after the other, and a cut connection is replaced. */
export class PostgresLane {
  readonly #open: () => Promise<PostgresConnection>;
  #connection: PostgresConnection | null;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;
  /** Closed, and what was still waiting had its time. */
  #over = false;

  /**
   * @param open - connects, on first use and after a cut
   * @param connection - one to begin with
   */
  constructor(
    open: () => Promise<PostgresConnection>,
    connection: PostgresConnection | null = null,
  ) {
    this.#open = open;
    this.#connection = connection;
  }

  /**
   * Does a piece of work when those before it are done.
   *
   * @throws {VelaturaError} `dp/budget-unavailable` once closed; what `work` throws
   */
  use<T>(work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(closedStore());
    const done = this.#last.then(async () => work(await this.#connected()));
    this.#last = done.catch(() => {});
    return done;
  }

  /** Lets the work under way end, for a while. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const patience = new AbortController();
    const inTime = await Promise.race([
      this.#last.then(() => true),
      wait(GOODBYE * 1000, false, { signal: patience.signal, ref: false }).catch(() => false),
    ]);
    patience.abort();
    this.#over = true;
    if (inTime) await this.#connection?.close();
    else this.#connection?.abandon();
  }

  async #connected(): Promise<PostgresConnection> {
    if (this.#over) throw closedStore();
    if (this.#connection === null || this.#connection.cut) {
      this.#connection?.abandon();
      this.#connection = null;
      const connection = await this.#open();
      this.#connection = connection;
      if (this.#over) {
        connection.abandon();
        throw closedStore();
      }
    }
    return this.#connection;
  }
}

/** The error of a store that was closed. */
function closedStore(): VelaturaError {
  return new VelaturaError('dp/budget-unavailable', 'the budget store is closed');
}
