import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandContext } from '../../src/cli/main.ts';
import { runTrainCommand, type TrainOptions, trainCommand } from '../../src/cli/train-command.ts';
import { loadTagModel } from '../../src/federated/models/tag-model-file.ts';
import { openExistingBudgetFile } from '../../src/node/budget-file.ts';
import { type CommandRun, runCommand } from './command-harness.ts';
import { shopCsv } from './train-fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-train-'));
const data = join(folder, 'shop.csv');
const policy = join(folder, 'policy.json');
afterAll(() => rmSync(folder, { recursive: true }));

const POLICY = {
  version: 1,
  currency: 'gdp',
  delta: 1e-5,
  user: { epsilon: 3 },
  scenes: {
    shop: { perUser: { epsilon: 1.2 } },
    slow: { minAggregationInterval: 'PT1H' },
  },
  reservationLease: 'PT10M',
};

beforeAll(() => {
  writeFileSync(data, shopCsv(240));
  writeFileSync(policy, JSON.stringify(POLICY));
});

const TASK = [
  ['--data', data],
  ['--user', 'user'],
  ['--features', 'n_*'],
  ['--labels', 'tag_*'],
  ['--delta', '1e-5'],
].flat();

function train(...args: string[]): Promise<CommandRun> {
  return runCommand<TrainOptions>(trainCommand(), runTrainCommand, ...TASK, ...args);
}

const plain = (text: string): string => text;
const silent: CommandContext['terminal'] = {
  say: () => {},
  print: () => {},
  json: () => {},
  progress: () => ({ to: () => {}, end: () => {} }),
  style: { bold: plain, dim: plain, good: plain, warn: plain },
};

async function spent(budget: string, scene: string): Promise<number> {
  const open = await openExistingBudgetFile(budget);
  try {
    const summary = await open.summary();
    return summary.find((one) => one.scene === scene)?.epsilonMax ?? 0;
  } finally {
    await open.close();
  }
}

describe('velatura train', () => {
  it('simulates on public data, beside both baselines, and leaves its files', async () => {
    const out = join(folder, 'run');
    const { code, json, printed } = await train('--epsilon', '2', '--out', out, '--json');
    expect(code).toBe(0);
    expect(Object.keys(json.metrics)).toEqual(['precisionAt3', 'macroAuc', 'ndcgAt5']);
    expect(Object.keys(json.baselines)).toEqual(['popularity', 'ownHistory']);
    expect(json.baselines.ownHistory.macroAuc).toBeGreaterThan(0.5);
    expect(json.metrics.macroAuc).toBeGreaterThan(0.5);
    expect(json.epsilonSpent).toBeGreaterThan(1.99);
    expect(json.epsilonSpent).toBeLessThanOrEqual(2);
    expect(json).toMatchObject({ users: 180, private: true, scene: null });
    expect(json.statement.epsilon.upper).toBe(json.epsilonSpent);
    expect(json.statement.simulation).not.toBeNull();
    expect(printed).toContain('simulation on public data, not charged; real cost would be');
    const model = loadTagModel(readFileSync(json.files.model));
    expect(model.tags).toEqual(['tag_bag', 'tag_hat', 'tag_mug', 'tag_pen']);
    expect(model.statement.epsilon?.upper).toBe(json.epsilonSpent);
    const report = readFileSync(json.files.report, 'utf8');
    expect(report).toContain('simulation on public data');
    expect(report).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);
    expect(JSON.parse(readFileSync(json.files.result, 'utf8')).metrics).toEqual(json.metrics);
  });

  it('labels non-private output in every place', async () => {
    const out = join(folder, 'bare');
    const { json, printed } = await train('--epsilon', 'inf', '--out', out);
    expect(json).toMatchObject({ epsilonSpent: 'inf (non-private)', private: false });
    expect(json.statement.epsilon).toBeNull();
    expect(printed).toContain('NOT private');
    expect(readFileSync(json.files.report, 'utf8')).toContain('NOT private');
    expect(readFileSync(json.files.result, 'utf8')).toContain('NOT private');
    expect(readFileSync(json.files.model).toString('latin1')).toContain('non-private');
  });

  it('repeats itself bit by bit only with insecure noise, and says so', async () => {
    const run = (...more: string[]): Promise<CommandRun> =>
      train('--epsilon', '1', '--method', 'one-shot', ...more);
    const [first, second, other] = [
      await run('--insecure-noise'),
      await run('--insecure-noise'),
      await run('--insecure-noise', '--seed', '7'),
    ];
    expect(first.json.metrics).toEqual(second.json.metrics);
    expect(first.json.metrics).not.toEqual(other.json.metrics);
    expect(first.json).toMatchObject({ private: false, statement: { insecure: true } });
    expect(first.printed).toContain('INSECURE');
    const secure = await run();
    expect((await run()).json.metrics).not.toEqual(secure.json.metrics);
  });

  it('has the metrics of a classifier for one label, and no ownHistory', async () => {
    const { json } = await train('--epsilon', '4', '--labels', 'tag_bag', '--method', 'one-shot');
    expect(Object.keys(json.metrics)).toEqual(['auc', 'averagePrecision']);
    expect(json.baselines.popularity.auc).toBe(0.5);
    expect(json.baselines.ownHistory).toEqual({ auc: null, averagePrecision: null });
  });

  it('measures on nobody when nobody is public', async () => {
    const { json, printed } = await train('--epsilon', '1', '--test-fraction', '0');
    expect(json).toMatchObject({ users: 240, evaluation: { users: 0 } });
    expect(Object.values(json.metrics)).toEqual([null, null, null]);
    expect(printed).toContain('nobody was measured on');
  });

  it('charges a budget what it says, and the next run is refused before anything is charged', async () => {
    const budget = join(folder, 'budget.sqlite');
    const charge = ['--budget', budget, '--scene', 'shop', '--epsilon', '1'];
    const first = await train(...charge, '--policy', policy, '--out', join(folder, 'paid'));
    expect(first.code).toBe(0);
    expect(first.json).toMatchObject({ scene: 'shop', users: 180 });
    expect(first.json.evaluation).toEqual({ users: 60, declared: 'public', charged: false });
    expect(first.json.statement.simulation).toBeNull();
    const before = await spent(budget, 'shop');
    expect(before).toBeGreaterThan(0.99);
    expect(before).toBeLessThanOrEqual(1);

    const out = join(folder, 'refused');
    const second = await train(...charge, '--out', out);
    expect(second).toMatchObject({ code: 2, errorCode: 'dp/budget-exceeded' });
    expect(await spent(budget, 'shop')).toBe(before);
    expect(existsSync(out)).toBe(false);

    const again = await train(...charge, '--epsilon', '0.1', '--out', join(folder, 'paid'));
    expect(again).toMatchObject({ code: 1, errorCode: 'data/unwritable' });
    expect(await spent(budget, 'shop')).toBe(before);
  });

  it('trains on the others where the budget refuses some, if that is wanted', async () => {
    const budget = join(folder, 'some.sqlite');
    const part = join(folder, 'part.csv');
    writeFileSync(part, shopCsv(120));
    const charge = [
      '--budget',
      budget,
      '--scene',
      'shop',
      '--epsilon',
      '1',
      '--method',
      'one-shot',
    ];
    const out = (name: string): string[] => ['--out', join(folder, name)];
    const few = ['--data', part, '--minimum-cohort', '50'];
    expect((await train(...charge, ...few, '--policy', policy, ...out('p1'))).code).toBe(0);
    expect(await train(...charge, ...out('p2'))).toMatchObject({ code: 2 });
    const { code, json } = await train(...charge, ...out('p2'), '--leave-out-refused');
    expect(code).toBe(0);
    expect(json.refused).toBeGreaterThan(0);
    expect(json.users + json.refused).toBe(180);
  });

  it('leaves the baselines out where a quota has room for one release', async () => {
    const budget = join(folder, 'slow.sqlite');
    const charge = ['--budget', budget, '--scene', 'slow', '--policy', policy, '--epsilon', '1'];
    const { code, json } = await train(
      ...charge,
      ...['--method', 'one-shot', '--out', join(folder, 'slow')],
    );
    expect(code).toBe(0);
    expect(json.baselines.popularity.precisionAt3).toBeNull();
    expect(json.epsilonSpent).toBeGreaterThan(0.99);
    const rounds = await train(...charge, '--method', 'fedavg', '--out', join(folder, 'slow2'));
    expect(rounds).toMatchObject({ code: 2, errorCode: 'dp/budget-exceeded' });
  });

  it('goes on after Ctrl-C: what was released is kept, what had begun is charged twice', async () => {
    const budget = join(folder, 'stopped.sqlite');
    const out = join(folder, 'stopped');
    const args = ['--budget', budget, '--scene', 'shop', '--policy', policy, '--epsilon', '0.5'];
    const run = (signal: AbortSignal, onRelease: (done: number) => void): Promise<unknown> =>
      trainCommand()
        .action((options: TrainOptions) =>
          runTrainCommand(options, {
            terminal: {
              ...silent,
              progress: () => ({ to: onRelease, end: () => {} }),
            },
            signal,
          }),
        )
        .parseAsync([...TASK, ...args, '--method', 'fedavg', '--rounds', '6', '--out', out], {
          from: 'user',
        });
    const stop = new AbortController();
    const stopped = run(stop.signal, (done) => done === 3 && stop.abort());
    await expect(stopped).rejects.toMatchObject({ code: 'core/aborted' });
    const before = await spent(budget, 'shop');
    expect(before).toBeGreaterThan(0);
    expect(existsSync(join(out, 'model.safetensors'))).toBe(false);

    const other = await train(...args, '--method', 'fedavg', '--rounds', '7', '--out', out);
    expect(other).toMatchObject({ code: 1, errorCode: 'data/invalid-value' });

    const seen: number[] = [];
    await run(new AbortController().signal, (done) => seen.push(done));
    expect(seen).toEqual([4, 5, 6, 7]);
    const { plan, statement } = JSON.parse(readFileSync(join(out, 'result.json'), 'utf8'));
    // Popularity and six rounds, and once more the release that may have begun.
    expect(plan.event.events).toHaveLength(2);
    expect(statement.epsilon.upper).toBeGreaterThan(0.5);
    expect(statement.epsilon.upper).toBeLessThan(0.6);
    expect(await spent(budget, 'shop')).toBeLessThanOrEqual(statement.epsilon.upper);
    expect(existsSync(join(out, 'checkpoint.cbor'))).toBe(false);
  });

  it.each([
    [['--epsilon', 'inf', '--budget', 'b', '--scene', 's'], 2, 'dp/budget-exceeded'],
    [
      ['--epsilon', '1', '--insecure-noise', '--budget', 'b', '--scene', 's'],
      2,
      'dp/insecure-release',
    ],
    [['--epsilon', '1', '--budget', 'b'], 64, 'cli/usage'],
    [['--epsilon', '1', '--budget', 'postgres://h/d', '--scene', 's'], 64, 'cli/usage'],
    [['--epsilon', '1', '--scene', 's'], 64, 'cli/usage'],
    [['--epsilon', '1', '--policy', 'p'], 64, 'cli/usage'],
    [['--epsilon', '0'], 64, 'cli/usage'],
    [['--epsilon', 'NaN'], 64, 'cli/usage'],
    [['--epsilon', '1', '--delta', '2'], 64, 'cli/usage'],
    [['--epsilon', '1', '--delta', '0.5'], 1, 'dp/delta-too-large'],
    [['--epsilon', '1', '--seed', '1.5'], 64, 'cli/usage'],
    [['--epsilon', '1', '--test-fraction', '1'], 64, 'cli/usage'],
    [['--epsilon', '1', '--rounds', '0'], 64, 'cli/usage'],
    [['--epsilon', '1', '--clipping-norm', '-1'], 64, 'cli/usage'],
    [['--epsilon', '1', '--method', 'magic'], 64, null],
    [['--epsilon', '1', '--minimum-cohort', '181'], 1, 'federated/cohort-too-small'],
    [['--epsilon', '1', '--features', 'x_*'], 1, 'data/missing-column'],
    [['--epsilon', '1', '--data', '/nowhere.csv'], 1, 'data/missing-file'],
    [['--epsilon', '1', '--bounds', '/nowhere.json'], 1, 'data/missing-file'],
    [['--epsilon', '1', '--out', '/proc/velatura'], 1, 'data/unwritable'],
  ])('answers %j with exit code %i', async (args, code, errorCode) => {
    expect(await train(...args)).toMatchObject({ code, errorCode });
  });
});
