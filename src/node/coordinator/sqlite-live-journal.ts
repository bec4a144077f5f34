import { VelaturaError } from '../../core/errors.ts';
import { type LiveJournal, superseded } from '../../federated/live/live-journal.ts';
import type { SqliteConnection } from '../sqlite.ts';
import type { CoordinatorDatabase } from './coordinator-database.ts';

/** Options of {@link openSqliteLiveJournal}. */
export interface SqliteLiveJournalOptions {
  /** Milliseconds for which a coordinator that fell silent keeps others out; default 10,000. */
  readonly lease?: number;
  /** Milliseconds since 1970; default the system's clock. */
  readonly now?: () => number;
}

const DEFAULT_LEASE = 10_000;

/**
 * The journal of a federation in a SQLite file. A coordinator holds it by a lease with a number that goes up; each
 * write checks the number in its own transaction, so one that was taken for dead can write nothing more, whatever
 * its clock says. Clocks decide only when another may take over.
 *
 * @throws {VelaturaError} `federated/coordinator-busy` while another coordinator holds it, with the milliseconds left
 */
export function openSqliteLiveJournal(
  database: CoordinatorDatabase,
  { lease = DEFAULT_LEASE, now = Date.now }: SqliteLiveJournalOptions = {},
): LiveJournal {
  const token = database.transaction((connection) => {
    const [row] = connection.rows('select token, expires from lease');
    const [last = 0, expires = 0] = (row ?? []).map(Number);
    if (expires > now()) {
      throw new VelaturaError(
        'federated/coordinator-busy',
        'another coordinator runs this federation',
        { retryAfter: expires - now() },
      );
    }
    connection.run('insert or replace into lease values (1, ?, ?)', [last + 1, now() + lease]);
    return last + 1;
  });
  return new SqliteLiveJournal(database, token, lease, now);
}

class SqliteLiveJournal implements LiveJournal {
  readonly durable = true;
  readonly #database: CoordinatorDatabase;
  readonly #token: number;
  readonly #lease: number;
  readonly #now: () => number;
  readonly #renewal: NodeJS.Timeout;

  constructor(database: CoordinatorDatabase, token: number, lease: number, now: () => number) {
    this.#database = database;
    this.#token = token;
    this.#lease = lease;
    this.#now = now;
    // Whoever waits for this coordinator must not wait while it waits for clients.
    this.#renewal = setInterval(() => this.#renew(), lease / 3).unref();
  }

  async read(): Promise<readonly Uint8Array[]> {
    return this.#write((connection) =>
      connection
        .rows('select body from entries order by seq')
        .map(([body]) => new Uint8Array(body as Uint8Array)),
    );
  }

  async append(entry: Uint8Array): Promise<void> {
    this.#write((connection) => connection.run('insert into entries (body) values (?)', [entry]));
  }

  async compact(entry: Uint8Array): Promise<void> {
    this.#write((connection) => {
      connection.run('delete from entries', []);
      connection.run('insert into entries (body) values (?)', [entry]);
    });
    // The frames that were deleted are still in the write-ahead log.
    this.#database.checkpoint();
  }

  async close(): Promise<void> {
    clearInterval(this.#renewal);
    this.#database.transaction((connection) =>
      connection.run('update lease set expires = 0 where token = ?', [this.#token]),
    );
  }

  /** One transaction of the holder of the lease, which it renews. */
  #write<T>(body: (connection: SqliteConnection) => T): T {
    return this.#database.transaction((connection) => {
      const [row] = connection.rows('select token from lease');
      if (Number(row?.[0]) !== this.#token) throw superseded();
      connection.run('update lease set expires = ?', [this.#now() + this.#lease]);
      return body(connection);
    });
  }

  #renew(): void {
    try {
      this.#write(() => {});
    } catch {
      // A write that matters will find the same, and say so.
    }
  }
}
