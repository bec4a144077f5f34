import { describe, expect, it } from 'vitest';
import { SCALAR_CURRENCIES } from '../../../src/dp/budget/scalar-currency.ts';
import { MarginalCost } from '../../../src/dp/planning/marginal-cost.ts';
import { evenSplit, optimalSplit } from '../../../src/dp/planning/optimal-split.ts';

const TOTAL = 2 ** 30;
const cost = new MarginalCost(SCALAR_CURRENCIES.gdp, 1e-6, TOTAL);

describe('optimalSplit', () => {
  it('has one price for all scenes that are neither full nor at a bend', () => {
    const scenes = [
      [{ from: 0, to: TOTAL, gain: 1 }],
      [{ from: 0, to: TOTAL, gain: 2.5 }],
      [{ from: 0, to: TOTAL, gain: 0.4 }],
    ];
    const { units, price } = optimalSplit(scenes, TOTAL, cost);
    expect(units.reduce((a, b) => a + b)).toBeLessThanOrEqual(TOTAL);
    expect(units.reduce((a, b) => a + b)).toBeGreaterThan(TOTAL - 10);
    for (const [i, [stretch]] of scenes.entries()) {
      const gain = Math.log(stretch!.gain) + cost.logRate(units[i]!);
      expect(gain).toBeCloseTo(Math.log(price), 4);
    }
  });

  it('stops at a bend whose two sides are worth more and less than the price', () => {
    const bend = 2 ** 28;
    const scenes = [
      [
        { from: 0, to: bend, gain: 10 },
        { from: bend, to: TOTAL, gain: 0.01 },
      ],
      [{ from: 0, to: TOTAL, gain: 1 }],
    ];
    const { units } = optimalSplit(scenes, TOTAL, cost);
    expect(units[0]).toBe(bend);
    expect(units[1]).toBeGreaterThan(TOTAL - bend - 10);
  });

  it('hands out all anyone can use where that is within the total, at price 0', () => {
    const scenes = [[{ from: 0, to: 7, gain: 1 }], []];
    expect(optimalSplit(scenes, TOTAL, cost)).toEqual({ units: [7, 0], price: 0 });
  });
});

describe('evenSplit', () => {
  it('passes on what capped scenes leave', () => {
    expect(evenSplit([100, 10, 1000], 300)).toEqual([100, 10, 190]);
    expect(evenSplit([1000, 1000], 5)).toEqual([2, 3]);
    expect(evenSplit([1, 1], 100)).toEqual([1, 1]);
  });
});
