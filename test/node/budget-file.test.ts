import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { BudgetPolicy } from '../../src/dp/budget/policy.ts';
import {
  budgetKeyPath,
  openBudgetFile,
  openExistingBudgetFile,
  verifyBudgetFile,
} from '../../src/node/budget-file.ts';
import { SqliteConnection } from '../../src/node/sqlite.ts';

const root = mkdtempSync(join(tmpdir(), 'velatura-budget-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'x-'));
  path = join(folder, 'budget.sqlite');
});

const policy: BudgetPolicy = {
  version: 1,
  currency: 'auto',
  delta: 1e-6,
  user: { epsilon: 3 },
  scenes: { live: { perUser: { epsilon: 2 } } },
  reservationLease: 'PT10M',
};
const relation = 'zero-out-one-user';
const terms = { policy, unit: 'user', relation } as const;
const plan = { unit: 'user', relation, event: { kind: 'gaussian', noiseMultiplier: 6 } } as const;

async function spend(times: number): Promise<void> {
  const budget = await openBudgetFile(path, terms);
  for (let i = 0; i < times; i++) {
    const idempotencyKey = `${Math.random()}`;
    const request = { scene: 'live', accounts: ['anna', 'bert'], plan, idempotencyKey };
    const decision = await budget.reserve(request);
    if (decision.kind === 'refused') throw new Error(decision.refusal.message);
    await budget.commit(decision.reservation.id);
  }
  await budget.close();
}

function edit(sql: string): void {
  const connection = new SqliteConnection(path, 1000);
  connection.exec(sql);
  connection.rows('pragma wal_checkpoint(truncate)');
  connection.close();
}

describe('openBudgetFile', () => {
  it('begins a budget and its key, both for the owner only', async () => {
    await spend(1);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(budgetKeyPath(path)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(budgetKeyPath(path), 'utf8'))).toEqual({
      version: 1,
      secrets: [expect.stringMatching(/^[0-9a-f]{64}$/)],
      signingKey: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const others = readdirSync(folder).filter((name) => !/sqlite(-wal|-shm|\.key)?$/.test(name));
    expect(others).toEqual([]);
  });

  it('continues what was spent', async () => {
    await spend(1);
    await spend(1);
    const budget = await openBudgetFile(path, terms);
    const [all] = await budget.summary();
    expect(all).toMatchObject({ accounts: 2, releases: 2 });
    await budget.close();
  });

  it('never writes an account id', async () => {
    await spend(2);
    for (const name of readdirSync(folder)) {
      const bytes = readFileSync(join(folder, name)).toString('latin1');
      expect(bytes).not.toContain('anna');
      expect(bytes).not.toContain('bert');
    }
  });

  it('begins once when asked several times at once', async () => {
    const budgets = await Promise.all([1, 2, 3, 4].map(() => openBudgetFile(path, terms)));
    const heads = await Promise.all(budgets.map(async (budget) => (await budget.verify()).head));
    expect(new Set(heads).size).toBe(1);
    for (const budget of budgets) await budget.close();
  });

  it.each([
    ['the key', () => rmSync(budgetKeyPath(path))],
    ['the budget', () => rmSync(path)],
    [
      'the budget but not its journal',
      () => {
        rmSync(path);
        rmSync(budgetKeyPath(path));
        writeFileSync(`${path}-wal`, 'left over');
      },
    ],
    ['half of the key', () => writeFileSync(budgetKeyPath(path), Buffer.alloc(16))],
  ])('refuses to go on when %s is missing', async (_, remove) => {
    await spend(1);
    remove();
    const before = readdirSync(folder);
    await expect(openBudgetFile(path, terms)).rejects.toMatchObject({ code: 'dp/budget-corrupt' });
    await expect(openExistingBudgetFile(path)).rejects.toMatchObject({ code: 'dp/budget-corrupt' });
    expect(readdirSync(folder).sort()).toEqual(before.sort());
  });

  it('refuses another key: everybody would start afresh', async () => {
    await spend(1);
    writeFileSync(budgetKeyPath(path), Buffer.alloc(32, 1));
    await expect(openBudgetFile(path, terms)).rejects.toMatchObject({ code: 'dp/budget-corrupt' });
  });

  it('refuses an emptied log instead of beginning anew in it', async () => {
    await spend(1);
    edit('delete from log');
    await expect(openBudgetFile(path, terms)).rejects.toMatchObject({ code: 'dp/budget-corrupt' });
    await expect(openExistingBudgetFile(path)).rejects.toMatchObject({ code: 'dp/budget-corrupt' });
  });

  it.each([
    ['cut to nothing', () => writeFileSync(path, '')],
    ['cut in half', () => writeFileSync(path, readFileSync(path).subarray(0, 4096))],
    ['another file', () => writeFileSync(path, 'user,epsilon\n')],
  ])(
    'refuses a budget that was %s with one coded error and does not touch it',
    async (_, spoil) => {
      await spend(1);
      spoil();
      const bytes = readFileSync(path);
      await expect(openBudgetFile(path, terms)).rejects.toMatchObject({
        code: 'dp/budget-corrupt',
      });
      expect(readFileSync(path).equals(bytes)).toBe(true);
    },
  );

  it('leaves nothing behind when the policy is wrong or the folder is missing', async () => {
    const wrong = { ...terms, policy: { ...policy, delta: 2 } };
    await expect(openBudgetFile(path, wrong)).rejects.toMatchObject({ code: 'dp/invalid-policy' });
    expect(readdirSync(folder)).toEqual([]);
    const elsewhere = join(folder, 'no', 'such', 'folder.sqlite');
    await expect(openBudgetFile(elsewhere, terms)).rejects.toMatchObject({
      code: 'dp/budget-unavailable',
    });
  });
});

describe('openExistingBudgetFile', () => {
  it('takes the terms from the log, and never begins a budget', async () => {
    await expect(openExistingBudgetFile(path)).rejects.toMatchObject({ code: 'data/missing-file' });
    expect(existsSync(path)).toBe(false);
    await spend(1);
    const budget = await openExistingBudgetFile(path);
    expect(budget).toMatchObject({ policy, unit: 'user', relation, currency: 'gdp' });
    expect((await budget.remaining('anna'))[0]?.spent).toBeGreaterThan(0);
    await budget.close();
  });
});

describe('verifyBudgetFile', () => {
  it('passes an honest file and every head it ever had', async () => {
    const heads: string[] = [];
    for (let i = 0; i < 3; i++) {
      await spend(1);
      heads.push((await verifyBudgetFile(path)).head);
    }
    for (const head of heads) {
      expect(await verifyBudgetFile(path, head)).toMatchObject({ ok: true, problems: [] });
    }
  });

  it('finds a file that was rolled back, by a head noted elsewhere', async () => {
    await spend(1);
    const backup = join(folder, 'backup');
    copyFileSync(path, backup);
    await spend(1);
    const { head } = await verifyBudgetFile(path);
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
    copyFileSync(backup, path);
    expect((await verifyBudgetFile(path)).ok).toBe(true);
    const { ok, problems } = await verifyBudgetFile(path, head);
    expect(ok).toBe(false);
    expect(problems).toEqual([expect.stringContaining('rolled back')]);
  });

  it.each([
    ['an edited entry', "update log set body = x'a0' where seq = 3", 'entry 3'],
    ['an edited hash', 'update log set hash = zeroblob(32) where seq = 3', 'entry 3'],
    ['a lost entry', 'delete from log where seq = 3', 'entry 3'],
    ['a lost end', 'delete from log where seq > 3', 'rolled back'],
    [
      'two entries in each other’s place',
      'update log set seq = -1 where seq = 2; update log set seq = 2 where seq = 3; update log set seq = 3 where seq = -1',
      'entry 2',
    ],
  ])('names %s', async (_, sql, expected) => {
    await spend(2);
    const { head } = await verifyBudgetFile(path);
    edit(sql);
    const { ok, problems } = await verifyBudgetFile(path, head);
    expect(ok).toBe(false);
    expect(problems.join('\n')).toContain(expected);
  });

  it('finds an alteration while the file is in use', async () => {
    await spend(1);
    const budget = await openBudgetFile(path, terms);
    edit('delete from log where seq = 3');
    const { problems } = await budget.verify();
    expect(problems).toEqual([expect.stringContaining('entry 3, which this process has seen')]);
    await budget.close();
  });
});
