import { describe, expect, it } from 'vitest';
import {
  createCatalogue,
  createNodeSealProvider,
  EncryptedScorer,
  HE_PRESETS,
  measureScoringSpeed,
  planScoring,
  REFERENCE_SPEED,
  ScoringClient,
  scorePlain,
} from '../../src/he/index.ts';
import { codeOf, exchange, unitVectors } from './fixtures.ts';

const provider = await createNodeSealProvider();

describe('planner', () => {
  it.each([
    ['default', 1, 1, undefined],
    ['default', 2047, 3, 1],
    ['default', 2048, 3, 1],
    ['default', 600, 5, 2],
    ['fast', 2500, 5, undefined],
    ['exact', 4095, 2, 1],
    ['exact', 300, 20, undefined],
  ] as const)(
    'predicts the real bytes (%s, %d items, %d features, %s a ciphertext)',
    (preset, items, dimensions, features) => {
      const parameters = HE_PRESETS[preset];
      const packing = features === undefined ? {} : { featuresPerCiphertext: features };
      const workload = { parameters, items, dimensions, queriesPerVersion: 3, ...packing };
      const { featuresPerCiphertext } = planScoring(workload);
      const catalogue = createCatalogue({
        parameters,
        items: unitVectors('plan', items, dimensions),
        dimensions,
        itemNormBound: 1,
        profileNormBound: 1,
        featuresPerCiphertext,
      });
      const { droppedBits } = catalogue.description;
      const plan = planScoring({ ...workload, featuresPerCiphertext, droppedBits });
      const scorer = new EncryptedScorer(catalogue);
      const client = new ScoringClient({ provider, catalogue: scorer.description });
      const { query } = client.encryptProfile(unitVectors('someone', 1, dimensions));
      const reply = scorer.score(query);
      client.dispose();
      expect(plan.queryBytes).toBe(query.length);
      expect(plan.queryBytes).toBe(scorer.queryBytes);
      expect(plan.replyBytes).toBe(reply.length);
      expect(plan.encryptedBytes).toBe(3 * (query.length + reply.length));
      expect(plan.matrixBytes).toBe(items * dimensions);
      expect(planScoring(workload).replyBytes).toBeGreaterThanOrEqual(reply.length);
    },
  );

  it.each(['default', 'fast'] as const)(
    'packs small catalogues: at most 130 kB for 1,000 items of 64 features (%s)',
    (preset) => {
      const parameters = HE_PRESETS[preset];
      const items = 1000;
      const dimensions = 64;
      const plan = planScoring({ parameters, items, dimensions, queriesPerVersion: 1 });
      const catalogue = createCatalogue({
        parameters,
        items: unitVectors('small', items, dimensions),
        dimensions,
        itemNormBound: 1,
        profileNormBound: 1,
        featuresPerCiphertext: plan.featuresPerCiphertext,
      });
      const scorer = new EncryptedScorer(catalogue);
      const client = new ScoringClient({ provider, catalogue: scorer.description });
      const profile = unitVectors('someone', 1, dimensions);
      const { query, queryId, reply } = exchange(client, scorer, profile);
      expect(query.length + reply.length).toBeLessThanOrEqual(130_000);
      const raw = client.decryptReply(reply, queryId).revealRawScoresUnsafely();
      const plain = scorePlain(catalogue, profile);
      const { scoreErrorBound } = scorer.description;
      expect(
        raw.every((score, i) => Math.abs(score - (plain[i] as number)) <= scoreErrorBound),
      ).toBe(true);
    },
  );

  it('finds the packing that is best of all', () => {
    const link = { upBitsPerSecond: 10e6, downBitsPerSecond: 50e6, roundTripMs: 40 };
    const workload = { parameters: HE_PRESETS.fast, dimensions: 24, queriesPerVersion: 1 };
    for (const items of [10, 1000, 5000, 50_000]) {
      const all = Array.from({ length: 24 }, (_, i) => ({
        ...workload,
        items,
        featuresPerCiphertext: i + 1,
      }));
      const { queryBytes, replyBytes } = planScoring({ ...workload, items });
      const bytes = all.map(planScoring).map((plan) => plan.queryBytes + plan.replyBytes);
      expect(queryBytes + replyBytes).toBe(Math.min(...bytes));
      const times = all.map((each) => planScoring({ ...each, link }).time.totalMs);
      expect(planScoring({ ...workload, items, link }).time.totalMs).toBe(Math.min(...times));
    }
  });

  it('packs columns for large catalogues, and little upload for slow upward links', () => {
    const workload = { parameters: HE_PRESETS.default, dimensions: 64, queriesPerVersion: 1 };
    expect(planScoring({ ...workload, items: 1_000_000 }).featuresPerCiphertext).toBe(1);
    const of = (upBitsPerSecond: number) =>
      planScoring({
        ...workload,
        items: 5000,
        link: { upBitsPerSecond, downBitsPerSecond: 50e6, roundTripMs: 0 },
      });
    expect(of(1e6).queryBytes).toBeLessThan(of(50e6).queryBytes);
    expect(of(1e6).time.transferMs).toBeCloseTo(
      of(1e6).queryBytes * 0.008 + of(1e6).replyBytes * 0.00016,
      6,
    );
  });

  it('keeps queries of 64 features within what the design asks for', () => {
    const bytes = (preset: 'default' | 'fast') =>
      planScoring({
        parameters: HE_PRESETS[preset],
        items: 1_000_000,
        dimensions: 64,
        queriesPerVersion: 1,
      }).queryBytes;
    expect(bytes('default')).toBeLessThanOrEqual(470_000);
    expect(bytes('fast')).toBeLessThanOrEqual(230_000);
  });

  it('adds up what a measured speed says', () => {
    const speed = measureScoringSpeed(provider, HE_PRESETS.fast);
    for (const value of Object.values(speed)) expect(value).toBeGreaterThanOrEqual(0);
    const { time } = planScoring({
      parameters: HE_PRESETS.fast,
      items: 10_000,
      dimensions: 16,
      featuresPerCiphertext: 1,
      queriesPerVersion: 1,
      speed,
    });
    expect(time.encryptMs).toBeCloseTo(speed.keyMs + (16 * 1024 * speed.encryptNs) / 1e6, 9);
    expect(time.decryptMs).toBeCloseTo((10 * 1024 * speed.decryptNs) / 1e6, 9);
    expect(time.totalMs).toBe(time.encryptMs + time.serverMs + time.decryptMs);
  });

  it('says when sending the items would be cheaper', () => {
    const of = (items: number, queriesPerVersion: number) =>
      planScoring({ parameters: HE_PRESETS.default, items, dimensions: 64, queriesPerVersion });
    expect(of(1_000, 1).shippingMatrixIsCheaper).toBe(true);
    expect(of(4_000, 1).shippingMatrixIsCheaper).toBe(false);
    expect(of(4_000, 2).shippingMatrixIsCheaper).toBe(true);
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
    for (const name of ['items', 'dimensions', 'queriesPerVersion', 'featuresPerCiphertext']) {
      for (const value of [0, -1, 1.5, Number.NaN]) {
        expect(codeOf(() => planScoring({ ...workload, [name]: value }))).toBe('RangeError');
      }
    }
    const link = { upBitsPerSecond: 1, downBitsPerSecond: 1, roundTripMs: 0 };
    for (const bad of [
      { featuresPerCiphertext: 513 },
      { link: { ...link, upBitsPerSecond: 0 } },
      { link: { ...link, downBitsPerSecond: Number.NaN } },
      { link: { ...link, roundTripMs: -1 } },
      { speed: { ...REFERENCE_SPEED, keyMs: -1 } },
    ]) {
      expect(codeOf(() => planScoring({ ...workload, ...bad }))).toBe('RangeError');
    }
  });
});
