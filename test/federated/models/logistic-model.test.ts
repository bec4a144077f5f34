import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { type Batch, LogisticModel } from '../../../src/federated/index.ts';
import { trainableConformance } from '../../../src/testing/index.ts';

function randomBatch(seed: number, rows: number, inputs: number, outputs: number): Batch {
  const random = new SeededRandom(seed);
  return {
    rows,
    features: Float32Array.from({ length: rows * inputs }, () => random.uniform() * 2 - 1),
    labels: Float32Array.from({ length: rows * outputs }, () => (random.uniform() < 0.5 ? 1 : 0)),
  };
}

describe('LogisticModel', () => {
  const model = new LogisticModel({ inputDimension: 5, outputDimension: 3 });
  const random = new SeededRandom(9);
  const parameters = Float32Array.from({ length: 15 }, () => random.uniform() - 0.5);
  for (const { name, run } of trainableConformance(model, parameters, randomBatch(1, 7, 5, 3))) {
    it(name, run);
  }

  it('has the loss log 2 for each tag at the start', () => {
    const batch = randomBatch(2, 4, 5, 3);
    expect(model.loss(model.initialParameters(), batch)).toBeCloseTo(4 * 3 * Math.LN2, 12);
  });

  it('does not overflow at huge logits', () => {
    const huge = new Float32Array(15).fill(1e4);
    const batch: Batch = {
      rows: 1,
      features: new Float32Array(5).fill(1),
      labels: Float32Array.of(0, 1, 1),
    };
    expect(model.loss(huge, batch)).toBeCloseTo(5e4, 0);
  });

  it('refuses dimensions that are none', () => {
    expect(() => new LogisticModel({ inputDimension: 0, outputDimension: 1 })).toThrow(RangeError);
  });
});
