import { describe, expect, it } from 'vitest';
import {
  bandedSquareRoot,
  fedAdam,
  momentumSteps,
  plainSteps,
} from '../../../src/federated/index.ts';
import { inverseColumn } from '../../../src/federated/methods/correlated-noise-strategy.ts';
import { type NoisePath, noiseResponse } from '../../../src/federated/methods/noise-response.ts';

const rounds = 6;
const all = [1, 2, 3, 4, 5, 6];
const plain: NoisePath = {
  optimiser: plainSteps(),
  averaging: { kind: 'last' },
  rounds,
  released: all,
  learningRates: all.map(() => 0.5),
  coefficients: [1],
};

describe('noiseResponse', () => {
  it('adds up variances of plain steps', () => {
    expect(noiseResponse(plain)).toBeCloseTo(0.5 * Math.sqrt(6), 12);
  });

  it('weighs the noise of a round by the averaged iterates that hold it', () => {
    // Tail of half: iterates 4, 5, 6. Noise of rounds 1–4 is in all three, of 5 in two, of 6 in one.
    const response = noiseResponse({ ...plain, averaging: { kind: 'tail', share: 0.5 } });
    expect(response).toBeCloseTo(0.5 * Math.sqrt(4 + 4 / 9 + 1 / 9), 12);
    const decay = 0.5;
    const weights = all.map((round) => decay ** (rounds - round));
    const total = weights.reduce((sum, w) => sum + w, 0);
    let energy = 0;
    for (const source of all) {
      const held = weights.slice(source - 1).reduce((sum, w) => sum + w, 0) / total;
      energy += (0.5 * held) ** 2;
    }
    const exponential = noiseResponse({ ...plain, averaging: { kind: 'exponential', decay } });
    expect(exponential).toBeCloseTo(Math.sqrt(energy), 12);
  });

  it('follows momentum and learning rates', () => {
    const learningRates = [1, 2, 3, 4, 5, 6];
    let energy = 0;
    for (const source of all) {
      let held = 0;
      for (let round = source; round <= rounds; round++) held += round * 0.9 ** (round - source);
      energy += held * held;
    }
    const response = noiseResponse({ ...plain, learningRates, optimiser: momentumSteps(0.9) });
    expect(response).toBeCloseTo(Math.sqrt(energy), 9);
  });

  it('counts released rounds only', () => {
    expect(noiseResponse({ ...plain, released: [1, 4] })).toBeCloseTo(0.5 * Math.SQRT2, 12);
    expect(noiseResponse({ ...plain, released: [] })).toBe(0);
  });

  it('lets correlated noise cancel in sums', () => {
    const { coefficients } = bandedSquareRoot(3);
    let prefix = 0;
    let energy = 0;
    for (const value of inverseColumn(coefficients, rounds)) {
      prefix += value;
      energy += prefix * prefix;
    }
    const response = noiseResponse({ ...plain, coefficients });
    expect(response).toBeCloseTo(0.5 * Math.sqrt(energy), 12);
    expect(response).toBeLessThan(noiseResponse(plain) as number);
  });

  it('cancels nothing of a lost round', () => {
    // With coefficients (1, ½) and round 2 lost: y₁ = z₁, y₃ = z₃, and no echo between them.
    const response = noiseResponse({ ...plain, coefficients: [1, 0.5], released: [1, 3] });
    expect(response).toBeCloseTo(0.5 * Math.SQRT2, 12);
  });

  it('is unknown for FedAdam', () => {
    expect(noiseResponse({ ...plain, optimiser: fedAdam({ adaptivity: 1 }) })).toBe(null);
  });
});
