import type { Accountant } from '../accountant.ts';
import { muOfEpsilon } from './gdp.ts';
import { invalid, requireDelta } from './refuse.ts';

const GOLDEN = (Math.sqrt(5) - 1) / 2;
/** Golden-section steps: the value at a minimum is flat, so its digits come twice as fast. */
const STEPS = 30;
/** {@link gdpMu} looks at no more points, and stops at that ratio of what covers to what is needed. */
const MOST_LOOKS = 400;
const CLOSE_ENOUGH = 1.005;

/**
 * The most that any test can gain over guessing which of two neighbours was used: true positive rate
 * less false positive rate. It is delta at epsilon 0, the total variation distance.
 */
export function membershipAdvantage(accountant: Accountant): number {
  return accountant.delta(0).upper;
}

/**
 * The most true positives that any test of membership can have at a false positive rate, rounded up.
 *
 * Every (epsilon, delta) on the curve bounds it by min(δ + e^ε·x, 1 − e^(−ε)(1 − δ − x)); the least over
 * epsilon is returned.
 *
 * ## Privacy
 *
 * Holds for every adversary, whatever else it knows.
 *
 * Source: Kairouz, Oh & Viswanath (2015), theorem 2.1; Dong, Roth & Su (2022), section 2.
 *
 * @param falsePositiveRate - x in (0, 1)
 * @throws {VelaturaError} `dp/invalid-parameter`
 */
export function truePositiveRate(accountant: Accountant, falsePositiveRate: number): number {
  const x = falsePositiveRate;
  if (!(x > 0 && x < 1)) throw invalid('falsePositiveRate', 'a number in (0, 1)', x);
  const atZero = accountant.delta(0).upper;
  let best = Math.min(1, atZero + x);
  const seen = (epsilon: number): { few: number; many: number } => {
    const delta = accountant.delta(epsilon).upper;
    const few = delta + Math.exp(epsilon) * x;
    const many = 1 - Math.exp(-epsilon) * Math.max(0, 1 - delta - x);
    best = Math.min(best, few, many);
    return { few, many };
  };
  // Beyond −log x the first bound is over 1; the second one mirrors it at 1 − x.
  descend((epsilon) => seen(epsilon).few, -Math.log(x));
  if (x > 0.01) descend((epsilon) => seen(epsilon).many, -Math.log1p(-x) + 4);
  return Math.min(1, best * (1 + 4 * Number.EPSILON));
}

/** Golden section on [0, end]; the function keeps what it has seen. */
function descend(f: (x: number) => number, end: number): void {
  let low = 0;
  let high = end;
  let left = high - GOLDEN * (high - low);
  let right = low + GOLDEN * (high - low);
  let atLeft = f(left);
  let atRight = f(right);
  for (let i = 0; i < STEPS && high - low > 1e-9; i++) {
    if (atLeft < atRight) {
      [high, right, atRight] = [right, left, atLeft];
      left = high - GOLDEN * (high - low);
      atLeft = f(left);
    } else {
      [low, left, atLeft] = [left, right, atRight];
      right = low + GOLDEN * (high - low);
      atRight = f(right);
    }
  }
}

/** A stretch of the curve: no epsilon on it is above `epsilon`, no delta below `delta`. */
interface Stretch {
  /** log of both ends, falling. */
  readonly from: number;
  readonly to: number;
  /** Epsilon at `to`, the largest of the stretch. */
  readonly epsilon: number;
  /** µ that covers it all. */
  readonly mu: number;
}

/**
 * A µ such that everything composed is at least as private as one Gaussian mechanism of noise multiplier
 * 1/µ, for every delta from `leastDelta` up; within 0.5 % of the least such µ.
 *
 * Sampled mechanisms have heavier tails than any Gaussian of their bulk: the smaller the least delta, the
 * larger µ, without end. Say which one was used.
 *
 * @param leastDelta - in (0, 1)
 * @throws {VelaturaError} `dp/invalid-parameter`
 */
export function gdpMu(accountant: Accountant, leastDelta: number): number {
  requireDelta(leastDelta);
  const most = accountant.delta(0).upper;
  if (most === 0) return 0;
  // µ is needed at every point of the curve, and covers a stretch when taken at its worst corner.
  let needed = muAt(0, most);
  const stretch = (from: number, to: number): Stretch => {
    const epsilon = accountant.epsilon(Math.exp(to)).upper;
    needed = Math.max(needed, muAt(epsilon, Math.exp(to)));
    return { from, to, epsilon, mu: muAt(epsilon, Math.exp(from)) };
  };
  if (most <= leastDelta) return needed;
  const open = [stretch(Math.log(most), Math.log(leastDelta))];
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    open.sort((a, b) => a.mu - b.mu);
    const worst = open.pop() as Stretch;
    if (worst.mu <= needed * CLOSE_ENOUGH || worst.epsilon === Number.POSITIVE_INFINITY) {
      return worst.mu;
    }
    const middle = 0.5 * (worst.from + worst.to);
    open.push(stretch(worst.from, middle));
    open.push({ ...worst, from: middle, mu: muAt(worst.epsilon, Math.exp(middle)) });
  }
  return Math.max(...open.map(({ mu }) => mu));
}

/** µ at which delta is reached, rounded up: muOfEpsilon rounds down by less than this. */
function muAt(epsilon: number, delta: number): number {
  if (epsilon === Number.POSITIVE_INFINITY) return epsilon;
  return muOfEpsilon(epsilon, Math.min(delta, 1 - Number.EPSILON)) * (1 + 1e-9);
}
