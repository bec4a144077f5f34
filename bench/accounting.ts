import {
  calibrateNoiseMultiplier,
  type DpEvent,
  epsilonOfPlan,
  type Plan,
  PldAccountant,
  RdpAccountant,
  truePositiveRate,
} from '../src/dp/index.ts';
import { type BenchRow, type BenchSuite, median, row } from './suite.ts';

interface SampledGaussian {
  readonly name: string;
  readonly samplingRate: number;
  readonly noiseMultiplier: number;
  readonly rounds: number;
  readonly delta: number;
}

const sampledGaussian = (
  name: string,
  samplingRate: number,
  noiseMultiplier: number,
  rounds: number,
  delta: number,
): SampledGaussian => ({ name, samplingRate, noiseMultiplier, rounds, delta });

/** Eight configurations of private training, from single scenes to long runs. */
const CONFIGURATIONS = [
  sampledGaussian('sgm1', 0.01, 1, 1000, 1e-5),
  sampledGaussian('sgm2', 256 / 60_000, 1.1, 14_062, 1e-5),
  sampledGaussian('sgm3', 0.001, 0.8, 10_000, 1e-6),
  sampledGaussian('sgm4', 1, 10, 100, 1e-5),
  sampledGaussian('sgm5', 0.02, 0.6, 5000, 1e-6),
  sampledGaussian('sgm6', 0.01, 4, 10_000, 1e-5),
  sampledGaussian('sgm7', 0.2, 3, 200, 1e-6),
  sampledGaussian('sgm8', 0.005, 0.5, 1500, 1e-7),
];
const PEER = 'dp_accounting 0.6.0 at its default discretization, other machine';
const RUNS = 5;

function planOf(run: SampledGaussian): Plan {
  const gaussian: DpEvent = { kind: 'gaussian', noiseMultiplier: run.noiseMultiplier };
  const { samplingRate, rounds } = run;
  return {
    unit: 'user',
    relation: 'add-or-remove-one-user',
    event: {
      kind: 'repeated',
      count: rounds,
      event:
        samplingRate === 1 ? gaussian : { kind: 'poisson-sampled', samplingRate, event: gaussian },
    },
  };
}

function medianTime(body: () => void): number {
  body();
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const started = performance.now();
    body();
    times.push(performance.now() - started);
  }
  return median(times);
}

/** Certified epsilons, calibration and read-outs: time and width of the interval; one thread, warm. */
export const accounting: BenchSuite = async (log) => {
  const rows: BenchRow[] = [];
  const report = (entry: BenchRow): void => {
    log(`${entry.name}: ${entry.value.toPrecision(4)} ${entry.unit}`);
    rows.push(entry);
  };
  const plans = CONFIGURATIONS.map((run) => ({ run, plan: planOf(run) }));

  const all = (accountant: 'pld' | 'rdp'): number =>
    medianTime(() => {
      for (const { run, plan } of plans) epsilonOfPlan(plan, run.delta, accountant);
    });
  const pld = all('pld');
  const rdp = all('rdp');
  report(
    row('PLD, sgm1–sgm8 together, certified', pld, 'ms', 7800, {
      recorded: PEER,
      note: `median of ${RUNS}, warm`,
    }),
  );
  report(row('RDP, sgm1–sgm8 together', rdp, 'ms', pld, { note: 'baseline: PLD in this run' }));
  for (const { run, plan } of plans) {
    const accountant = new PldAccountant({ unit: plan.unit, relation: plan.relation });
    accountant.compose(plan);
    const { lower, upper } = accountant.epsilon(run.delta);
    report(
      row(
        `${run.name}: width of the certified interval over epsilon`,
        (upper - (lower ?? 0)) / upper,
        '',
        null,
        {
          note: `epsilon ${upper.toPrecision(10)} at delta ${run.delta}`,
        },
      ),
    );
  }
  const calibration = medianTime(() => {
    calibrateNoiseMultiplier(
      { epsilon: 4, delta: 1e-5, relation: 'add-or-remove-one-user' },
      { samplingRate: 256 / 60_000, rounds: 14_062 },
    );
  });
  report(
    row('calibration to epsilon 4, 14,062 rounds at rate 256/60,000', calibration, 'ms', 9000, {
      recorded: PEER,
    }),
  );
  const single = plans[0] as (typeof plans)[number];
  const readOut = medianTime(() => {
    const accountant = new PldAccountant({ unit: 'user', relation: 'add-or-remove-one-user' });
    accountant.compose(single.plan);
    truePositiveRate(accountant, 1e-3);
  });
  report(
    row('true-positive rate at a false-positive rate of 1e-3, sgm1', readOut, 'ms', 53_000, {
      recorded: 'dp_accounting 0.6.0, four rates in one call, other machine',
    }),
  );
  const sampled = plans[2] as (typeof plans)[number];
  const rdpSingle = medianTime(() => {
    const accountant = new RdpAccountant({ unit: 'user', relation: 'add-or-remove-one-user' });
    accountant.compose(sampled.plan);
    accountant.epsilon(sampled.run.delta);
  });
  report(row('RDP, sgm3 alone', rdpSingle, 'ms', 38, { recorded: PEER }));
  return rows;
};
