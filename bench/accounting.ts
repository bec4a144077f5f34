/**
 * Speed and tightness of the accountants. Peers are Python and cannot run here: their figures are recorded,
 * one thread, best of three, from the oracle in test/dp/accounting/oracle.json (google/differential-privacy
 * dp_accounting 0.6.0 at discretisation 1e-4, microsoft/prv_accountant 0.2.0; AMD EPYC VM).
 */
import { pathToFileURL } from 'node:url';
import { calibrateNoiseMultiplier } from '../src/dp/accounting/calibrate.ts';
import { createAccountant, epsilonOfPlan } from '../src/dp/accounting/create.ts';
import { truePositiveRate } from '../src/dp/accounting/readout.ts';
import type { DpEvent } from '../src/dp/event.ts';
import type { NeighbourRelation, Plan } from '../src/dp/plan.ts';
import { type BenchRow, type BenchSuite, median, row } from './suite.ts';

const REPEATS = 5;
const PEER = 'dp_accounting 0.6.0, on another machine';

const plan = (event: DpEvent, relation: NeighbourRelation = 'add-or-remove-one-user'): Plan => ({
  unit: 'user',
  relation,
  event,
});
const gaussian = (noiseMultiplier: number): DpEvent => ({ kind: 'gaussian', noiseMultiplier });
const laplace = (noiseMultiplier: number): DpEvent => ({ kind: 'laplace', noiseMultiplier });
const poisson = (samplingRate: number, event: DpEvent): DpEvent => ({
  kind: 'poisson-sampled',
  samplingRate,
  event,
});
const repeated = (count: number, event: DpEvent): DpEvent => ({ kind: 'repeated', count, event });
const sampled = (q: number, sigma: number, count: number): DpEvent =>
  repeated(count, poisson(q, gaussian(sigma)));

/** The eight sampled-Gaussian rows of the oracle: plan, delta. */
const EIGHT: readonly (readonly [DpEvent, number])[] = [
  [sampled(0.01, 1, 1000), 1e-5],
  [sampled(256 / 60_000, 1.1, 14_062), 1e-5],
  [sampled(0.001, 0.8, 10_000), 1e-6],
  [repeated(100, gaussian(10)), 1e-5],
  [sampled(0.02, 0.6, 5000), 1e-6],
  [sampled(0.01, 4, 10_000), 1e-5],
  [sampled(0.2, 3, 200), 1e-6],
  [sampled(0.005, 0.5, 1500), 1e-7],
];

/** Other plans: name, plan, delta, seconds of the peer or null. */
const OTHERS: readonly (readonly [string, Plan, number, number | null])[] = [
  ['Laplace(10) × 100', plan(repeated(100, laplace(10))), 1e-6, 0.04],
  ['Laplace(20) × 1000', plan(repeated(1000, laplace(20))), 1e-5, 0.07],
  ['Poisson .01 of Laplace(1) × 1000', plan(repeated(1000, poisson(0.01, laplace(1)))), 1e-6, 0.04],
  [
    'sampled Gaussian × 100, Gaussian × 200, Laplace × 100',
    plan({
      kind: 'composed',
      events: [sampled(0.005, 0.8, 100), repeated(200, gaussian(8)), repeated(100, laplace(10))],
    }),
    1e-6,
    1.35,
  ],
  [
    'three phases of sampled Gaussians',
    plan({
      kind: 'composed',
      events: [sampled(0.01, 1.2, 400), sampled(0.02, 1, 300), sampled(0.005, 0.7, 300)],
    }),
    1e-6,
    1.86,
  ],
  [
    'fixed-size sample 100 of 10,000 × 1000, replace-one',
    plan(
      repeated(1000, {
        kind: 'fixed-size-sampled',
        sampleSize: 100,
        populationSize: 10_000,
        event: gaussian(1),
      }),
      'replace-one-user',
    ),
    1e-5,
    null,
  ],
  ['sampled Gaussian × 50,000', plan(sampled(0.01, 1, 50_000)), 1e-10, null],
  ['sampled Gaussian × 10', plan(sampled(0.01, 1, 10)), 1e-5, null],
];

/** Median wall time in milliseconds after one warm run. */
function milliseconds(run: () => unknown): number {
  run();
  return median(
    Array.from({ length: REPEATS }, () => {
      const start = performance.now();
      run();
      return performance.now() - start;
    }),
  );
}

/** Benchmarks of the accountants: wall times, and how wide the certified intervals are. */
export const accounting: BenchSuite = async (log) => {
  const rows: BenchRow[] = [];
  const add = (line: BenchRow): void => {
    rows.push(line);
    log(`${line.name}: ${line.value.toPrecision(3)} ${line.unit}`);
  };
  const recorded = { recorded: PEER };

  const eight = (): unknown => EIGHT.map(([event, delta]) => epsilonOfPlan(plan(event), delta));
  // Compiled once; the first pass of a process is dominated by that.
  for (let i = 0; i < 3; i++) eight();
  add(
    row('PLD, eight sampled-Gaussian rows, certified', milliseconds(eight), 'ms', 7800, recorded),
  );
  let gap = 0;
  for (const [event, delta] of EIGHT) {
    const { lower, upper } = epsilonOfPlan(plan(event), delta);
    gap = Math.max(gap, (upper - (lower ?? 0)) / upper);
  }
  add(row('PLD, eight rows, widest interval', gap, 'relative'));
  const rdp = (): unknown =>
    EIGHT.map(([event, delta]) => epsilonOfPlan(plan(event), delta, 'rdp'));
  add(row('RDP, eight rows', milliseconds(rdp), 'ms', 383, recorded));

  for (const [name, subject, delta, seconds] of OTHERS) {
    const time = milliseconds(() => epsilonOfPlan(subject, delta));
    add(
      row(
        `PLD, ${name}`,
        time,
        'ms',
        seconds === null ? null : seconds * 1000,
        seconds === null ? {} : recorded,
      ),
    );
  }

  const target = { epsilon: 4, delta: 1e-5, relation: 'add-or-remove-one-user' } as const;
  const run = { samplingRate: 256 / 60_000, rounds: 14_062 };
  const calibrate = (): unknown => calibrateNoiseMultiplier(target, run);
  add(
    row(
      'noise for epsilon 4 over 14,062 rounds, PLD',
      milliseconds(calibrate),
      'ms',
      9000,
      recorded,
    ),
  );

  const accountant = createAccountant('pld', plan(gaussian(1)));
  accountant.compose(plan(sampled(0.01, 1, 1000)));
  const readOut = (): unknown =>
    [1e-4, 1e-3, 1e-2, 1e-1].map((x) => truePositiveRate(accountant, x));
  add(
    row(
      'true positive rate at four false positive rates',
      milliseconds(readOut),
      'ms',
      53_000,
      recorded,
    ),
  );
  return rows;
};

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(JSON.stringify(await accounting((line) => console.error(line)), null, 2));
}
