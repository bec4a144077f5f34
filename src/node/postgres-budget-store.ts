import { isWellFormedText } from '../core/cbor.ts';
import { VelaturaError } from '../core/errors.ts';
import type { ChainEntry, ChainHead } from '../core/hash-chain.ts';
import { assertFollows, assertPages } from '../dp/budget/memory-store.ts';
import type {
  BudgetStore,
  IdentityPage,
  LogDecision,
  LogNews,
  LogPosition,
  StateSnapshot,
} from '../dp/budget/store.ts';
import {
  type PostgresAddress,
  PostgresConnection,
  type PostgresRow,
  type PostgresTimeouts,
  type PostgresWaits,
  postgresWaits,
} from './postgres-connection.ts';
import { PostgresLane } from './postgres-lane.ts';
import {
  advisoryKey,
  assertVersion,
  MIGRATIONS,
  migrate,
  schemaVersion,
} from './postgres-schema.ts';
import {
  appendValues,
  type Portion,
  portionsOf,
  type Statements,
  statementsIn,
} from './postgres-statements.ts';

const DEFAULT_SCHEMA = 'velatura';
/** Plain lower case, so that the name needs no quotes anywhere. */
const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,62}$/;
/** Bytes of bodies in one batch of a reader, and the entries looked at for it. */
const BATCH_BYTES = 1 << 20;
const BATCH_ENTRIES = 4096;
const SNAPSHOT_CHUNK = 1 << 20;
/** The server gives the lock to others when its holder is silent for this long: asleep, or cut off. */
const SILENCE = 60_000;

/** Points of a transaction at which a test may cut the connection. */
export type PostgresTransactionPoint = 'begun' | 'decided' | 'written' | 'committed';

/** Options of {@link openPostgresBudgetStore}. */
export interface PostgresBudgetStoreOptions extends PostgresTimeouts {
  /** Name of the budget; a schema holds any number of them. */
  readonly budget: string;
  /** Schema of the tables, lower case letters, digits and `_`; default `velatura`. */
  readonly schema?: string;
  /** False refuses a budget that is not there instead of making room for a new one. Default: true. */
  readonly create?: boolean;
  /** True accepts a server that runs with `fsync=off` and forgets charges in a power cut. For tests. */
  readonly allowFsyncOff?: boolean;
  /**
   * Awaited at every point of every transaction: for tests of cuts. With it, writing and committing are two
   * messages instead of one.
   */
  readonly onPoint?: (point: PostgresTransactionPoint) => void | Promise<void>;
}

/** Waits for all, so that none is left unheard, and throws the first failure. */
async function allOf<T extends readonly Promise<unknown>[]>(
  ...promises: T
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

/** Does a transaction, and undoes it when it fails. */
async function orUndone<T>(connection: PostgresConnection, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!connection.cut) await connection.run('rollback').catch(() => connection.abandon());
    throw error;
  }
}

/**
 * A budget's log in PostgreSQL, for coordinators on several machines.
 *
 * A transaction takes two round trips: begin, lock and read; write and commit. The lock is an advisory one
 * on the budget's name: unlike `select … for update` it leaves no mark on any row, so that looking without
 * writing costs no write, and it is gone with its connection. Nothing but waiting depends on it, for an
 * entry that is already there cannot be written a second time.
 */
export class PostgresBudgetStore implements BudgetStore {
  readonly durable = true;
  readonly #budget: number;
  readonly #schema: string;
  readonly #writer: PostgresLane;
  /** Long reads hold nobody up. */
  readonly #reader: PostgresLane;
  readonly #begin: string;
  readonly #beginSnapshot: string;
  readonly #sql: Statements;
  readonly #onPoint: PostgresBudgetStoreOptions['onPoint'];
  /** The newest entry handed over or written: it must never be gone. */
  #seen: ChainHead | null = null;

  /**
   * @param connection - to begin with
   * @param open - a new connection to the server
   * @param budget - number of the budget in the table `budgets`
   */
  constructor(
    connection: PostgresConnection,
    open: () => Promise<PostgresConnection>,
    budget: number,
    schema: string,
    waits: PostgresWaits,
    options: PostgresBudgetStoreOptions,
  ) {
    this.#budget = budget;
    this.#schema = schema;
    this.#writer = new PostgresLane(open, connection);
    this.#reader = new PostgresLane(open);
    this.#sql = statementsIn(schema);
    this.#onPoint = options.onPoint;
    // Whatever the server's defaults are. Read committed, for what the last holder of the lock wrote must
    // be seen by a statement that comes after the lock; the version, for another process may have
    // migrated the tables meanwhile.
    const begin = (purpose: string): string =>
      `begin isolation level read committed;
       set local synchronous_commit = on;
       set local lock_timeout = ${waits.lockTimeout};
       set local idle_in_transaction_session_timeout = ${SILENCE};
       select pg_advisory_xact_lock(${advisoryKey(purpose, schema, options.budget)});
       select max(version)::integer from ${schema}.schema_version`;
    this.#begin = begin('log');
    this.#beginSnapshot = begin('snapshot');
  }

  transact<T>(position: LogPosition, decide: (news: LogNews) => LogDecision<T>): Promise<T> {
    return this.#writer.use((connection) =>
      orUndone(connection, async () => {
        const news = await this.#news(connection, position);
        await this.#onPoint?.('begun');
        const { append, pages, result } = decide(news);
        assertFollows((news.entries.at(-1)?.seq ?? position.entries) + 1, append);
        assertPages(append, pages);
        await this.#onPoint?.('decided');
        if (append.length === 0) await connection.run('commit');
        else await this.#write(connection, append, pages);
        await this.#onPoint?.('committed');
        this.#remember(append);
        return result;
      }),
    );
  }

  async *read(since: number): AsyncGenerator<readonly ChainEntry[], void, undefined> {
    for (let last = since; ; ) {
      const rows = await this.#reader.use((connection) =>
        connection.query(this.#sql.batch, [this.#budget, last, BATCH_BYTES, BATCH_ENTRIES]),
      );
      const batch = this.#after(last, rows);
      const next = batch.at(-1);
      if (next === undefined) return;
      last = next.seq;
      yield batch;
    }
  }

  pages(): Promise<readonly IdentityPage[]> {
    return this.#reader.use(async (connection) =>
      pagesOf(await connection.query(this.#sql.pages, [this.#budget, -1])),
    );
  }

  async loadSnapshot(): Promise<StateSnapshot | null> {
    const chunks = await this.#reader.use((connection) =>
      connection.query(this.#sql.snapshot, [this.#budget]),
    );
    const seq = chunks[0]?.[0];
    if (seq === undefined) return null;
    const bytes = Buffer.concat(chunks.map(([, chunk]) => chunk as Uint8Array));
    return { seq: Number(seq), bytes };
  }

  saveSnapshot({ seq, bytes }: StateSnapshot): Promise<void> {
    return this.#reader.use((connection) =>
      orUndone(connection, async () => {
        const [version] = await connection.run(this.#beginSnapshot);
        assertVersion(this.#schema, version?.[0], MIGRATIONS.length);
        const [kept] = await connection.query(this.#sql.newestSnapshot, [this.#budget]);
        if (Number(kept?.[0] ?? -1) < seq) {
          for (let from = 0, chunk = 0; chunk === 0 || from < bytes.length; chunk++) {
            const part = bytes.subarray(from, from + SNAPSHOT_CHUNK);
            await connection.query(this.#sql.saveChunk, [this.#budget, seq, chunk, part]);
            from += SNAPSHOT_CHUNK;
          }
          await connection.query(this.#sql.dropSnapshots, [this.#budget, seq]);
        }
        await connection.run('commit');
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all([this.#writer.close(), this.#reader.close()]);
  }

  /** Begins a transaction: the lock, and what happened since. */
  async #news(connection: PostgresConnection, position: LogPosition): Promise<LogNews> {
    const [[version], entries, pages] = await allOf(
      connection.run(this.#begin),
      connection.query(this.#sql.entries, [this.#budget, position.entries]),
      connection.query(this.#sql.pages, [this.#budget, position.pages]),
    );
    assertVersion(this.#schema, version?.[0], MIGRATIONS.length);
    return { entries: this.#after(position.entries, entries), pages: pagesOf(pages) };
  }

  async #write(
    connection: PostgresConnection,
    append: readonly ChainEntry[],
    pages: readonly IdentityPage[],
  ): Promise<void> {
    const stamp = append.at(-1)?.seq ?? -1;
    const inOrder = [...pages].sort((a, b) => a.page - b.page);
    const write = (portion: Portion): Promise<unknown> =>
      connection.query(this.#sql.append, appendValues(this.#budget, portion, stamp));
    const portions = portionsOf(append, inOrder);
    for (const portion of portions.slice(0, -1)) await write(portion);
    const last = portions.at(-1) as Portion;
    if (this.#onPoint === undefined) {
      // Sent together: after a failure the server takes the commit for a rollback.
      await allOf(write(last), connection.run('commit'));
      return;
    }
    await write(last);
    await this.#onPoint('written');
    await connection.run('commit');
  }

  /** Entries after `since` from rows that begin with entry `since` itself, which must still be as it was. */
  #after(since: number, rows: readonly PostgresRow[]): readonly ChainEntry[] {
    const seen = this.#seen;
    if (since >= 0 && rows[0]?.[0] !== since) throw gone(since);
    const entries: ChainEntry[] = [];
    for (const [seq, body, hash] of rows as readonly [number, Uint8Array | null, Uint8Array][]) {
      if (seq === seen?.seq && Buffer.compare(hash, seen.hash) !== 0) throw gone(seq);
      if (body !== null) entries.push({ seq, body, hash });
    }
    this.#remember(entries);
    return entries;
  }

  #remember(entries: readonly ChainEntry[]): void {
    const last = entries.at(-1);
    if (last !== undefined && last.seq > (this.#seen?.seq ?? -1)) {
      this.#seen = { seq: last.seq, hash: last.hash };
    }
  }
}

function gone(seq: number): VelaturaError {
  return new VelaturaError(
    'dp/budget-corrupt',
    `entry ${seq} of the budget log is gone: it was rolled back or altered while in use`,
    { seq },
  );
}

function pagesOf(rows: readonly PostgresRow[]): readonly IdentityPage[] {
  return (rows as readonly [number, Uint8Array][]).map(([page, bytes]) => ({ page, bytes }));
}

/** Number of the budget of that name, made if it is missing and `create` says so. */
async function budgetNumber(
  connection: PostgresConnection,
  schema: string,
  { budget, create = true }: PostgresBudgetStoreOptions,
): Promise<number> {
  const find = (): Promise<readonly PostgresRow[]> =>
    connection.query(`select id from ${schema}.budgets where name = $1::text`, [budget]);
  let [row] = await find();
  if (row === undefined) {
    if (!create) throw missingBudget(schema, budget);
    const insert = `insert into ${schema}.budgets (name) values ($1::text) on conflict do nothing`;
    await connection.query(insert, [budget]);
    [row] = await find();
  }
  return row?.[0] as number;
}

function missingBudget(schema: string, budget: string): VelaturaError {
  return new VelaturaError(
    'data/missing-file',
    `schema "${schema}": there is no budget "${budget}"`,
    { schema, budget },
  );
}

async function assertSyncs(connection: PostgresConnection): Promise<void> {
  const [row] = await connection.run(`select current_setting('fsync')`);
  if (row?.[0] === 'off') {
    throw new VelaturaError(
      'dp/budget-unavailable',
      'PostgreSQL runs with fsync=off: a power cut would lose charges ("allowFsyncOff" for tests)',
      { fsync: 'off' },
    );
  }
}

/**
 * Opens the log of a budget in PostgreSQL (tried with 15 and 18), and makes its tables when they are missing.
 * Needs the package `postgres` (^3.4.9), which is loaded here. Keeps one connection, and a second one for long
 * reads.
 *
 * Every transaction is committed with `synchronous_commit = on`. After a cut the next call connects anew.
 * Statements are prepared; `?prepare=false` in the URL does without, for a pooler that does not keep them.
 *
 * ## Privacy
 * The tables hold keyed pseudonyms of everyone in the budget (`pages`) and what was spent (`log`): personal
 * data, to be guarded and backed up as such. A role that only spends needs `select` and `insert` on all
 * tables, `update` on `pages` and `delete` on `snapshots`; nobody needs to change or delete rows of `log`.
 * Old row versions of pages stay until the server vacuums, and in its write-ahead log and backups as long
 * as those are kept: erasure is complete only after that.
 *
 * @param address - `postgres://user:password@host:port/database`, or its parts; never shown in an error
 * @throws {VelaturaError} `dp/budget-unavailable` without the package or the server; `dp/budget-corrupt` when
 * the tables are of another version; `data/missing-file` when `create` is false and there is no such budget
 */
export async function openPostgresBudgetStore(
  address: string | PostgresAddress,
  options: PostgresBudgetStoreOptions,
): Promise<PostgresBudgetStore> {
  const { budget, schema = DEFAULT_SCHEMA, create = true, allowFsyncOff = false } = options;
  if (budget === '' || budget.includes('\0') || !isWellFormedText(budget)) {
    throw new RangeError('"budget" expected a name, well formed and without NUL');
  }
  if (!SCHEMA_NAME.test(schema)) {
    throw new RangeError(
      `"schema" expected lower case letters, digits and _, at most 63, got ${schema}`,
    );
  }
  const waits = postgresWaits(options);
  const open = (): Promise<PostgresConnection> => PostgresConnection.open(address, waits);
  const connection = await open();
  try {
    if (!allowFsyncOff) await assertSyncs(connection);
    if (!create && (await schemaVersion(connection, schema)) === 0) {
      throw missingBudget(schema, budget);
    }
    await migrate(connection, schema, waits.lockTimeout);
    const number = await budgetNumber(connection, schema, options);
    return new PostgresBudgetStore(connection, open, number, schema, waits, options);
  } catch (error) {
    await connection.close();
    throw error;
  }
}
