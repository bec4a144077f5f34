import { setTimeout as wait } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BudgetStore } from '../../src/dp/budget/store.ts';
import type { PostgresTransactionPoint } from '../../src/node/postgres-budget-store.ts';
import {
  appendText,
  CHAIN,
  fill,
  lockHolders,
  openStore,
  readAll,
  terminate,
} from './fixtures/postgres-log.ts';
import {
  describeOwnServer,
  describePostgres,
  newSchema,
  type OwnServer,
  startServer,
} from './fixtures/postgres-server.ts';

const POINTS: readonly PostgresTransactionPoint[] = ['begun', 'decided', 'written', 'committed'];
const unavailable = { code: 'dp/budget-unavailable' };

/** The chain holds, the page says the number of the last entry, and what was acknowledged is there. */
async function expectWhole(store: BudgetStore, acknowledged: readonly number[]): Promise<number> {
  const log = await readAll(store);
  expect(CHAIN.fault(CHAIN.start(), log)).toBeNull();
  const texts = log.map(({ body }) => Buffer.from(body).toString());
  expect(acknowledged.filter((seq) => !texts.some((text) => text === `text ${seq}`))).toEqual([]);
  const [page] = await store.pages();
  expect(page === undefined ? -1 : Number(Buffer.from(page.bytes).toString())).toBe(log.length - 1);
  return log.length;
}

/** Appends without pause until told to stop; answers what was acknowledged and how often it was not. */
async function writeOn(
  store: BudgetStore,
  name: string,
  signal: AbortSignal,
): Promise<{ readonly told: readonly string[]; readonly failures: number }> {
  const told: string[] = [];
  let failures = 0;
  for (let i = 0; !signal.aborted; i++) {
    try {
      await appendText(store, `${name} ${i}`);
      told.push(`${name} ${i}`);
    } catch (error) {
      expect(error).toMatchObject(unavailable);
      failures++;
      await wait(20);
    }
  }
  return { told, failures };
}

describePostgres('a connection that is cut', () => {
  it.each(POINTS)('when a transaction is %s: all of it or nothing, and on it goes', async (at) => {
    const schema = newSchema();
    let pids: readonly number[] = [];
    let armed = false;
    const store = await openStore(schema, {
      async onPoint(point) {
        if (!armed) return;
        if (point === 'begun') pids = await lockHolders(schema);
        if (point !== at) return;
        armed = false;
        expect(pids).toHaveLength(1);
        await terminate(pids);
      },
    });
    await appendText(store, 'text 0');
    armed = true;
    const cut = appendText(store, 'cut');
    if (at === 'committed') await expect(cut).resolves.toBe(1);
    else await expect(cut).rejects.toMatchObject(unavailable);
    expect(armed).toBe(false);
    const length = at === 'committed' ? 2 : 1;
    expect(await expectWhole(store, [0])).toBe(length);
    expect(await appendText(store, 'next')).toBe(length);
    expect(await lockHolders(schema)).toEqual([]);
    await store.close();
  });

  it('when it idles, is replaced without anybody noticing', async () => {
    const schema = newSchema();
    let pids: readonly number[] = [];
    const store = await openStore(schema, {
      async onPoint(point) {
        if (point === 'begun') pids = await lockHolders(schema);
      },
    });
    await appendText(store, 'text 0');
    await terminate(pids);
    await wait(50);
    expect(await appendText(store, 'text 1')).toBe(1);
    await store.close();
  });

  it('while a snapshot is saved, leaves the older one', async () => {
    const schema = newSchema();
    const store = await openStore(schema);
    const old = { seq: 0, bytes: new Uint8Array(3_000_000).fill(1) };
    await store.saveSnapshot(old);
    const saving = store.saveSnapshot({ seq: 1, bytes: new Uint8Array(40_000_000).fill(2) });
    const failed = expect(saving).rejects.toMatchObject(unavailable);
    let pids: readonly number[] = [];
    while (pids.length === 0) pids = await lockHolders(schema, 'snapshot');
    await terminate(pids);
    await failed;
    const kept = await store.loadSnapshot();
    expect(kept?.seq).toBe(0);
    expect(Buffer.compare(kept?.bytes ?? new Uint8Array(), old.bytes)).toBe(0);
    await store.close();
  });

  it('at any moment, under load from three sides, loses nothing that was acknowledged', async () => {
    const schema = newSchema();
    const stores = await Promise.all(Array.from({ length: 3 }, () => openStore(schema)));
    const stop = new AbortController();
    const writers = stores.map((store, i) => writeOn(store, `writer ${i}`, stop.signal));
    let cuts = 0;
    for (const end = Date.now() + 3000; Date.now() < end; await wait(Math.random() * 15)) {
      const pids = await lockHolders(schema);
      await terminate(pids);
      cuts += pids.length;
    }
    stop.abort();
    const results = await Promise.all(writers);
    const store = await openStore(schema);
    await expectWhole(store, []);
    const texts = (await readAll(store)).map(({ body }) => Buffer.from(body).toString());
    const told = results.flatMap((result) => result.told);
    expect(cuts).toBeGreaterThan(5);
    expect(results.reduce((sum, { failures }) => sum + failures, 0)).toBeGreaterThan(0);
    expect(told.length).toBeGreaterThan(20);
    expect(told.filter((text) => !texts.includes(text))).toEqual([]);
    expect(new Set(texts).size).toBe(texts.length);
    await Promise.all([...stores, store].map((it) => it.close()));
  });
});

describeOwnServer('a server that restarts', () => {
  let server: OwnServer;
  let behind: postgres.Sql;
  beforeAll(async () => {
    server = await startServer();
    behind = postgres(server.url, { max: 1, onnotice: () => {} });
  });
  afterAll(async () => {
    await behind.end({ timeout: 1 });
    await server.stop();
  });

  it.each(
    POINTS.flatMap((at) => [
      { at, how: 'shutdown' as const },
      { at, how: 'crash' as const },
    ]),
  )('by $how when a transaction is $at: all of it or nothing', async ({ at, how }) => {
    let armed = false;
    const options = {
      budget: `${at} ${how}`,
      async onPoint(point: PostgresTransactionPoint) {
        if (!armed || point !== at) return;
        armed = false;
        await server.restart(how);
      },
    };
    const store = await openStore('restarts', options, server.url);
    await appendText(store, 'text 0');
    armed = true;
    const cut = appendText(store, 'cut');
    if (at === 'committed') await expect(cut).resolves.toBe(1);
    else await expect(cut).rejects.toMatchObject(unavailable);
    const length = at === 'committed' ? 2 : 1;
    expect(await expectWhole(store, [0])).toBe(length);
    expect(await appendText(store, 'next')).toBe(length);
    await store.close();
  });

  it('again and again under load, loses nothing that was acknowledged', async () => {
    const store = await openStore('restarts', { budget: 'load' }, server.url);
    const stop = new AbortController();
    const writer = writeOn(store, 'writer', stop.signal);
    for (const how of ['crash', 'shutdown', 'crash'] as const) {
      await wait(150);
      await server.restart(how);
    }
    await wait(150);
    stop.abort();
    const { told, failures } = await writer;
    await expectWhole(store, []);
    const texts = (await readAll(store)).map(({ body }) => Buffer.from(body).toString());
    expect(failures).toBeGreaterThan(0);
    expect(told.length).toBeGreaterThan(10);
    expect(told.filter((text) => !texts.includes(text))).toEqual([]);
    await store.close();
  });

  it('is away for a while: unavailable until it is back', async () => {
    const store = await openStore('restarts', { budget: 'away' }, server.url);
    await fill(store, 2);
    await server.stop();
    await expect(appendText(store, 'away')).rejects.toMatchObject(unavailable);
    await expect(readAll(store)).rejects.toMatchObject(unavailable);
    await expect(store.pages()).rejects.toMatchObject(unavailable);
    await store.close();
    server = await startServer();
  });
});

describeOwnServer('a server without fsync', () => {
  it('is refused, unless that is asked for', async () => {
    const server = await startServer(['-c', 'fsync=off']);
    try {
      await expect(openStore('careless', {}, server.url)).rejects.toMatchObject({
        code: 'dp/budget-unavailable',
        message: expect.stringContaining('fsync=off'),
      });
      const store = await openStore('careless', { allowFsyncOff: true }, server.url);
      await fill(store, 1);
      await store.close();
      const wrong = new URL(server.url);
      wrong.password = 'topsecret';
      const error = await openStore('careless', {}, wrong.href).catch((it: Error) => it);
      expect(error).toMatchObject({ ...unavailable, details: { reason: '28P01' } });
      expect(`${error} ${(error as Error).stack}`).not.toMatch(/topsecret/);
    } finally {
      await server.stop();
    }
  });
});
