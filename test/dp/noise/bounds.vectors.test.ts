import { all, type BigNumber, create } from 'mathjs';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { buildCellTable, type CellTable } from '../../../src/dp/noise/cell-table.ts';
import { expBounds } from '../../../src/dp/noise/exp-bounds.ts';
import { EXP_BEYOND_LIMIT, EXP_FLOAT_LIMIT, expFloat } from '../../../src/dp/noise/exp-float.ts';
import { gaussianLaw } from '../../../src/dp/noise/gaussian-law.ts';
import { laplaceLaw } from '../../../src/dp/noise/laplace-law.ts';
import { poissonSideLaw } from '../../../src/dp/noise/poisson-law.ts';
import { besselQuotientBounds, skellamLaw } from '../../../src/dp/noise/skellam-law.ts';

// Oracle: the arbitrary-precision decimals of mathjs, at 80 digits.
const math = create(all ?? {}, { number: 'BigNumber', precision: 80 });
const big = (value: number | string | bigint): BigNumber =>
  math.bignumber(String(value)) as BigNumber;
/** A double as a decimal, exactly. */
const exact = (value: number): BigNumber => {
  if (!Number.isFinite(value)) throw new RangeError(`${value} has no digits`);
  let [top, power] = [value, 0];
  while (!Number.isInteger(top)) [top, power] = [top * 2, power + 1];
  return big(BigInt(top)).div(big(2).pow(power));
};
const random = new SeededRandom('bounds');

function expectEnclosed([lower, upper]: readonly [bigint, bigint], scaled: BigNumber): void {
  expect(big(lower).lte(scaled)).toBe(true);
  expect(big(upper).gte(scaled)).toBe(true);
}

describe('expBounds', () => {
  it('encloses e^(-x) within three units of the last place', () => {
    const points: [bigint, bigint][] = [
      [0n, 1n],
      [1n, 1n],
      [1n, 3n],
      [80n, 1n],
      [7n, 10n ** 30n],
      [12_345n, 17n],
    ];
    for (let i = 0; i < 100; i++) {
      points.push([BigInt(random.uint32()), BigInt(random.uint32() + 1)]);
    }
    for (const [numerator, denominator] of points) {
      for (const precision of [0, 20, 64, 150]) {
        const bounds = expBounds(numerator, denominator, precision);
        const value = big(numerator).div(big(denominator)).neg().exp();
        expectEnclosed(bounds, value.mul(big(2).pow(precision)));
        expect(bounds[1] - bounds[0]).toBeLessThanOrEqual(3n);
      }
    }
  });
});

describe('expFloat', () => {
  it('is within 2^-48 of e^(-x)', () => {
    for (let i = 0; i < 1000; i++) {
      const x = random.uniform() * (i % 2 === 0 ? EXP_FLOAT_LIMIT : 1);
      const value = exact(x).neg().exp();
      const error = exact(expFloat(x)).div(value).minus(1).abs();
      expect(Number(error)).toBeLessThan(2 ** -48);
    }
    expect(expFloat(0)).toBe(1);
  });

  it('leaves less than its bound beyond its limit', () => {
    expect(expFloat(EXP_FLOAT_LIMIT) * 1.2).toBeLessThan(EXP_BEYOND_LIMIT);
  });
});

/** The exact weight of a law at a magnitude. */
type Weight = (point: number) => BigNumber;

const gaussian =
  (sigma: number, continuous: boolean): Weight =>
  (point) => {
    const weight = exact(point).div(exact(sigma)).pow(2).div(2).neg().exp();
    return point === 0 && !continuous ? weight.div(2) : weight;
  };
const laplace =
  (parameter: number): Weight =>
  (point) => {
    const weight = exact(point).mul(exact(parameter)).neg().exp();
    return point === 0 ? weight.div(2) : weight;
  };

/** Σ (x/2)^(2j+m) / (j! (j+m)!), x moderate. */
function besselI(m: number, x: number): BigNumber {
  const half = exact(x).div(2);
  let term = half.pow(m);
  for (let i = 2; i <= m; i++) term = term.div(i);
  let sum = big(0);
  for (let j = 1; term.gt(sum.mul('1e-75')); j++) {
    sum = sum.plus(term);
    term = term
      .mul(half)
      .mul(half)
      .div(j)
      .div(j + m);
  }
  return sum;
}
const skellam =
  (mu: number): Weight =>
  (point) => {
    const weight = besselI(point, mu).div(besselI(0, mu));
    return point === 0 ? weight.div(2) : weight;
  };

/** Every inequality between the table and the true weight that exactness rests on, in some cells or all. */
function expectEnvelope(table: CellTable, weight: Weight, step: number): void {
  const { heights, thresholds, headBits, lowBits, unitExponent, cellOfSlot, law } = table;
  const width = 2 ** (lowBits + unitExponent);
  const slots = new Float64Array(heights.length + 1);
  for (const cell of cellOfSlot) slots[cell] = (slots[cell] as number) + 1;
  expect(slots.every((count) => count > 0)).toBe(true);
  // All cells have one mass per slot, and so has the tail: this makes the envelope an honest density.
  const slotMass = (heights[0] as number) / (slots[0] as number);
  for (let cell = 0; cell < heights.length; cell++) {
    expect(heights[cell]).toBe((slots[cell] as number) * slotMass);
  }
  const blockWidth = 2 ** (table.tailBits + unitExponent);
  expect(table.tailHeight * 2 * blockWidth).toBe(
    (slots[heights.length] as number) * slotMass * width,
  );
  for (let cell = 0; cell < heights.length; cell += step) {
    const left = cell * width;
    const right = left + (law.continuous ? width : width - 1);
    const height = exact(heights[cell] as number);
    for (const point of new Set([left, Math.min(left + 1, right)])) {
      expect(height.gte(weight(point))).toBe(true);
    }
    const sure = height.mul(thresholds[cell] as number).div(2 ** headBits);
    for (const point of new Set([left, right])) expect(sure.lte(weight(point))).toBe(true);
  }
  expect(thresholds[heights.length]).toBe(0);
  const tail = heights.length * width;
  expect(exact(table.tailHeight).gte(weight(tail))).toBe(true);
  expect(
    weight(tail + blockWidth)
      .mul(2)
      .lte(weight(tail)),
  ).toBe(true);
}

/** How well the doubles of a law keep what they claim. */
function expectWeights(law: CellTable['law'], weight: Weight, points: readonly number[]): void {
  for (const point of points) {
    const value = weight(point);
    const shift = law.continuous ? 40 : 0;
    const numerator = BigInt(Math.round(point * 2 ** shift));
    for (const precision of [32, 128]) {
      expectEnclosed(
        law.weightBounds(numerator, shift, precision),
        value.mul(big(2).pow(precision)),
      );
    }
    const double = law.weight(point);
    if (Number.isNaN(double)) expect(value.lte(exact(law.weightBeyond))).toBe(true);
    else
      expect(Number(exact(double).div(value).minus(1).abs())).toBeLessThan(law.relativeError / 2);
  }
}

describe('cell tables', () => {
  for (const sigma of [2 ** -20, 0.7, 2, 63.9, 1000.1, 2 ** 24 + 0.7, 2 ** 37]) {
    it(`are envelopes of the rounded Gaussian ${sigma}`, () => {
      const law = gaussianLaw(sigma, true);
      const weight = gaussian(sigma, true);
      expectEnvelope(buildCellTable(law), weight, 7);
      expectWeights(
        law,
        weight,
        [0, 0.5 * sigma, 3 * sigma, 12 * sigma, 13 * sigma].map(
          (x) => Math.round(x * 2 ** 40) / 2 ** 40,
        ),
      );
    });
  }
  for (const sigma of [0.5, 2, 63.9, 64, 1000.1, 2 ** 24 + 0.7, 2 ** 37]) {
    it(`are envelopes of the discrete Gaussian ${sigma}`, () => {
      const law = gaussianLaw(sigma, false);
      const weight = gaussian(sigma, false);
      expectEnvelope(buildCellTable(law), weight, 7);
      expectWeights(law, weight, [
        0,
        1,
        Math.ceil(0.3 * sigma),
        Math.ceil(4 * sigma),
        Math.ceil(13 * sigma),
      ]);
    });
  }
  for (const parameter of [16, 1, 0.03, 1e-6, 2 ** -37]) {
    it(`are envelopes of the discrete Laplace ${parameter}`, () => {
      const law = laplaceLaw(parameter);
      const weight = laplace(parameter);
      expectEnvelope(buildCellTable(law), weight, 31);
      expectWeights(law, weight, [0, 1, Math.ceil(3 / parameter), Math.ceil(81 / parameter)]);
    });
  }
  for (const mu of [2 ** -6, 1, 17.3, 300]) {
    it(`are envelopes of the Skellam law ${mu}`, () => {
      const law = skellamLaw(mu);
      const weight = skellam(mu);
      expectEnvelope(buildCellTable(law), weight, 3);
      const spread = Math.sqrt(mu);
      expectWeights(law, weight, [
        0,
        1,
        2,
        Math.ceil(4 * spread),
        Math.ceil(9 * spread),
        Math.ceil(12 * spread) + 40,
      ]);
    });
  }
});

describe('Skellam weights of a large mu', () => {
  it('agree with the integer recurrence', () => {
    const mu = 2 ** 16 + 0.25;
    const law = skellamLaw(mu);
    for (const m of [1, 100, 1000, 2500]) {
      const [lower, upper] = besselQuotientBounds(mu, m, 200);
      expect(Number(upper - lower) / Number(upper)).toBeLessThan(2 ** -60);
      expect(Math.abs(law.weight(m) / (Number(upper) * 2 ** -200) - 1)).toBeLessThan(
        law.relativeError / 2,
      );
    }
  });
});

describe('Poisson weights', () => {
  // P[m ± d] / P[m] as a product of exact factors.
  const poisson =
    (lambda: number, side: 1 | -1): Weight =>
    (distance) => {
      const mode = Math.floor(lambda);
      let weight = big(1);
      for (let i = 1; i <= distance; i++) {
        weight =
          side > 0
            ? weight.mul(exact(lambda)).div(mode + i)
            : weight.mul(mode - i + 1).div(exact(lambda));
      }
      return weight;
    };
  for (const lambda of [0.3, 30.7, 2047.5, 2048.5, 2 ** 20 + 0.9]) {
    it(`hold what they claim at mean ${lambda}`, () => {
      const mode = Math.floor(lambda);
      const spread = Math.ceil(Math.sqrt(lambda));
      for (const side of [1, -1] as const) {
        const points = [0, 1, spread, 3 * spread, 5 * spread].filter((d) => side > 0 || d <= mode);
        const law = poissonSideLaw(lambda, side);
        for (const point of points) {
          const value = poisson(lambda, side)(point);
          expectEnclosed(law.weightBounds(BigInt(point), 0, 128), value.mul(big(2).pow(128)));
          const error = Number(exact(law.weight(point)).div(value).minus(1).abs());
          expect(error).toBeLessThan(law.relativeError / 2);
        }
      }
    });
  }

  it('are bounded where no error is proven', () => {
    for (const lambda of [1e-300, 3, 2047, 2050, 2 ** 30]) {
      const law = poissonSideLaw(lambda, 1);
      const far = Math.ceil(lambda / 8) + 257;
      expect(law.weight(far)).toBeNaN();
      const [, upper] = law.weightBounds(BigInt(Math.min(far, 5000)), 0, 200);
      if (far <= 5000) expect(Number(upper) * 2 ** -200).toBeLessThanOrEqual(law.weightBeyond);
      expect(law.weightBeyond).toBeLessThan(1e-6);
    }
  });

  it('are 0 under 0', () => {
    expect(poissonSideLaw(3.5, -1).weightBounds(4n, 0, 64)).toEqual([0n, 0n]);
  });
});
