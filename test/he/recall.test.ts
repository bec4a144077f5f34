import { describe, expect, it } from 'vitest';
import {
  createCatalogue,
  createNodeSealProvider,
  EncryptedScorer,
  HE_PRESETS,
  quantisationRecall,
  ScoringClient,
  scorePlain,
} from '../../src/he/index.ts';
import { topK } from '../../src/he/top-k.ts';
import { compareExactScores } from './exact-rounds.ts';
import { codeOf, exchange, unitVectors } from './fixtures.ts';

const ITEMS = 4000;
const DIMENSIONS = 64;
const PEOPLE = 10;
const TOP = 100;
const items = unitVectors('recalled', ITEMS, DIMENSIONS);
const profiles = unitVectors('recalling', PEOPLE, DIMENSIONS);
const catalogue = createCatalogue({
  parameters: HE_PRESETS.default,
  items,
  dimensions: DIMENSIONS,
  itemNormBound: 1,
  profileNormBound: 1,
});

describe('recall of the best 100', () => {
  // The noise moves a rank in about two of a thousand; ten of a thousand are allowed: below 1e-9 by chance.
  it('is at least 0.99 of int8 and 0.95 of floats in the clear', async () => {
    const scorer = new EncryptedScorer(catalogue);
    const provider = await createNodeSealProvider();
    const client = new ScoringClient({ provider, catalogue: catalogue.description });
    let [int8, float] = [0, 0];
    for (let person = 0; person < PEOPLE; person++) {
      const profile = profiles.subarray(person * DIMENSIONS, (person + 1) * DIMENSIONS);
      const { reply, queryId } = exchange(client, scorer, profile);
      const best = client.decryptScores(reply, { queryId, topK: TOP });
      const ranked = new Set(best.map(({ item }) => item));
      const exact = Float64Array.from({ length: ITEMS }, (_, item) =>
        profile.reduce((sum, x, f) => sum + x * (items[item * DIMENSIONS + f] as number), 0),
      );
      int8 += topK(scorePlain(catalogue, profile), TOP).filter((item) => ranked.has(item)).length;
      float += topK(exact, TOP).filter((item) => ranked.has(item)).length;
    }
    client.dispose();
    expect(int8 / (PEOPLE * TOP)).toBeGreaterThanOrEqual(0.99);
    expect(float / (PEOPLE * TOP)).toBeGreaterThanOrEqual(0.95);
  });

  it('is reported for the rounding alone', () => {
    const recall = quantisationRecall(catalogue, { items, profiles, topK: TOP });
    expect(recall).toBeGreaterThan(0.95);
    expect(recall).toBeLessThan(1);
    const swapped = items.slice();
    swapped.reverse();
    expect(quantisationRecall(catalogue, { items: swapped, profiles, topK: TOP })).toBeLessThan(
      0.2,
    );
  });

  it('is not reported for what does not fit', () => {
    const recall = (change: object) =>
      codeOf(() => quantisationRecall(catalogue, { items, profiles, topK: TOP, ...change }));
    expect(recall({ items: items.subarray(1) })).toBe('RangeError');
    expect(recall({ profiles: profiles.subarray(1) })).toBe('RangeError');
    expect(recall({ topK: 0 })).toBe('RangeError');
  });
});

describe('the exact preset', () => {
  // A slice of the 10,000,000 products of test/long/exact-scores.long.ts.
  it('gives the integer result of 40,000 random products', async () => {
    expect(await compareExactScores(10_000, 4)).toBe(40_000);
  });
});
