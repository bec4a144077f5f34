import { epsilonAtOrder } from '../accounting/conversion.ts';

/**
 * Rényi orders of every budget in this currency, version 1: a balance is one sum for each, so the list may
 * never change for a log that exists. Neighbours are dyadic numbers a power of two apart, so that whole
 * orders lie between whole ones and all that divide a gap are exact. Why these: filters.proof.md.
 */
const BASE: readonly number[] = [
  1.0625, 1.125, 1.25, 1.5, 1.75, 2, 2.5, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24, 32, 48, 64, 96, 128,
  192, 256, 384, 512, 768, 1024,
];
/** How often a gap is halved in search of a better order. */
const HALVINGS = 6;
/** Shares of the planned run, and deltas, for which the best order is in the list as well. */
const SUITED: readonly (readonly [share: number, delta: number])[] = [
  [1, 1e-5],
  [1, 1e-6],
  [1, 1e-8],
  [1, 1e-10],
  [2 ** -5, 1e-6],
  [2 ** -10, 1e-6],
];

/** Index of the order that converts to the least epsilon; −1 where none is finite. */
export function bestOrder(
  orders: readonly number[],
  divergence: (k: number) => number,
  logDelta: number,
): number {
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (const [k, order] of orders.entries()) {
    const epsilon = epsilonAtOrder(order, divergence(k), logDelta);
    if (epsilon < least) [least, best] = [epsilon, k];
  }
  return best;
}

/**
 * The orders for a budget with that planned run: the list above, and between its members the orders that suit
 * the run itself, or a small part of it. The curve of a sampled mechanism leaps up at some order, and the last
 * one before the leap can be worth much more than any of the list.
 *
 * @param curve - divergence of the planned run by order
 * @returns ascending
 */
export function ordersFor(curve: (order: number) => number): readonly number[] {
  const orders = new Set(BASE);
  const known = new Map<number, number>();
  const at = (order: number): number => {
    const value = known.get(order) ?? curve(order);
    known.set(order, value);
    return value;
  };
  for (const [share, delta] of SUITED) {
    const logDelta = Math.log(delta);
    const best = (among: readonly number[]): number =>
      bestOrder(among, (k) => share * at(among[k] as number), logDelta);
    const near = best(BASE);
    if (near >= 0) orders.add(refined(BASE.slice(Math.max(0, near - 1), near + 2), best));
  }
  return [...orders].sort((a, b) => a - b);
}

/**
 * The best order between neighbours of the list, to a fraction of their gap. Steps are halved, as exactly as
 * the gaps allow, so that the order is the same number on every machine.
 */
function refined(
  neighbours: readonly number[],
  best: (among: readonly number[]) => number,
): number {
  let around = neighbours;
  for (let i = 0; i < HALVINGS; i++) {
    const finer = around.flatMap((order, j) => {
      const next = around[j + 1];
      return next === undefined ? [order] : [order, (order + next) / 2];
    });
    const found = best(finer);
    around = finer.slice(Math.max(0, found - 1), found + 2);
  }
  return around[best(around)] as number;
}
