import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  runSweepCommand,
  type SweepCommandOptions,
  sweepCommand,
} from '../../src/cli/sweep-command.ts';
import { type CommandRun, runCommand } from './command-harness.ts';
import { shopCsv } from './train-fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-sweep-'));
const data = join(folder, 'shop.csv');
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(() => writeFileSync(data, shopCsv(160)));

const TASK = [
  ['--data', data],
  ['--user', 'user'],
  ['--features', 'n_*'],
  ['--labels', 'tag_*'],
  ['--delta', '1e-5'],
  ['--methods', 'one-shot'],
  ['--insecure-noise'],
  ['--workers', '1'],
].flat();

function sweepOf(out: string, ...args: string[]): Promise<CommandRun> {
  const place = ['--out', join(folder, out)];
  return runCommand<SweepCommandOptions>(
    sweepCommand(),
    runSweepCommand,
    ...TASK,
    ...place,
    ...args,
  );
}

describe('velatura sweep', () => {
  it('gives rows, baselines and a report, and goes on where it stopped', async () => {
    const grid = ['--epsilons', '1,inf', '--repeats', '2'];
    const first = await sweepOf('a', ...grid);
    expect(first.code).toBe(0);
    expect(first.json).toMatchObject({ cells: 4, resumed: 0, users: 160 });
    const points = first.json.rows.map((row: Record<string, unknown>) => [
      row['epsilon'],
      row['metric'],
    ]);
    expect(points).toEqual(
      [1, 'inf (non-private)'].flatMap((epsilon) =>
        ['precisionAt3', 'macroAuc', 'ndcgAt5'].map((metric) => [epsilon, metric]),
      ),
    );
    for (const { mean, sd } of first.json.rows) {
      expect(mean).toBeGreaterThan(0);
      expect(sd).toBeGreaterThanOrEqual(0);
    }
    expect(first.printed).toMatch(/one-shot +0\.\d{3} ± 0\.\d{3} +0\.\d{3} ± 0\.\d{3}/);
    expect(first.printed).toContain('simulation on public data, not charged');
    const report = readFileSync(first.json.files.report, 'utf8');
    expect(report).toContain('simulation on public data');
    expect(report).toContain('non-private');
    expect(report).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);

    // A crash cut the last line; more epsilons are asked for.
    const cells = join(folder, 'a', 'cells.jsonl');
    const lines = readFileSync(cells, 'utf8').trimEnd().split('\n');
    writeFileSync(cells, `${lines.slice(0, -1).join('\n')}\n${lines.at(-1)?.slice(0, 40)}`);
    const second = await sweepOf('a', '--epsilons', '1,4,inf', '--repeats', '2');
    expect(second.json).toMatchObject({ cells: 6, resumed: 3 });
    const common = ({ epsilon }: { epsilon: unknown }): boolean => epsilon !== 4;
    expect(second.json.rows.filter(common)).toEqual(first.json.rows);
  });

  it('trains in threads what it trains in one', async () => {
    const grid = ['--epsilons', '2,inf', '--repeats', '1'];
    const alone = await sweepOf('one', ...grid);
    const threads = await sweepOf('two', ...grid, '--workers', '2');
    expect(threads.json.rows).toEqual(alone.json.rows);
  });

  it('refuses a folder of another sweep, and a damaged one', async () => {
    const grid = ['--epsilons', 'inf', '--repeats', '1'];
    expect((await sweepOf('b', ...grid)).code).toBe(0);
    for (const other of [
      ['--delta', '1e-6'],
      ['--seed', '3'],
      ['--labels', 'tag_bag,tag_hat'],
      ['--test-fraction', '0.3'],
    ]) {
      expect(await sweepOf('b', ...grid, ...other)).toMatchObject({
        code: 1,
        errorCode: 'data/invalid-value',
      });
    }
    appendFileSync(join(folder, 'b', 'cells.jsonl'), 'nonsense\n');
    expect(await sweepOf('b', ...grid)).toMatchObject({ code: 1, errorCode: 'data/invalid-value' });
  });

  it.each([
    ['--epsilons', '1,1'],
    ['--epsilons', '-1'],
    ['--epsilons', ''],
    ['--repeats', '0'],
    ['--methods', 'magic'],
    ['--workers', '0'],
    ['--rounds', '1.5'],
    ['--clipping-norms', '0'],
    ['--cohorts', 'many'],
    ['--test-fraction', '0'],
  ])('refuses %s %j', async (option, value) => {
    expect(await sweepOf('never', option, value)).toMatchObject({ code: 64 });
  });

  it('refuses fewer users than the minimum cohort', async () => {
    expect(await sweepOf('c', '--epsilons', '1', '--minimum-cohort', '500')).toMatchObject({
      code: 1,
      errorCode: 'federated/cohort-too-small',
    });
  });
});
