/**
 * Makes gdp.vectors.json with mathjs BigNumbers from the definition of the curve:
 *
 *   npx tsx test/dp/accounting/make-gdp-vectors.ts > test/dp/accounting/gdp.vectors.json
 *
 * Rows are [µ, delta, epsilon]: the exact epsilon of a Gaussian mechanism, rounded to 17 digits.
 */
import type { BigNumber } from 'mathjs';
import { big, erf, exact } from '../../core/special/big.ts';

const ROOT_2 = big(2).sqrt();
const upperTail = (x: BigNumber): BigNumber =>
  big(1)
    .minus(erf(x.div(ROOT_2)))
    .div(2);

/** δ(ε) = Φ(µ/2 − ε/µ) − e^ε Φ(−µ/2 − ε/µ), and its second term, which is minus its derivative. */
function curve(mu: BigNumber, epsilon: BigNumber): readonly [BigNumber, BigNumber] {
  const centre = epsilon.div(mu);
  const half = mu.div(2);
  const second = epsilon.exp().times(upperTail(centre.plus(half)));
  return [upperTail(centre.minus(half)).minus(second), second];
}

/** Newton's method on log δ, which is concave in ε. */
function epsilonOf(mu: BigNumber, delta: BigNumber): BigNumber {
  let epsilon = mu
    .times(mu)
    .div(2)
    .plus(mu.times(delta.ln().times(-1)).div(8));
  for (let i = 0; i < 40; i++) {
    const [value, slope] = curve(mu, epsilon);
    const step = value.div(delta).ln().times(value).div(slope);
    epsilon = big(epsilon.plus(step).toPrecision(90));
    if (step.abs().lt(epsilon.abs().times('1e-40'))) return epsilon;
  }
  throw new Error(`no convergence at µ = ${mu.toNumber()}`);
}

const CASES: readonly (readonly [number, number])[] = [
  [1, 1e-5],
  [0.2, 1e-6],
  [1, 1e-10],
  [0.5, 1e-5],
  [0.499, 1e-5],
  [2, 1e-6],
  [5, 1e-9],
  [10, 1e-5],
  [20, 1e-6],
  [0.1, 1e-3],
  [0.01, 1e-5],
  [0.01, 1e-12],
  [1e-3, 1e-8],
  [1e-4, 1e-6],
  [1e-5, 1e-9],
  [0.0625, 2 ** -20],
  [3.5, 0.1],
  [0.7, 0.25],
  [1.5, 1e-20],
  [0.3, 1e-30],
];

const rows = CASES.map(([mu, delta]) => [
  mu,
  delta,
  Number(epsilonOf(exact(mu), exact(delta)).toPrecision(40)),
]);
const vectors = {
  source: 'mathjs 15.2.0 BigNumber, 460 digits; definition of Balle & Wang (2018), theorem 8',
  command: 'npx tsx test/dp/accounting/make-gdp-vectors.ts > test/dp/accounting/gdp.vectors.json',
  rows,
};
console.log(
  JSON.stringify(vectors, null, 1).replace(/\[\s+(\S+),\s+(\S+),\s+(\S+)\s+\]/g, '[$1, $2, $3]'),
);
