import { pathToFileURL } from 'node:url';
import type { RandomSource } from '../src/core/random-source.ts';
import { SecureRandom } from '../src/core/secure-random.ts';
import { buildCellTable } from '../src/dp/noise/cell-table.ts';
import { gaussianLaw } from '../src/dp/noise/gaussian-law.ts';
import {
  fillDiscreteGaussian,
  fillDiscreteLaplace,
  fillPoisson,
  fillRoundedGaussian,
  fillSkellam,
  sampleDiscreteGaussian,
  sampleRoundedGaussian,
} from '../src/dp/noise/index.ts';
import { skellamLaw } from '../src/dp/noise/skellam-law.ts';
import { type BenchRow, type BenchSuite, median, row } from './suite.ts';

const SAMPLES = 1 << 20;
const REPEATS = 7;
const STDDEVS = [2, 16, 100, 1000, 4096, 2 ** 14, 2 ** 17, 2 ** 20, 2 ** 24];

type Fill = (target: Float64Array | Int32Array, random: RandomSource) => void;

/** Median of million samples a second, after one warm-up. */
function speed(fill: Fill, samples: number = SAMPLES): number {
  const random = new SecureRandom();
  const target = new Int32Array(samples);
  fill(target, random);
  return median(
    Array.from({ length: REPEATS }, () => {
      const start = performance.now();
      fill(target, random);
      return samples / (performance.now() - start) / 1000;
    }),
  );
}

/** What one would write without this library: inexact, and so unsafe however good its bits are. */
function fillBoxMuller(
  target: Float64Array | Int32Array,
  stddev: number,
  random: RandomSource,
): void {
  const words = new Uint32Array(4096);
  for (let done = 0; done < target.length; ) {
    random.fillUint32(words);
    for (let i = 0; i < words.length && done < target.length; i += 2) {
      const radius = stddev * Math.sqrt(-2 * Math.log(((words[i] as number) + 0.5) * 2 ** -32));
      const angle = 2 * Math.PI * (words[i + 1] as number) * 2 ** -32;
      target[done++] = Math.round(radius * Math.cos(angle));
      if (done < target.length) target[done++] = Math.round(radius * Math.sin(angle));
    }
  }
}

/** Makes a bulk sampler of a scalar one. */
function each(sample: (random: RandomSource) => number): Fill {
  return (target, random) => {
    for (let i = 0; i < target.length; i++) target[i] = sample(random);
  };
}

/** Exact integer noise, secure randomness included: million samples a second on one core, and building. */
export const noise: BenchSuite = async (log) => {
  const rows: BenchRow[] = [];
  const add = (entry: BenchRow): void => {
    rows.push(entry);
    log(`${entry.name}: ${entry.value.toPrecision(4)} ${entry.unit}`);
  };
  const unit = 'M samples/s';
  const naive = speed((target, random) => fillBoxMuller(target, 100, random));
  add(row('inexact Box-Muller, rounded (the baseline of the Gaussians)', naive, unit));
  for (const stddev of STDDEVS) {
    const rounded = speed((target, random) => fillRoundedGaussian(target, stddev, random));
    add(row(`rounded Gaussian, noiseStddev ${stddev}`, rounded, unit, naive));
    const discrete = speed((target, random) => fillDiscreteGaussian(target, stddev, random));
    add(row(`discrete Gaussian, sigma ${stddev}`, discrete, unit, naive));
  }
  for (const parameter of [1, 0.01, 1e-5]) {
    const laplace = speed((target, random) => fillDiscreteLaplace(target, parameter, random));
    add(row(`discrete Laplace, parameter ${parameter}`, laplace, unit));
  }
  for (const mu of [16, 4096, 2 ** 20, 2 ** 24, 2 ** 32]) {
    add(
      row(
        `Skellam, mu ${mu}`,
        speed((target, random) => fillSkellam(target, mu, random)),
        unit,
      ),
    );
  }
  for (const lambda of [10, 2 ** 24]) {
    const poisson = speed((target, random) => fillPoisson(target, lambda, random), 1 << 16);
    add(row(`Poisson, mean ${lambda}`, poisson, unit));
  }
  const scalars = 1 << 14;
  const karney = speed(
    each((random) => sampleRoundedGaussian(100, random)),
    scalars,
  );
  add(row('rounded Gaussian one at a time (Karney)', karney, unit, naive));
  const cks = speed(
    each((random) => sampleDiscreteGaussian(100, random)),
    scalars,
  );
  add(row('discrete Gaussian one at a time (Canonne, Kamath, Steinke)', cks, unit, naive));

  const building = (build: () => unknown): number =>
    median(
      Array.from({ length: REPEATS }, () => {
        const start = performance.now();
        build();
        return performance.now() - start;
      }),
    );
  for (const stddev of [2, 4096, 2 ** 24]) {
    const milliseconds = building(() => buildCellTable(gaussianLaw(stddev, true)));
    add(row(`table of the rounded Gaussian, noiseStddev ${stddev}`, milliseconds, 'ms'));
  }
  for (const mu of [4096, 2 ** 24, 2 ** 32]) {
    add(
      row(
        `table of Skellam, mu ${mu}`,
        building(() => buildCellTable(skellamLaw(mu))),
        'ms',
      ),
    );
  }
  return rows;
};

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(JSON.stringify(await noise((line) => console.error(line)), null, 2));
}
