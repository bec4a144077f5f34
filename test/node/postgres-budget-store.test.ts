import { execFile } from 'node:child_process';
import { inspect, promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { openPostgresBudgetStore } from '../../src/node/postgres-budget-store.ts';
import { advisoryKey } from '../../src/node/postgres-schema.ts';
import { budgetStoreConformance } from '../../src/testing/budget-store-conformance.ts';
import {
  appendText,
  CHAIN,
  entriesAfter,
  fill,
  NOTHING,
  openStore,
  readAll,
} from './fixtures/postgres-log.ts';
import { describePostgres, newSchema, postgresUrl, sql } from './fixtures/postgres-server.ts';

describePostgres('PostgresBudgetStore', () => {
  const cases = budgetStoreConformance({
    async create() {
      const schema = newSchema();
      return { open: () => openStore(schema) };
    },
  });
  for (const { name, run } of cases) it(name, run);
});

describePostgres('a server with careless defaults', () => {
  const careless = new URL(postgresUrl || 'postgres://x');
  careless.searchParams.set('synchronous_commit', 'off');
  careless.searchParams.set('default_transaction_isolation', 'serializable');

  const cases = budgetStoreConformance({
    async create() {
      const schema = newSchema();
      return { open: () => openStore(schema, {}, careless.href) };
    },
  });
  for (const { name, run } of cases.filter((it) => it.name.includes('one decide at a time'))) {
    it(name, run);
  }

  it('still commits to the disk, and takes the lock from one who fell silent', async () => {
    const schema = newSchema();
    const store = await openStore(schema, {}, careless.href);
    await sql.unsafe(`
      create table ${schema}.noted (durable text, silence text);
      create function ${schema}.note() returns trigger language plpgsql as $$ begin
        insert into ${schema}.noted values (current_setting('synchronous_commit'),
          current_setting('idle_in_transaction_session_timeout'));
        return new;
      end $$;
      create trigger note after insert on ${schema}.log for each row execute function ${schema}.note()`);
    await fill(store, 1);
    expect(await sql.unsafe(`select * from ${schema}.noted`)).toEqual([
      { durable: 'on', silence: '1min' },
    ]);
    await store.close();
  });
});

describePostgres('without prepared statements', () => {
  const url = new URL(postgresUrl || 'postgres://x');
  url.searchParams.set('prepare', 'false');
  const cases = budgetStoreConformance({
    async create() {
      const schema = newSchema();
      return { open: () => openStore(schema, {}, url.href) };
    },
  });
  for (const { name, run } of cases.filter((it) => /one decide|never shows|byte/.test(it.name))) {
    it(name, run);
  }
});

describePostgres('several budgets', () => {
  it('share a schema without seeing one another', async () => {
    const schema = newSchema();
    const [one, two] = await Promise.all([
      openStore(schema, { budget: 'one' }),
      openStore(schema, { budget: 'two; drop table log; --' }),
    ]);
    await fill(one, 3);
    await appendText(two, 'mine');
    await two.saveSnapshot({ seq: 0, bytes: Uint8Array.of(1) });
    expect(await readAll(one)).toHaveLength(3);
    expect(await readAll(two)).toHaveLength(1);
    expect(await one.pages()).toEqual([]);
    expect(await one.loadSnapshot()).toBeNull();
    await Promise.all([one.close(), two.close()]);
  });

  it('are not made by those who only look', async () => {
    const schema = newSchema();
    const missing = { code: 'data/missing-file' };
    await expect(openStore(schema, { create: false })).rejects.toMatchObject(missing);
    expect(await sql`select 1 from pg_namespace where nspname = ${schema}`).toHaveLength(0);
    await (await openStore(schema, { budget: 'other' })).close();
    await expect(openStore(schema, { create: false })).rejects.toMatchObject(missing);
    await (await openStore(schema)).close();
    await (await openStore(schema, { create: false })).close();
  });

  it('have plain names', async () => {
    for (const schema of ['', 'Velatura', 'a-b', 'a"b', 'x'.repeat(64), '1a']) {
      await expect(openStore(schema)).rejects.toThrow(RangeError);
    }
    for (const budget of ['', 'a\0b', '\ud800']) {
      await expect(openStore(newSchema(), { budget })).rejects.toThrow(RangeError);
    }
  });
});

describePostgres('snapshots', () => {
  it('take no more room than the newest needs', async () => {
    const schema = newSchema();
    const store = await openStore(schema);
    const kept = async (): Promise<readonly unknown[]> =>
      (await sql.unsafe(`select seq, chunk from ${schema}.snapshots order by seq, chunk`)).map(
        ({ seq, chunk }) => [Number(seq), chunk],
      );
    await store.saveSnapshot({ seq: 4, bytes: new Uint8Array((2 << 20) + 1) });
    expect(await kept()).toEqual([
      [4, 0],
      [4, 1],
      [4, 2],
    ]);
    await store.saveSnapshot({ seq: 9, bytes: new Uint8Array(1 << 20) });
    await store.saveSnapshot({ seq: 4, bytes: new Uint8Array(3) });
    await store.saveSnapshot({ seq: 9, bytes: new Uint8Array(3) });
    expect(await kept()).toEqual([[9, 0]]);
    expect((await store.loadSnapshot())?.bytes).toHaveLength(1 << 20);
    await store.close();
  });
});

describePostgres('large transactions', () => {
  it('are spread over several statements, all of them or none', async () => {
    const schema = newSchema();
    const store = await openStore(schema);
    const append = entriesAfter(CHAIN.start(), 5, 2 << 20);
    const pages = Array.from({ length: 1000 }, (_, page) => ({
      page: 999 - page,
      bytes: new Uint8Array(4112).fill(page),
    }));
    await sql.unsafe(`alter table ${schema}.pages add constraint few check (page < 999)`);
    await expect(
      store.transact(NOTHING, () => ({ append, pages, result: null })),
    ).rejects.toMatchObject({ code: 'dp/budget-unavailable', details: { reason: '23514' } });
    expect(await readAll(store)).toEqual([]);
    await sql.unsafe(`alter table ${schema}.pages drop constraint few`);
    await store.transact(NOTHING, () => ({ append, pages, result: null }));
    expect((await readAll(store)).map(({ body }) => body.length)).toEqual(Array(5).fill(2 << 20));
    const stored = await store.pages();
    expect(stored.map(({ page }) => page)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(stored[7]?.bytes[0]).toBe((999 - 7) % 256);
    await store.close();
  });
});

describePostgres('a log that changes while in use', () => {
  const changes = {
    'rolled back': 'delete from $.log where seq >= 2',
    altered: "update $.log set hash = '\\x00' where seq = 3",
    dropped: 'drop schema $ cascade',
  };
  it.each(Object.entries(changes))('is found to be %s', async (_, change) => {
    const schema = newSchema();
    const store = await openStore(schema);
    await fill(store, 4);
    const other = await openStore(schema);
    expect(await readAll(other)).toHaveLength(4);
    await sql.unsafe(change.replaceAll('$', schema));
    for (const handle of [store, other]) {
      let asked = false;
      const use = handle.transact({ entries: 3, pages: 3 }, () => {
        asked = true;
        return { append: [], pages: [], result: null };
      });
      await expect(use).rejects.toMatchObject({ code: 'dp/budget-corrupt' });
      expect(asked).toBe(false);
      await expect(readAll(handle, 3)).rejects.toMatchObject({ code: 'dp/budget-corrupt' });
    }
    await Promise.all([store.close(), other.close()]);
  });

  it('is not written over by an entry that came past the lock', async () => {
    const schema = newSchema();
    const [first, second] = entriesAfter(CHAIN.start(), 2);
    const intruder = CHAIN.append(first ?? CHAIN.start(), Uint8Array.of(1));
    const store = await openStore(schema, {
      async onPoint(point) {
        if (point !== 'decided' || second === undefined) return;
        const rows = await sql.unsafe(`select count(*)::integer as n from ${schema}.log`);
        if (rows[0]?.['n'] === 0) return;
        await sql.unsafe(
          `insert into ${schema}.log select budget, 1, $1, $2 from ${schema}.log limit 1`,
          [intruder.body, intruder.hash],
        );
      },
    });
    const append = (entries: number, entry = first) =>
      store.transact({ entries, pages: entries }, () => ({
        append: entry === undefined ? [] : [entry],
        pages: [{ page: 0, bytes: Uint8Array.of(entries + 1) }],
        result: null,
      }));
    await append(-1);
    const error = await append(0, second).catch((it: unknown) => it);
    expect(error).toMatchObject({ code: 'dp/budget-unavailable', details: { reason: '23505' } });
    // The driver's error holds what was to be written.
    const shown = inspect(error, { showHidden: true, depth: 9 });
    expect(shown).not.toContain(Buffer.from(second?.hash ?? []).toString('hex'));
    const log = await readAll(store);
    expect(log).toHaveLength(2);
    expect(CHAIN.fault(CHAIN.start(), log)).toBeNull();
    expect(Buffer.from(log[1]?.hash ?? [])).toEqual(Buffer.from(intruder.hash));
    expect((await store.pages())[0]?.bytes).toEqual(Buffer.of(0));
    await store.close();
  });
});

describePostgres('waiting', () => {
  it('ends when another one holds the lock too long', async () => {
    const schema = newSchema();
    const store = await openStore(schema, { lockTimeout: 50 });
    const key = advisoryKey('log', schema, 'test');
    const held = sql.begin(async (holder) => {
      await holder.unsafe(`select pg_advisory_xact_lock(${key})`);
      await expect(fill(store, 1)).rejects.toMatchObject({
        code: 'dp/budget-unavailable',
        details: { reason: '55P03' },
      });
      expect(await readAll(store)).toEqual([]);
    });
    await held;
    await fill(store, 1);
    await store.close();
  });

  it('ends when the server says nothing', async () => {
    const schema = newSchema();
    const store = await openStore(schema, { lockTimeout: 10, answerTimeout: 100 });
    await sql.begin(async (holder) => {
      await holder.unsafe(`lock table ${schema}.pages in access exclusive mode`);
      const begun = performance.now();
      await expect(store.pages()).rejects.toMatchObject({ code: 'dp/budget-unavailable' });
      expect(performance.now() - begun).toBeLessThan(5000);
    });
    expect(await store.pages()).toEqual([]);
    await store.close();
  });

  it('has times that make sense', async () => {
    for (const bad of [0, -1, 1.5, Number.NaN, 2 ** 31]) {
      await expect(openStore(newSchema(), { lockTimeout: bad })).rejects.toThrow(RangeError);
    }
  });
});

describe('without the package', () => {
  it('says what to install', async () => {
    const hook = `export async function resolve(name, context, next) {
      if (name === 'postgres') throw Object.assign(new Error(), { code: 'ERR_MODULE_NOT_FOUND' });
      return next(name, context);
    }`;
    const store = new URL('../../src/node/postgres-budget-store.ts', import.meta.url).href;
    const script = `
      import { register } from 'node:module';
      register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hook)}));
      const { openPostgresBudgetStore } = await import(${JSON.stringify(store)});
      const error = await openPostgresBudgetStore('postgres://x', { budget: 'x' }).catch((it) => it);
      console.log(JSON.stringify({ code: error.code, message: error.message }));`;
    const run = promisify(execFile);
    const flags = ['--import', 'tsx', '--input-type=module', '-e', script];
    const { stdout } = await run(process.execPath, flags);
    expect(JSON.parse(stdout)).toEqual({
      code: 'dp/budget-unavailable',
      message: expect.stringContaining('npm install postgres@'),
    });
  });
});

describePostgres('closing', () => {
  it('gives up on what waits for too long, and leaves no connection behind', async () => {
    const schema = newSchema();
    const url = new URL(postgresUrl);
    url.searchParams.set('application_name', schema);
    const store = await openStore(schema, {}, url.href);
    await sql.begin(async (holder) => {
      await holder.unsafe(`select pg_advisory_xact_lock(${advisoryKey('log', schema, 'test')})`);
      const waiting = [appendText(store, 'one'), appendText(store, 'two')];
      const outcomes = Promise.allSettled(waiting);
      const begun = performance.now();
      await store.close();
      expect(performance.now() - begun).toBeLessThan(9000);
      for (const outcome of await outcomes) {
        expect(outcome).toMatchObject({ reason: { code: 'dp/budget-unavailable' } });
      }
    });
    const left = (): Promise<readonly unknown[]> =>
      sql`select 1 from pg_stat_activity where application_name = ${schema}`;
    await expect.poll(left).toHaveLength(0);
    const again = await openStore(schema);
    expect(await readAll(again)).toEqual([]);
    await again.close();
  });
});

describePostgres('a server that is not there', () => {
  it.each([
    'postgres://someone:topsecret@127.0.0.1:9/none',
    'postgres://someone:topsecret@[127.0.0.1:9/none',
    'postgres://someone:topsecret@no-such-host.invalid/none',
    'postgres://someone:topsecret@127.0.0.1:9/none?sslmode=require',
  ])('is unavailable, and the password stays secret: %s', async (url) => {
    const error: unknown = await openStore('nowhere', { connectTimeout: 2000 }, url).catch(
      (it: unknown) => it,
    );
    expect(error).toMatchObject({ code: 'dp/budget-unavailable' });
    const { message, stack, cause, details } = error as Error & { details: object };
    expect([message, stack, String(cause), JSON.stringify(details)].join()).not.toMatch(
      /topsecret/,
    );
  });

  it('is reached by its parts as well as by a URL', async () => {
    const { hostname, port, username, password, pathname } = new URL(postgresUrl);
    const address = {
      host: hostname,
      port: Number(port || 5432),
      user: decodeURIComponent(username),
      password: async () => decodeURIComponent(password),
      database: pathname.slice(1),
    };
    const store = await openPostgresBudgetStore(address, { budget: 'b', schema: newSchema() });
    await fill(store, 1);
    await store.close();
  });
});
