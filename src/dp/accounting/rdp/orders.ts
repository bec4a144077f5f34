const GOLDEN = (Math.sqrt(5) - 1) / 2;
/** Orders first looked at: 1 + 2^k for these k. */
const FIRST = -5;
const LAST = 9;
/** Where a widening search gives up: orders so near 1, or so high, that their conversions say nothing. */
const LOWEST = -50;
const HIGHEST = 40;

/** An order and the value there. */
export interface OrderOptimum {
  readonly order: number;
  readonly value: number;
}

/**
 * Least value seen of a function of the Rényi order. Every order gives a valid bound, so the search need
 * not find the very least: a grid of powers of two is widened until its least value is inside, and
 * refined between the neighbours of that.
 */
export function minimiseOverOrders(f: (order: number) => number, guess?: number): OrderOptimum {
  const at = (exponent: number): number => f(1 + 2 ** exponent);
  const start = guess === undefined ? undefined : Math.round(Math.log2(guess));
  let first = start === undefined ? FIRST : Math.max(LOWEST, start - 1);
  let last = start === undefined ? LAST : Math.min(HIGHEST, start + 1);
  let best = first;
  let least = Number.POSITIVE_INFINITY;
  const look = (exponent: number): void => {
    const value = at(exponent);
    if (value < least) [least, best] = [value, exponent];
  };
  for (let exponent = first; exponent <= last; exponent++) look(exponent);
  while (best === first && first > LOWEST) look(--first);
  while (best === last && last < HIGHEST) look(++last);
  const found = refine(at, best - 1, best + 1, { order: 1 + 2 ** best, value: least });
  // Curves known at integers only have their corners there.
  const order = Math.max(2, Math.round(found.order));
  const value = f(order);
  return value <= found.value ? { order, value } : found;
}

/** Golden section; at a minimum half the digits of the order give all digits of the value. */
function refine(
  at: (exponent: number) => number,
  from: number,
  to: number,
  found: OrderOptimum,
): OrderOptimum {
  let low = from;
  let high = to;
  let left = high - GOLDEN * (high - low);
  let right = low + GOLDEN * (high - low);
  let atLeft = at(left);
  let atRight = at(right);
  let best = found;
  while (high - low > 1e-7) {
    const [exponent, value] = atLeft < atRight ? [left, atLeft] : [right, atRight];
    if (value < best.value) best = { order: 1 + 2 ** exponent, value };
    if (atLeft < atRight) {
      [high, right, atRight] = [right, left, atLeft];
      left = high - GOLDEN * (high - low);
      atLeft = at(left);
    } else {
      [low, left, atLeft] = [left, right, atRight];
      right = low + GOLDEN * (high - low);
      atRight = at(right);
    }
  }
  return best;
}
