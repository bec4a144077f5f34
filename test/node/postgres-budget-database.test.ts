import { spawn } from 'node:child_process';
import { afterEach, expect, it } from 'vitest';
import { epsilonOfGdp } from '../../src/dp/accounting/gdp.ts';
import type { PrivacyBudgetAccountant } from '../../src/dp/budget/budget.ts';
import { decodeRecord } from '../../src/dp/budget/log-codec.ts';
import type { BudgetPolicy } from '../../src/dp/budget/policy.ts';
import type { Plan } from '../../src/dp/plan.ts';
import {
  type BudgetDatabaseOptions,
  openBudgetDatabase,
  openExistingBudgetDatabase,
  verifyBudgetDatabase,
} from '../../src/node/budget-database.ts';
import { ed25519Signer } from '../../src/node/ed25519.ts';
import { budgetConformance } from '../../src/testing/budget-conformance.ts';
import type {
  PostgresCoordinatorReport,
  PostgresCoordinatorTask,
} from './fixtures/postgres-coordinator.ts';
import { openStore, readAll } from './fixtures/postgres-log.ts';
import { describePostgres, newSchema, postgresUrl, sql } from './fixtures/postgres-server.ts';

const secret = new Uint8Array(32).map((_, i) => i * 7 + 1);
const policy: BudgetPolicy = {
  version: 1,
  currency: 'gdp',
  delta: 1e-6,
  user: { epsilon: 2 },
  scenes: { live: { perUser: { epsilon: 1.5 } } },
  reservationLease: 'PT10M',
};
const plan: Plan = {
  unit: 'user',
  relation: 'zero-out-one-user',
  event: { kind: 'gaussian', noiseMultiplier: 8 },
};
/** Releases of the plan that the scene's quota of 1.5 admits for one account, by the exact formula. */
const FIT = Array.from({ length: 64 }, (_, k) => k + 1).filter(
  (k) => epsilonOfGdp(Math.sqrt(k) / 8, 1e-6) <= 1.5,
).length;
const looking = { budget: 'shared', secrets: [secret] };
const terms = { policy, unit: plan.unit, relation: plan.relation };

const opened: PrivacyBudgetAccountant[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((budget) => budget.close()));
});

async function open(
  schema: string,
  changes: Partial<BudgetDatabaseOptions> = {},
): Promise<PrivacyBudgetAccountant> {
  const budget = await openBudgetDatabase(postgresUrl, {
    ...looking,
    ...terms,
    schema,
    ...changes,
  });
  opened.push(budget);
  return budget;
}

async function spend(budget: PrivacyBudgetAccountant, times: number, from = 0): Promise<void> {
  for (let i = from; i < from + times; i++) {
    const request = {
      scene: 'live',
      accounts: ['anna', 'bert'],
      plan,
      idempotencyKey: `spend ${i}`,
    };
    const decision = await budget.reserve(request);
    if (decision.kind === 'refused') throw new Error(decision.refusal.message);
    await budget.commit(decision.reservation.id);
  }
}

describePostgres('a budget in PostgreSQL', () => {
  const schema = newSchema();
  let homes = 0;
  const cases = budgetConformance({
    async create() {
      let budget = `home ${homes++}`;
      return {
        durable: true,
        async reset() {
          budget = `home ${homes++}`;
        },
        open: (opening) => open(schema, { ...opening, budget }),
      };
    },
  });
  for (const { name, run } of cases) it(name, run);
});

describePostgres('openBudgetDatabase', () => {
  it('goes on where others stopped, and lets those who look after it in without its terms', async () => {
    const schema = newSchema();
    await spend(await open(schema), 2);
    await spend(await open(schema), 1, 2);
    const budget = await openExistingBudgetDatabase(postgresUrl, { ...looking, schema });
    opened.push(budget);
    expect(budget.policy).toEqual((await open(schema)).policy);
    expect((await budget.summary())[0]).toMatchObject({ accounts: 2, releases: 3 });
  });

  it('takes no missing or empty database for a budget once told not to', async () => {
    const schema = newSchema();
    const missing = { code: 'data/missing-file' };
    await expect(open(schema, { create: false })).rejects.toMatchObject(missing);
    await expect(
      openExistingBudgetDatabase(postgresUrl, { ...looking, schema }),
    ).rejects.toMatchObject(missing);
    await expect(
      verifyBudgetDatabase(postgresUrl, { budget: 'shared', schema }),
    ).rejects.toMatchObject(missing);
    await (await openStore(schema, { budget: 'shared' })).close();
    const empty = { code: 'dp/budget-corrupt' };
    await expect(open(schema, { create: false })).rejects.toMatchObject(empty);
    await expect(
      openExistingBudgetDatabase(postgresUrl, { ...looking, schema }),
    ).rejects.toMatchObject(empty);
  });

  it('refuses other secrets, and leaves no connection behind', async () => {
    const schema = newSchema();
    await spend(await open(schema), 1);
    const url = new URL(postgresUrl);
    url.searchParams.set('application_name', schema);
    const wrong = { ...looking, ...terms, schema, secrets: [new Uint8Array(32).fill(9)] };
    await expect(openBudgetDatabase(url.href, wrong)).rejects.toMatchObject({
      code: 'dp/budget-corrupt',
    });
    const left = (): Promise<readonly unknown[]> =>
      sql`select 1 from pg_stat_activity where application_name = ${schema}`;
    await expect.poll(left).toHaveLength(0);
  });

  it('keeps neither secrets nor account ids in the database', async () => {
    const schema = newSchema();
    const budget = await open(schema);
    const name = 'somebody-with-a-long-account-id';
    await budget.intern([name]);
    await budget.rotateKey(new Uint8Array(32).fill(0xab));
    for (const [table, column] of [
      ['log', 'body'],
      ['pages', 'bytes'],
      ['snapshots', 'bytes'],
    ]) {
      const rows = await sql.unsafe(`select ${column} as bytes from ${schema}.${table}`);
      for (const row of rows) {
        const bytes = row['bytes'] as Buffer;
        expect(bytes.includes(Buffer.from(secret))).toBe(false);
        expect(bytes.includes(Buffer.alloc(32, 0xab))).toBe(false);
        expect(bytes.includes(name)).toBe(false);
      }
    }
    const rows = await sql.unsafe(`select bytes from ${schema}.pages`);
    expect(rows.length).toBeGreaterThan(0);
  });
});

/** Runs a coordinator to its end. */
function coordinate(task: PostgresCoordinatorTask): Promise<PostgresCoordinatorReport> {
  const script = new URL('./fixtures/postgres-coordinator.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(output) as PostgresCoordinatorReport);
      else reject(new Error(`coordinator ended with ${code}: ${output}`));
    });
  });
}

describePostgres('eight coordinators in processes of their own', () => {
  it('begin one budget, and together admit exactly what fits the users they share', async () => {
    const schema = newSchema();
    const tasks = Array.from({ length: 8 }, (_, i) => ({
      url: postgresUrl,
      schema,
      secret: Buffer.from(secret).toString('hex'),
      policy,
      plan,
      scene: 'live',
      name: `coordinator ${i}`,
      // The shared accounts, and now and then somebody new.
      cohorts: Array.from({ length: FIT }, (_, j) =>
        j % 4 === 0 ? ['anna', 'bert', `only ${i} in ${j}`] : ['bert', 'anna'],
      ),
    }));
    const reports = await Promise.all(tasks.map(coordinate));
    const admitted = reports.flatMap((report) => report.admitted);
    const committed = reports.flatMap((report) => report.committed);
    expect(admitted).toHaveLength(FIT);
    expect(new Set(admitted).size).toBe(FIT);
    expect(new Set(committed)).toEqual(new Set(admitted));
    expect(reports.reduce((sum, { refused }) => sum + refused, 0)).toBe(7 * FIT);
    expect(
      (await verifyBudgetDatabase(postgresUrl, { budget: 'shared', schema })).problems,
    ).toEqual([]);

    const store = await openStore(schema, { budget: 'shared' });
    const kinds = (await readAll(store)).map((entry) => decodeRecord(entry).kind);
    await store.close();
    const count = (kind: string): number => kinds.filter((it) => it === kind).length;
    expect({ open: count('open'), reserve: count('reserve'), commit: count('commit') }).toEqual({
      open: 1,
      reserve: FIT,
      commit: FIT,
    });
    const budget = await open(schema);
    const [, quota] = await budget.remaining('anna', 'live');
    expect(quota?.spent).toBeLessThanOrEqual(1.5);
    expect(quota?.spent).toBeCloseTo(epsilonOfGdp(Math.sqrt(FIT) / 8, 1e-6), 6);
  });
});

describePostgres('verifyBudgetDatabase', () => {
  const verify = (schema: string, checkpoint?: Parameters<typeof verifyBudgetDatabase>[2]) =>
    verifyBudgetDatabase(postgresUrl, { budget: 'shared', schema }, checkpoint);

  it('finds nothing wrong with a budget in use', async () => {
    const schema = newSchema();
    const budget = await open(schema);
    await spend(budget, 3);
    const head = await budget.head();
    const found = await verify(schema, head);
    expect(found).toMatchObject({ ok: true, problems: [], head: head.hash });
    expect(found.entries).toBe(head.seq + 1);
  });

  const edits: Readonly<Record<string, string>> = {
    'a body': 'update $.log set body = set_byte(body, 1, get_byte(body, 1) # 1) where seq = 4',
    'a hash': 'update $.log set hash = set_byte(hash, 0, get_byte(hash, 0) # 1) where seq = 4',
    'a row taken out': 'delete from $.log where seq = 4',
    'two rows exchanged':
      'update $.log set seq = seq + 100 where seq in (4, 5); update $.log set seq = 109 - seq where seq > 100',
  };
  it.each(Object.entries(edits))('names %s that was edited by hand', async (what, edit) => {
    const schema = newSchema();
    await spend(await open(schema), 3);
    await sql.unsafe(edit.replaceAll('$', schema));
    const found = await verify(schema);
    expect(found.ok, what).toBe(false);
    expect(found.problems.join()).toMatch(/entry 4\b/);
  });

  it('names an identity page that was edited by hand', async () => {
    const schema = newSchema();
    await spend(await open(schema), 1);
    await sql.unsafe(
      `update ${schema}.pages set bytes = set_byte(bytes, 20, get_byte(bytes, 20) # 1)`,
    );
    const found = await verify(schema);
    expect(found.ok).toBe(false);
    expect(found.problems.join()).toMatch(/page 0/);
  });

  it('names a log rolled back behind a checkpoint', async () => {
    const schema = newSchema();
    const signer = ed25519Signer(new Uint8Array(32).fill(5));
    const budget = await open(schema, { signer });
    await spend(budget, 2);
    const early = await budget.head();
    await spend(budget, 2, 2);
    const late = await budget.head();
    expect((await verify(schema, late)).problems).toEqual([]);
    await sql.unsafe(`delete from ${schema}.log where seq > ${early.seq}`);
    for (const checkpoint of [late, late.hash]) {
      const found = await verify(schema, checkpoint);
      expect(found.ok).toBe(false);
      expect(found.problems.join()).toMatch(/rolled back/);
      expect(found.problems.join()).toContain(late.hash);
    }
    expect((await verify(schema, early)).problems).toEqual([]);
    await expect(spend(budget, 1, 4)).rejects.toMatchObject({ code: 'dp/budget-corrupt' });
    const other = { ...looking, schema, publicKey: new Uint8Array(32).fill(1) };
    const signed = await verifyBudgetDatabase(postgresUrl, other, early);
    expect(signed.ok).toBe(false);
  });
});
