import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { MAIN, velatura } from './velatura.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

function planFile(document: unknown): string {
  const path = join(folder, 'plan.json');
  writeFileSync(path, typeof document === 'string' ? document : JSON.stringify(document));
  return path;
}

describe('velatura', () => {
  it('teaches in its help, with exit code 0', () => {
    const { code, stdout } = velatura('--help');
    expect(code).toBe(0);
    expect(stdout).toContain('velatura quickstart');
    expect(stdout).toContain('Exit codes');
    expect(velatura('quickstart', '--help').stdout).toContain('exit 2');
  });

  it.each([[['nonsense']], [['epsilon']], [['epsilon', '--plan', 'x', '--delta']], [['budget']]])(
    'answers %j with exit code 64',
    (args) => {
      expect(velatura(...args).code).toBe(64);
    },
  );

  it.each([
    [['nonsense', '--json'], 'unknown command'],
    [['epsilon', '--json'], "'--plan <file>' not specified"],
    [['budget', 'show', '--json', '--budget', 'f', '--accountant', 'magic'], 'magic'],
    [['budget', 'show', '--json', '--budget', 'f', '--name', 'n'], '--name'],
  ])('answers %j with one JSON document', (args, text) => {
    const { code, stdout } = velatura(...args);
    expect(code).toBe(64);
    const { error } = JSON.parse(stdout);
    expect(error).toMatchObject({ code: 'cli/usage' });
    expect(error.message).toContain(text);
  });
});

describe('a reader who leaves early', () => {
  it('is no failure, and nothing is said of it', () => {
    const plan = planFile({ kind: 'gaussian', noiseMultiplier: 1 });
    const command = `"${process.execPath}" "${MAIN}" epsilon --plan "${plan}" --delta 1e-6`;
    const { stderr, status } = spawnSync('bash', ['-c', `${command} | true; exit $PIPESTATUS`], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
  });

  it('is told apart from output that cannot be written', () => {
    const plan = planFile({ kind: 'gaussian', noiseMultiplier: 1 });
    const full = openSync('/dev/full', 'w');
    const { stderr, status } = spawnSync(
      process.execPath,
      [MAIN, 'epsilon', '--plan', plan, '--delta', '1e-6'],
      { encoding: 'utf8', stdio: ['ignore', full, 'pipe'] },
    );
    closeSync(full);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^velatura: stdout: ENOSPC/);
  });
});

describe('velatura epsilon', () => {
  it('prices a repeated Gaussian exactly', () => {
    const plan = planFile({
      kind: 'repeated',
      count: 100,
      event: { kind: 'gaussian', noiseMultiplier: 10 },
    });
    const { code, stdout } = velatura(
      'epsilon',
      '--plan',
      plan,
      '--delta',
      '1e-5',
      '--accountant',
      'gdp',
      '--json',
    );
    expect(code).toBe(0);
    const answer = JSON.parse(stdout);
    // Exact value of the analytic Gaussian mechanism at noise multiplier 1 (Balle and Wang 2018).
    expect(answer.epsilon).toBeCloseTo(4.377178096, 8);
    expect(answer.lower).toBe(answer.epsilon);
    expect(answer).toMatchObject({
      delta: 1e-5,
      accountant: 'gdp',
      relation: 'add-or-remove-one-user',
    });
  });

  it('keeps the relation of a whole plan', () => {
    const plan = planFile({
      unit: 'user',
      relation: 'zero-out-one-user',
      event: { kind: 'gaussian', noiseMultiplier: 2 },
    });
    const { stdout } = velatura(
      'epsilon',
      '--plan',
      plan,
      '--delta',
      '1e-6',
      '--accountant',
      'zcdp',
      '--json',
    );
    expect(JSON.parse(stdout).relation).toBe('zero-out-one-user');
  });

  it.each<[string, unknown, string, string]>([
    ['noise of zero', { kind: 'gaussian', noiseMultiplier: 0 }, '1e-5', 'dp/invalid-parameter'],
    ['an unknown kind', { kind: 'magic' }, '1e-5', 'dp/unsupported-event'],
    ['no JSON', '{', '1e-5', 'data/invalid-value'],
    ['delta of 1', { kind: 'gaussian', noiseMultiplier: 1 }, '1', 'dp/invalid-parameter'],
    ['delta that is no number', { kind: 'gaussian', noiseMultiplier: 1 }, 'x', 'cli/usage'],
  ])('refuses %s', (_, document, delta, code) => {
    const run = velatura('epsilon', '--plan', planFile(document), '--delta', delta, '--json');
    expect(JSON.parse(run.stdout).error.code).toBe(code);
    expect(run.code).toBe(code === 'cli/usage' ? 64 : 1);
  });
});

describe('velatura budget', () => {
  it('says in its help how a budget begins, and where its secrets are', () => {
    const { stdout } = velatura('budget', '--help');
    for (const word of ['openBudgetFile', 'quickstart', '.key', 'PGPASSWORD']) {
      expect(stdout).toContain(word);
    }
  });

  it('says when there is no such file, and makes none', () => {
    const run = velatura('budget', 'show', '--budget', join(folder, 'none.sqlite'), '--json');
    expect(run.code).toBe(1);
    expect(JSON.parse(run.stdout).error.code).toBe('data/missing-file');
  });
});
