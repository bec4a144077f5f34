import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { allocateCommand, runAllocateCommand } from '../../src/cli/allocate-command.ts';
import { type CommandRun, runCommand } from './command-harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-allocate-'));
afterAll(() => rmSync(folder, { recursive: true }));

const POLICY = {
  version: 1,
  currency: 'auto',
  delta: 1e-6,
  user: { epsilon: 3 },
  scenes: {
    default: { perUser: { epsilon: 1 } },
    'live-beauty': {
      perUser: { epsilon: 1.5 },
      worstCase: { epsilon: 2 },
      maxReleases: 30,
      minAggregationInterval: 'PT1H',
    },
    'live-food': { perUser: { epsilon: 0.8 } },
  },
  models: { 'tag-model-v3': { epsilon: 2 } },
  epoch: { kind: 'calendar', length: 'P1M', timeField: 'time' },
  groups: { minors: { user: { epsilon: 0 } } },
  reservationLease: 'PT10M',
};

const CURVES = {
  metric: 'precisionAt3',
  scenes: {
    'live-food': [
      { epsilon: 0.25, value: 0.52 },
      { epsilon: 1, value: 0.58 },
      { epsilon: 4, value: 0.6 },
    ],
    'live-beauty': [
      { epsilon: 0.25, value: 0.5 },
      { epsilon: 1, value: 0.57 },
      { epsilon: 4, value: 0.61 },
    ],
  },
};

function allocate(policy: unknown, curves: unknown, ...args: string[]): Promise<CommandRun> {
  const files = { policy: join(folder, 'policy.json'), curves: join(folder, 'curves.json') };
  writeFileSync(files.policy, JSON.stringify(policy));
  writeFileSync(files.curves, JSON.stringify(curves));
  return runCommand(
    allocateCommand(),
    runAllocateCommand,
    ...['--policy', files.policy, '--curves', files.curves],
    ...args,
  );
}

describe('velatura allocate', () => {
  it('splits a total under the caps of a policy', async () => {
    const run = await allocate(POLICY, CURVES);
    expect(run.code).toBe(0);
    expect(run.json.scenes['live-beauty'].epsilon).toBe(1.5);
    expect(run.json.scenes['live-food'].epsilon).toBe(0.8);
    expect(run.json.composedEpsilon).toBeLessThanOrEqual(3);
    expect(run.json).toMatchObject({ metric: 'precisionAt3', total: { epsilon: 3, delta: 1e-6 } });
    expect(run.printed).toContain('precisionAt3');
    expect(run.printed).toContain('live-beauty first');
    expect(run.printed).toContain('no caps');
  });

  it('hands back the policy with the new quotas and everything else as it was', async () => {
    const tight = { ...POLICY, user: { epsilon: 0.9 } };
    const run = await allocate(tight, {
      ...CURVES,
      scenes: { ...CURVES.scenes, sport: CURVES.scenes['live-food'] },
    });
    const { policy, scenes } = run.json;
    expect(policy).toEqual({
      ...tight,
      scenes: {
        ...POLICY.scenes,
        'live-beauty': {
          ...POLICY.scenes['live-beauty'],
          perUser: { epsilon: scenes['live-beauty'].epsilon },
        },
        'live-food': { perUser: { epsilon: scenes['live-food'].epsilon } },
        sport: { perUser: { epsilon: scenes.sport.epsilon } },
      },
    });
    expect(run.json.composedEpsilon).toBeGreaterThan(0.9 * (1 - 2e-5));
  });

  it('splits what is left of delta, in zCDP where the policy does not count in GDP', async () => {
    const plannedRun = { kind: 'gaussian', noiseMultiplier: 4 };
    const run = await allocate(
      { ...POLICY, currency: 'rdp', plannedRun, additiveDelta: 5e-7 },
      CURVES,
    );
    expect(run.json).toMatchObject({ currency: 'zcdp', total: { epsilon: 3, delta: 5e-7 } });
  });

  it('weighs scenes, and notes lifted points and scenes without a curve', async () => {
    const policy = { ...POLICY, user: { epsilon: 0.7 } };
    const plain = await allocate(policy, CURVES);
    const weighed = await allocate(policy, CURVES, '--weight', 'live-food=4');
    expect(weighed.json.scenes['live-food'].epsilon).toBeGreaterThan(
      plain.json.scenes['live-food'].epsilon,
    );
    const noisy = [...CURVES.scenes['live-food'], { epsilon: 2, value: 0.57 }];
    const partial = await allocate(policy, { scenes: { 'live-food': noisy } });
    expect(partial.said).toContain('1 points of "live-food"');
    expect(partial.said).toContain('nothing was set aside for live-beauty');
  });

  it.each<[string, unknown, unknown, string[], number, string]>([
    [
      'an unknown scene',
      { ...POLICY, scenes: { 'live-food': {} } },
      CURVES,
      [],
      1,
      'data/unknown-scene',
    ],
    [
      'a bad point',
      POLICY,
      { scenes: { 'live-food': [{ epsilon: -1, value: 1 }] } },
      [],
      1,
      'data/invalid-value',
    ],
    ['curves without scenes', POLICY, { metric: 'x' }, [], 1, 'data/invalid-value'],
    ['curves that are a list', POLICY, [], [], 1, 'data/invalid-value'],
    [
      'a field that curves do not have',
      POLICY,
      { ...CURVES, weights: {} },
      [],
      1,
      'data/invalid-value',
    ],
    [
      'a policy without a total',
      { ...POLICY, user: undefined },
      CURVES,
      [],
      1,
      'dp/invalid-policy',
    ],
    ['a policy that is null', null, CURVES, [], 1, 'dp/invalid-policy'],
    ['a weight without a number', POLICY, CURVES, ['--weight', 'live-food'], 64, 'cli/usage'],
    ['a weight of a stranger', POLICY, CURVES, ['--weight', 'sport=1'], 1, 'data/unknown-scene'],
  ])('refuses %s', async (_, policy, curves, args, code, errorCode) => {
    const run = await allocate(policy, curves, ...args);
    expect([run.code, run.errorCode]).toEqual([code, errorCode]);
  });

  it('says when a file is missing', async () => {
    const run = await runCommand(
      allocateCommand(),
      runAllocateCommand,
      ...['--policy', join(folder, 'none.json'), '--curves', join(folder, 'none.json')],
    );
    expect(run.errorCode).toBe('data/missing-file');
  });

  it('has an example in its help', async () => {
    const { code, printed } = await runCommand(allocateCommand(), runAllocateCommand, '--help');
    expect(code).toBe(0);
    expect(printed).toContain('$ velatura allocate --policy');
  });
});
