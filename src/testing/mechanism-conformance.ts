import type { RandomSource } from '../core/random-source.ts';
import { SeededRandom } from '../core/seeded-random.ts';
import { PldAccountant } from '../dp/accounting/pld/accountant.ts';
import type { Accountant, Plan, Release } from '../dp/index.ts';
import { type ConformanceCase, check, errorCode } from './conformance.ts';
import { planConformance } from './plan-conformance.ts';

/** A mechanism, and data on which to try it. */
export interface MechanismSubject<Data, Value> {
  readonly name: string;
  /** Runs the mechanism; without `random` with its default source. */
  release(data: Data, random?: RandomSource): Release<Value>;
  /** Pairs of data sets that are neighbours under the relation of the plan, best far apart. */
  readonly neighbours: readonly (readonly [Data, Data])[];
  /** A number that tells neighbours apart; by it the released values are compared. */
  statistic(value: Value): number;
  /** What the statistic would be without noise; left out where `error` does not speak of it. */
  truth?(data: Data): number;
  /** Data that must be refused. */
  readonly refused?: readonly Data[];
}

/** How much is drawn, from which seed, and who prices the plan. */
export interface MechanismConformanceOptions {
  /** Releases of each data set; default 20,000, at least 1,000. */
  readonly samples?: number;
  /** Default 'mechanism conformance'. */
  readonly seed?: string;
  /** Default: the accountant of privacy loss distributions. */
  createAccountant?(plan: Plan): Accountant;
}

/** ln of one over the false-alarm rate of one comparison; there are under 10,000 of them. */
const ALARM_EXPONENT = Math.log(1e11);
/** Epsilons at which delta is compared. */
const EPSILONS = [0, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6];

/**
 * Checks that a mechanism keeps its promises: one valid plan whatever the data, noise from the source it is
 * given and `insecure` unless that is secure, an interval that holds as often as it says, and neighbours that
 * nobody can tell apart better than the plan allows (a lower bound on the privacy loss from many releases, both
 * directions, held against an accountant). Each case fails a correct mechanism with a probability under 1e-6 over
 * the choice of seed. A pass is evidence, not proof.
 */
export function mechanismConformance<Data, Value>(
  subject: MechanismSubject<Data, Value>,
  options: MechanismConformanceOptions = {},
): readonly ConformanceCase[] {
  const { samples = 20_000, seed = 'mechanism conformance' } = options;
  const createAccountant =
    options.createAccountant ??
    (({ unit, relation }: Plan): Accountant => new PldAccountant({ unit, relation }));
  const first = (): Data => {
    const pair = subject.neighbours[0];
    check(pair !== undefined, 'the subject names no neighbours');
    return pair[0];
  };
  const seeded = (label: string): SeededRandom =>
    new SeededRandom(`${seed} ${subject.name} ${label}`);
  const drawn = new Map<Data, readonly Release<Value>[]>();
  const releases = (data: Data): readonly Release<Value>[] => {
    let known = drawn.get(data);
    if (known === undefined) {
      const random = seeded(`data ${drawn.size}`);
      known = Array.from({ length: samples }, () => subject.release(data, random));
      drawn.set(data, known);
    }
    return known;
  };
  return [
    {
      name: 'hands out a valid plan that survives JSON',
      async run() {
        for (const { run } of planConformance(subject.release(first()).plan)) await run();
      },
    },
    {
      name: 'hands out the same plan whatever the data and the noise',
      run() {
        const { plan } = subject.release(first());
        for (const data of subject.neighbours.flat()) {
          const other = subject.release(data, seeded('plan')).plan;
          check(JSON.stringify(other) === JSON.stringify(plan), 'the plan depends on the data');
        }
      },
    },
    {
      name: 'marks every release whose noise did not come from the secure source',
      run() {
        check(!subject.release(first()).insecure, 'the default source is marked insecure');
        check(subject.release(first(), seeded('flag')).insecure, 'a seeded release is not marked');
      },
    },
    {
      name: 'draws its noise from the source it is given, afresh for each release',
      run() {
        const text = (random: RandomSource): string =>
          Array.from({ length: 64 }, () =>
            String(subject.statistic(subject.release(first(), random).value)),
          ).join();
        const [one, again, other] = ['one', 'one', 'two'].map((label) => text(seeded(label)));
        check(one === again, 'the same seed gives another release');
        check(one !== other, 'another seed gives the same releases');
      },
    },
    {
      name: 'states an error that is finite and whose interval holds as often as stated',
      run() {
        for (const data of new Set(subject.neighbours.flat())) {
          checkInterval(subject, data, releases(data));
        }
      },
    },
    {
      name: 'does not let neighbours be told apart better than its plan allows',
      run() {
        for (const [one, other] of subject.neighbours) {
          const { plan } = subject.release(one);
          const accountant = createAccountant(plan);
          accountant.compose(plan);
          const values = (data: Data): Float64Array =>
            Float64Array.from(releases(data), ({ value }) => subject.statistic(value));
          const [here, there] = [values(one), values(other)];
          checkLoss(here, there, accountant);
          checkLoss(there, here, accountant);
        }
      },
    },
    {
      name: 'refuses bad data with a code',
      async run() {
        for (const data of subject.refused ?? []) {
          const code = await errorCode(() => subject.release(data));
          check(code.includes('/'), `expected a coded refusal, got ${code}`);
        }
      },
    },
  ];
}

function checkInterval<Data, Value>(
  subject: MechanismSubject<Data, Value>,
  data: Data,
  releases: readonly Release<Value>[],
): void {
  let outside = 0;
  let confidence = 0;
  for (const { value, error } of releases) {
    confidence = error.confidence;
    check(confidence > 0 && confidence < 1, 'the confidence is outside (0, 1)');
    for (const size of [error.noiseStddev, error.halfWidth]) {
      check(size >= 0 && size < Number.POSITIVE_INFINITY, 'the error is no finite number');
    }
    if (subject.truth === undefined) continue;
    const distance = Math.abs(subject.statistic(value) - subject.truth(data));
    // Room for the float rounding of units, not of noise.
    if (distance > error.halfWidth * (1 + 1e-9)) outside++;
  }
  const least = leastProbability(outside, releases.length);
  check(
    least <= 1 - confidence,
    `${outside} of ${releases.length} intervals at confidence ${confidence} miss the truth`,
  );
}

/**
 * Holds P(event) − e^ε·Q(event) ≤ δ(ε) against bounds on both probabilities. Events are chosen on one half of the
 * releases and counted on the other, so that choosing costs nothing.
 */
function checkLoss(here: Float64Array, there: Float64Array, accountant: Accountant): void {
  const half = here.length >> 1;
  const deltas = EPSILONS.map((epsilon) => accountant.delta(epsilon).upper);
  for (const { name, holds } of candidateEvents(here.subarray(0, half), there.subarray(0, half))) {
    const count = (values: Float64Array): number =>
      values.subarray(half).reduce((total, value) => total + Number(holds(value)), 0);
    const least = leastProbability(count(here), here.length - half);
    const most = mostProbability(count(there), there.length - half);
    EPSILONS.forEach((epsilon, i) => {
      const delta = deltas[i] as number;
      check(
        least - Math.exp(epsilon) * most <= delta * (1 + 1e-9),
        `${name}: probabilities at least ${least} and at most ${most} break (${epsilon}, ${delta})`,
      );
    });
  }
}

interface CandidateEvent {
  readonly name: string;
  holds(value: number): boolean;
}

/** Half-lines at quantiles of both samples, and the values that one of them shows most often. */
function candidateEvents(here: Float64Array, there: Float64Array): readonly CandidateEvent[] {
  const ends = new Set<number>();
  for (const sample of [here, there]) {
    const sorted = sample.slice().sort();
    for (const share of [
      0.001, 0.01, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.99, 0.999,
    ]) {
      ends.add(sorted[Math.floor(share * sorted.length)] as number);
    }
  }
  const counts = new Map<number, number>();
  for (const value of here) counts.set(value, (counts.get(value) ?? 0) + 1);
  const common = [...counts].sort(([, a], [, b]) => b - a).slice(0, 12);
  return [
    ...[...ends].flatMap((end): CandidateEvent[] => [
      { name: `at least ${end}`, holds: (value) => value >= end },
      { name: `at most ${end}`, holds: (value) => value <= end },
    ]),
    ...common.map(([own]): CandidateEvent => ({ name: `${own}`, holds: (value) => value === own })),
  ];
}

/** A bound under the probability of an event seen so often, wrong with a probability under e^(−ALARM). */
function leastProbability(count: number, trials: number): number {
  return chernoffEnd(count / trials, 0, trials);
}

/** A bound over it. */
function mostProbability(count: number, trials: number): number {
  return chernoffEnd(count / trials, 1, trials);
}

/** Where trials · KL(share ‖ p) reaches the alarm, on the way from `share` to `end` (Chernoff 1952). */
function chernoffEnd(share: number, end: number, trials: number): number {
  let inside = share;
  let outside = end;
  for (let i = 0; i < 60; i++) {
    const middle = (inside + outside) / 2;
    if (trials * divergence(share, middle) <= ALARM_EXPONENT) inside = middle;
    else outside = middle;
  }
  return outside;
}

/** Kullback–Leibler divergence of two coins. */
function divergence(share: number, p: number): number {
  return (
    (share === 0 ? 0 : share * Math.log(share / p)) +
    (share === 1 ? 0 : (1 - share) * (Math.log1p(-share) - Math.log1p(-p)))
  );
}
