import type postgres from 'postgres';
import { VelaturaError } from '../core/errors.ts';

type Driver = typeof postgres;

/** Seconds a connection may take to say goodbye. */
export const GOODBYE: number = 5;
const INT8 = 20;
/** SQLSTATE classes that mean damage or missing tables rather than a server that is busy, full or away. */
const CORRUPT_STATES = ['XX001', 'XX002', '3F000', '42P01', '42703'];

/**
 * Where a server is, for those who have no URL. What is left out comes from `PGHOST`, `PGPORT`, `PGDATABASE`,
 * `PGUSER` and `PGPASSWORD`.
 */
export interface PostgresAddress {
  /** Name, IP address, or folder of a Unix socket. */
  readonly host?: string;
  readonly port?: number;
  readonly database?: string;
  readonly user?: string;
  /** A function is asked anew for every connection: for passwords that rotate. */
  readonly password?: string | (() => string | Promise<string>);
  /** `verify-full` checks the server's certificate, `require` only encrypts; an object goes to `tls.connect`. */
  readonly ssl?: 'verify-full' | 'require' | 'prefer' | 'allow' | false | object;
}

/** How long to wait for a server, in milliseconds. */
export interface PostgresTimeouts {
  /** For a connection; default 10,000. */
  readonly connectTimeout?: number;
  /** For another process that holds the lock; default 10,000. */
  readonly lockTimeout?: number;
  /** For an answer, waiting for locks aside: a network that swallows packets says nothing. Default 60,000. */
  readonly answerTimeout?: number;
}

/** {@link PostgresTimeouts} with nothing left open. */
export type PostgresWaits = Required<PostgresTimeouts>;

/** A row as the array of its columns. */
export type PostgresRow = readonly (string | number | boolean | Uint8Array | null)[];

/** The defaults of {@link PostgresTimeouts}, checked. */
export function postgresWaits(timeouts: PostgresTimeouts): PostgresWaits {
  const { connectTimeout = 10_000, lockTimeout = 10_000, answerTimeout = 60_000 } = timeouts;
  for (const [name, value] of Object.entries({ connectTimeout, lockTimeout, answerTimeout })) {
    if (!Number.isSafeInteger(value) || value < 1 || value > 0x7fff_ffff) {
      throw new RangeError(
        `"${name}" expected whole milliseconds from 1 to 2^31 − 1, got ${value}`,
      );
    }
  }
  return { connectTimeout, lockTimeout, answerTimeout };
}

/** The package is an optional peer: only those who keep a budget in PostgreSQL need it. */
async function loadDriver(): Promise<Driver> {
  try {
    return (await import('postgres')).default;
  } catch (cause) {
    throw new VelaturaError(
      'dp/budget-unavailable',
      'a budget in PostgreSQL needs the package "postgres": npm install postgres@^3.4.9',
      { package: 'postgres' },
      { cause },
    );
  }
}

/** Text of an error without addresses that hold a password. */
function plainMessage(error: unknown): string {
  const { message, code } = error as { message?: unknown; code?: unknown };
  const text =
    typeof message === 'string' && message !== '' ? message : String(code ?? 'no answer');
  return text.replace(/:\/\/[^\s/@]*@/g, '://…@');
}

/** True for an answer of the server after which it goes on listening. */
function isAnswer(error: unknown): boolean {
  const { name, severity } = error as { name?: unknown; severity?: unknown };
  return name === 'PostgresError' && severity !== 'FATAL' && severity !== 'PANIC';
}

/**
 * An error of the driver as ours. The driver's own is not passed on: it carries the statement with its
 * values, which may be identity pages.
 */
function codedError(error: unknown): VelaturaError {
  if (error instanceof VelaturaError) return error;
  const { code } = error as { code?: unknown };
  const reason = typeof code === 'string' ? code : '';
  return new VelaturaError(
    CORRUPT_STATES.includes(reason) ? 'dp/budget-corrupt' : 'dp/budget-unavailable',
    `PostgreSQL: ${plainMessage(error)}`,
    { reason },
  );
}

/** Settings of one connection, which never comes back under another guise once it is cut. */
function driverOptions(
  { connectTimeout }: PostgresWaits,
  onclose: () => void,
): postgres.Options<{ int8: postgres.PostgresType<number> }> {
  return {
    max: 1,
    onclose,
    connect_timeout: connectTimeout / 1000,
    idle_timeout: 0,
    max_lifetime: null,
    fetch_types: false,
    onnotice: () => {},
    types: { int8: { to: INT8, from: [INT8], serialize: String, parse: Number } },
    connection: { application_name: 'velatura' },
  };
}

function addressOptions({ user, password, ...rest }: PostgresAddress): object {
  return {
    ...rest,
    ...(user === undefined ? {} : { username: user }),
    ...(password === undefined ? {} : { password }),
  };
}

/**
 * One connection to a server. The driver would quietly replace a connection that was cut, and send what is
 * left of a transaction outside of it; here a cut is final, and whatever was under way is rejected.
 */
export class PostgresConnection {
  readonly #sql: postgres.Sql;
  readonly #waits: PostgresWaits;
  readonly #state: { cut: boolean };

  private constructor(sql: postgres.Sql, waits: PostgresWaits, state: { cut: boolean }) {
    this.#sql = sql;
    this.#waits = waits;
    this.#state = state;
  }

  /**
   * Connects and logs in.
   *
   * @throws {VelaturaError} `dp/budget-unavailable`
   */
  static async open(
    address: string | PostgresAddress,
    waits: PostgresWaits,
  ): Promise<PostgresConnection> {
    const driver = await loadDriver();
    const state = { cut: false };
    const options = driverOptions(waits, () => {
      state.cut = true;
    });
    let sql: postgres.Sql;
    try {
      sql =
        typeof address === 'string'
          ? (driver(address, options) as unknown as postgres.Sql)
          : (driver({ ...addressOptions(address), ...options }) as unknown as postgres.Sql);
    } catch {
      // The cause would show the address, password and all.
      throw new VelaturaError('dp/budget-unavailable', 'the address of the server is no valid URL');
    }
    const connection = new PostgresConnection(sql, waits, state);
    try {
      await connection.run('select 1');
      return connection;
    } catch (error) {
      connection.abandon();
      throw error;
    }
  }

  /** True once the connection is gone for good. */
  get cut(): boolean {
    return this.#state.cut;
  }

  /**
   * Runs statements without values, in one message: either all of them arrive or none does.
   *
   * @returns the rows of the last one
   */
  async run(statements: string): Promise<readonly PostgresRow[]> {
    // Without `execute` the driver would put it off, behind what is sent after it.
    const answer: unknown = await this.#answer(() =>
      this.#sql.unsafe(statements).values().execute(),
    );
    const rows = Object.hasOwn(answer as object, 'command') ? answer : (answer as unknown[]).at(-1);
    return rows as readonly PostgresRow[];
  }

  /** Runs one statement, prepared on its first use. Values are parameters: a server logs statements that fail. */
  async query(
    statement: string,
    values: readonly (string | number | Uint8Array)[],
  ): Promise<readonly PostgresRow[]> {
    const rows: PostgresRow[] = [];
    await this.#answer((patience) => {
      const query = this.#sql.unsafe(statement, [...values] as string[], { prepare: true });
      return query.values().forEach((row) => {
        patience.refresh();
        rows.push(row as unknown as PostgresRow);
      });
    });
    return rows;
  }

  /** Says goodbye. */
  async close(): Promise<void> {
    this.#state.cut = true;
    await this.#sql.end({ timeout: GOODBYE }).catch(() => {});
  }

  /** Drops the connection without waiting for anything. */
  abandon(): void {
    this.#state.cut = true;
    this.#sql.end({ timeout: 0 }).catch(() => {});
  }

  #assertWhole(): void {
    if (this.#state.cut) {
      throw new VelaturaError('dp/budget-unavailable', 'PostgreSQL: the connection was cut');
    }
  }

  /** The answer to a question sent at once, or the reason why none can be trusted. */
  async #answer<T>(ask: (patience: NodeJS.Timeout) => PromiseLike<T>): Promise<T> {
    this.#assertWhole();
    const { answerTimeout, lockTimeout } = this.#waits;
    const patience = setTimeout(() => this.abandon(), answerTimeout + lockTimeout);
    try {
      const answer = await ask(patience);
      // An answer that came over a new connection is about nothing that was begun on this one.
      this.#assertWhole();
      return answer;
    } catch (error) {
      if (!isAnswer(error)) this.abandon();
      throw codedError(error);
    } finally {
      clearTimeout(patience);
    }
  }
}
