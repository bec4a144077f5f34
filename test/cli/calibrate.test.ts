import { describe, expect, it } from 'vitest';
import { calibrateCommand, runCalibrateCommand } from '../../src/cli/calibrate-command.ts';
import { type CommandRun, runCommand } from './command-harness.ts';

function calibrate(...args: string[]): Promise<CommandRun> {
  return runCommand(calibrateCommand(), runCalibrateCommand, ...args);
}

const TARGET = ['--epsilon', '1', '--delta', '1e-5'];

describe('velatura calibrate', () => {
  it('finds the noise of the analytic Gaussian for everybody', async () => {
    const run = await calibrate(...TARGET, '--sampling-rate', '1', '--rounds', '1');
    expect(run.code).toBe(0);
    // Balle and Wang (2018): noise deviation at epsilon 1, delta 1e-5.
    expect(run.json.noiseMultiplier).toBeCloseTo(3.730631635, 6);
    expect(run.json.epsilon).toBeLessThanOrEqual(1);
    expect(run.json).toMatchObject({
      lower: run.json.epsilon,
      delta: 1e-5,
      samplingRate: 1,
      rounds: 1,
      solvedFor: 'noiseMultiplier',
      accountant: 'gdp',
      relation: 'add-or-remove-one-user',
    });
    expect(run.printed).toContain('noise multiplier 3.7306');
  });

  it('finds the noise for samples, between the truth and the reference', async () => {
    const run = await calibrate(
      ...['--epsilon', '2', '--delta', '1e-5'],
      ...['--sampling-rate', String(256 / 60000), '--rounds', '14062'],
    );
    // dp_accounting 0.6.0, PLD at 1e-4: 1.22418596.
    expect(run.json.noiseMultiplier).toBeLessThan(1.22418596 * (1 + 1e-6));
    expect(run.json.noiseMultiplier).toBeGreaterThan(1.22418596 * (1 - 1e-4));
    expect(run.json.epsilon).toBeLessThanOrEqual(2);
    expect(run.json.accountant).toBe('pld');
    const loose = await calibrate(
      ...['--epsilon', '2', '--delta', '1e-5', '--accountant', 'rdp'],
      ...['--sampling-rate', String(256 / 60000), '--rounds', '14062'],
    );
    expect(loose.json.noiseMultiplier).toBeGreaterThan(run.json.noiseMultiplier);
    expect(loose.json.lower).toBeNull();
  });

  it('solves for rounds, rate, cohort and delta', async () => {
    const noise = ['--noise-multiplier', '2'];
    const rounds = await calibrate(...TARGET, ...noise, '--sampling-rate', '0.02');
    expect(rounds.json.solvedFor).toBe('rounds');
    expect(rounds.json.epsilon).toBeLessThanOrEqual(1);
    const more = await calibrate(
      ...['--epsilon', '1', ...noise, '--sampling-rate', '0.02'],
      ...['--rounds', String(rounds.json.rounds + 1)],
    );
    expect(more.json.solvedFor).toBe('delta');
    expect(more.json.delta).toBeGreaterThan(1e-5);
    expect(more.json.delta).toBeLessThan(1.02e-5);

    const rate = await calibrate(...TARGET, ...noise, '--rounds', '1000');
    expect(rate.json.solvedFor).toBe('samplingRate');
    expect(rate.json.epsilon).toBeLessThanOrEqual(1);
    const cohort = await calibrate(
      ...TARGET,
      ...noise,
      '--rounds',
      '1000',
      '--population',
      '100000',
    );
    expect(cohort.json.cohort).toBe(Math.floor(rate.json.samplingRate * 100000));
    expect(cohort.json.epsilon).toBeLessThanOrEqual(1);
    expect(cohort.printed).toContain(`(${cohort.json.cohort} expected)`);
  });

  it.each<[string, string[], number, string | null]>([
    [
      'nothing unknown',
      [...TARGET, '--sampling-rate', '1', '--rounds', '1', '--noise-multiplier', '4'],
      64,
      'cli/usage',
    ],
    ['two unknowns', [...TARGET, '--rounds', '1'], 64, 'cli/usage'],
    ['no epsilon', ['--delta', '1e-5'], 64, null],
    [
      'a word for a number',
      [...TARGET, '--sampling-rate', 'half', '--rounds', '1'],
      64,
      'cli/usage',
    ],
    ['an unknown accountant', [...TARGET, '--accountant', 'abacus'], 64, null],
    [
      'a population without use',
      [...TARGET, '--sampling-rate', '1', '--rounds', '1', '--population', '9'],
      64,
      'cli/usage',
    ],
    [
      'a rate of 2',
      [...TARGET, '--sampling-rate', '2', '--rounds', '1'],
      1,
      'dp/invalid-parameter',
    ],
    [
      'half a round',
      [...TARGET, '--sampling-rate', '1', '--rounds', '0.5'],
      1,
      'dp/invalid-parameter',
    ],
    [
      'a delta of 1',
      ['--epsilon', '1', '--delta', '1', '--sampling-rate', '1', '--rounds', '1'],
      1,
      'dp/invalid-parameter',
    ],
    [
      'a negative epsilon',
      ['--epsilon=-1', '--delta', '1e-5', '--sampling-rate', '1', '--rounds', '1'],
      1,
      'dp/invalid-parameter',
    ],
    [
      'no population',
      [...TARGET, '--noise-multiplier', '1', '--rounds', '1', '--population', '0'],
      1,
      'dp/invalid-parameter',
    ],
    [
      'samples in GDP',
      [...TARGET, '--sampling-rate', '0.1', '--rounds', '1', '--accountant', 'gdp'],
      1,
      'dp/unsupported-event',
    ],
    [
      'too little noise for one round',
      [...TARGET, '--sampling-rate', '1', '--noise-multiplier', '0.1'],
      1,
      'dp/no-solution',
    ],
  ])('refuses %s', async (_, args, code, errorCode) => {
    const run = await calibrate(...args);
    expect([run.code, run.errorCode]).toEqual([code, errorCode]);
    expect(run.json).toBeNull();
  });

  it('has an example in its help', async () => {
    const { code, printed } = await calibrate('--help');
    expect(code).toBe(0);
    expect(printed).toContain('$ velatura calibrate --epsilon 2');
  });
});
