import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { estimateCategories, randomizedResponse } from '../../../src/dp/mechanisms/index.ts';
import { expectCounts } from './chi-square.ts';

const terms = { relation: 'replace-one-user', categories: 6, probability: 0.35 } as const;

// False-alarm rate of each case under 1e-6 over seeds; the seed is fixed.
describe('randomizedResponse', () => {
  it('follows its law: kept, or uniform over all categories', () => {
    const random = new SeededRandom('response');
    const counts = new Float64Array(6);
    for (let i = 0; i < 60_000; i++) {
      const { value } = randomizedResponse(4, { ...terms, random });
      counts[value] = (counts[value] as number) + 1;
    }
    const exchanged = 0.35 / 6;
    expectCounts(
      counts,
      [0, 1, 2, 3, 4, 5].map((c) => (c === 4 ? 0.65 : 0) + exchanged),
    );
  });

  it('charges its own event, one user each', () => {
    const { plan, insecure } = randomizedResponse(0, terms);
    expect(plan).toEqual({
      unit: 'user',
      relation: 'replace-one-user',
      event: { kind: 'randomized-response', probability: 0.35, categories: 6 },
    });
    expect(insecure).toBe(false);
  });

  it.each(['add-or-remove-one-user', 'zero-out-one-user'] as const)(
    'is refused under %s, which a report does not hide',
    (relation) => {
      expect(() => randomizedResponse(0, { ...terms, relation })).toThrow(
        expect.objectContaining({ code: 'dp/unsupported-event' }),
      );
    },
  );

  it.each([
    { probability: 0 },
    { probability: 1 },
    { probability: Number.NaN },
    { categories: 1 },
    { categories: 2.5 },
    { confidence: 1 },
  ])('refuses %j', (wrong) => {
    expect(() => randomizedResponse(0, { ...terms, ...wrong })).toThrow(
      expect.objectContaining({ code: 'dp/invalid-parameter' }),
    );
  });
});

describe('estimateCategories', () => {
  const truth = [500, 300, 0, 100, 99, 1];

  it('is unbiased, and as far off as it says at most', () => {
    const random = new SeededRandom('estimate');
    const repeats = 100;
    const sum = new Float64Array(6);
    let missed = 0;
    let spread = 0;
    for (let repeat = 0; repeat < repeats; repeat++) {
      const reports = truth.flatMap((users, category) =>
        Array.from(
          { length: users },
          () => randomizedResponse(category, { ...terms, random }).value,
        ),
      );
      const { value, error } = estimateCategories(reports, { ...terms, insecure: true });
      spread = error.noiseStddev;
      truth.forEach((users, category) => {
        const estimate = value[category] as number;
        sum[category] = (sum[category] as number) + estimate;
        if (Math.abs(estimate - users) > error.halfWidth) missed++;
      });
      expect(value.reduce((total, x) => total + x, 0)).toBeCloseTo(1000, 6);
    }
    truth.forEach((users, category) => {
      const mean = (sum[category] as number) / repeats;
      // The bound of the deviation is over the true one, so 5.5 of them are passed with less than 1e-7.
      expect(Math.abs(mean - users)).toBeLessThan((5.5 * spread) / Math.sqrt(repeats));
    });
    expect(missed / (repeats * 6)).toBeLessThanOrEqual(0.05);
  });

  it('passes on what is known of the source, and refuses what is no report', () => {
    expect(estimateCategories([0], { ...terms, insecure: true }).insecure).toBe(true);
    expect(estimateCategories([0], { ...terms, insecure: false }).insecure).toBe(false);
    for (const report of [6, -1, 0.5, Number.NaN]) {
      expect(() => estimateCategories([report], { ...terms, insecure: false })).toThrow(
        expect.objectContaining({ code: 'dp/invalid-contribution' }),
      );
    }
  });
});
