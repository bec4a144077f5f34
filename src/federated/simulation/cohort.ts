import { uniformInteger } from '../../core/random-source.ts';
import { drawSample } from '../rounds/amplified-sampling.ts';
import type { KeyedRandom } from './keyed-random.ts';

/** Who is asked in a round. */
export type SimulatedCohort =
  /** Everybody. */
  | { readonly kind: 'full' }
  /** Each independently with that rate. */
  | { readonly kind: 'poisson'; readonly samplingRate: number }
  /** So many, uniformly without replacement. */
  | { readonly kind: 'fixed-size'; readonly sampleSize: number };

/** Who does not answer in time, by public rules that know nothing of anybody's data. */
export interface SimulatedAttendance {
  /** Probability that a user who was asked vanishes, in [0, 1). Default 0. */
  readonly dropOut?: number;
  readonly stragglers?: Stragglers;
}

/** Answers take a lognormal time of median 1, part of it the user's own and part of it the round's. */
export interface Stragglers {
  /** Deviation of the logarithm of a user's usual time; some are always slow. */
  readonly userSpread: number;
  /** Deviation of the logarithm from round to round. */
  readonly roundSpread: number;
  /** What takes longer, in units of the median, is too late and not summed. */
  readonly deadline: number;
}

/** Who answered. */
export interface Attendance {
  /** Users whose updates are summed, ascending. */
  readonly present: Uint32Array;
  readonly vanished: number;
  readonly late: number;
}

/** @throws RangeError for numbers out of range */
export function checkCohort(cohort: SimulatedCohort, population: number): void {
  if (cohort.kind === 'poisson') {
    const { samplingRate } = cohort;
    if (!(samplingRate > 0 && samplingRate <= 1)) {
      throw new RangeError(`"samplingRate" expected a number in (0, 1], got ${samplingRate}`);
    }
  } else if (cohort.kind === 'fixed-size') {
    const { sampleSize } = cohort;
    if (!Number.isInteger(sampleSize) || sampleSize < 1 || sampleSize > population) {
      throw new RangeError(
        `"sampleSize" expected an integer in [1, ${population}], got ${sampleSize}`,
      );
    }
  }
}

/** @throws RangeError for numbers out of range */
export function checkAttendance({ dropOut = 0, stragglers }: SimulatedAttendance): void {
  if (!(dropOut >= 0 && dropOut < 1)) {
    throw new RangeError(`"dropOut" expected a number in [0, 1), got ${dropOut}`);
  }
  if (stragglers === undefined) return;
  const { userSpread, roundSpread, deadline } = stragglers;
  for (const [name, value] of Object.entries({ userSpread, roundSpread, deadline })) {
    if (!(value >= 0) || !Number.isFinite(value)) {
      throw new RangeError(`"${name}" expected a number of at least 0, got ${value}`);
    }
  }
}

/** Contributions to expect of a round: a public number, whoever answers. */
export function expectedCohort(cohort: SimulatedCohort, population: number): number {
  if (cohort.kind === 'full') return population;
  return cohort.kind === 'poisson' ? cohort.samplingRate * population : cohort.sampleSize;
}

/** @returns the users asked, ascending */
export function drawCohort(
  cohort: SimulatedCohort,
  population: number,
  round: number,
  random: KeyedRandom,
): Uint32Array {
  if (cohort.kind === 'full') return Uint32Array.from({ length: population }, (_, user) => user);
  random.start('cohort', round, 0);
  if (cohort.kind === 'poisson') {
    return Uint32Array.from(drawSample({ ...cohort, population: '' }, population, random));
  }
  return fewOfMany(population, cohort.sampleSize, random);
}

/** A uniform subset in time that depends on its size only. Source: Floyd, in Bentley & Floyd (1987). */
function fewOfMany(population: number, size: number, random: KeyedRandom): Uint32Array {
  const chosen = new Set<number>();
  for (let next = population - size; next < population; next++) {
    const candidate = uniformInteger(random, next + 1);
    chosen.add(chosen.has(candidate) ? next : candidate);
  }
  return Uint32Array.from(chosen).sort();
}

/** Who of the cohort answers in time. */
export function attend(
  cohort: Uint32Array,
  rules: SimulatedAttendance,
  round: number,
  random: KeyedRandom,
): Attendance {
  const { dropOut = 0, stragglers } = rules;
  if (dropOut === 0 && stragglers === undefined) return { present: cohort, vanished: 0, late: 0 };
  let vanished = 0;
  let late = 0;
  const present = cohort.filter((user) => {
    // Round 0 is no round: what depends on it is the user's own in all of them.
    const own = stragglers === undefined ? 0 : normal(random.start('attendance', 0, user));
    random.start('attendance', round, user);
    if (random.uniform() < dropOut) {
      vanished++;
      return false;
    }
    if (stragglers === undefined) return true;
    const { userSpread, roundSpread, deadline } = stragglers;
    const onTime = Math.exp(userSpread * own + roundSpread * normal(random)) <= deadline;
    if (!onTime) late++;
    return onTime;
  });
  return { present, vanished, late };
}

/** Box–Muller: good enough for the pace of made-up devices. */
function normal(random: KeyedRandom): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.uniform()));
  return radius * Math.cos(2 * Math.PI * random.uniform());
}
