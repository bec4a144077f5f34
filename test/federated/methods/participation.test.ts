import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { epsilonOfPlan, gdpCost } from '../../../src/dp/index.ts';
import {
  bandedSquareRoot,
  type FedAvgPriceOptions,
  fedAvgPlan,
  type Participation,
} from '../../../src/federated/index.ts';
import { askedInRound } from '../../../src/federated/methods/participation.ts';

const environment = { relation: 'zero-out-one-user' } as const;
const terms: FedAvgPriceOptions = { rounds: 10, noiseMultiplier: 8 };
const single = { kind: 'gaussian', noiseMultiplier: 8 } as const;
const event = (options: Partial<FedAvgPriceOptions>) =>
  fedAvgPlan(environment, 100, { ...terms, ...options }).event;

describe('fedAvgPlan', () => {
  it('composes all rounds for those who may be in all of them', () => {
    expect(event({})).toEqual({ kind: 'repeated', count: 10, event: single });
    const participation = { kind: 'fixed-size', cohortSize: 20 } as const;
    expect(event({ participation })).toEqual({ kind: 'repeated', count: 10, event: single });
    expect(event({ rounds: 1 })).toEqual(single);
    expect(event({ noiseMultiplier: 0 })).toEqual({ kind: 'non-private' });
  });

  it('composes only the rounds of a group', () => {
    expect(event({ participation: { kind: 'cyclic', groups: 4 } })).toEqual({
      kind: 'repeated',
      count: 3,
      event: single,
    });
    expect(event({ participation: { kind: 'cyclic', groups: 10 } })).toEqual(single);
  });

  it('composes the sampled event of secret samples', () => {
    const sampling = { kind: 'poisson', population: 'all', samplingRate: 0.1 } as const;
    expect(event({ participation: { kind: 'amplified', sampling } })).toEqual({
      kind: 'repeated',
      count: 10,
      event: { kind: 'poisson-sampled', samplingRate: 0.1, event: single },
    });
    const fixed: Participation = {
      kind: 'amplified',
      sampling: { kind: 'fixed-size', population: 'all', sampleSize: 5 },
    };
    expect(() => event({ participation: fixed })).toThrow(
      expect.objectContaining({ code: 'dp/unsupported-event' }),
    );
    const plan = fedAvgPlan({ relation: 'replace-one-user' }, 100, {
      ...terms,
      participation: fixed,
    });
    expect(epsilonOfPlan(plan, 1e-6, 'rdp').upper).toBeLessThan(
      epsilonOfPlan(fedAvgPlan({ relation: 'replace-one-user' }, 100, terms), 1e-6, 'rdp').upper,
    );
  });

  it('prices a correlated run as its participations with independent noise', () => {
    const participation = { kind: 'cyclic', groups: 4 } as const;
    const correlation = bandedSquareRoot(4);
    const correlated = fedAvgPlan(environment, 100, { ...terms, participation, correlation });
    const independent = fedAvgPlan(environment, 100, { ...terms, participation });
    expect(correlated.event).toMatchObject({
      kind: 'correlated-gaussian',
      participations: 3,
      minSeparation: 4,
    });
    const ratio = gdpCost(correlated) / gdpCost(independent);
    expect(ratio).toBeLessThanOrEqual(1);
    expect(ratio).toBeGreaterThan(1 - 1e-12);
  });

  it.each<Partial<FedAvgPriceOptions>>([
    { correlation: bandedSquareRoot(2) },
    { correlation: bandedSquareRoot(1) },
    { correlation: bandedSquareRoot(5), participation: { kind: 'cyclic', groups: 4 } },
    { correlation: bandedSquareRoot(2), participation: { kind: 'fixed-size', cohortSize: 5 } },
    { participation: { kind: 'cyclic', groups: 101 } },
    { participation: { kind: 'cyclic', groups: 0 } },
    { participation: { kind: 'fixed-size', cohortSize: 101 } },
    { rounds: 0 },
  ])('refuses %j', (options) => {
    expect(() => event(options)).toThrow(RangeError);
  });
});

describe('askedInRound', () => {
  const clients = Array.from({ length: 10 }, (_, i) => i);
  const random = new SeededRandom(1);

  it('asks each group in turn, so that members wait for the others', () => {
    const participation = { kind: 'cyclic', groups: 3 } as const;
    const rounds = Array.from(
      { length: 6 },
      (_, i) => askedInRound(participation, clients, i + 1, random).clients,
    );
    expect(rounds.slice(0, 3)).toEqual([
      [0, 3, 6, 9],
      [1, 4, 7],
      [2, 5, 8],
    ]);
    expect(rounds.slice(3)).toEqual(rounds.slice(0, 3));
  });

  it('asks so many different clients of a public sample, others every time', () => {
    const participation = { kind: 'fixed-size', cohortSize: 4 } as const;
    const seen = new Set<number>();
    for (let round = 1; round <= 40; round++) {
      const { clients: asked, sampling } = askedInRound(participation, clients, round, random);
      expect(new Set(asked).size).toBe(4);
      expect(sampling).toBe(null);
      for (const client of asked) seen.add(client);
    }
    expect(seen.size).toBe(10);
  });
});
