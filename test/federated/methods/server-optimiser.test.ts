import { describe, expect, it } from 'vitest';
import {
  fedAdam,
  momentumSteps,
  plainSteps,
  type ServerOptimiser,
} from '../../../src/federated/index.ts';
import { initialState } from '../../../src/federated/methods/server-optimiser.ts';

/** Parameters after each of some updates, from zero. */
function path(
  optimiser: ServerOptimiser,
  updates: readonly (readonly number[])[],
  learningRate: number,
  noiseStddev = 0,
): number[][] {
  const parameters = new Float64Array(updates[0]?.length ?? 0);
  const state = initialState(optimiser, parameters.length);
  return updates.map((update) => {
    optimiser.step(parameters, { update, learningRate, noiseStddev }, state);
    return [...parameters];
  });
}

describe('server optimisers', () => {
  it('add the update in plain steps', () => {
    expect(
      path(
        plainSteps(),
        [
          [1, -2],
          [3, 0],
        ],
        0.5,
      ),
    ).toEqual([
      [0.5, -1],
      [2, -1],
    ]);
  });

  it('carry momentum on, and are plain steps without it', () => {
    const updates = [[1], [0], [4]];
    // v = 1, 0.5, 4.25; sums 1, 1.5, 5.75
    expect(path(momentumSteps(0.5), updates, 2)).toEqual([[2], [3], [11.5]]);
    expect(path(momentumSteps(0), updates, 2)).toEqual(path(plainSteps(), updates, 2));
  });

  it('follow the formula of FedAdam', () => {
    const [beta1, beta2, adaptivity] = [0.5, 0.75, 0.1];
    const [first, second] = path(fedAdam({ beta1, beta2, adaptivity }), [[2], [1]], 3);
    // Corrected moments: m̂₁ = 2, v̂₁ = 4; m₂ = .5·1 + .5·1 = 1, m̂₂ = 1/.75; v₂ = .75·1 + .25 = 1, v̂₂ = 1/.4375
    expect(first?.[0]).toBeCloseTo((3 * 2) / 2.1, 12);
    expect(second?.[0]).toBeCloseTo((3 * 2) / 2.1 + 3 / 0.75 / (Math.sqrt(1 / 0.4375) + 0.1), 12);
  });

  it('take the known noise out of the second moment of FedAdam', () => {
    const adam = fedAdam({ adaptivity: 0.1 });
    // v̂ = 25, of which 16 is noise.
    expect(path(adam, [[5]], 1, 4)[0]?.[0]).toBeCloseTo(5 / 3.1, 12);
    // All of it noise: a plain step over the floor, and no root of a negative number.
    expect(path(adam, [[5]], 1, 6)[0]?.[0]).toBeCloseTo(50, 12);
  });

  it.each([
    () => momentumSteps(1),
    () => momentumSteps(Number.NaN),
    () => fedAdam({ adaptivity: 0 }),
    () => fedAdam({ adaptivity: Number.POSITIVE_INFINITY }),
    () => fedAdam({ adaptivity: 1, beta1: 1 }),
    () => fedAdam({ adaptivity: 1, beta2: -0.1 }),
  ])('refuse constants out of range: %s', (make) => {
    expect(make).toThrow(RangeError);
  });
});
