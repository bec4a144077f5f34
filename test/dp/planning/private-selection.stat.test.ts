import { describe, it } from 'vitest';
import { SecureRandom } from '../../../src/core/secure-random.ts';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { type SelectionRuns, sampleSelectionRuns, selectPrivately } from '../../../src/dp/index.ts';
import { runWeights, selectedLaw } from '../accounting/selection-laws.ts';
import { expectCounts } from '../mechanisms/chi-square.ts';

// Each chi-square has a false-alarm rate under 1e-6.
const SAMPLES = 20_000;

const LAWS: readonly SelectionRuns[] = [
  { kind: 'truncated-negative-binomial', shape: -0.7, stop: 0.2 },
  { kind: 'truncated-negative-binomial', shape: 0, stop: 0.05 },
  { kind: 'truncated-negative-binomial', shape: 0.3, stop: 0.1 },
  { kind: 'truncated-negative-binomial', shape: 1, stop: 0.25 },
  { kind: 'poisson', mean: 3.5 },
];

describe('sampleSelectionRuns', () => {
  for (const runs of LAWS) {
    it(`follows its law: ${JSON.stringify(runs)}`, () => {
      const weights = runWeights(runs);
      const random = new SeededRandom(7);
      const counts = new Float64Array(weights.length);
      for (let i = 0; i < SAMPLES; i++) {
        const k = sampleSelectionRuns(runs, random);
        counts[k] = (counts[k] as number) + 1;
      }
      expectCounts(counts, weights);
    });
  }
});

describe('selectPrivately', () => {
  for (const runs of [LAWS[1], LAWS[4]] as readonly SelectionRuns[]) {
    it(`releases the best of a hidden number of runs: ${runs.kind}`, async () => {
      // Every candidate has a score of its own, drawn again in every run: 0 … 3, one in four each.
      const weights = selectedLaw([0.25, 0.25, 0.25, 0.25], runWeights(runs));
      const counts = new Float64Array(5);
      const random = new SecureRandom();
      for (let i = 0; i < 4000; i++) {
        const found = await selectPrivately({
          candidates: [0, 1, 2, 3],
          runs,
          run: (candidate) => candidate,
          score: (result) => result,
          random,
        });
        const at = found === null ? 0 : found.candidate + 1;
        counts[at] = (counts[at] as number) + 1;
      }
      expectCounts(counts, weights);
    });
  }
});
