import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { calibrateGaussian, gdpCost } from '../../../src/dp/index.ts';
import { FederatedClient } from '../../../src/federated/index.ts';
import {
  type GroupHistogramOptions,
  groupHistogram,
  groupHistogramPlan,
} from '../../../src/federated/segments/group-histogram.ts';
import { clientsOf, environment, newBudget, target } from './crowds.ts';

/** 600 people: every third in group b; tag x for every second, y for every fifth, z for four of them. */
const rows = Array.from({ length: 600 }, (_, i) => [i % 3 === 0 ? 1 : 0]);
const labels = (i: number) => [i % 2 === 0 ? 1 : 0, i % 5 === 0 ? 1 : 0, i < 4 ? 1 : 0];
const clients = clientsOf(rows, labels);
const options: GroupHistogramOptions = {
  roundId: 'histogram',
  tags: ['x', 'y', 'z'],
  groups: ['a', 'b'],
  groupOf: (data) => data.features[0] as number,
  minimumCount: 10,
  confidence: 0.95,
  population: 600,
  noiseMultiplier: 0,
  delta: target.delta,
};

async function release(change: Partial<GroupHistogramOptions> = {}, people = clients) {
  const outcome = await groupHistogram(environment, people, { ...options, ...change });
  if (outcome.kind === 'refused') throw new Error(outcome.refusal.message);
  return outcome.histogram;
}

describe('groupHistogram', () => {
  it('counts exactly without noise, and withholds small cells', async () => {
    const { groups, noiseStddev, halfWidth, statement, plan } = await release();
    expect(groups.map(({ group, size }) => [group, size])).toEqual([
      ['a', 400],
      ['b', 200],
    ]);
    const counts = groups.map(({ cells }) =>
      cells.map((cell) => cell && [cell.tag, cell.count, cell.share]),
    );
    expect(counts).toEqual([
      [['x', 200, 0.5], ['y', 80, 0.2], null],
      [['x', 100, 0.5], ['y', 40, 0.2], null],
    ]);
    expect(groups[0]?.cells[0]?.shareInterval).toEqual({ low: 0.5, high: 0.5 });
    expect([noiseStddev, halfWidth]).toEqual([0, 0]);
    expect(statement.epsilon).toBeNull();
    expect(plan.event.kind).toBe('non-private');
  });

  it('shows a cell exactly at the minimum, and none below it', async () => {
    const count = async (minimumCount: number) =>
      (await release({ minimumCount })).groups[1]?.cells[1]?.count;
    expect(await count(40)).toBe(40);
    expect(await count(41)).toBeUndefined();
  });

  it('withholds all cells of a small group', async () => {
    const { groups } = await release({ minimumCount: 201 });
    expect(groups[1]).toEqual({ group: 'b', size: null, cells: [null, null, null] });
    expect(groups[0]?.size).toBe(400);
  });

  it('adds noise of the deviation that it states, and counts near the truth', async () => {
    const noiseMultiplier = calibrateGaussian(target);
    const histogram = await release({ noiseMultiplier });
    const expected = noiseMultiplier * 2;
    expect(histogram.noiseStddev).toBeGreaterThan(expected);
    expect(histogram.noiseStddev).toBeLessThan(expected * 1.001);
    expect(histogram.halfWidth / histogram.noiseStddev).toBeCloseTo(1.959964, 5);
    expect(histogram.simultaneousHalfWidth).toBeGreaterThan(histogram.halfWidth);
    expect(histogram.statement.epsilon?.upper).toBeLessThanOrEqual(2);
    // Seven deviations: a false alarm once in 10¹¹ runs.
    const size = histogram.groups[0]?.size as number;
    expect(Math.abs(size - 400)).toBeLessThan(7 * histogram.noiseStddev);
    const interval = histogram.groups[0]?.cells[0]?.shareInterval;
    expect(interval?.low).toBeLessThan(interval?.high as number);
  });

  it('counts fewer tags with less noise, and keeps a client with more within the bound', async () => {
    const one = await release({ maxTags: 1, noiseMultiplier: 1 });
    const all = await release({ noiseMultiplier: 1 });
    expect(one.noiseStddev / all.noiseStddev).toBeCloseTo(Math.sqrt(2 / 4), 3);
    const [both] = (
      await release({ maxTags: 1, minimumCount: 0 }, clients.slice(0, 1))
    ).groups.slice(1);
    // Client 0 has all three tags: each counts 1/√3, and its size stays whole.
    expect(both?.size).toBe(1);
    for (const cell of both?.cells ?? []) expect(cell?.count).toBeCloseTo(1 / Math.sqrt(3), 4);
  });

  it('takes a tag that any row has, and nobody without rows or group', async () => {
    const many = new FederatedClient('many', {
      rows: 2,
      features: Float32Array.of(0, 0),
      labels: Float32Array.of(1, 0, 0, 0, 1, 0),
    });
    const nobody = new FederatedClient('nobody', {
      rows: 0,
      features: new Float32Array(0),
      labels: new Float32Array(0),
    });
    const outsider = new FederatedClient('outsider', {
      rows: 1,
      features: Float32Array.of(-1),
      labels: Float32Array.of(1, 1, 1),
    });
    const { groups } = await release({ minimumCount: 0 }, [many, nobody, outsider]);
    expect(groups[0]?.size).toBe(1);
    expect(groups[0]?.cells.map((cell) => cell?.count)).toEqual([1, 1, 0]);
    expect(groups[1]?.size).toBe(0);
  });

  it('counts nothing of a client whose group or tags are none', async () => {
    const errors: unknown[] = [];
    const odd = { ...environment, onClientError: (error: unknown) => errors.push(error) };
    for (const change of [
      { groupOf: () => 2 },
      { groupOf: () => 0.5 },
      { groupOf: () => NaN },
      { tagsOf: () => [1] },
      {
        tagsOf: () => {
          throw new Error('broken device');
        },
      },
    ]) {
      const outcome = await groupHistogram(odd, clients.slice(0, 2), {
        ...options,
        ...change,
        minimumCount: 0,
      });
      if (outcome.kind === 'refused') throw new Error('no budget');
      expect(outcome.histogram.groups.map(({ size }) => size)).toEqual([0, 0]);
    }
    expect(errors).toHaveLength(10);
  });

  it('charges what it planned, and returns the refusal', async () => {
    const noiseMultiplier = calibrateGaussian(target);
    const budget = await newBudget();
    const paid = { ...environment, budget };
    const first = await groupHistogram(paid, clients, { ...options, noiseMultiplier });
    if (first.kind === 'refused') throw new Error(first.refusal.message);
    expect(first.histogram.plan).toEqual(groupHistogramPlan(environment, { noiseMultiplier }));
    expect(gdpCost(first.histogram.plan)).toBeLessThanOrEqual(noiseMultiplier ** -2);
    expect(gdpCost(first.histogram.plan)).toBeCloseTo(noiseMultiplier ** -2, 8);
    expect(first.histogram.statement.simulation).toBeNull();
    const second = await groupHistogram(paid, clients, {
      ...options,
      noiseMultiplier,
      roundId: 'again',
    });
    expect(second.kind === 'refused' && second.refusal.limit).toBe('user-total');
  });

  it('marks seeded noise insecure', async () => {
    const seeded = { ...environment, random: new SeededRandom(1) };
    const outcome = await groupHistogram(seeded, clients, { ...options, noiseMultiplier: 1 });
    expect(outcome.kind === 'released' && outcome.histogram.statement.insecure).toBe(true);
  });

  const wrong: readonly [string, Partial<GroupHistogramOptions>][] = [
    ['no tags', { tags: [] }],
    ['a tag twice', { tags: ['x', 'x', 'y'] }],
    ['no groups', { groups: [] }],
    ['no tag to count', { maxTags: 0 }],
    ['more tags to count than there are', { maxTags: 4 }],
    ['a negative minimum', { minimumCount: -1 }],
    ['no minimum', { minimumCount: NaN }],
    ['certainty', { confidence: 1 }],
    ['no confidence', { confidence: 0 }],
  ];
  it.each(wrong)('refuses %s', async (_, change) => {
    await expect(groupHistogram(environment, clients, { ...options, ...change })).rejects.toThrow(
      RangeError,
    );
  });

  it('refuses a delta that protects nobody', async () => {
    await expect(release({ noiseMultiplier: 1, delta: 0.5 })).rejects.toThrow(
      expect.objectContaining({ code: 'dp/delta-too-large' }),
    );
  });
});
