import { describe, expect, it } from 'vitest';
import { balancedBins, scoreEdges } from '../../../src/federated/evaluation/score-edges.ts';

describe('scoreEdges', () => {
  it('are even on the logit scale around the density', () => {
    const edges = scoreEdges({ scale: 'logit', labelDensity: 0.5, bins: 4 });
    expect(edges).toEqual([-1.5, 0, 1.5]);
    const other = scoreEdges({ scale: 'logit', labelDensity: 0.2, bins: 2 });
    expect(other[0]).toBeCloseTo(Math.log(1 / 4), 12);
  });

  it('are the same edges as probabilities', () => {
    const options = { labelDensity: 0.25, bins: 9 } as const;
    const logits = scoreEdges({ ...options, scale: 'logit' });
    const probabilities = scoreEdges({ ...options, scale: 'probability' });
    expect(probabilities.map((p) => Math.log(p / (1 - p)))).toEqual(
      logits.map((logit) => expect.closeTo(logit, 12)),
    );
  });
});

describe('balancedBins', () => {
  it('balances what bins hide against their noise', () => {
    const [positives, noise] = [1000, 10];
    const bins = balancedBins(positives, noise);
    const hidden = 1 / (2 * bins);
    const noisy = (noise * Math.sqrt(bins / 6)) / positives;
    expect(hidden / noisy).toBeGreaterThan(0.9);
    expect(hidden / noisy).toBeLessThan(1.1);
  });

  it('stays within reason', () => {
    expect(balancedBins(1, 1e6)).toBe(4);
    expect(balancedBins(1e9, 1)).toBe(128);
    expect(balancedBins(1000, 0)).toBe(128);
  });
});
