import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signHead } from '../../src/core/signed-head.ts';
import { epsilonOfPlan } from '../../src/dp/accounting/create.ts';
import type { BudgetPolicy } from '../../src/dp/budget/policy.ts';
import { budgetKeyPath, openBudgetFile } from '../../src/node/budget-file.ts';
import { encodeBudgetKeys, readBudgetKeys, withSecrets } from '../../src/node/budget-keys.ts';
import { ed25519Signer } from '../../src/node/ed25519.ts';
import {
  budget,
  charge,
  interrupted,
  MONTHLY,
  NOW,
  PLAN,
  POLICY,
  spend,
  TERMS,
  threads,
} from './budget-fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-budget-'));
afterAll(async () => {
  await threads.close();
  rmSync(folder, { recursive: true });
});

let names = 0;
const fresh = (suffix = ''): string => join(folder, `${names++}${suffix}`);

function jsonFile(document: unknown): string {
  const path = fresh('.json');
  writeFileSync(path, JSON.stringify(document));
  return path;
}

/** A budget spent as `spend` says. */
async function spentBudget(policy: BudgetPolicy, epochs?: readonly string[]): Promise<string> {
  const path = fresh('.sqlite');
  const opened = await openBudgetFile(path, { policy, ...TERMS, threads, clock: () => NOW });
  await spend(opened, epochs);
  await opened.close();
  return path;
}

let file: string;
let monthly: string;
beforeAll(async () => {
  file = await spentBudget(POLICY);
  monthly = await spentBudget(MONTHLY, ['2026-10', '2026-11', '2026-11']);
});

/** A copy of a budget, key and all, for tests that change it. */
function copyOf(path: string): string {
  const copy = fresh('.sqlite');
  for (const suffix of ['', '-wal', '.key']) {
    if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix);
  }
  return copy;
}

/** Epsilon of so many releases of the plan. */
const spentBy = (count: number, accountant: 'gdp' | 'pld' = 'gdp'): number =>
  epsilonOfPlan(
    { ...PLAN, event: { kind: 'repeated', count, event: PLAN.event } },
    1e-6,
    accountant,
  ).upper;

describe('budget show', () => {
  it('sums up by scene and in total, and names nobody', async () => {
    const { code, json, printed } = await budget.show('--budget', file);
    expect(code).toBe(0);
    expect(json.users).toMatchObject({ scene: null, accounts: 2, releases: 4 });
    expect(json.users.epsilonMax).toBeCloseTo(spentBy(4), 6);
    const [live, shop] = json.scenes;
    expect(live).toMatchObject({
      scene: 'live',
      accounts: 2,
      releases: 3,
      refused: 1,
      allowed: 1.65,
    });
    expect(live.epsilonMax).toBeCloseTo(spentBy(3), 6);
    expect(shop).toMatchObject({ scene: 'shop', accounts: 1, releases: 1 });
    expect(json.chain).toMatchObject({
      ok: true,
      problems: [],
      signedHead: { hash: json.chain.head },
    });
    expect(printed).toMatch(/live +2 +3 +1 /);
    expect(printed).toContain('Accounts by spent epsilon');
    expect(printed).toContain('█');
    expect(printed + JSON.stringify(json)).not.toMatch(/\b(?:ada|bob|cyd)\b/);
  });

  it('adds the odometer of somebody in every release beside that of the currency', async () => {
    const { json, printed } = await budget.show('--budget', file, '--accountant', 'pld');
    const [all, live] = json.odometer.rows;
    expect(json.odometer.accountant).toBe('pld');
    expect(all).toMatchObject({ scene: null, epoch: null, releases: 4, unsupported: null });
    expect(all.currency.upper).toBeCloseTo(spentBy(4), 9);
    expect(all.accountant.upper).toBe(spentBy(4, 'pld'));
    expect(live).toMatchObject({ scene: 'live', releases: 3 });
    expect(live.accountant.upper).toBe(spentBy(3, 'pld'));
    expect(printed).toMatch(/scene +releases +gdp +pld/);
    const [looser] = (await budget.show('--budget', file, '--accountant', 'zcdp')).json.odometer
      .rows;
    expect(looser.currency.upper).toBe(all.currency.upper);
    expect(looser.accountant.upper).toBeGreaterThan(all.currency.upper * 1.05);
  });

  it('shows the lines of the account asked for, and its total only once', async () => {
    const { json, printed } = await budget.show('--budget', file, '--account', 'bob');
    const total = json.account.find((line: { limit: string }) => line.limit === 'user-total');
    expect(total.spent).toBeCloseTo(spentBy(1), 6);
    expect(printed).toContain('user-scene');
    expect(json.accountKnown).toBe(true);
  });

  it('tells an account that it does not know from one that has spent nothing', async () => {
    const nobody = await budget.show('--budget', file, '--account', 'nobody');
    expect(nobody.json).toMatchObject({ accountKnown: false });
    expect(nobody.json.account[0].spent).toBe(0);
    expect(nobody.printed).toContain('not known to this budget');
    expect(nobody.printed).not.toContain('user-scene');
    // What cyd was charged was given back.
    const cyd = await budget.show('--budget', file, '--account', 'cyd');
    expect(cyd.json).toMatchObject({ accountKnown: true });
    expect(cyd.json.account[0].spent).toBe(0);
    expect(cyd.printed).not.toContain('not known');
    expect((await budget.show('--budget', file)).json).not.toHaveProperty('accountKnown');
  });

  it.each<[string, readonly string[]]>([
    ['the balances', []],
    ['another accountant', ['--accountant', 'pld']],
  ])('stops when it is told to, showing %s', async (_, more) => {
    const stopped = await interrupted(budget.show, '--budget', file, ...more);
    expect(stopped).toMatchObject({ code: 1, errorCode: 'core/aborted', printed: '' });
  });

  it('has a line an epoch and one for life where the policy renews', async () => {
    const { json, printed } = await budget.show('--budget', monthly, '--accountant', 'gdp');
    expect(json.users).toMatchObject({ scene: null, epoch: null, allowed: null });
    expect(json.users.epsilonMax).toBeCloseTo(spentBy(4), 6);
    expect(json.epochs.map((row: { epoch: string }) => row.epoch)).toEqual(['2026-10', '2026-11']);
    expect(json.epochs[1].epsilonMax).toBeCloseTo(spentBy(2), 6);
    const live = json.scenes.filter((row: { scene: string }) => row.scene === 'live');
    expect(live.map((row: { epoch: string }) => row.epoch)).toEqual(['2026-10', '2026-11']);
    const scope = (scene: string | null, epoch: string | null): { releases: number } =>
      json.odometer.rows.find(
        (row: { scene: string | null; epoch: string | null }) =>
          row.scene === scene && row.epoch === epoch,
      );
    expect(scope(null, null).releases).toBe(4);
    expect(scope(null, '2026-10').releases).toBe(2);
    expect(scope('live', '2026-11').releases).toBe(2);
    expect(scope('live', null).releases).toBe(3);
    expect(printed).toContain('for life');
    expect(printed).toContain('Accounts by spent epsilon in 2026-11');
    const newest = await budget.show('--budget', monthly, '--epochs', '1');
    expect(newest.printed).not.toMatch(/(?:live|all scenes) +2026-10/);
    expect(newest.printed).toMatch(/… and \d lines of older epochs/);
    expect(newest.json.epochs).toHaveLength(2);
  });

  it('explains the policy, and prints the conformance statement alone', async () => {
    const explained = await budget.show('--budget', file, '--explain');
    expect(explained.printed).toContain('Scene "live"');
    const { printed, json } = await budget.show('--budget', file, '--statement');
    expect(JSON.parse(printed)).toEqual(json.statement);
    expect(json.statement.guarantee).toMatchObject({ epsilon: 2.2, delta: 1e-6 });
  });

  it.each<[string, readonly string[], number, string | null]>([
    ['a file that is not there', ['--budget', '/nowhere/budget.sqlite'], 1, 'data/missing-file'],
    ['--name with a file', ['--budget', 'f', '--name', 'n'], 64, 'cli/usage'],
    ['a database without --name', ['--budget', 'postgres://localhost/db'], 64, 'cli/usage'],
    ['an unknown accountant', ['--budget', 'f', '--accountant', 'magic'], 64, null],
    ['half an epoch', ['--budget', 'f', '--epochs', '0.5'], 64, 'cli/usage'],
    ['no budget', [], 64, null],
  ])('refuses %s', async (_, args, code, errorCode) => {
    expect(await budget.show(...args)).toMatchObject({ code, errorCode });
  });
});

describe('budget verify', () => {
  it('finds a whole budget whole, with keys and users, scenes and chain in its JSON', async () => {
    const { code, json, printed } = await budget.verify('--budget', file);
    expect(code).toBe(0);
    expect(json.chain).toMatchObject({ ok: true, problems: [] });
    expect(json.users.accounts).toBe(2);
    expect(json.scenes).toHaveLength(2);
    expect(printed).toMatch(/^ok: \d+ entries/);
  });

  it('takes a checkpoint as hex, or in a file with the signed head', async () => {
    const { json } = await budget.show('--budget', file);
    const { head, signedHead } = json.chain;
    for (const checkpoint of [head, head.toUpperCase(), jsonFile(signedHead)]) {
      const { code, json: verified } = await budget.verify(
        '--budget',
        file,
        '--checkpoint',
        checkpoint,
      );
      expect([code, verified.chain.ok]).toEqual([0, true]);
    }
    const other = 'ab'.repeat(32);
    for (const checkpoint of [other, jsonFile({ ...signedHead, hash: other })]) {
      const rolled = await budget.verify('--budget', file, '--checkpoint', checkpoint);
      expect(rolled.code).toBe(1);
      expect(rolled.json).toMatchObject({ users: null, scenes: null, chain: { ok: false } });
      expect(rolled.printed).toContain('rolled back');
    }
  });

  it('holds a signed checkpoint against the key of the budget, or the one given', async () => {
    const { json } = await budget.show('--budget', file);
    const { signedHead } = json.chain;
    if (signedHead.publicKey === null) throw new Error('budget files sign their heads');
    const verify = (head: unknown, ...more: readonly string[]): ReturnType<typeof budget.verify> =>
      budget.verify('--budget', file, '--checkpoint', jsonFile(head), ...more);
    expect((await verify(signedHead, '--public-key', signedHead.publicKey)).code).toBe(0);
    const forged = await verify({ ...signedHead, time: signedHead.time + 1 });
    expect(forged.code).toBe(1);
    expect(forged.printed).toContain('signature');
    const stranger = await verify(signedHead, '--public-key', 'cd'.repeat(32));
    expect(stranger.printed).toContain('not by the expected key');
    const hash = Buffer.from(signedHead.hash, 'hex');
    const other = await signHead({ seq: signedHead.seq, hash }, NOW, ed25519Signer(hash));
    expect((await verify(other)).printed).toContain('not by the expected key');
    expect((await verify(other, '--public-key', other.publicKey as string)).code).toBe(0);
    const bare = { ...signedHead, publicKey: null, signature: null };
    for (const more of [[], ['--public-key', signedHead.publicKey]]) {
      const unsigned = await verify(bare, ...more);
      expect(unsigned).toMatchObject({ code: 1, json: { chain: { ok: false } } });
      expect(unsigned.printed).toContain('the noted head is not signed');
      expect(unsigned.printed).toContain('--checkpoint <hex>');
    }
    expect((await verify(signedHead)).printed).not.toContain('not checked');
  });

  it('takes an unsigned head for its hash, and a signature for anybody\u2019s, where it has no key', async () => {
    const { json } = await budget.show('--budget', file);
    const { signedHead } = json.chain;
    const path = copyOf(file);
    rmSync(budgetKeyPath(path));
    const verify = (head: unknown): ReturnType<typeof budget.verify> =>
      budget.verify('--budget', path, '--checkpoint', jsonFile(head));
    const unsigned = await verify({ ...signedHead, publicKey: null, signature: null });
    expect(unsigned.code).toBe(0);
    expect(unsigned.printed).not.toContain('signed');
    const signed = await verify(signedHead);
    expect(signed.code).toBe(0);
    expect(signed.printed).toContain('whose key that is was not checked');
  });

  it('says when the file of the checkpoint is not there, or is none', async () => {
    const missing = await budget.verify('--budget', file, '--checkpoint', 'missing.json');
    expect(missing).toMatchObject({ code: 1, errorCode: 'data/missing-file' });
    const short = await budget.verify('--budget', file, '--checkpoint', 'ab'.repeat(31));
    expect(short.errorCode).toBe('data/missing-file');
    const directory = await budget.verify('--budget', file, '--checkpoint', folder);
    expect(directory).toMatchObject({ code: 1, errorCode: 'data/missing-file' });
    const empty = fresh();
    writeFileSync(empty, '');
    const nothing = await budget.verify('--budget', file, '--checkpoint', empty);
    expect(nothing).toMatchObject({ code: 1, errorCode: 'core/invalid-head' });
  });

  it('stops when it is told to', async () => {
    const stopped = await interrupted(budget.verify, '--budget', file);
    expect(stopped).toMatchObject({ code: 1, errorCode: 'core/aborted', printed: '', json: null });
  });

  it('knows the budget by a secret that a rotation left beside', async () => {
    const path = copyOf(file);
    const keys = readBudgetKeys(budgetKeyPath(path));
    const opened = await openBudgetFile(path, { policy: POLICY, ...TERMS, threads });
    await opened.rotateKey(new Uint8Array(32).fill(7));
    await opened.close();
    const stranger = new Uint8Array(32).fill(9);
    const overtaken = withSecrets(readBudgetKeys(budgetKeyPath(path)), [...keys.secrets, stranger]);
    writeFileSync(budgetKeyPath(path), encodeBudgetKeys(overtaken));
    expect((await budget.verify('--budget', path)).json.users.accounts).toBe(2);
    const policy = jsonFile({ ...POLICY, user: { epsilon: 2 } });
    expect((await budget.setPolicy('--budget', path, '--policy', policy)).json.applied).toBe(true);
  });

  it('needs no key, and then tells of no balances', async () => {
    const path = copyOf(file);
    rmSync(budgetKeyPath(path));
    const { code, json } = await budget.verify('--budget', path);
    expect(code).toBe(0);
    expect(json).toMatchObject({ users: null, scenes: null, chain: { ok: true } });
  });

  it('finds an older file put in its place', async () => {
    const path = copyOf(file);
    const older = readFileSync(path);
    const opened = await openBudgetFile(path, {
      policy: POLICY,
      ...TERMS,
      threads,
      clock: () => NOW,
    });
    await charge(opened, 'live', ['bob'], 'later');
    await opened.close();
    const { json } = await budget.show('--budget', path);
    for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
    writeFileSync(path, older);
    expect((await budget.verify('--budget', path)).code).toBe(0);
    const rolled = await budget.verify('--budget', path, '--checkpoint', json.chain.head);
    expect(rolled.code).toBe(1);
  });

  it.each<[string, readonly string[]]>([
    ['a public key that is none', ['--public-key', 'zz', '--checkpoint', 'ab'.repeat(32)]],
    ['a public key without a signature', ['--public-key', 'ab'.repeat(32)]],
  ])('refuses %s', async (_, args) => {
    expect((await budget.verify('--budget', file, ...args)).code).toBe(64);
  });
});

describe('budget export', () => {
  it.each(['log', 'balances', 'spend'])('%s: the same rows in every format', async (what) => {
    const read: Record<string, unknown[]> = {};
    for (const format of ['csv', 'json', 'parquet']) {
      const out = fresh(`.${format}`);
      const args = ['--budget', monthly, '--what', what, '--format', format, '--out', out];
      const { code, json, said } = await budget.export(...args);
      expect(code).toBe(0);
      expect(said.includes('pseudonym')).toBe(what === 'balances');
      const bytes = readFileSync(out);
      const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
      const rows: unknown[] =
        format === 'csv'
          ? parse(bytes, { columns: true })
          : format === 'json'
            ? JSON.parse(bytes.toString('utf8'))
            : await parquetReadObjects({ file: buffer as ArrayBuffer });
      expect(json.rows).toBe(rows.length);
      read[format] = rows;
    }
    const [csv = [], json = [], parquet = []] = [read['csv'], read['json'], read['parquet']];
    expect(json.length).toBeGreaterThan(0);
    const plain = (value: unknown): string =>
      value === null ? '' : value instanceof Date ? value.toISOString() : String(value);
    for (const [i, row] of (json as Record<string, unknown>[]).entries()) {
      for (const [name, value] of Object.entries(row)) {
        expect((csv[i] as Record<string, unknown>)[name]).toBe(plain(value));
        expect(plain((parquet[i] as Record<string, unknown>)[name])).toBe(plain(value));
      }
    }
  });

  it('exports balances that agree with what the accounts are told', async () => {
    const out = fresh();
    await budget.export('--budget', file, '--what', 'balances', '--format', 'json', '--out', out);
    const rows = JSON.parse(readFileSync(out, 'utf8'));
    const total = rows.filter((row: { scene: unknown }) => row.scene === null);
    const spent = total.map((row: { epsilon: number }) => row.epsilon).sort();
    expect(spent).toHaveLength(2);
    expect(spent[0]).toBeCloseTo(spentBy(1), 6);
    expect(spent[1]).toBeCloseTo(spentBy(4), 6);
    expect(readFileSync(out, 'utf8')).not.toMatch(/\b(?:ada|bob|cyd)\b/);
  });

  it('exports the log without a key, and nothing else', async () => {
    const path = copyOf(file);
    rmSync(budgetKeyPath(path));
    const args = ['--budget', path, '--format', 'csv', '--out'];
    expect((await budget.export(...args, fresh(), '--what', 'log')).code).toBe(0);
    expect((await budget.export(...args, fresh(), '--what', 'spend')).code).toBe(1);
  });

  it('never replaces a file unless forced', async () => {
    const out = fresh();
    writeFileSync(out, 'mine');
    const args = ['--budget', file, '--what', 'spend', '--format', 'csv', '--out', out];
    const run = await budget.export(...args);
    expect(run).toMatchObject({ code: 1, errorCode: 'data/unwritable' });
    expect(readFileSync(out, 'utf8')).toBe('mine');
    expect((await budget.export(...args, '--force')).code).toBe(0);
    expect(readFileSync(out, 'utf8')).toMatch(/^scene,epoch,/);
  });

  it.each<readonly string[]>([
    ['--what', 'all'],
    ['--format', 'xml'],
  ])('refuses %s %s', async (...wrong) => {
    const out = fresh();
    const good = ['--budget', file, '--what', 'log', '--format', 'csv', '--out', out];
    expect((await budget.export(...good, ...wrong)).code).toBe(64);
    expect(existsSync(out)).toBe(false);
  });
});

describe('budget forecast', () => {
  const args = (): readonly string[] => [
    '--budget',
    file,
    '--scene',
    'live',
    '--plan',
    jsonFile(PLAN),
  ];

  it('counts everyone the budget knows by what is left to them', async () => {
    const { json, printed } = await budget.forecast(...args());
    // Somebody in every release has room for 7, of which 3 are gone; ada has had 3 of her 5, bob 1.
    expect(json).toMatchObject({ scene: 'live', accounts: 3, least: 2, median: 4 });
    expect(json.counts).toEqual([
      { releasesLeft: 2, accounts: 1 },
      { releasesLeft: 4, accounts: 2 },
    ]);
    expect(json).not.toHaveProperty('byAccount');
    expect(printed).toContain('of 3 accounts');
    expect(printed).toMatch(/4 +2 +█/);
  });

  it('counts people who were erased among those with nothing left', async () => {
    const path = copyOf(file);
    const opened = await openBudgetFile(path, { policy: POLICY, ...TERMS, threads });
    await opened.erase(['bob']);
    await opened.close();
    const { json } = await budget.forecast(...args(), '--budget', path);
    expect(json).toMatchObject({ accounts: 3, least: 0 });
  });

  it('names the accounts it was asked about, in that order', async () => {
    const { json, printed } = await budget.forecast(
      ...args(),
      '--account',
      'bob',
      '--account',
      'ada',
    );
    expect(json.byAccount).toEqual([
      { account: 'bob', releasesLeft: 4, known: true },
      { account: 'ada', releasesLeft: 2, known: true },
    ]);
    expect(printed).toMatch(/ada +2$/m);
    const mistyped = await budget.forecast(...args(), '--account', 'boob', '--account', 'bob');
    expect(mistyped.json.byAccount).toEqual([
      { account: 'boob', releasesLeft: 4, known: false },
      { account: 'bob', releasesLeft: 4, known: true },
    ]);
    expect(mistyped.printed).toMatch(/boob +4 +not known to this budget$/m);
    expect(mistyped.printed).toMatch(/ bob +4$/m);
  });

  it('takes a bare event, an epoch and a population', async () => {
    const path = copyOf(monthly);
    const opened = await openBudgetFile(path, {
      policy: MONTHLY,
      ...TERMS,
      threads,
      clock: () => NOW,
    });
    await opened.join('testers', ['ada', 'dan']);
    await opened.close();
    const plan = jsonFile(PLAN.event);
    const where = ['--budget', path, '--scene', 'live', '--plan', plan];
    const october = await budget.forecast(
      ...where,
      '--epoch',
      '2026-10',
      '--population',
      'testers',
    );
    // In October "live" had one of the 5 releases that one person may be in, with ada and without dan.
    expect(october.json).toMatchObject({ accounts: 2, least: 4, median: 4 });
    expect(october.json.counts).toEqual([
      { releasesLeft: 4, accounts: 1 },
      { releasesLeft: 5, accounts: 1 },
    ]);
    expect(await budget.forecast(...where)).toMatchObject({
      code: 1,
      errorCode: 'dp/invalid-epoch',
    });
  });

  it.each<[string, readonly string[], number, string]>([
    ['accounts and a population', ['--account', 'a', '--population', 'p'], 64, 'cli/usage'],
    ['a population nobody joined', ['--population', 'p'], 1, 'dp/unknown-population'],
    ['a scene nobody declared', ['--scene', 'other'], 1, 'dp/unknown-scene'],
    ['a plan that is not there', ['--plan', '/nowhere.json'], 1, 'data/missing-file'],
  ])('refuses %s', async (_, more, code, errorCode) => {
    expect(await budget.forecast(...args(), ...more)).toMatchObject({ code, errorCode });
  });

  it('knows nobody in a new budget', async () => {
    const path = fresh('.sqlite');
    await (await openBudgetFile(path, { policy: POLICY, ...TERMS, threads })).close();
    const run = await budget.forecast(
      '--budget',
      path,
      '--scene',
      'live',
      '--plan',
      jsonFile(PLAN),
    );
    expect(run.json).toMatchObject({ accounts: 0, least: null, counts: [] });
    expect(run.printed).toContain('knows nobody');
  });
});

describe('budget freeze', () => {
  it('asks, and without anybody to ask changes nothing', async () => {
    const run = await budget.freeze('--budget', file, '--scene', 'live');
    expect(run).toMatchObject({ code: 64, errorCode: 'cli/usage' });
    expect(run.printed + run.said).toBe('');
    const { json } = await budget.show('--budget', file);
    expect(json.scenes.some((row: { frozen: boolean }) => row.frozen)).toBe(false);
  });

  it('freezes for good with --yes, and once', async () => {
    const path = copyOf(file);
    const args = ['--budget', path, '--scene', 'shop', '--yes'];
    expect((await budget.freeze(...args)).json).toMatchObject({ scene: 'shop', frozen: true });
    const opened = await openBudgetFile(path, { policy: POLICY, ...TERMS, threads });
    await expect(charge(opened, 'shop', ['bob'], 'late')).rejects.toThrow('frozen');
    await charge(opened, 'live', ['bob'], 'elsewhere');
    await opened.close();
    const before = (await budget.verify('--budget', path)).json.chain;
    expect((await budget.freeze(...args)).printed).toContain('before');
    expect((await budget.verify('--budget', path)).json.chain).toEqual(before);
    expect((await budget.show('--budget', path)).printed).toMatch(/shop .*frozen/);
    const unknown = await budget.freeze('--budget', path, '--scene', 'other');
    expect(unknown).toMatchObject({ code: 1, errorCode: 'dp/unknown-scene' });
  });
});

describe('budget set-policy', () => {
  const lowered: BudgetPolicy = {
    ...POLICY,
    user: { epsilon: 1.3 },
    scenes: { ...POLICY.scenes, live: { perUser: { epsilon: 1 }, worstCase: { epsilon: 1 } } },
  };

  it('says what would change and for how many, and changes nothing in a dry run', async () => {
    const path = copyOf(file);
    const before = (await budget.verify('--budget', path)).json.chain;
    const args = ['--budget', path, '--policy', jsonFile(lowered), '--dry-run'];
    const { code, json, printed, said } = await budget.setPolicy(...args);
    expect(code).toBe(0);
    expect(json.applied).toBe(false);
    expect(json.changes.map(({ path: at }: { path: string }) => at)).toEqual([
      'user.epsilon',
      'scenes.live.perUser.epsilon',
      'scenes.live.worstCase.epsilon',
    ]);
    expect(json.overLimit).toEqual([
      { scene: null, epoch: null, before: 0, after: 1 },
      { scene: 'live', epoch: null, before: 0, after: 1 },
    ]);
    expect(json.scenesOver).toEqual([{ scene: 'live', epoch: null }]);
    expect(printed).toContain('epsilon a user over all scenes: 2.2 → 1.3 (stricter)');
    expect(printed).toContain('takes no more releases');
    expect(said).toContain('Dry run');
    expect((await budget.verify('--budget', path)).json.chain).toEqual(before);
  });

  it('puts the policy in force, and then has nothing to change', async () => {
    const path = copyOf(file);
    const args = ['--budget', path, '--policy', jsonFile(lowered)];
    expect((await budget.setPolicy(...args)).json.applied).toBe(true);
    const { json } = await budget.show('--budget', path);
    expect(json.users).toMatchObject({ allowed: 1.3 });
    expect(json.users.epsilonMax).toBeCloseTo(spentBy(4), 6);
    const again = await budget.setPolicy(...args);
    expect(again.json).toMatchObject({ applied: false, changes: [] });
    expect(again.said).toContain('Nothing to change');
    const opened = await openBudgetFile(path, { policy: lowered, ...TERMS, threads });
    await expect(charge(opened, 'shop', ['ada'], 'more')).rejects.toThrow('total');
    await opened.close();
    expect((await budget.verify('--budget', path)).code).toBe(0);
    const back = await budget.setPolicy('--budget', path, '--policy', jsonFile(POLICY), '--yes');
    expect(back.json).toMatchObject({ applied: true, loosens: true });
    expect(back.json.scenesOver).toEqual([]);
    expect(back.json.overLimit).toEqual([
      { scene: null, epoch: null, before: 1, after: 0 },
      { scene: 'live', epoch: null, before: 1, after: 0 },
    ]);
  });

  const { live = {}, ...others } = POLICY.scenes;
  it.each<[string, BudgetPolicy, string]>([
    [
      'the total',
      { ...POLICY, user: { epsilon: 3 } },
      'at best epsilon 3 at delta 0.000001 a user.',
    ],
    ['delta', { ...lowered, delta: 1e-5 }, 'at best epsilon 2.2 at delta 0.00001 a user.'],
    [
      'a group',
      { ...POLICY, groups: { minors: { user: { epsilon: 1 } } } },
      'and that of its group',
    ],
    [
      'a quota',
      { ...POLICY, scenes: { ...others, live: { ...live, perUser: { epsilon: 2 } } } },
      'the guarantee over all scenes stays',
    ],
    ['a quota that is gone', { ...POLICY, scenes: { ...others, live: {} } }, 'stays'],
  ])('asks before it loosens %s, and with nobody to ask changes nothing', async (_, to, text) => {
    const path = copyOf(file);
    const before = (await budget.verify('--budget', path)).json.chain;
    const args = ['--budget', path, '--policy', jsonFile(to)];
    const asked = await budget.setPolicy(...args);
    expect(asked).toMatchObject({ code: 64, errorCode: 'cli/usage', json: null });
    expect(asked.printed + asked.said).not.toContain('In force');
    expect((await budget.verify('--budget', path)).json.chain).toEqual(before);
    const dry = await budget.setPolicy(...args, '--dry-run');
    expect(dry).toMatchObject({ code: 0, json: { applied: false, loosens: true } });
    expect(dry.printed).toContain(text);
    const sure = await budget.setPolicy(...args, '--yes');
    expect(sure).toMatchObject({ code: 0, json: { applied: true } });
    expect(sure.printed).toContain(text);
    expect((await budget.setPolicy(...args)).json).toMatchObject({ changes: [], loosens: false });
  });

  it.each<[string, unknown, string]>([
    ['another currency', { ...POLICY, currency: 'zcdp' }, 'dp/invalid-policy'],
    ['epochs all of a sudden', MONTHLY, 'dp/invalid-policy'],
    ['nonsense', { ...POLICY, delta: 2 }, 'dp/invalid-policy'],
  ])('refuses %s, and changes nothing', async (_, policy, errorCode) => {
    const before = (await budget.verify('--budget', file)).json.chain;
    const run = await budget.setPolicy('--budget', file, '--policy', jsonFile(policy));
    expect(run).toMatchObject({ code: 1, errorCode });
    expect((await budget.verify('--budget', file)).json.chain).toEqual(before);
  });
});
