import { SecureRandom } from '../../../src/core/secure-random.ts';
import {
  type BudgetPolicy,
  MemoryBudgetStore,
  type NeighbourRelation,
  openBudget,
  type PrivacyBudgetAccountant,
} from '../../../src/dp/index.ts';
import {
  FederatedClient,
  PlainSum,
  type RoundEnvironment,
  type RoundJournal,
  type SecureSum,
} from '../../../src/federated/index.ts';

/** A simulation: nothing is charged. */
export const SIMULATION: RoundEnvironment = {
  scene: 'test',
  relation: 'zero-out-one-user',
  secureSum: new PlainSum(),
  random: new SecureRandom(),
  budget: null,
  minimumCohort: 1,
};

/** Stands for a cryptographic sum, whose server cannot check the norm of a single contribution. */
export const HIDDEN_SUM: SecureSum = {
  name: 'secagg-plus',
  trust: new PlainSum().trust,
  disclosure: 2 ** -40,
  open: (parameters) => new PlainSum().open(parameters),
};

/** Clients of one row each: feature 1, label 1. */
export function clientsOf(count: number): FederatedClient[] {
  return Array.from({ length: count }, (_, i) => clientOf(`user-${i}`));
}

export function clientOf(account: string): FederatedClient {
  return new FederatedClient(account, {
    rows: 1,
    features: Float32Array.of(1),
    labels: Float32Array.of(1),
  });
}

/** A client that does not run our code: it sends what it likes. */
export class HostileClient extends FederatedClient {
  readonly #vector: (dimension: number) => Float64Array;

  constructor(account: string, vector: (dimension: number) => Float64Array) {
    super(account, { rows: 0, features: new Float32Array(0), labels: new Float32Array(0) });
    this.#vector = vector;
  }

  override contribute(
    ...[, encoder]: Parameters<FederatedClient['contribute']>
  ): ReturnType<FederatedClient['contribute']> {
    return { vector: this.#vector(encoder.encodedDimension), clipped: false };
  }
}

/** A budget in memory with room for `user` epsilon at delta 1e-6. */
export async function budgetOf(
  policy: Partial<BudgetPolicy> & Pick<BudgetPolicy, 'currency'>,
  relation: NeighbourRelation = 'zero-out-one-user',
): Promise<PrivacyBudgetAccountant> {
  return openBudget({
    policy: {
      version: 1,
      delta: 1e-6,
      user: { epsilon: 5 },
      scenes: { test: {} },
      reservationLease: 'PT1M',
      ...policy,
    },
    unit: 'user',
    relation,
    store: new MemoryBudgetStore(),
    secrets: [new SecureRandom().bytes(32)],
  });
}

/** Stands for a record on disk: it outlives the runs that a test starts and stops. */
export class LastingJournal implements RoundJournal {
  readonly durable = true;
  readonly begun = new Set<string>();

  async begin(roundId: string): Promise<boolean> {
    const isNew = !this.begun.has(roundId);
    this.begun.add(roundId);
    return isNew;
  }
}
