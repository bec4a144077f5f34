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
import { type Checkpoint, signHead } from '../../src/core/signed-head.ts';
import type { BudgetPolicy } from '../../src/dp/budget/policy.ts';
import {
  budgetKeyPath,
  openBudgetFile,
  openExistingBudgetFile,
  verifyBudgetFile,
} from '../../src/node/budget-file.ts';
import { ed25519Signer, generateEd25519Seed } from '../../src/node/ed25519.ts';
import { SqliteConnection } from '../../src/node/sqlite.ts';
import { SqliteThreads } from '../../src/node/sqlite-threads.ts';

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
const threads = new SqliteThreads();
afterAll(() => threads.close());

const terms = { policy, unit: 'user', relation, threads } as const;
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

interface KeyFile {
  readonly secrets: readonly string[];
  readonly unused?: readonly string[];
  readonly signingKey: string | null;
}

function readKeys(): KeyFile {
  return JSON.parse(readFileSync(budgetKeyPath(path), 'utf8')) as KeyFile;
}

function editKeys(change: (keys: KeyFile) => KeyFile): void {
  writeFileSync(budgetKeyPath(path), JSON.stringify(change(readKeys())));
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
  ])('refuses to go on when %s is missing', async (_, remove) => {
    await spend(1);
    remove();
    const before = readdirSync(folder);
    await expect(openBudgetFile(path, terms)).rejects.toMatchObject({ code: 'dp/budget-corrupt' });
    await expect(openExistingBudgetFile(path, { threads })).rejects.toMatchObject({
      code: 'dp/budget-corrupt',
    });
    expect(readdirSync(folder).sort()).toEqual(before.sort());
  });

  it('refuses other secrets: everybody would start afresh', async () => {
    await spend(1);
    editKeys((keys) => ({ ...keys, secrets: ['01'.repeat(32)] }));
    await expect(openBudgetFile(path, terms)).rejects.toMatchObject({ code: 'dp/budget-corrupt' });
  });

  it.each([
    ['half of it', (bytes: Buffer) => bytes.subarray(0, 40)],
    ['something else', () => Buffer.alloc(32, 1)],
    ['no secret', () => Buffer.from('{"version":1,"secrets":[],"signingKey":null}')],
    ['half a secret', () => Buffer.from('{"version":1,"secrets":["00ff"],"signingKey":null}')],
    ['a number', () => Buffer.from('1')],
  ])('refuses a key file with %s, and does not quote it', async (_, spoil) => {
    await spend(1);
    const spoilt = spoil(readFileSync(budgetKeyPath(path)));
    writeFileSync(budgetKeyPath(path), spoilt);
    for (const open of [
      () => openBudgetFile(path, terms),
      () => openExistingBudgetFile(path, { threads }),
    ]) {
      const error = await open().then(
        () => null,
        (it: unknown) => it,
      );
      expect(error).toMatchObject({ code: 'data/invalid-value' });
      const secrets = /[0-9a-f]{16,}/.exec(spoilt.toString())?.[0];
      if (secrets !== undefined) expect(String(error)).not.toContain(secrets.slice(0, 16));
    }
    expect(readFileSync(budgetKeyPath(path)).equals(spoilt)).toBe(true);
  });

  it('refuses an emptied log instead of beginning anew in it', async () => {
    await spend(1);
    edit('delete from log');
    await expect(openBudgetFile(path, terms)).rejects.toMatchObject({ code: 'dp/budget-corrupt' });
    await expect(openExistingBudgetFile(path, { threads })).rejects.toMatchObject({
      code: 'dp/budget-corrupt',
    });
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

describe('rotation of the secrets', () => {
  const secretOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
  const hexOf = (byte: number): string => Buffer.from(secretOf(byte)).toString('hex');

  /** All in the key file: which of them are in force is found out on opening. */
  function knownSecrets(): readonly string[] {
    const { secrets, unused = [] } = readKeys();
    return [...secrets, ...unused];
  }

  async function spentByAnna(): Promise<number> {
    const budget = await openExistingBudgetFile(path, { threads });
    const [line] = await budget.remaining('anna');
    await budget.close();
    return line?.spent ?? 0;
  }

  async function rotate(byte: number): Promise<void> {
    const budget = await openExistingBudgetFile(path, { threads });
    await budget.rotateKey(secretOf(byte));
    await budget.close();
  }

  it('is in the key file, for the owner only, and balances stay', async () => {
    await spend(1);
    const [first] = readKeys().secrets;
    const before = await spentByAnna();
    expect(before).toBeGreaterThan(0);
    await rotate(1);
    await rotate(2);
    expect(readKeys()).toMatchObject({ secrets: [first, hexOf(1), hexOf(2)] });
    expect(statSync(budgetKeyPath(path)).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).filter((name) => name.endsWith('.new'))).toEqual([]);
    expect(await spentByAnna()).toBe(before);
    expect((await verifyBudgetFile(path, undefined, { threads })).problems).toEqual([]);
    editKeys((keys) => ({ ...keys, secrets: keys.secrets.slice(0, 2) }));
    await expect(openExistingBudgetFile(path, { threads })).rejects.toMatchObject({
      code: 'dp/budget-corrupt',
    });
  });

  it('may end after the secret was written down and before the log knows', async () => {
    await spend(1);
    const before = await spentByAnna();
    editKeys((keys) => ({ ...keys, secrets: [...keys.secrets, hexOf(1)] }));
    expect(await spentByAnna()).toBe(before);
    await rotate(2);
    expect(knownSecrets()).toEqual(expect.arrayContaining([hexOf(1), hexOf(2)]));
    expect(await spentByAnna()).toBe(before);
  });

  it('loses no secret when several rotate at once', async () => {
    await spend(1);
    const [first] = readKeys().secrets;
    const before = await spentByAnna();
    const budgets = await Promise.all(
      [1, 2, 3].map(() => openExistingBudgetFile(path, { threads })),
    );
    const outcomes = await Promise.allSettled(
      budgets.map((budget, i) => budget.rotateKey(secretOf(i + 1))),
    );
    const rotated = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [i + 1] : []));
    expect(rotated).not.toEqual([]);
    for (const budget of budgets) await budget.close();
    expect(knownSecrets()).toEqual(expect.arrayContaining([first, ...rotated.map(hexOf)]));
    expect(await spentByAnna()).toBe(before);
    expect((await verifyBudgetFile(path, undefined, { threads })).problems).toEqual([]);
  });

  it('is found again whatever order the key file came into', async () => {
    await spend(1);
    const before = await spentByAnna();
    await rotate(1);
    await rotate(2);
    await rotate(3);
    editKeys((keys) => ({
      ...keys,
      secrets: [keys.secrets[0] as string, hexOf(7), hexOf(2)],
      unused: [hexOf(3), hexOf(8), hexOf(1)],
    }));
    expect(await spentByAnna()).toBe(before);
    editKeys((keys) => ({ ...keys, unused: [hexOf(8), hexOf(1)] }));
    await expect(openExistingBudgetFile(path, { threads })).rejects.toMatchObject({
      code: 'dp/budget-corrupt',
    });
  });

  it('does not begin when the secret cannot be written down', async () => {
    await spend(1);
    const budget = await openExistingBudgetFile(path, { threads });
    const keys = readFileSync(budgetKeyPath(path));
    rmSync(budgetKeyPath(path));
    await expect(budget.rotateKey(secretOf(1))).rejects.toMatchObject({
      code: 'data/missing-file',
    });
    writeFileSync(budgetKeyPath(path), keys);
    expect((await budget.remaining('anna'))[0]?.spent).toBeGreaterThan(0);
    await budget.close();
    expect(await spentByAnna()).toBeGreaterThan(0);
  });
});

describe('openExistingBudgetFile', () => {
  it('takes the terms from the log, and never begins a budget', async () => {
    await expect(openExistingBudgetFile(path, { threads })).rejects.toMatchObject({
      code: 'data/missing-file',
    });
    expect(existsSync(path)).toBe(false);
    await spend(1);
    const budget = await openExistingBudgetFile(path, { threads });
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
      heads.push((await verifyBudgetFile(path, undefined, { threads })).head);
    }
    for (const head of heads) {
      expect(await verifyBudgetFile(path, head, { threads })).toMatchObject({
        ok: true,
        problems: [],
      });
    }
  });

  it('finds a file that was rolled back, by a head noted elsewhere', async () => {
    await spend(1);
    const backup = join(folder, 'backup');
    copyFileSync(path, backup);
    await spend(1);
    const { head } = await verifyBudgetFile(path, undefined, { threads });
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
    copyFileSync(backup, path);
    expect((await verifyBudgetFile(path, undefined, { threads })).ok).toBe(true);
    const { ok, problems } = await verifyBudgetFile(path, head, { threads });
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
    const { head } = await verifyBudgetFile(path, undefined, { threads });
    edit(sql);
    const { ok, problems } = await verifyBudgetFile(path, head, { threads });
    expect(ok).toBe(false);
    expect(problems.join('\n')).toContain(expected);
  });

  it('finds an alteration while the file is in use', async () => {
    await spend(1);
    const budget = await openBudgetFile(path, terms);
    edit('delete from log where seq = (select max(seq) from log)');
    const verdict = await budget.verify().then(
      ({ problems }) => problems.join(),
      (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
    );
    expect(verdict).toMatch(/entry \d+.* (?:rolled back|altered)/);
    await budget.close();
  });

  it.each([
    ['was altered', 'update pages set bytes = zeroblob(length(bytes))', 'page 0'],
    ['was removed', 'delete from pages', 'page'],
  ])('names an identity page that %s', async (_, sql, expected) => {
    await spend(1);
    edit(sql);
    const { ok, problems } = await verifyBudgetFile(path, undefined, { threads });
    expect(ok).toBe(false);
    expect(problems.join('\n')).toContain(expected);
    await expect(openBudgetFile(path, terms)).rejects.toMatchObject({ code: 'dp/budget-corrupt' });
  });

  it('knows who must have signed a head', async () => {
    await spend(1);
    const budget = await openExistingBudgetFile(path, { threads });
    const head = await budget.head();
    await budget.close();
    await spend(1);
    const problemsOf = async (checkpoint: Checkpoint): Promise<string> =>
      (await verifyBudgetFile(path, checkpoint, { threads })).problems.join();
    expect(head.signature).not.toBeNull();
    expect(await problemsOf(head)).toBe('');
    expect(await problemsOf({ ...head, time: head.time + 1 })).toContain('signature');
    expect(await problemsOf({ ...head, publicKey: null, signature: null })).toContain('not signed');
    const signer = ed25519Signer(generateEd25519Seed());
    const chainHead = { seq: head.seq, hash: Buffer.from(head.hash, 'hex') };
    const forged = await signHead(chainHead, head.time, signer);
    expect(await problemsOf(forged)).toContain('not by the expected key');
    const { publicKey } = signer;
    expect((await verifyBudgetFile(path, forged, { publicKey, threads })).problems).toEqual([]);
    editKeys((keys) => ({ ...keys, signingKey: null }));
    expect(await problemsOf(head)).toBe('');
    expect(await problemsOf({ ...head, publicKey: null, signature: null })).toBe('');
    rmSync(budgetKeyPath(path));
    expect(await problemsOf(head)).toBe('');
    expect(await problemsOf(head.hash)).toBe('');
  });
});
