import { describe, expect, it } from 'vitest';
import {
  createCatalogue,
  createNodeSealProvider,
  EncryptedScorer,
  HE_PRESETS,
  planScoring,
  ScoringClient,
} from '../../src/he/index.ts';
import { codeOf, unitVectors } from './fixtures.ts';

const provider = await createNodeSealProvider();

describe('planner', () => {
  it.each([
    ['default', 1, 1],
    ['default', 2047, 3],
    ['default', 2048, 3],
    ['fast', 2500, 5],
    ['exact', 4095, 2],
  ] as const)(
    'predicts the real bytes (%s, %d items, %d features)',
    (preset, items, dimensions) => {
      const parameters = HE_PRESETS[preset];
      const catalogue = createCatalogue({
        parameters,
        items: unitVectors('plan', items, dimensions),
        dimensions,
        itemNormBound: 1,
        profileNormBound: 1,
      });
      const scorer = new EncryptedScorer(catalogue);
      const client = new ScoringClient({ provider, catalogue: scorer.description });
      const { query } = client.encryptProfile(unitVectors('someone', 1, dimensions));
      const reply = scorer.score(query);
      client.dispose();
      const plan = planScoring({ parameters, items, dimensions, queriesPerVersion: 3 });
      expect(plan.queryBytes).toBe(query.length);
      expect(plan.queryBytes).toBe(scorer.queryBytes);
      expect(plan.replyBytes).toBe(reply.length);
      expect(plan.encryptedBytes).toBe(3 * (query.length + reply.length));
      expect(plan.matrixBytes).toBe(catalogue.integers.byteLength);
    },
  );

  it('says when sending the items would be cheaper', () => {
    const of = (items: number, queriesPerVersion: number) =>
      planScoring({ parameters: HE_PRESETS.default, items, dimensions: 64, queriesPerVersion });
    expect(of(4_000, 1).shippingMatrixIsCheaper).toBe(true);
    expect(of(1_000_000, 1).shippingMatrixIsCheaper).toBe(false);
    expect(of(1_000_000, 100).shippingMatrixIsCheaper).toBe(true);
  });

  it('keeps the bytes per item that the design asks for', () => {
    const perItem = (preset: 'default' | 'exact') =>
      planScoring({
        parameters: HE_PRESETS[preset],
        items: 1_000_000,
        dimensions: 64,
        queriesPerVersion: 1,
      }).replyBytes / 1_000_000;
    expect(perItem('default')).toBeLessThan(7.2);
    expect(perItem('exact')).toBeLessThan(10.3);
  });

  it('counts biases in the matrix', () => {
    const workload = {
      parameters: HE_PRESETS.fast,
      items: 10,
      dimensions: 3,
      queriesPerVersion: 1,
    };
    expect(planScoring(workload).matrixBytes).toBe(30);
    expect(planScoring({ ...workload, biases: true }).matrixBytes).toBe(70);
  });

  it('refuses workloads that are none', () => {
    const workload = {
      parameters: HE_PRESETS.fast,
      items: 10,
      dimensions: 3,
      queriesPerVersion: 1,
    };
    for (const name of ['items', 'dimensions', 'queriesPerVersion']) {
      for (const value of [0, -1, 1.5, Number.NaN]) {
        expect(codeOf(() => planScoring({ ...workload, [name]: value }))).toBe('RangeError');
      }
    }
  });
});
