import { describe, expect, it } from 'vitest';
import { planCommand, runPlanCommand } from '../../src/cli/plan-command.ts';
import { GdpAccountant } from '../../src/dp/accounting/gdp-accountant.ts';
import { type CommandRun, runCommand } from './command-harness.ts';

function plan(...args: string[]): Promise<CommandRun> {
  return runCommand(planCommand(), runPlanCommand, ...args);
}

const SHOP = ['--population', '1952', '--dimension', '240', '--epsilon', '1', '--delta', '1e-5'];

describe('velatura plan', () => {
  it('prints a plan that keeps to its target, with a table and a statement', async () => {
    const run = await plan(...SHOP, '--features', '16', '--labels', '15');
    expect(run.code).toBe(0);
    const accountant = new GdpAccountant(run.json.plan);
    accountant.compose(run.json.plan);
    expect(accountant.epsilon(1e-5).upper).toBeLessThanOrEqual(1);
    expect(run.json.statement.epsilon.upper).toBeLessThanOrEqual(1);
    expect(run.json.alternatives[0]).toEqual(run.json.choice);
    const oneShot = run.json.alternatives.find(
      ({ method }: { method: string }) => method === 'one-shot',
    );
    expect(oneShot.dimension).toBe((16 * 17) / 2 + 16 * 15);
    // √(15 · 0.25 · 0.75), the expected norm of residuals.
    expect(run.json.clippingNorm).toBeCloseTo(Math.sqrt(15 * 0.1875), 12);
    expect(run.printed).toContain('SNR/round');
    expect(run.printed).toContain('full *');
    expect(run.printed).toContain('one-shot (376 numbers)');
    expect(run.printed).toContain('Unit of protection: one user');
    expect(run.printed).toContain('--json has them all');
  });

  it('keeps the limits it is given, and notes what a sample needs', async () => {
    const run = await plan(
      ...['--population', '50000', '--dimension', '1000', '--epsilon', '2', '--delta', '1e-6'],
      ...['--rounds', '60', '--maximum-cohort', '5000', '--minimum-cohort', '500'],
      ...['--participation', 'poisson', '--clipping-norm', '2', '--alignment', '0.5'],
      ...['--relation', 'zero-out-one-user'],
    );
    expect(run.code).toBe(0);
    expect(run.json.plan.relation).toBe('zero-out-one-user');
    expect(run.json.clippingNorm).toBe(2);
    expect(run.json.noiseStddev).toBeCloseTo(2 * run.json.choice.noiseMultiplier, 12);
    for (const { cohort, rounds, participation } of run.json.alternatives) {
      expect(cohort).toBeGreaterThanOrEqual(500);
      expect(cohort).toBeLessThanOrEqual(5000);
      expect(rounds).toBeLessThanOrEqual(60);
      expect(participation).toBe('poisson');
    }
    expect(run.said).toContain('the aggregator included');
  });

  it.each<[string, string[], number, string | null]>([
    ['no target', ['--population', '10', '--dimension', '10'], 64, null],
    ['features alone', [...SHOP, '--features', '4'], 64, 'cli/usage'],
    [
      'a density of 1',
      [...SHOP, '--features', '4', '--labels', '3', '--label-density', '1'],
      64,
      'cli/usage',
    ],
    ['unknown participation', [...SHOP, '--participation', 'full,all'], 64, 'cli/usage'],
    ['a fraction of a user', [...SHOP, '--population', '0.5'], 1, 'dp/invalid-parameter'],
    ['a delta that protects nobody', [...SHOP, '--delta', '0.1'], 1, 'dp/delta-too-large'],
    ['cohorts that cannot be', [...SHOP, '--minimum-cohort', '5000'], 1, 'dp/no-solution'],
  ])('refuses %s', async (_, args, code, errorCode) => {
    const run = await plan(...args);
    expect([run.code, run.errorCode]).toEqual([code, errorCode]);
  });

  it('takes a large delta where told to, and warns', async () => {
    const run = await plan(...SHOP, '--delta', '0.1', '--allow-large-delta');
    expect(run.code).toBe(0);
    expect(run.json.statement.warnings).toHaveLength(1);
    expect(run.printed).toContain('Warning: delta');
  });

  it('has an example in its help', async () => {
    const { code, printed } = await plan('--help');
    expect(code).toBe(0);
    expect(printed).toContain('$ velatura plan --population 20000');
  });
});
