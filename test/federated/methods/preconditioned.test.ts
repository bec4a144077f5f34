import { describe, expect, it } from 'vitest';
import { l2Norm } from '../../../src/core/linear-algebra.ts';
import type { RandomSource } from '../../../src/core/random-source.ts';
import { SecureRandom } from '../../../src/core/secure-random.ts';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { gdpCost, oneShotDimension } from '../../../src/dp/index.ts';
import {
  FederatedClient,
  firstContribution,
  PlainSum,
  type PreconditionedOptions,
  type PreconditionedState,
  preconditionedPlan,
  type RoundEnvironment,
  runPreconditioned,
} from '../../../src/federated/index.ts';

const options: PreconditionedOptions = {
  runId: 'r',
  inputDimension: 3,
  outputDimension: 2,
  constantFeature: 0.5,
  rounds: 3,
  momentShare: 0.1,
  scoreClip: 0.4,
  noiseMultiplier: 1,
};
const environment: RoundEnvironment = {
  scene: 's',
  relation: 'add-or-remove-one-user',
  secureSum: new PlainSum(),
  random: new SecureRandom(),
  budget: null,
  minimumCohort: 1,
};
const start = new Float32Array(6);

describe('firstContribution', () => {
  // ρ / ((1 − ρ) / T): what the two parts of the first upload cost.
  const weight = Math.sqrt((3 * 0.1) / 0.9);

  it('sends the Frobenius norm of the second moment and a clipped score', () => {
    const x = [0.5, 0.6, Math.sqrt(1 - 0.25 - 0.36)];
    const data = { rows: 1, features: Float32Array.from(x), labels: Float32Array.of(1, 0) };
    const vector = firstContribution(data, start, options);
    expect(vector.length).toBe(oneShotDimension(3, 2));
    expect(l2Norm(vector.subarray(0, 6))).toBeCloseTo(weight, 6);
    expect(l2Norm(vector.subarray(6))).toBeCloseTo(1, 12);
  });

  it('sends x (y − p) when nothing is clipped', () => {
    const data = { rows: 1, features: Float32Array.of(0.5, 0.5, 0), labels: Float32Array.of(1, 0) };
    const vector = firstContribution(data, start, { ...options, scoreClip: 1 });
    expect([...vector.subarray(6)]).toEqual([0.25, 0.25, 0, -0.25, -0.25, 0]);
  });

  it('gives a user of many rows the weight of one', () => {
    const one = { rows: 1, features: Float32Array.of(0.5, 0.5, 0), labels: Float32Array.of(1, 0) };
    const ten = {
      rows: 10,
      features: Float32Array.from({ length: 30 }, (_, i) => one.features[i % 3] as number),
      labels: Float32Array.from({ length: 20 }, (_, i) => one.labels[i % 2] as number),
    };
    const [a, b] = [one, ten].map((data) => firstContribution(data, start, options));
    for (let i = 0; i < 12; i++) expect(b?.[i]).toBeCloseTo(a?.[i] as number, 12);
  });

  it('is zero for a user without rows', () => {
    const none = { rows: 0, features: new Float32Array(0), labels: new Float32Array(0) };
    expect(firstContribution(none, start, options).every((value) => value === 0)).toBe(true);
  });
});

describe('preconditionedPlan', () => {
  it.each([1, 2, 3, 5])('costs what it was given in %i rounds, and no more', (rounds) => {
    for (const noiseMultiplier of [0.6, 2, 13.4]) {
      const plan = preconditionedPlan('add-or-remove-one-user', {
        noiseMultiplier,
        rounds,
        momentShare: 0.1,
      });
      const whole = 1 / noiseMultiplier ** 2;
      expect(gdpCost(plan)).toBeLessThanOrEqual(whole * (1 + 1e-14));
      expect(gdpCost(plan)).toBeGreaterThan(whole * (1 - 1e-6));
    }
  });

  it('refuses rounds and shares that are none', () => {
    const costs = { noiseMultiplier: 1, rounds: 3, momentShare: 0.1 };
    for (const wrong of [{ rounds: 0 }, { rounds: 1.5 }, { momentShare: 0 }, { momentShare: 1 }]) {
      expect(() => preconditionedPlan('zero-out-one-user', { ...costs, ...wrong })).toThrow(
        RangeError,
      );
    }
  });
});

/** Users of one row whose label follows a logistic law of known weights. */
function population(users: number, weights: readonly number[]): FederatedClient[] {
  // A fixed sequence of low discrepancy: no luck, the same people in every run.
  const uniform = (n: number, base: number): number => {
    let value = 0;
    for (let factor = 1 / base, rest = n; rest > 0; rest = Math.floor(rest / base)) {
      value += (rest % base) * factor;
      factor /= base;
    }
    return value;
  };
  return Array.from({ length: users }, (_, user) => {
    const angle = 2 * Math.PI * uniform(user + 1, 2);
    const x = [0.5, Math.sqrt(0.75) * Math.cos(angle), Math.sqrt(0.75) * Math.sin(angle)];
    const logit = x.reduce((sum, value, i) => sum + value * (weights[i] as number), 0);
    const label = uniform(user + 1, 3) < 1 / (1 + Math.exp(-logit)) ? 1 : 0;
    return new FederatedClient(`u${user}`, {
      rows: 1,
      features: Float32Array.from(x),
      labels: Float32Array.of(label, 1 - label),
    });
  });
}

async function trained(
  clients: readonly FederatedClient[],
  changes: Partial<PreconditionedOptions>,
  random: RandomSource = environment.random,
): Promise<Float32Array> {
  const run = runPreconditioned({ ...environment, random }, start, clients, {
    ...options,
    scoreClip: 2,
    ...changes,
  });
  for (;;) {
    const step = await run.next();
    if (step.done) return step.value.parameters;
  }
}

describe('runPreconditioned', () => {
  const truth = [-1, 2, -1.5];
  const clients = population(4000, truth);

  it('finds the maximum of the likelihood without noise, which is the truth for many users', async () => {
    const parameters = await trained(clients, { noiseMultiplier: 0, rounds: 8 });
    for (let i = 0; i < 3; i++) {
      expect(parameters[i]).toBeCloseTo(truth[i] as number, 0);
      // The second label is the opposite of the first.
      expect(parameters[3 + i]).toBeCloseTo(-(parameters[i] as number), 4);
    }
  });

  it('goes in the right direction under noise, and stays where it started under too much', async () => {
    const some = await trained(clients, { noiseMultiplier: 4 });
    const along = truth.reduce((sum, value, i) => sum + value * (some[i] as number), 0);
    expect(along / (l2Norm(some.subarray(0, 3)) * l2Norm(truth))).toBeGreaterThan(0.9);
    // Chance lets some noise pass for signal, but never more of it than that.
    const drowned = await trained(clients, { noiseMultiplier: 4000 }, new SeededRandom('drowned'));
    expect(l2Norm(drowned)).toBeLessThan(1);
  });

  it('does not move along directions that nobody has', async () => {
    const flat = Array.from(
      { length: 500 },
      (_, user) =>
        new FederatedClient(`f${user}`, {
          rows: 1,
          features: Float32Array.of(0.5, 0.5, 0),
          labels: Float32Array.of(1, 0),
        }),
    );
    const parameters = await trained(flat, { noiseMultiplier: 0 });
    expect(parameters[2]).toBe(0);
    expect(parameters[0]).toBeGreaterThan(0);
    expect(parameters.every(Number.isFinite)).toBe(true);
  });
});

describe('a run that is resumed', () => {
  const clients = population(200, [-1, 2, -1.5]);
  const settings = { ...options, scoreClip: 2, noiseMultiplier: 0 };

  async function states(
    changes: Partial<PreconditionedOptions> = {},
    where: RoundEnvironment = environment,
  ): Promise<PreconditionedState[]> {
    const run = runPreconditioned(where, start, clients, { ...settings, ...changes });
    const states: PreconditionedState[] = [];
    for await (const { state } of run) states.push(state);
    return states;
  }

  it('goes on as if it had never stopped', async () => {
    const whole = await states();
    const [, second] = whole;
    if (second === undefined) throw new Error('no second round');
    expect(second.releases.length).toBe(2);
    expect((await states({ resume: second })).at(-1)).toEqual(whole.at(-1));
  });

  it('refuses what another kind of run released', async () => {
    const [resume] = await states();
    if (resume === undefined) throw new Error('no round');
    for (const other of [{ rounds: 4 }, { runId: 'x' }, { momentShare: 0.2 }, { scoreClip: 1 }]) {
      await expect(states({ ...other, resume })).rejects.toMatchObject({
        code: 'federated/state-mismatch',
      });
    }
    const seeded = { ...environment, random: new SeededRandom(1) };
    await expect(states({ resume }, seeded)).rejects.toMatchObject({
      code: 'federated/state-mismatch',
    });
  });
});
