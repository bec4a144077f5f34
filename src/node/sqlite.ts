import { pathToFileURL } from 'node:url';
import Database from 'libsql';

/** What may be bound to a `?`, and what comes back. Anything else can abort the whole process in libsql. */
export type SqlValue = number | bigint | string | Uint8Array | null;

type Statement = ReturnType<Database.Database['prepare']>;

/** A failure of SQLite itself; `sqliteCode` such as `SQLITE_BUSY`, empty where libsql gives none. */
export class SqliteFailure extends Error {
  override readonly name = 'SqliteFailure';
  readonly sqliteCode: string;

  constructor(cause: unknown) {
    const { message, code } = cause as { message: string; code?: unknown };
    super(message, { cause });
    this.sqliteCode = typeof code === 'string' ? code : '';
  }
}

function bindable(value: unknown, index: number): SqlValue {
  switch (typeof value) {
    case 'number':
      // A number binds as REAL; a whole one is meant as an integer.
      if (Number.isSafeInteger(value)) return BigInt(value);
      if (Number.isFinite(value)) return value;
      break;
    case 'bigint':
      if (BigInt.asIntN(64, value) === value) return value;
      break;
    case 'string':
      if (!value.includes('\0')) return value; // would be cut off there
      break;
    case 'object':
      if (value === null || value instanceof Uint8Array) return value;
      break;
  }
  throw new TypeError(
    `"values[${index}]" expected a finite number, 64-bit integer, text without NUL, bytes or null, got ${typeof value}`,
  );
}

/** Runs a call into libsql and types what it throws. */
function guarded<T>(call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw new SqliteFailure(cause);
  }
}

/**
 * The one way to SQLite: values are bound here and nowhere else, because libsql aborts the process on some
 * and silently binds NULL for others. All calls block.
 */
export class SqliteConnection {
  readonly #database: Database.Database;
  readonly #statements = new Map<string, { statement: Statement; parameters: number }>();
  #open = true;

  /**
   * @param path - created when it is missing: the caller checks (libsql ignores `fileMustExist`)
   * @param busyTimeout - milliseconds to wait for another writer
   * @param readOnly - never writes to the file, not even to undo what a crash left half done
   * @throws {SqliteFailure}
   */
  constructor(path: string, busyTimeout: number, readOnly = false) {
    // libsql ignores its own option for this.
    const name = readOnly ? `${pathToFileURL(path).href}?mode=ro` : path;
    this.#database = guarded(() => new Database(name, { timeout: busyTimeout }));
  }

  /** Whether a transaction is open. */
  get inTransaction(): boolean {
    return this.#open && this.#database.inTransaction;
  }

  /** Runs statements without values. */
  exec(sql: string): void {
    this.#assertOpen();
    guarded(() => this.#database.exec(sql));
  }

  /** Runs one statement that returns nothing. */
  run(sql: string, values: readonly SqlValue[]): void {
    const { statement, bound } = this.#prepare(sql, values);
    guarded(() => statement.run(bound));
  }

  /** All rows of one query, each an array of its columns. */
  rows(sql: string, values: readonly SqlValue[] = []): readonly (readonly SqlValue[])[] {
    const { statement, bound } = this.#prepare(sql, values);
    return guarded(() => statement.raw().all(bound) as SqlValue[][]);
  }

  /** Undoes an open transaction; SQLite has done so itself after some errors. */
  rollback(): void {
    this.#assertOpen();
    if (this.inTransaction) this.exec('rollback');
  }

  /**
   * Idempotent. Statements would still answer afterwards, so this class does not. SQLite lets go of the file
   * and its locks only once they are collected.
   */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#statements.clear();
    guarded(() => this.#database.close());
  }

  #assertOpen(): void {
    if (!this.#open) throw new SqliteFailure(new Error('the connection is closed'));
  }

  #prepare(
    sql: string,
    values: readonly SqlValue[],
  ): { readonly statement: Statement; readonly bound: SqlValue[] } {
    this.#assertOpen();
    let known = this.#statements.get(sql);
    if (known === undefined) {
      const statement = guarded(() => this.#database.prepare(sql));
      known = { statement, parameters: sql.split('?').length - 1 };
      this.#statements.set(sql, known);
    }
    if (values.length !== known.parameters) {
      throw new TypeError(`"values" expected ${known.parameters} values, got ${values.length}`);
    }
    return { statement: known.statement, bound: values.map(bindable) };
  }
}
