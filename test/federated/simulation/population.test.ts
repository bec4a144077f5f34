import { describe, expect, it } from 'vitest';
import {
  ArrayPopulation,
  gatherPopulation,
  type PopulationSkew,
  SyntheticPopulation,
  tablePopulation,
} from '../../../src/federated/index.ts';

function synthetic(skew: PopulationSkew = {}, users = 200): SyntheticPopulation {
  return new SyntheticPopulation({
    ...{ users, inputDimension: 12, outputDimension: 5, rows: 20, seed: 'population' },
    skew,
  });
}

describe('SyntheticPopulation', () => {
  it('makes up the same rows whenever and however many are asked for', () => {
    const people = synthetic({ labels: 2, amount: 0.4 });
    const again = synthetic({ labels: 2, amount: 0.4 });
    const whole = gatherPopulation(people).arrays;
    for (const user of [199, 0, 7, 7]) {
      const rows = Math.min(3, again.rowsOf(user));
      const features = new Float32Array(rows * 12);
      const labels = new Float32Array(rows * 5);
      again.write(user, rows, features, labels);
      const first = whole.offsets[user] as number;
      expect(features).toEqual(
        Float32Array.from(whole.features.subarray(first * 12, (first + rows) * 12)),
      );
      expect(labels).toEqual(
        Float32Array.from(whole.labels.subarray(first * 5, (first + rows) * 5)),
      );
    }
  });

  it('gives features of norm about 1 and both labels of every tag', () => {
    const { features, labels, offsets } = gatherPopulation(synthetic()).arrays;
    const rows = offsets.at(-1) as number;
    const energy = features.reduce((sum, value) => sum + value * value, 0) / rows;
    expect(energy).toBeGreaterThan(0.95);
    expect(energy).toBeLessThan(1.05);
    for (let tag = 0; tag < 5; tag++) {
      let ones = 0;
      for (let row = 0; row < rows; row++) ones += labels[row * 5 + tag] as number;
      expect(ones / rows).toBeGreaterThan(0.2);
      expect(ones / rows).toBeLessThan(0.8);
    }
  });

  it('makes users differ in taste and in amount when skewed', () => {
    /** Variance over the users of the share of ones of the first tag. */
    const spread = (people: SyntheticPopulation): number => {
      const { labels, offsets } = gatherPopulation(people).arrays;
      const shares = Array.from({ length: people.size }, (_, user) => {
        let ones = 0;
        const [from, to] = [offsets[user] as number, offsets[user + 1] as number];
        for (let row = from; row < to; row++) ones += labels[row * 5] as number;
        return ones / (to - from);
      });
      const mean = shares.reduce((a, b) => a + b, 0) / shares.length;
      return shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / shares.length;
    };
    expect(spread(synthetic({ labels: 4 }))).toBeGreaterThan(3 * spread(synthetic()));

    const skewed = synthetic({ amount: 0.6 }, 5000);
    const amounts = Array.from({ length: 5000 }, (_, user) => skewed.rowsOf(user));
    const mean = amounts.reduce((a, b) => a + b, 0) / amounts.length;
    expect(Math.min(...amounts)).toBe(8);
    expect(Math.max(...amounts)).toBe(200);
    expect(mean).toBeGreaterThan(15);
    expect(mean).toBeLessThan(21);
    expect(new Set(Array.from({ length: 50 }, (_, user) => synthetic().rowsOf(user)))).toEqual(
      new Set([20]),
    );
  });

  it.each([{ users: 0 }, { rows: 0.5 }, { skew: { amount: 1 } }, { skew: { labels: -1 } }])(
    'refuses %j',
    (change) => {
      const options = { users: 2, inputDimension: 2, outputDimension: 1, rows: 1, seed: '' };
      expect(() => new SyntheticPopulation({ ...options, ...change })).toThrow(RangeError);
    },
  );
});

describe('ArrayPopulation', () => {
  const arrays = {
    inputDimension: 2,
    outputDimension: 1,
    offsets: Uint32Array.of(0, 2, 2, 3),
    features: Float32Array.of(1, 2, 3, 4, 5, 6),
    labels: Float32Array.of(1, 0, 1),
  };

  it('hands out the first rows of each user, also to those who have none', () => {
    const people = new ArrayPopulation(arrays);
    expect([0, 1, 2].map((user) => people.rowsOf(user))).toEqual([2, 0, 1]);
    const features = new Float32Array(4);
    const labels = new Float32Array(2);
    people.write(0, 1, features, labels);
    expect([...features, ...labels]).toEqual([1, 2, 0, 0, 1, 0]);
    people.write(2, 1, features, labels);
    expect([...features, ...labels]).toEqual([5, 6, 0, 0, 1, 0]);
    people.write(1, 0, features, labels);
    expect([...features]).toEqual([5, 6, 0, 0]);
    expect(people.account(2)).toBe('user-2');
    expect(new ArrayPopulation({ ...arrays, accounts: ['a', 'b', 'c'] }).account(2)).toBe('c');
  });

  it.each([
    { offsets: Uint32Array.of(0) },
    { offsets: Uint32Array.of(1, 2, 3) },
    { offsets: Uint32Array.of(0, 3, 2) },
    { features: new Float32Array(5) },
    { labels: new Float32Array(4) },
    { accounts: ['a'] },
  ])('refuses %j', (change) => {
    expect(() => new ArrayPopulation({ ...arrays, ...change })).toThrow(RangeError);
  });
});

describe('tablePopulation', () => {
  it('gives each chosen user one row with the constant in front', () => {
    const people = tablePopulation(
      {
        users: ['a', 'b', 'c'],
        tags: ['t'],
        phi: Float32Array.of(0.5, 0, 1),
        history: Float32Array.of(0, 0, 0),
        labels: Float32Array.of(1, 0, 1),
      },
      [2, 0],
      0.3,
    );
    expect([people.size, people.inputDimension, people.outputDimension]).toEqual([2, 2, 1]);
    expect([people.account(0), people.account(1), people.rowsOf(1)]).toEqual(['c', 'a', 1]);
    const features = new Float32Array(2);
    people.write(0, 1, features, new Float32Array(1));
    const [constant, feature] = [...features] as [number, number];
    expect(constant / feature).toBeCloseTo(0.3, 6);
  });
});
