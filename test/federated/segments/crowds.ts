import { SecureRandom } from '../../../src/core/secure-random.ts';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { normalQuantile } from '../../../src/core/special/index.ts';
import {
  MemoryBudgetStore,
  openBudget,
  type PrivacyBudgetAccountant,
} from '../../../src/dp/index.ts';
import { FederatedClient, PlainSum, type RoundEnvironment } from '../../../src/federated/index.ts';

export const environment: RoundEnvironment = {
  scene: 'test',
  relation: 'zero-out-one-user',
  secureSum: new PlainSum(),
  random: new SecureRandom(),
  budget: null,
  minimumCohort: 1,
};

export const target = { epsilon: 2, delta: 1e-6 };

/** A budget of that target for each person. */
export async function newBudget(): Promise<PrivacyBudgetAccountant> {
  return openBudget({
    policy: {
      version: 1,
      currency: 'gdp',
      delta: target.delta,
      user: { epsilon: target.epsilon },
      scenes: { test: {} },
      reservationLease: 'PT10M',
    },
    unit: 'user',
    relation: 'zero-out-one-user',
    store: new MemoryBudgetStore(),
    secrets: [new SecureRandom().bytes(32)],
  });
}

/** One row each. */
export function clientsOf(
  rows: readonly (readonly number[])[],
  labels: (person: number) => readonly number[] = () => [],
): FederatedClient[] {
  return rows.map(
    (features, i) =>
      new FederatedClient(`user-${i}`, {
        rows: 1,
        features: Float32Array.from(features),
        labels: Float32Array.from(labels(i)),
      }),
  );
}

/** People around points, as many at each, in turn. */
export function around(
  centres: readonly (readonly number[])[],
  people: number,
  deviation: number,
): number[][] {
  const random = new SeededRandom('crowd');
  const normal = () => normalQuantile(random.uniform() * (1 - 2e-9) + 1e-9);
  return Array.from({ length: people }, (_, i) =>
    (centres[i % centres.length] as readonly number[]).map((value) => value + deviation * normal()),
  );
}
