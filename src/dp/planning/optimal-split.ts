import { lastHolding } from '../../core/special/roots.ts';
import type { MarginalCost } from './marginal-cost.ts';

/** A stretch of a scene's curve: from these units to those, epsilon earns that much. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  /** Weighted utility for each unit of epsilon; falls from stretch to stretch. */
  readonly gain: number;
}

/** Units for each scene, in the order given, and the price at which they stop asking for more. */
export interface Split {
  readonly units: readonly number[];
  /** Weighted utility of one more unit; 0 when all scenes have all they can use. */
  readonly price: number;
}

/** What a scene asks for at a price: units until one more would earn less. */
function demand(stretches: readonly Stretch[], logPrice: number, cost: MarginalCost): number {
  let units = 0;
  for (const { from, to, gain } of stretches) {
    const logRate = logPrice - Math.log(gain);
    if (from > 0 && cost.logRate(from) <= logRate) return units;
    if (cost.logRate(to) < logRate) return Math.min(to, Math.max(from, cost.unitsAt(logRate)));
    units = to;
  }
  return units;
}

/**
 * The split of a total over scenes that maximises the sum of their utilities: one price for all, at which
 * what they ask for is the total. See allocation.proof.md.
 *
 * @param scenes - stretches of each scene, adjoining, from 0 upwards; none for a scene that earns nothing
 * @param total - in units
 */
export function optimalSplit(
  scenes: readonly (readonly Stretch[])[],
  total: number,
  cost: MarginalCost,
): Split {
  const most = scenes.map((stretches) => stretches.at(-1)?.to ?? 0);
  if (sum(most) <= total) return { units: most, price: 0 };
  const ask = (logPrice: number): number[] =>
    scenes.map((stretches) => demand(stretches, logPrice, cost));
  const fits = (logPrice: number): boolean => sum(ask(logPrice)) <= total;
  let high = 0;
  for (let step = 1; !fits(high); step *= 2) high += step;
  let low = high;
  for (let step = 1; fits(low); step *= 2) low -= step;
  const logPrice = lastHolding(fits, high, low);
  return { units: ask(logPrice).map(Math.floor), price: Math.exp(logPrice) };
}

/**
 * The most even split: as much for each scene as for any other that could use it.
 *
 * @param caps - the most units of each scene
 */
export function evenSplit(caps: readonly number[], total: number): readonly number[] {
  const units = caps.map(() => 0);
  let left = total;
  let waiting = caps.length;
  const ascending = caps.map((cap, i) => ({ cap, i })).sort((a, b) => a.cap - b.cap);
  for (const { cap, i } of ascending) {
    const share = Math.min(cap, Math.floor(left / waiting));
    units[i] = share;
    left -= share;
    waiting--;
  }
  return units;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
