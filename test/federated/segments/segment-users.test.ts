import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { calibrateGaussian, gdpCost } from '../../../src/dp/index.ts';
import { FederatedClient } from '../../../src/federated/index.ts';
import { assignSegment } from '../../../src/federated/segments/segment-model.ts';
import {
  type SegmentOptions,
  segmentPlan,
  segmentUsers,
} from '../../../src/federated/segments/segment-users.ts';
import { around, clientsOf, environment, newBudget, target } from './crowds.ts';

const centres = [
  [0.6, 0, 0.1],
  [-0.5, 0.4, 0],
  [0, -0.6, -0.2],
];
const options: SegmentOptions = {
  runId: 'run',
  segments: 3,
  features: ['a', 'b', 'c'],
  ball: { radius: 1 },
  population: 1500,
  minimumSize: 20,
  confidence: 0.95,
  seed: 1,
  noiseMultiplier: 0,
  delta: target.delta,
};

async function segment(clients: readonly FederatedClient[], change: Partial<SegmentOptions> = {}) {
  const outcome = await segmentUsers(environment, clients, { ...options, ...change });
  if (outcome.kind === 'refused') throw new Error(outcome.refusal.message);
  return outcome.segmentation;
}

/** Which true centre the means of each portrait are next to, and how far from it. */
function matches(portraits: Awaited<ReturnType<typeof segment>>['portraits']) {
  return portraits.map((portrait) => {
    const mean = portrait?.profile.map((feature) => feature.mean) ?? [];
    const distances = centres.map((centre) =>
      Math.hypot(...centre.map((v, i) => v - (mean[i] ?? NaN))),
    );
    const distance = Math.min(...distances);
    return { centre: distances.indexOf(distance), distance };
  });
}

const people = around(centres, 1500, 0.08);
const clients = clientsOf(people);
/** Without noise the same seed gives the same segments: once is enough. */
const exact = segment(clients);

describe('segmentUsers', () => {
  it('finds what is there, without noise', async () => {
    const { model, portraits, rounds } = await exact;
    const found = matches(portraits);
    expect(found.map(({ centre }) => centre).sort()).toEqual([0, 1, 2]);
    for (const { distance } of found) expect(distance).toBeLessThan(0.02);
    for (const portrait of portraits) {
      expect(portrait?.size).toBeCloseTo(500, 0);
      // Three axes of deviation 0.08.
      expect(portrait?.spread).toBeCloseTo(0.08 * Math.sqrt(3), 2);
    }
    expect(model.statement.epsilon).toBeNull();
    expect(rounds).toHaveLength(5);
    people.forEach((place, i) => {
      const assigned = assignSegment(model, place) as number;
      expect(found[assigned]?.centre).toBe(i % 3);
    });
  });

  it('finds it under noise too, with intervals around the means', async () => {
    const noiseMultiplier = calibrateGaussian(target);
    const { model, portraits, plan } = await segment(clients, { noiseMultiplier });
    const found = matches(portraits);
    expect(found.map(({ centre }) => centre).sort()).toEqual([0, 1, 2]);
    for (const { distance } of found) expect(distance).toBeLessThan(0.15);
    for (const portrait of portraits) {
      for (const { mean, interval } of portrait?.profile ?? []) {
        expect(interval?.low).toBeLessThan(mean);
        expect(interval?.high).toBeGreaterThan(mean);
      }
      expect(portrait?.sizeHalfWidth).toBeGreaterThan(0);
    }
    expect(model.statement.epsilon?.upper).toBeLessThanOrEqual(target.epsilon);
    expect(model.statement.epsilon?.upper).toBeGreaterThan(0.999 * target.epsilon);
    expect(plan).toEqual(segmentPlan(environment, { ...options, noiseMultiplier }));
  });

  it('plans at most the cost it was calibrated to', () => {
    const noiseMultiplier = calibrateGaussian(target);
    const cost = gdpCost(segmentPlan(environment, { ...options, noiseMultiplier }));
    expect(cost).toBeLessThanOrEqual(noiseMultiplier ** -2 * (1 + 1e-14));
    expect(cost).toBeGreaterThan(noiseMultiplier ** -2 * (1 - 1e-6));
    expect(segmentPlan(environment, options).event.kind).toBe('non-private');
  });

  it('is the same for the same seed where nothing is random', async () => {
    expect(await segment(clients)).toEqual(await exact);
  });

  it('works in units of the features, around any middle', async () => {
    const moved = people.map((place) => place.map((value, i) => 100 + i + 50 * value));
    const far = await segment(clientsOf(moved), {
      ball: { middle: [100, 101, 102], radius: 50 },
    });
    const near = await exact;
    far.portraits.forEach((portrait, i) => {
      portrait?.profile.forEach(({ mean }, j) => {
        expect(mean).toBeCloseTo(100 + j + 50 * (near.portraits[i]?.profile[j]?.mean ?? NaN), 1);
      });
      expect(portrait?.spread).toBeCloseTo(50 * (near.portraits[i]?.spread ?? NaN), 1);
    });
    expect(far.reach).toBeCloseTo(50 * near.reach, 1);
  });

  it('withholds segments that may be too small, and assigns nobody to them', async () => {
    const few = [...around([[0.7, 0, 0]], 8, 0.01), ...around([[-0.5, 0, 0]], 1000, 0.01)];
    const { model, portraits } = await segment(clientsOf(few), { segments: 2, minimumSize: 9 });
    const shown = portraits.filter((portrait) => portrait !== null);
    // The eight are withheld, or have been given up for a split of the thousand.
    for (const portrait of shown) expect(portrait.profile[0]?.mean).toBeCloseTo(-0.5, 1);
    expect(shown.length + model.withheld.length).toBe(2);
    for (const at of model.withheld) {
      expect(portraits[at]).toBeNull();
      const centre = model.centres.subarray(at * 3, (at + 1) * 3);
      expect(assignSegment(model, centre)).toBeNull();
    }
    const strict = await segment(clients, { minimumSize: 501 });
    expect(strict.portraits).toEqual([null, null, null]);
    expect(strict.model.withheld).toEqual([0, 1, 2]);
  });

  it('finds one segment, and more segments than there are places', async () => {
    const [whole] = (await segment(clients, { segments: 1 })).portraits;
    expect(whole?.size).toBeCloseTo(1500, 0);
    const same = clientsOf(Array.from({ length: 200 }, () => [0.1, 0.2, 0.3]));
    const { portraits } = await segment(same, { segments: 4, population: 200 });
    const total = portraits.reduce((sum, portrait) => sum + (portrait?.size ?? 0), 0);
    expect(total).toBeCloseTo(200, 0);
  });

  it('survives a handful of people under heavy noise', async () => {
    const { model, portraits } = await segment(clients.slice(0, 5), {
      population: 5,
      noiseMultiplier: 50,
      delta: 0.01,
    });
    expect(portraits.filter((portrait) => portrait !== null).length).toBeLessThanOrEqual(3);
    expect(model.centres.every(Number.isFinite)).toBe(true);
  });

  it('counts people with many rows once, and those without any not at all', async () => {
    const many = people.map(
      (place, i) =>
        new FederatedClient(`user-${i}`, {
          rows: 2,
          features: Float32Array.from([...place.map((v) => v - 0.2), ...place.map((v) => v + 0.2)]),
          labels: new Float32Array(0),
        }),
    );
    const none = new FederatedClient('none', {
      rows: 0,
      features: new Float32Array(0),
      labels: new Float32Array(0),
    });
    const { portraits } = await segment([...many, none]);
    expect(portraits.reduce((sum, portrait) => sum + (portrait?.size ?? 0), 0)).toBeCloseTo(
      1500,
      0,
    );
    for (const { distance } of matches(portraits)) expect(distance).toBeLessThan(0.02);
  });

  it('hears nothing of NaN or another shape, and little of a place far outside', async () => {
    const errors: unknown[] = [];
    const odd = [
      [NaN, 0, 0],
      [Infinity, 0, 0],
      [1, 2],
    ];
    const outcome = await segmentUsers(
      { ...environment, onClientError: (error) => errors.push(error) },
      clientsOf([...people, ...odd, [1e30, 0, 0]]),
      options,
    );
    if (outcome.kind === 'refused') throw new Error('no budget');
    expect(errors).toHaveLength(3 * 5);
    for (const { distance } of matches(outcome.segmentation.portraits)) {
      expect(distance).toBeLessThan(0.02);
    }
  });

  it('asks the budget before each release, and returns its refusal', async () => {
    const noiseMultiplier = calibrateGaussian(target);
    const paid = { ...environment, budget: await newBudget() };
    const few = clients.slice(0, 300);
    const first = await segmentUsers(paid, few, { ...options, noiseMultiplier });
    expect(first.kind).toBe('segmented');
    const second = await segmentUsers(paid, few, { ...options, noiseMultiplier, runId: 'again' });
    expect(second.kind === 'refused' && second.refusal.limit).toBe('user-total');
    const dearer = { ...environment, budget: await newBudget() };
    const third = await segmentUsers(dearer, few, {
      ...options,
      noiseMultiplier: noiseMultiplier / 1.2,
    });
    expect(third.kind).toBe('refused');
  });

  it('marks seeded noise insecure', async () => {
    const seeded = { ...environment, random: new SeededRandom(1) };
    const outcome = await segmentUsers(seeded, clients, { ...options, noiseMultiplier: 1 });
    expect(outcome.kind === 'segmented' && outcome.segmentation.model.statement.insecure).toBe(
      true,
    );
  });

  const wrong: readonly [string, Partial<SegmentOptions>][] = [
    ['no segments', { segments: 0 }],
    ['half a segment', { segments: 1.5 }],
    ['too many', { segments: 101 }],
    ['no features', { features: [] }],
    ['a feature twice', { features: ['a', 'a', 'b'] }],
    ['a ball of no size', { ball: { radius: 0 } }],
    ['a ball without end', { ball: { radius: Infinity } }],
    ['a middle of another shape', { ball: { radius: 1, middle: [0] } }],
    ['a middle that is no place', { ball: { radius: 1, middle: [0, 0, NaN] } }],
    ['certainty', { confidence: 1 }],
    ['no minimum', { minimumSize: 0 }],
  ];
  it.each(wrong)('refuses %s', async (_, change) => {
    await expect(segmentUsers(environment, clients, { ...options, ...change })).rejects.toThrow(
      RangeError,
    );
  });

  it('refuses to assign a person of another shape', async () => {
    const { model } = await exact;
    expect(() => assignSegment(model, [0, 0])).toThrow(
      expect.objectContaining({ code: 'federated/invalid-contribution' }),
    );
    expect(() => assignSegment(model, [0, 0, NaN])).toThrow(
      expect.objectContaining({ code: 'federated/non-finite' }),
    );
  });
});
