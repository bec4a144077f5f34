import { beforeAll, describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { LATTICE_NORM, stepSensitivity } from '../../../src/federated/example-level/sensitivity.ts';
import { trainExampleLevel } from '../../../src/federated/example-level/train-example-level.ts';
import { LogisticModel } from '../../../src/federated/models/logistic-model.ts';

const ROWS = 64;
const NORM = 0.5;
/** Six deviations of a normal: a false alarm of 2e-9 a figure, under 1e-6 for all of this file. */
const DEVIATIONS = 6;

/** Sums of single steps over these features, the labels all 0, noise multiplier 1. */
async function sums(
  model: LogisticModel,
  features: Float32Array,
  steps: number,
  seed: string,
): Promise<Float64Array[]> {
  const found: Float64Array[] = [];
  let before = new Float32Array(model.parameterCount);
  await trainExampleLevel({
    model,
    examples: { rows: ROWS, features, labels: new Float32Array(ROWS * model.outputDimension) },
    sampling: { kind: 'full' },
    steps,
    clip: { kind: 'global', norm: NORM },
    guarantee: { relation: 'add-or-remove-one-user', delta: 1e-3, noiseMultiplier: 1 },
    // So small that the gradients stay those of the start, to many more digits than are looked at.
    learningRate: 2 ** -40,
    random: new SeededRandom(seed),
    onStep: ({ parameters }) => {
      found.push(Float64Array.from(parameters, (value, i) => (before[i] as number) - value));
      before = parameters.slice();
    },
  });
  const unit = 2 ** 40 * ROWS;
  return found.map((sum) => sum.map((value) => value * unit));
}

/** Deviation of the noise in the units of the gradients. */
function stddevOf({ parameterCount }: LogisticModel): number {
  const clip = { kind: 'global', norm: NORM } as const;
  const shape = { sampling: 'full', parameterCount, capacity: 128, clip } as const;
  return (NORM / LATTICE_NORM) * stepSensitivity('add-or-remove-one-user', shape);
}

describe('the noise of a step', () => {
  // Of more than two blocks.
  const model = new LogisticModel({ inputDimension: 100, outputDimension: 50 });
  const stddev = stddevOf(model);
  let noise: Float64Array[];
  beforeAll(async () => {
    noise = await sums(model, new Float32Array(ROWS * 100), 12, 'noise');
  });

  it('has the deviation that the sensitivity asks for, in every block', () => {
    for (const step of noise) {
      for (let start = 0; start < step.length; start += 2_048) {
        const block = step.subarray(start, start + 2_048);
        const variance = block.reduce((sum, value) => sum + value * value, 0) / block.length;
        const ratio = variance / stddev ** 2;
        expect(Math.abs(ratio - 1)).toBeLessThan(DEVIATIONS * Math.sqrt(2 / block.length));
      }
    }
  });

  it('has the tails of a Gaussian', () => {
    const all = noise.flatMap((step) => [...step]);
    for (const [distance, share] of [
      [1, 0.317_310_5],
      [2, 0.045_500_3],
      [3, 0.002_699_8],
    ] as const) {
      const beyond = all.filter((value) => Math.abs(value) > distance * stddev).length;
      const deviation = Math.sqrt(all.length * share * (1 - share));
      expect(Math.abs(beyond - all.length * share)).toBeLessThan(DEVIATIONS * deviation);
    }
  });

  it('is fresh in every step and block', () => {
    const parts = noise.flatMap((step) => [step.subarray(0, 2_048), step.subarray(2_048, 4_096)]);
    for (let i = 0; i < parts.length; i++) {
      for (let j = 0; j < i; j++) {
        const product = (parts[i] as Float64Array).reduce(
          (sum, value, at) => sum + value * ((parts[j] as Float64Array)[at] as number),
          0,
        );
        expect(Math.abs(product / stddev ** 2)).toBeLessThan(DEVIATIONS * Math.sqrt(2_048));
      }
    }
  });
});

describe('an example that somebody looks for', () => {
  it('shows no more than a Gaussian of that noise multiplier lets it', async () => {
    // The strongest case: everybody else adds nothing, and the wanted one as much as it can.
    const inputs = 10;
    const outputs = 5;
    const model = new LogisticModel({ inputDimension: inputs, outputDimension: outputs });
    const features = new Float32Array(ROWS * inputs);
    const steps = 1_500;
    for (let i = 0; i < inputs; i++) features[i] = 1e3 * (i % 2 === 0 ? 1 : -1);
    const direction = new Float32Array(model.parameterCount);
    const batch = {
      rows: 1,
      features: features.subarray(0, inputs),
      labels: new Float32Array(outputs),
    };
    model.clippedGradient(
      model.initialParameters(),
      batch,
      { kind: 'global', norm: NORM },
      direction,
    );
    const project = (sum: Float64Array): number =>
      sum.reduce((total, value, i) => total + value * (direction[i] as number), 0) / NORM ** 2;
    const present = (await sums(model, features, steps, 'present')).map(project);
    const mean = present.reduce((sum, value) => sum + value, 0) / steps;
    const spread = stddevOf(model) / NORM;
    // In units of the clip it shifts the sum by at most one, and by nearly that: the attack is no straw man.
    expect(mean).toBeLessThan(1 + (DEVIATIONS * spread) / Math.sqrt(steps));
    expect(mean).toBeGreaterThan(1 - (DEVIATIONS * spread) / Math.sqrt(steps));
    // At the threshold ½ nobody does better than Φ(µ/2) with µ = 1, the inverse of the noise multiplier.
    const caught = present.filter((value) => value > 0.5).length / steps;
    const best = 0.691_462_461;
    expect(caught).toBeLessThan(best + DEVIATIONS * Math.sqrt((best * (1 - best)) / steps));
  });
});
