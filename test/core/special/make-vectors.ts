/**
 * Makes special.vectors.json with mathjs BigNumbers, from series that share nothing with src/core/special:
 *
 *   npx tsx test/core/special/make-vectors.ts > test/core/special/special.vectors.json
 *
 * All inputs are exact doubles; all outputs are correctly rounded from at least 40 digits.
 */
import type { BigNumber } from 'mathjs';
import { big, erf, exact, PI } from './big.ts';

const erfc = (x: BigNumber): BigNumber => big(1).minus(erf(x));
const erfcx = (x: BigNumber): BigNumber => erfc(x).times(x.times(x).exp());
const normalCdf = (z: BigNumber): BigNumber => erfc(z.negated().div(big(2).sqrt())).div(2);

/** Newton's method on log Φ, whose concavity keeps it from running off, to 60 digits. */
function normalQuantile(p: BigNumber, start: number): BigNumber {
  let z = exact(start);
  for (let i = 0; i < 9; i++) {
    const density = z.times(z).div(-2).exp().div(PI.times(2).sqrt());
    const below = normalCdf(z);
    z = z.minus(below.div(p).ln().times(below).div(density));
    z = big(z.toPrecision(120));
  }
  return z;
}

const BERNOULLI: readonly (readonly [number, number])[] = [
  [1, 6],
  [-1, 30],
  [1, 42],
  [-1, 30],
  [5, 66],
  [-691, 2730],
  [7, 6],
  [-3617, 510],
  [43867, 798],
  [-174611, 330],
  [854513, 138],
  [-236364091, 2730],
  [8553103, 6],
];

/** Stirling's series after shifting the argument by 200: the remainder is below 1e-50. */
function lgamma(x: BigNumber): BigNumber {
  let product = big(1);
  let y = x;
  for (let i = 0; i < 200; i++) {
    product = product.times(y);
    y = y.plus(1);
  }
  let sum = y.minus(0.5).times(y.ln()).minus(y).plus(PI.times(2).ln().div(2));
  BERNOULLI.forEach(([numerator, denominator], i) => {
    const k = i + 1;
    sum = sum.plus(
      big(numerator)
        .div(denominator)
        .div(2 * k * (2 * k - 1))
        .div(y.pow(2 * k - 1)),
    );
  });
  return sum.minus(product.ln());
}

type Row = readonly [input: number, output: number];
const round = (value: BigNumber): number => Number(value.toPrecision(40));
const table = (inputs: readonly number[], f: (x: BigNumber) => BigNumber): Row[] =>
  inputs.map((x) => [x, round(f(exact(x)))]);

const STEPS = [
  2 ** -40,
  2 ** -20,
  0.0078125,
  0.125,
  0.375,
  0.46875,
  0.484375,
  0.66,
  0.75,
  1,
  1.5,
  2,
  2.71875,
];
const LARGE = [3.3, 3.96875, 4.015625, 5, 5.921875, 6.25, 8.1, 11.4375, 15, 20.828125, 26];
const BOTH = [...STEPS, ...LARGE];
const signed = (xs: readonly number[]): number[] => [...xs.map((x) => -x).reverse(), 0, ...xs];

const PROBABILITIES: readonly (readonly [number, number])[] = [
  [2 ** -1000, -36.9],
  [2 ** -500, -25.9],
  [2 ** -100, -11.4],
  [1e-20, -9.26],
  [1e-10, -6.36],
  [1e-5, -4.26],
  [0.001953125, -2.88],
  [0.02, -2.05],
  [0.125, -1.15],
  [0.2490234375, -0.677],
  [0.25, -0.674],
  [0.3, -0.524],
  [0.4375, -0.157],
  [0.5 - 2 ** -20, -2.4e-6],
  [0.5 - 2 ** -50, -2.2e-15],
  [0.50390625, 0.0098],
  [0.625, 0.319],
  [0.75, 0.674],
  [0.9, 1.28],
  [0.9990234375, 3.1],
];
const GAMMA = [
  2 ** -60,
  1e-5,
  0.125,
  0.3,
  0.5,
  0.75,
  1 - 2 ** -30,
  1 + 2 ** -40,
  1.2,
  1.5,
  1.46,
  1.99,
  2 + 2 ** -30,
  2.125,
  2.5,
  2.6,
  3,
  5.5,
  9.99,
  10,
  10.01,
  12.5,
  50,
  171.5,
  1000.25,
  1e6,
  2 ** 52,
  1e15,
];
const NEGATIVE = [-(2 ** -40), -1e-5, -0.1, -0.5, -0.69, -0.7, -1, -5, -20, -37, -300];

const vectors = {
  source: 'mathjs 15.2.0 BigNumber, 460 digits; series in make-vectors.ts',
  command: 'npx tsx test/core/special/make-vectors.ts > test/core/special/special.vectors.json',
  erf: table(signed(BOTH.slice(0, 19)), erf),
  erfc: table([...signed(BOTH.slice(0, 19)), ...LARGE], erfc),
  erfcx: table(
    [...signed(BOTH), 27.5].filter((x) => x > -26.5),
    erfcx,
  ),
  normalCdf: table([...signed(BOTH), -30, -36.5, -37.5], normalCdf),
  logNormalCdf: table([...signed(BOTH), -30, -37.5], (z) => normalCdf(z).ln()),
  normalQuantile: PROBABILITIES.map(
    ([p, start]): Row => [p, round(normalQuantile(exact(p), start))],
  ),
  lgamma: table(GAMMA, lgamma),
  log1mexp: table(NEGATIVE, (x) => big(1).minus(x.exp()).ln()),
};
console.log(JSON.stringify(vectors, null, 1).replace(/\[\s+(\S+),\s+(\S+)\s+\]/g, '[$1, $2]'));
