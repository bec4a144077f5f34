import type { RandomSource } from '../core/random-source.ts';
import { SeededRandom } from '../core/seeded-random.ts';
import { type ConformanceCase, check } from './conformance.ts';

/** An integer sampler and the law that it claims. */
export interface SamplerSubject {
  readonly name: string;
  readonly mean: number;
  /** > 0 */
  readonly standardDeviation: number;
  /** Fourth central moment over the squared variance; 3 for a Gaussian. */
  readonly kurtosis: number;
  /** P[from ≤ K ≤ to] of the claimed law, to a relative 1e-6; `to` may be Infinity, `from` −Infinity. */
  probability(from: number, to: number): number;
  /** Overwrites `target` with independent samples. */
  fill(target: Float64Array, random: RandomSource): void;
}

/** How many samples are drawn, and from which seed. */
export interface SamplerConformanceOptions {
  /** Default 200,000; at least 10,000. */
  readonly samples?: number;
  /** Default 'sampler conformance'. */
  readonly seed?: string;
}

/** ln of one over the false-alarm rate of a single count, so that a hundred of them stay under 1e-6. */
const ALARM_EXPONENT = Math.log(1e8);
/** Two-sided normal quantile of 1e-7. */
const NORMAL_QUANTILE = 5.33;
/** Chi-square bins expect at least so many samples. */
const BIN_EXPECTATION = 100;
/** An integer that is expected so often is missed with a probability under 1e-17. */
const HOLE_EXPECTATION = 40;
const RESIDUES = 16;

/**
 * Checks that a sampler follows its law: integers only, repeatable, mean, variance, chi-square over the bulk,
 * counts beyond 3, 4, 5 and 6 standard deviations on either side, no integer of the bulk missing. Each case
 * fails a correct sampler with a probability under 1e-6 over the choice of seed; for a given seed it either
 * always passes or never does. A pass is evidence, not proof: exactness needs an argument.
 */
export function samplerConformance(
  subject: SamplerSubject,
  { samples = 200_000, seed = 'sampler conformance' }: SamplerConformanceOptions = {},
): readonly ConformanceCase[] {
  let drawn: Float64Array | undefined;
  const values = (): Float64Array => {
    drawn ??= draw(subject, samples, seed);
    return drawn;
  };
  const { mean, standardDeviation, kurtosis } = subject;
  return [
    {
      name: 'fills the whole target with integers, none of them −0',
      run() {
        for (const value of values()) {
          check(Number.isSafeInteger(value), `expected an integer, got ${value}`);
          check(!Object.is(value, -0), 'expected 0, got −0');
        }
      },
    },
    {
      name: 'gives the same samples for the same seed',
      run() {
        const size = Math.min(samples, 1000);
        const [first, second] = [draw(subject, size, seed), draw(subject, size, seed)];
        check(
          first.every((value, i) => value === second[i]),
          'two runs from one seed differ',
        );
      },
    },
    {
      name: 'has the mean of its law',
      run() {
        const sum = values().reduce((total, value) => total + (value - mean), 0);
        checkNormal(sum / (standardDeviation * Math.sqrt(samples)), 'mean');
      },
    },
    {
      name: 'has the variance of its law',
      run() {
        const sum = values().reduce(
          (total, value) => total + ((value - mean) / standardDeviation) ** 2 - 1,
          0,
        );
        checkNormal(sum / Math.sqrt(samples * (kurtosis - 1)), 'variance');
      },
    },
    {
      name: 'passes chi-square over the bulk',
      run() {
        const bins = binsOf(subject, samples);
        const counts = countBins(values(), bins.ends);
        checkChiSquare(counts, bins.probabilities, samples);
      },
    },
    {
      name: 'has as many samples beyond 3, 4, 5 and 6 standard deviations as its law',
      run() {
        for (const times of [3, 4, 5, 6]) {
          const high = Math.ceil(mean + times * standardDeviation);
          const low = Math.floor(mean - times * standardDeviation);
          const above = values().reduce((count, value) => count + Number(value >= high), 0);
          const below = values().reduce((count, value) => count + Number(value <= low), 0);
          checkCount(above, samples, subject.probability(high, Infinity), `from ${high} on`);
          checkCount(below, samples, subject.probability(-Infinity, low), `up to ${low}`);
        }
      },
    },
    {
      name: 'leaves no hole: every integer of the bulk occurs',
      run() {
        checkHoles(subject, values());
      },
    },
  ];
}

function draw(subject: SamplerSubject, samples: number, seed: string): Float64Array {
  // NaN shows whatever a sampler leaves out.
  const target = new Float64Array(samples).fill(Number.NaN);
  subject.fill(target, new SeededRandom(`${seed} ${subject.name}`));
  return target;
}

function checkNormal(score: number, what: string): void {
  check(
    Math.abs(score) <= NORMAL_QUANTILE,
    `${what} is ${score} standard errors off (limit ${NORMAL_QUANTILE})`,
  );
}

interface Bins {
  /** Last integer of each bin but the last, which is open. */
  readonly ends: readonly number[];
  readonly probabilities: readonly number[];
}

/** Up to 128 bins of whole integers, each expecting enough samples. */
function binsOf(subject: SamplerSubject, samples: number): Bins {
  const { mean, standardDeviation } = subject;
  const ends: number[] = [];
  const probabilities: number[] = [];
  const step = Math.max(1, Math.floor(standardDeviation / 12));
  const last = Math.ceil(mean + 6 * standardDeviation);
  let from = -Infinity;
  for (let end = Math.floor(mean - 6 * standardDeviation); end < last; end += step) {
    const mass = subject.probability(from, end);
    const rest = subject.probability(end + 1, Infinity);
    if (mass * samples < BIN_EXPECTATION) continue;
    if (rest * samples < BIN_EXPECTATION) break;
    ends.push(end);
    probabilities.push(mass);
    from = end + 1;
  }
  probabilities.push(subject.probability(from, Infinity));
  return { ends, probabilities };
}

function countBins(values: Float64Array, ends: readonly number[]): Float64Array {
  const counts = new Float64Array(ends.length + 1);
  for (const value of values) {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] as number) < value) low = middle + 1;
      else high = middle;
    }
    counts[low] = (counts[low] as number) + 1;
  }
  return counts;
}

function checkChiSquare(
  counts: Float64Array,
  probabilities: readonly number[],
  samples: number,
): void {
  const freedom = probabilities.length - 1;
  if (freedom === 0) return;
  const statistic = probabilities.reduce((sum, probability, bin) => {
    const expected = probability * samples;
    return sum + ((counts[bin] as number) - expected) ** 2 / expected;
  }, 0);
  // Wilson and Hilferty (1931).
  const spread = 2 / (9 * freedom);
  const limit = freedom * (1 - spread + NORMAL_QUANTILE * Math.sqrt(spread)) ** 3;
  check(
    statistic <= limit,
    `chi-square ${statistic} over ${limit} at ${freedom} degrees of freedom`,
  );
}

/** Chernoff: n·KL(count/n ‖ p) passes x with a probability under e^(−x) on each side, for every n and p. */
function checkCount(count: number, samples: number, probability: number, where: string): void {
  const share = count / samples;
  const divergence =
    (share === 0 ? 0 : share * Math.log(share / probability)) +
    (share === 1 ? 0 : (1 - share) * (Math.log1p(-share) - Math.log1p(-probability)));
  check(
    samples * divergence <= ALARM_EXPONENT,
    `${count} of ${samples} samples ${where}, expected ${samples * probability}`,
  );
}

function checkHoles(subject: SamplerSubject, values: Float64Array): void {
  const { mean, standardDeviation } = subject;
  const seen = new Set(values);
  const middle = Math.round(mean);
  // No integer of a law wider than this expects enough samples.
  const radius =
    standardDeviation * HOLE_EXPECTATION > values.length ? -1 : Math.ceil(6 * standardDeviation);
  for (let value = middle - radius; value <= middle + radius; value++) {
    if (subject.probability(value, value) * values.length < HOLE_EXPECTATION) continue;
    check(seen.has(value), `${value} never occurs`);
  }
  // A wide law visits few of its integers, but all residues alike: its low digits have no holes either.
  if (standardDeviation < 64 * RESIDUES) return;
  const counts = new Float64Array(RESIDUES);
  for (const value of values) {
    const residue = ((value % RESIDUES) + RESIDUES) % RESIDUES;
    counts[residue] = (counts[residue] as number) + 1;
  }
  checkChiSquare(counts, new Array(RESIDUES).fill(1 / RESIDUES), values.length);
}
