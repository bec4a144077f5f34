import { expect, it } from 'vitest';
import { PostgresConnection, postgresWaits } from '../../src/node/postgres-connection.ts';
import {
  advisoryKey,
  MIGRATIONS,
  type Migration,
  migrate,
  schemaVersion,
} from '../../src/node/postgres-schema.ts';
import { fill, NOTHING, openStore, readAll } from './fixtures/postgres-log.ts';
import { describePostgres, newSchema, postgresUrl, sql } from './fixtures/postgres-server.ts';

const waits = postgresWaits({});
/** A step as a later release might bring it. */
const LATER: Migration = (schema) =>
  `create table ${schema}.later (a integer); insert into ${schema}.later values (1)`;

async function connected<T>(work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
  const connection = await PostgresConnection.open(postgresUrl, waits);
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

const migrated = (schema: string, steps: readonly Migration[]): Promise<number> =>
  connected(async (connection) => {
    await migrate(connection, schema, waits.lockTimeout, steps);
    return schemaVersion(connection, schema);
  });

const versions = async (schema: string): Promise<readonly unknown[]> =>
  (await sql.unsafe(`select version from ${schema}.schema_version order by version`)).map(
    ({ version }) => version,
  );

describePostgres('migrations', () => {
  it('are done once, however many begin at the same time', async () => {
    const schema = newSchema();
    const stores = await Promise.all(Array.from({ length: 10 }, () => openStore(schema)));
    expect(await versions(schema)).toEqual(MIGRATIONS.map((_, i) => i + 1));
    expect(await sql.unsafe(`select id from ${schema}.budgets`)).toHaveLength(1);
    for (const store of stores) await store.close();
  });

  it('lead on from where a schema stands, and keep what is in it', async () => {
    const schema = newSchema();
    const store = await openStore(schema);
    const log = await fill(store, 3);
    await store.close();
    const steps = [...MIGRATIONS, LATER];
    const all = await Promise.all(Array.from({ length: 6 }, () => migrated(schema, steps)));
    expect(all).toEqual(Array(6).fill(steps.length));
    expect(await versions(schema)).toEqual(steps.map((_, i) => i + 1));
    expect(await sql.unsafe(`select a from ${schema}.later`)).toEqual([{ a: 1 }]);
    expect(await sql.unsafe(`select seq from ${schema}.log`)).toHaveLength(log.length);
  });

  it('are done all or not at all', async () => {
    const schema = newSchema();
    const broken: readonly Migration[] = [...MIGRATIONS, LATER, () => 'create tabel x (a integer)'];
    await expect(migrated(schema, broken)).rejects.toMatchObject({ code: 'dp/budget-unavailable' });
    expect(await sql`select 1 from pg_namespace where nspname = ${schema}`).toHaveLength(0);
    await migrated(schema, MIGRATIONS);
    await expect(migrated(schema, broken)).rejects.toMatchObject({ code: 'dp/budget-unavailable' });
    expect(await versions(schema)).toEqual(MIGRATIONS.map((_, i) => i + 1));
    expect(
      await sql`
      select 1 from pg_tables where schemaname = ${schema} and tablename = 'later'`,
    ).toHaveLength(0);
  });

  it('refuse tables newer than the code, those of an open store too', async () => {
    const schema = newSchema();
    const store = await openStore(schema);
    await fill(store, 1);
    await migrated(schema, [...MIGRATIONS, LATER]);
    const tooNew = {
      code: 'dp/budget-corrupt',
      message: expect.stringContaining(`version ${MIGRATIONS.length + 1}`),
    };
    await expect(openStore(schema)).rejects.toMatchObject(tooNew);
    await expect(
      store.transact(NOTHING, () => ({ append: [], pages: [], result: null })),
    ).rejects.toMatchObject(tooNew);
    await expect(store.saveSnapshot({ seq: 0, bytes: Uint8Array.of(1) })).rejects.toMatchObject(
      tooNew,
    );
    await store.close();
  });

  it('keep nobody waiting when there is nothing to do', async () => {
    const schema = newSchema();
    await (await openStore(schema)).close();
    await sql.begin(async (holder) => {
      await holder.unsafe(`select pg_advisory_xact_lock(${advisoryKey('migrate', schema)})`);
      await (await openStore(schema, { lockTimeout: 50 })).close();
    });
  });

  it('need no right to create anything when there is nothing to do', async () => {
    const schema = newSchema();
    await (await openStore(schema)).close();
    const role = `${schema}_role`;
    await sql.unsafe(`
      create role ${role} login password 'x';
      grant usage on schema ${schema} to ${role};
      grant select, insert on all tables in schema ${schema} to ${role};
      grant update on ${schema}.pages to ${role};
      grant delete on ${schema}.snapshots to ${role}`);
    try {
      const url = new URL(postgresUrl);
      url.username = role;
      url.password = 'x';
      const store = await openStore(schema, {}, url.href);
      await fill(store, 2);
      await store.saveSnapshot({ seq: 0, bytes: Uint8Array.of(1) });
      await store.saveSnapshot({ seq: 1, bytes: Uint8Array.of(2) });
      expect(await readAll(store)).toHaveLength(2);
      await store.close();
      const elsewhere = openStore(newSchema(), {}, url.href);
      await expect(elsewhere).rejects.toMatchObject({ details: { reason: '42501' } });
    } finally {
      await sql.unsafe(`drop owned by ${role}; drop role ${role}`);
    }
  });
});
