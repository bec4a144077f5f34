/** Who takes part in a round: everybody, one of several fixed groups in turn, or a fresh hidden sample. */
export type Participation = 'full' | 'rotating' | 'poisson';

/** All ways to take part, in the order of the documentation. */
export const PARTICIPATIONS = ['full', 'rotating', 'poisson'] as const;

/** What a deployment can do. */
export interface CandidateLimits {
  readonly population: number;
  readonly maximumRounds: number;
  /** Fewest and most users asked in one round. */
  readonly minimumCohort: number;
  readonly maximumCohort: number;
  readonly participation: readonly Participation[];
}

/** One way to run rounds. */
export interface Candidate {
  readonly participation: Participation;
  readonly rounds: number;
  /** Share of the population in one round, expected for samples. */
  readonly samplingRate: number;
  /** Most rounds that one account may be in. */
  readonly participations: number;
}

/** Shorter sampled runs leave most of the amplification unused. */
const LEAST_SAMPLED_ROUNDS = 20;

/** 1, 2, 5, 10, 20, 50 … up to the end, and the end itself. */
function series(end: number): readonly number[] {
  const values: number[] = [];
  for (let decade = 1; decade <= end; decade *= 10) {
    for (const step of [1, 2, 5]) if (step * decade < end) values.push(step * decade);
  }
  return [...values, end];
}

/**
 * Ways to run rounds within the limits: a grid of rounds and cohorts. Cohorts shrink from the largest one
 * possible.
 */
export function trainingCandidates(limits: CandidateLimits): readonly Candidate[] {
  return PARTICIPATIONS.filter((participation) =>
    limits.participation.includes(participation),
  ).flatMap((participation) => GENERATORS[participation](limits));
}

const GENERATORS: Readonly<Record<Participation, (limits: CandidateLimits) => Candidate[]>> = {
  full: ({ population, minimumCohort, maximumCohort, maximumRounds }) =>
    maximumCohort < population || minimumCohort > population
      ? []
      : series(maximumRounds).map((rounds) => ({
          participation: 'full',
          rounds,
          samplingRate: 1,
          participations: rounds,
        })),
  rotating: (limits) =>
    divisors(limits).flatMap((groups) => {
      // Whole turns, so that nobody is asked more often than others, unless one turn is too long already.
      const turns = new Set(
        series(limits.maximumRounds).map((rounds) =>
          Math.min(Math.ceil(rounds / groups) * groups, limits.maximumRounds),
        ),
      );
      return [...turns].map((rounds) => ({
        participation: 'rotating' as const,
        rounds,
        samplingRate: 1 / groups,
        participations: Math.ceil(rounds / groups),
      }));
    }),
  poisson: (limits) => {
    const { maximumRounds } = limits;
    const least = Math.min(LEAST_SAMPLED_ROUNDS, maximumRounds);
    return divisors(limits).flatMap((divisor, i) =>
      series(maximumRounds)
        // Everybody is expected in a round at least, if the longest run with the largest cohort gets so far.
        .filter(
          (rounds) =>
            rounds >= least && (rounds >= divisor || (i === 0 && rounds === maximumRounds)),
        )
        .map((rounds) => ({
          participation: 'poisson' as const,
          rounds,
          samplingRate: 1 / divisor,
          participations: rounds,
        })),
    );
  },
};

/** By what the population may be divided into cohorts smaller than everybody. */
function divisors({
  population,
  minimumCohort,
  maximumCohort,
}: CandidateLimits): readonly number[] {
  const most = Math.floor(population / minimumCohort);
  const least = Math.max(2, Math.ceil(population / maximumCohort));
  if (most < least) return [];
  return [
    least,
    ...series(most).filter((divisor) => divisor > least && divisor < most),
    most,
  ].filter((divisor, i, all) => all.indexOf(divisor) === i);
}
