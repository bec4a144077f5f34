import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBudgetDatabase } from '../../src/node/budget-database.ts';
import { encodeBudgetKeys, newBudgetKeys } from '../../src/node/budget-keys.ts';
import { describePostgres, newSchema, postgresUrl } from '../node/fixtures/postgres-server.ts';
import { budget, NOW, PLAN, POLICY, spend, TERMS, threads } from './budget-fixture.ts';

describePostgres('budget commands on PostgreSQL', () => {
  const folder = mkdtempSync(join(tmpdir(), 'velatura-budget-pg-'));
  const schema = newSchema();
  const key = join(folder, 'tags.key');
  const file = (name: string): string => join(folder, name);
  const unlocked = ['--budget', postgresUrl, '--schema', schema, '--name', 'tags'];
  const place = [...unlocked, '--key', key];

  beforeAll(async () => {
    const keys = newBudgetKeys();
    writeFileSync(key, encodeBudgetKeys(keys));
    writeFileSync(file('plan.json'), JSON.stringify(PLAN));
    writeFileSync(file('policy.json'), JSON.stringify({ ...POLICY, user: { epsilon: 1.3 } }));
    const opened = await openBudgetDatabase(postgresUrl, {
      budget: 'tags',
      schema,
      policy: POLICY,
      ...TERMS,
      secrets: keys.secrets,
      clock: () => NOW,
    });
    await spend(opened);
    await opened.close();
  });

  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await threads.close();
  });

  it('shows, with a key, and never the password', async () => {
    const { code, json, printed } = await budget.show(...place, '--accountant', 'pld');
    expect(code).toBe(0);
    expect(json.users).toMatchObject({ accounts: 2, releases: 4 });
    expect(json.odometer.rows[0]).toMatchObject({ releases: 4 });
    expect(json.chain.signedHead.publicKey).toMatch(/^[0-9a-f]{64}$/);
    expect(printed).not.toContain('postgres://');
    expect(await budget.show(...unlocked)).toMatchObject({ code: 64, errorCode: 'cli/usage' });
    const elsewhere = await budget.show(...place, '--name', 'other');
    expect(elsewhere).toMatchObject({ code: 1, errorCode: 'data/missing-file' });
  });

  it.each([
    ['--name', ''],
    ['--schema', 'Bad'],
    ['--schema', ''],
  ])('calls %s %j wrong usage', async (option, value) => {
    const run = await budget.show(...place, option, value);
    expect(run).toMatchObject({ code: 64, errorCode: 'cli/usage' });
    const verify = await budget.verify(...unlocked, option, value);
    expect(verify).toMatchObject({ code: 64, errorCode: 'cli/usage' });
  });

  it('verifies and exports the log without a key', async () => {
    const { json } = await budget.verify(...unlocked);
    expect(json).toMatchObject({ users: null, chain: { ok: true } });
    const out = file('log.json');
    const run = await budget.export(...unlocked, '--what', 'log', '--format', 'json', '--out', out);
    expect(run.code).toBe(0);
    expect(JSON.parse(readFileSync(out, 'utf8')).at(-1).hash).toBe(json.chain.head);
    expect((await budget.verify(...place)).json.users.accounts).toBe(2);
  });

  it('forecasts, tries a policy out and sets it, and freezes', async () => {
    const forecast = await budget.forecast(
      ...place,
      '--scene',
      'live',
      '--plan',
      file('plan.json'),
    );
    expect(forecast.json).toMatchObject({ accounts: 3, least: 2, median: 4 });
    const policy = ['--policy', file('policy.json')];
    const { json: before } = await budget.verify(...unlocked);
    const trial = await budget.setPolicy(...place, ...policy, '--dry-run');
    expect(trial.json.overLimit).toEqual([{ scene: null, epoch: null, before: 0, after: 1 }]);
    expect((await budget.verify(...unlocked)).json.chain).toEqual(before.chain);
    expect((await budget.setPolicy(...place, ...policy)).json.applied).toBe(true);
    expect((await budget.freeze(...place, '--scene', 'shop', '--yes')).code).toBe(0);
    const { json } = await budget.show(...place);
    expect(json.users.allowed).toBe(1.3);
    expect(json.scenes.map((row: { frozen: boolean }) => row.frozen)).toEqual([false, true]);
    expect((await budget.verify(...unlocked)).code).toBe(0);
  });
});
