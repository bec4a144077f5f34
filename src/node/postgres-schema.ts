import { createHash } from 'node:crypto';
import { VelaturaError } from '../core/errors.ts';
import type { PostgresConnection } from './postgres-connection.ts';

/** A step of the schema: the statements that lead to version `index + 1`. Never changed once released. */
export type Migration = (schema: string) => string;

/**
 * Bodies are stored as they are (`external`): hashes and gaps of random handles do not compress, and trying
 * costs time inside the lock. The foreign key keeps the name of a budget from vanishing over its log, which
 * would make the next process begin a new one.
 */
const BUDGETS: Migration = (schema) => `
  create table ${schema}.budgets (
    id integer generated always as identity primary key,
    name text not null unique
  );
  create table ${schema}.log (
    budget integer not null references ${schema}.budgets (id),
    seq bigint not null check (seq >= 0),
    body bytea not null,
    hash bytea not null,
    primary key (budget, seq)
  );
  create table ${schema}.pages (
    budget integer not null,
    page integer not null check (page >= 0),
    seq bigint not null,
    bytes bytea not null,
    primary key (budget, page)
  );
  create index pages_by_seq on ${schema}.pages (budget, seq);
  create table ${schema}.snapshots (
    budget integer not null,
    seq bigint not null,
    chunk integer not null,
    bytes bytea not null,
    primary key (budget, seq, chunk)
  );
  alter table ${schema}.log alter column body set storage external;
  alter table ${schema}.pages alter column bytes set storage external;
  alter table ${schema}.snapshots alter column bytes set storage external;
`;

/** All steps, in order. */
export const MIGRATIONS: readonly Migration[] = [BUDGETS];

/** A lock of the whole database by name: 64 bits, so that others who use advisory locks are not met. */
export function advisoryKey(purpose: string, schema: string, budget = ''): string {
  const name = ['velatura', purpose, schema, budget].join('\0');
  return createHash('sha256').update(name).digest().readBigInt64BE(0).toString();
}

/** The schema's version, 0 while there is none. */
export async function schemaVersion(
  connection: PostgresConnection,
  schema: string,
): Promise<number> {
  // Not `to_regclass`: it may answer from before the lock was waited for.
  const tables = await connection.run(
    `select 1 from pg_catalog.pg_tables
     where schemaname = '${schema}' and tablename = 'schema_version'`,
  );
  if (tables.length === 0) return 0;
  const [version] = await connection.run(
    `select coalesce(max(version), 0)::integer from ${schema}.schema_version`,
  );
  return version?.[0] as number;
}

/**
 * Throws unless the schema has the version this code was written for.
 *
 * @throws {VelaturaError} `dp/budget-corrupt`
 */
export function assertVersion(schema: string, found: unknown, known: number): void {
  if (found === known) return;
  throw new VelaturaError(
    'dp/budget-corrupt',
    `schema "${schema}": budget tables of version ${String(found)}, expected ${known}`,
    { schema, expected: known },
  );
}

/**
 * Brings the tables of a schema to the newest version, all steps or none. Processes that do so at the same
 * time wait for one another; one that finds nothing to do needs no right to create anything.
 *
 * @throws {VelaturaError} `dp/budget-corrupt` when the tables are newer than this code; `dp/budget-unavailable`
 */
export async function migrate(
  connection: PostgresConnection,
  schema: string,
  lockTimeout: number,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  const known = migrations.length;
  if ((await schemaVersion(connection, schema)) === known) return;
  await connection.run(
    `begin isolation level read committed;
     set local lock_timeout = ${lockTimeout};
     select pg_advisory_xact_lock(${advisoryKey('migrate', schema)})`,
  );
  try {
    const found = await schemaVersion(connection, schema);
    if (found > known) assertVersion(schema, found, known);
    if (found === 0) {
      await connection.run(
        `create schema if not exists ${schema};
         create table ${schema}.schema_version (
           version integer primary key, applied timestamptz not null default now()
         )`,
      );
    }
    for (const [i, migration] of migrations.entries()) {
      if (i < found) continue;
      await connection.run(migration(schema));
      await connection.run(`insert into ${schema}.schema_version (version) values (${i + 1})`);
    }
    await connection.run('commit');
  } catch (error) {
    await connection.run('rollback').catch(() => connection.abandon());
    throw error;
  }
}
