import { describe, it } from 'vitest';
import type { RandomSource } from '../../../src/core/random-source.ts';
import { normalCdf } from '../../../src/core/special/normal.ts';
import {
  type SamplerConformanceOptions,
  type SamplerSubject,
  samplerConformance,
} from '../../../src/testing/sampler-conformance.ts';

/** A source that repeats a script and then fails loudly. */
export class ScriptedRandom implements RandomSource {
  readonly #words: readonly number[];
  #next = 0;

  constructor(words: readonly number[]) {
    this.#words = words;
  }

  get used(): number {
    return this.#next;
  }

  uint32(): number {
    const word = this.#words[this.#next++];
    if (word === undefined) throw new Error('the script is over');
    return word;
  }

  fillUint32(target: Uint32Array): void {
    for (let i = 0; i < target.length; i++) target[i] = this.uint32();
  }
}

type Fill = SamplerSubject['fill'];

/** Registers the whole conformance suite of one sampler. */
export function describeSampler(
  subject: SamplerSubject,
  options: SamplerConformanceOptions = {},
): void {
  describe(subject.name, () => {
    for (const { name, run } of samplerConformance(subject, options)) it(name, run);
  });
}

/** Makes a bulk sampler of a scalar one. */
export function each(sample: (random: RandomSource) => number): Fill {
  return (target, random) => {
    for (let i = 0; i < target.length; i++) target[i] = sample(random);
  };
}

/** A law given by its probabilities from `first` on; what lies outside must not matter. */
function listed(
  name: string,
  first: number,
  masses: readonly number[],
  fill: Fill,
): SamplerSubject {
  const upTo = new Float64Array(masses.length + 1);
  const from = new Float64Array(masses.length + 1);
  for (let i = 0; i < masses.length; i++) {
    upTo[i + 1] = (upTo[i] as number) + (masses[i] as number);
    const j = masses.length - 1 - i;
    from[j] = (from[j + 1] as number) + (masses[j] as number);
  }
  const total = from[0] as number;
  const moment = (power: number, centre: number): number =>
    masses.reduce((sum, mass, i) => sum + mass * (first + i - centre) ** power, 0) / total;
  const mean = moment(1, 0);
  const variance = moment(2, mean);
  const clamp = (index: number): number => Math.max(0, Math.min(masses.length, index));
  return {
    name,
    mean,
    standardDeviation: Math.sqrt(variance),
    kurtosis: moment(4, mean) / variance ** 2,
    fill,
    probability(low, high) {
      const [a, b] = [clamp(low - first), clamp(high - first + 1)];
      // Differences of the smaller sums keep the digits of a tail.
      const sums = low > mean ? [from[a], from[b]] : [upTo[b], upTo[a]];
      return ((sums[0] as number) - (sums[1] as number)) / total;
    },
  };
}

function symmetric(
  name: string,
  radius: number,
  weight: (k: number) => number,
  fill: Fill,
): SamplerSubject {
  const masses = Array.from({ length: 2 * radius + 1 }, (_, i) => weight(Math.abs(i - radius)));
  return listed(name, -radius, masses, fill);
}

/** A law so wide that it is a rounded Gaussian to far more digits than samples can tell. */
function wide(name: string, mean: number, variance: number, fill: Fill): SamplerSubject {
  const standardDeviation = Math.sqrt(variance);
  const below = (value: number): number => normalCdf((value + 0.5 - mean) / standardDeviation);
  const above = (value: number): number => normalCdf(-(value - 0.5 - mean) / standardDeviation);
  return {
    name,
    mean,
    standardDeviation,
    kurtosis: 3,
    fill,
    probability: (low, high) =>
      low > mean
        ? above(low) - (high === Infinity ? 0 : above(high + 1))
        : below(high) - (low === -Infinity ? 0 : below(low - 1)),
  };
}

export function roundedGaussianSubject(stddev: number, fill: Fill, label = ''): SamplerSubject {
  const name = `rounded Gaussian ${stddev} ${label}`;
  if (stddev > 5000) return wide(name, 0, stddev ** 2, fill);
  const above = (x: number): number => normalCdf(-x / stddev);
  return symmetric(
    name,
    Math.ceil(9 * stddev) + 1,
    (k) => (k === 0 ? 1 - 2 * above(0.5) : above(k - 0.5) - above(k + 0.5)),
    fill,
  );
}

export function discreteGaussianSubject(sigma: number, fill: Fill, label = ''): SamplerSubject {
  const name = `discrete Gaussian ${sigma} ${label}`;
  if (sigma > 5000) return wide(name, 0, sigma ** 2, fill);
  return symmetric(name, Math.ceil(9 * sigma) + 1, (k) => Math.exp(-((k / sigma) ** 2) / 2), fill);
}

export function discreteLaplaceSubject(parameter: number, fill: Fill, label = ''): SamplerSubject {
  const name = `discrete Laplace ${parameter} ${label}`;
  const ratio = Math.exp(-parameter);
  const gap = -Math.expm1(-parameter);
  const above = (m: number): number => Math.exp(-parameter * m) / (1 + ratio);
  const variance = (2 * ratio) / gap ** 2;
  return {
    name,
    mean: 0,
    standardDeviation: Math.sqrt(variance),
    // 3 and the fourth cumulant of a difference of two geometric variables over the variance².
    kurtosis: 3 + (2 * ratio * (1 + 4 * ratio + ratio ** 2)) / gap ** 4 / variance ** 2,
    fill,
    probability(low, high) {
      const from = (m: number): number => (m > 0 ? above(m) : 1 - above(1 - m));
      if (low > 0) return above(low) - (high === Infinity ? 0 : above(high + 1));
      if (high < 0) return above(-high) - (low === -Infinity ? 0 : above(1 - low));
      return (low === -Infinity ? 1 : from(low)) - (high === Infinity ? 0 : from(high + 1));
    },
  };
}

export function skellamSubject(mu: number, fill: Fill, label = ''): SamplerSubject {
  const name = `Skellam ${mu} ${label}`;
  if (mu > 10_000) return wide(name, 0, mu, fill);
  // e^(−mu) I_k(mu) = (1/2π) ∮ e^(mu(cos t − 1)) cos(kt) dt, by the trapezoid rule.
  const radius = Math.ceil(9 * Math.sqrt(mu)) + 12;
  const points = 4 * radius;
  const angles = Array.from({ length: points }, (_, j) => (2 * Math.PI * j) / points);
  const weights = angles.map((t) => Math.exp(mu * (Math.cos(t) - 1)) / points);
  return symmetric(
    name,
    radius,
    (k) =>
      Math.max(
        0,
        weights.reduce((sum, weight, j) => sum + weight * Math.cos(k * (angles[j] as number)), 0),
      ),
    fill,
  );
}

export function poissonSubject(lambda: number, fill: Fill, label = ''): SamplerSubject {
  const name = `Poisson ${lambda} ${label}`;
  if (lambda > 10_000) return wide(name, lambda, lambda, fill);
  const masses = [Math.exp(-lambda)];
  const last = Math.ceil(lambda + 10 * Math.sqrt(lambda)) + 20;
  if (lambda < 500) {
    for (let k = 1; k <= last; k++) masses.push(((masses[k - 1] as number) * lambda) / k);
    return listed(name, 0, masses, fill);
  }
  const mode = Math.floor(lambda);
  const relative = new Array<number>(last + 1).fill(0);
  relative[mode] = 1;
  for (let k = mode + 1; k <= last; k++) relative[k] = ((relative[k - 1] as number) * lambda) / k;
  for (let k = mode; k > 0; k--) relative[k - 1] = ((relative[k] as number) * k) / lambda;
  return listed(name, 0, relative, fill);
}
