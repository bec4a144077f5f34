import { describe, expect, it } from 'vitest';
import { attend, drawCohort } from '../../../src/federated/simulation/cohort.ts';
import { KeyedRandom } from '../../../src/federated/simulation/keyed-random.ts';

const random = new KeyedRandom('cohort.stat.test');
const POPULATION = 50;
const ROUNDS = 4000;

/** How often each user, and each neighbouring pair, was drawn. */
function counts(draw: (round: number) => Uint32Array): { users: number[]; pairs: number } {
  const users = new Array<number>(POPULATION).fill(0);
  let pairs = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    const drawn = draw(round);
    drawn.forEach((user, i) => {
      users[user] = (users[user] as number) + 1;
      if (i > 0 && drawn[i - 1] === user - 1) pairs++;
    });
    expect(drawn).toEqual(drawn.slice().sort());
  }
  return { users, pairs };
}

/** Six and a half deviations in each of about a hundred comparisons: false alarms below 10⁻⁸. */
function expectBinomial(found: number, trials: number, probability: number): void {
  const stddev = Math.sqrt(trials * probability * (1 - probability));
  expect(Math.abs(found - trials * probability)).toBeLessThan(6.5 * stddev);
}

describe('drawCohort', () => {
  it('takes each user with the rate, independently', () => {
    const cohort = { kind: 'poisson', samplingRate: 0.3 } as const;
    const { users, pairs } = counts((round) => drawCohort(cohort, POPULATION, round, random));
    for (const count of users) expectBinomial(count, ROUNDS, 0.3);
    // Pairs overlap in users, which at most triples the variance.
    const trials = ROUNDS * (POPULATION - 1);
    expect(Math.abs(pairs - trials * 0.09)).toBeLessThan(6.5 * Math.sqrt(3 * trials * 0.09 * 0.91));
  });

  it('takes exactly so many, each as likely', () => {
    const cohort = { kind: 'fixed-size', sampleSize: 20 } as const;
    const { users } = counts((round) => {
      const drawn = drawCohort(cohort, POPULATION, round, random);
      expect(drawn).toHaveLength(20);
      return drawn;
    });
    for (const count of users) expectBinomial(count, ROUNDS, 20 / POPULATION);
  });

  it('takes everybody', () => {
    const all = { kind: 'fixed-size', sampleSize: POPULATION } as const;
    const everybody = drawCohort({ kind: 'full' }, POPULATION, 1, random);
    expect(drawCohort(all, POPULATION, 1, random)).toEqual(everybody);
  });
});

describe('attend', () => {
  const everybody = drawCohort({ kind: 'full' }, 20_000, 1, random);

  it('lets users vanish with the probability given', () => {
    const { present, vanished, late } = attend(everybody, { dropOut: 0.2 }, 1, random);
    expect(present.length + vanished).toBe(everybody.length);
    expect(late).toBe(0);
    expectBinomial(vanished, everybody.length, 0.2);
  });

  it('lets half be late at the median time, the same ones where only users differ', () => {
    const stragglers = { userSpread: 1, roundSpread: 0, deadline: 1 };
    const [one, two] = [1, 2].map((round) => attend(everybody, { stragglers }, round, random));
    expectBinomial(one?.late as number, everybody.length, 0.5);
    expect(two).toEqual(one);
    const changing = { userSpread: 0, roundSpread: 1, deadline: 1 };
    const other = attend(everybody, { stragglers: changing }, 1, random);
    const later = attend(everybody, { stragglers: changing }, 2, random);
    expect(later.present).not.toEqual(other.present);
  });

  it('takes nobody out where there is no rule', () => {
    expect(attend(everybody, {}, 1, random).present).toEqual(everybody);
  });
});
