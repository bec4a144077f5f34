import { describe, expect, it } from 'vitest';
import { SecureRandom } from '../../../src/core/secure-random.ts';
import type { DpEvent, PrivacyBudgetAccountant, ReserveRequest } from '../../../src/dp/index.ts';
import {
  FederatedClient,
  MemoryRoundJournal,
  PlainSum,
  type RoundRequest,
  roundPlan,
  runPrivateRound,
  UpdateEncoder,
} from '../../../src/federated/index.ts';
import {
  budgetOf,
  clientOf,
  clientsOf,
  HIDDEN_SUM,
  HostileClient,
  SIMULATION,
} from './fixtures.ts';

const encoder = new UpdateEncoder({ dimension: 2, clippingNorm: 1 });
const request: RoundRequest = {
  roundId: 'r',
  clients: clientsOf(40),
  compute: () => [0.6, 0],
  encoder,
  noiseMultiplier: 0,
};
const poisson = { kind: 'poisson', population: 'all', samplingRate: 0.25 } as const;
const SAMPLED: DpEvent = {
  kind: 'poisson-sampled',
  samplingRate: 0.25,
  event: { kind: 'gaussian', noiseMultiplier: 4 },
};

/** A budget for rounds of a Poisson sample. */
const sampledBudget = () =>
  budgetOf({ currency: 'rdp', plannedRun: { kind: 'repeated', count: 50, event: SAMPLED } });

describe('a secret sample', () => {
  it('is charged to the whole population, drawn or not', async () => {
    const budget = await sampledBudget();
    const clients = clientsOf(40);
    await budget.join('all', [...clients.map((client) => client.account), 'never-here']);
    let asked = 0;
    const outcome = await runPrivateRound(
      { ...SIMULATION, budget },
      {
        ...request,
        clients,
        compute: () => {
          asked++;
          return [0, 0];
        },
        noiseMultiplier: 4,
        sampling: poisson,
      },
    );
    if (outcome.kind !== 'released') throw new Error('refused');
    expect(outcome.release.plan.event).toEqual(SAMPLED);
    expect(asked).toBeLessThan(40);
    for (const account of ['user-0', 'user-39', 'never-here']) {
      const [line] = await budget.remaining(account);
      expect(line?.spent).toBeGreaterThan(0);
    }
    // What is reported says nothing about how many were drawn.
    expect(outcome.metrics).toMatchObject({ cohort: 40, survivors: 40 });
  });

  it('is not drawn from anybody who would not pay', async () => {
    const budget = await sampledBudget();
    await budget.join('all', ['user-0', 'user-1']);
    let asked = 0;
    const run = runPrivateRound(
      { ...SIMULATION, budget },
      {
        ...request,
        clients: clientsOf(3),
        compute: () => {
          asked++;
          return [0, 0];
        },
        noiseMultiplier: 4,
        sampling: poisson,
      },
    );
    await expect(run).rejects.toMatchObject({
      code: 'dp/invalid-accounts',
      details: { missing: 1 },
    });
    expect(asked).toBe(0);
    expect((await budget.summary())[0]?.releases).toBe(0);
  });

  it('is not drawn when somebody left the population while the round was opened', async () => {
    const budget = await sampledBudget();
    await budget.join('all', ['user-0', 'user-1', 'user-2']);
    const racing = {
      members: (population: string) => budget.members(population),
      intern: (accounts: readonly string[]) => budget.intern(accounts),
      reserve: async (terms: ReserveRequest) => {
        await budget.leave('all', ['user-1']);
        return budget.reserve(terms);
      },
      release: (id: string) => budget.release(id),
    } as unknown as PrivacyBudgetAccountant;
    const sampled = { ...request, clients: clientsOf(3), noiseMultiplier: 4, sampling: poisson };
    await expect(runPrivateRound({ ...SIMULATION, budget: racing }, sampled)).rejects.toMatchObject(
      { code: 'dp/invalid-accounts' },
    );
    // Nothing left the clients, so the charge was given back.
    expect((await budget.remaining('user-0'))[0]?.spent).toBe(0);
  });

  it('is not drawn when another took the place of somebody who left meanwhile', async () => {
    const budget = await sampledBudget();
    await budget.join('all', ['user-0', 'user-1', 'user-2']);
    const racing = {
      members: (population: string) => budget.members(population),
      intern: (accounts: readonly string[]) => budget.intern(accounts),
      reserve: async (terms: ReserveRequest) => {
        await budget.leave('all', ['user-1']);
        await budget.join('all', ['newcomer']);
        return budget.reserve(terms);
      },
      release: (id: string) => budget.release(id),
    } as unknown as PrivacyBudgetAccountant;
    let asked = 0;
    const sampled = {
      ...request,
      clients: clientsOf(3),
      compute: () => {
        asked++;
        return [0, 0];
      },
      noiseMultiplier: 4,
      sampling: poisson,
    };
    await expect(runPrivateRound({ ...SIMULATION, budget: racing }, sampled)).rejects.toMatchObject(
      { code: 'dp/invalid-accounts' },
    );
    expect(asked).toBe(0);
    for (const account of ['user-0', 'newcomer']) {
      expect((await budget.remaining(account))[0]?.spent).toBe(0);
    }
  });

  it('shows its size in no refusal: room in the sum is that for everybody', async () => {
    class Wide extends UpdateEncoder {
      override readonly integerSensitivity = 2 ** 46;
    }
    const wide = new Wide({ dimension: 2, clippingNorm: 1 });
    const sampling = { ...poisson, samplingRate: 1e-12 };
    const sampled = { ...request, encoder: wide, sampling };
    await expect(runPrivateRound(SIMULATION, sampled)).rejects.toMatchObject({
      code: 'federated/wrap-around',
      details: { accounts: 40 },
    });
    const few = { ...sampled, clients: clientsOf(31) };
    expect((await runPrivateRound(SIMULATION, few)).kind).toBe('released');
  });

  it('may be empty without an abort, which would tell', async () => {
    const sampling = { ...poisson, samplingRate: 1e-12 };
    const outcome = await runPrivateRound(
      { ...SIMULATION, minimumCohort: 10 },
      { ...request, noiseMultiplier: 1, sampling },
    );
    expect(outcome.kind).toBe('released');
  });

  it('is everybody at rate one', async () => {
    const outcome = await runPrivateRound(SIMULATION, {
      ...request,
      sampling: { ...poisson, samplingRate: 1 },
    });
    if (outcome.kind !== 'released') throw new Error('refused');
    expect(outcome.release.value[0]).toBeCloseTo(24, 3);
  });

  it('is refused where the server is not trusted and sees who takes part', async () => {
    const sampled = { ...request, noiseMultiplier: 1, sampling: poisson };
    await expect(
      runPrivateRound({ ...SIMULATION, secureSum: HIDDEN_SUM }, sampled),
    ).rejects.toMatchObject({
      code: 'dp/unsupported-event',
    });
  });

  it('of fixed size is proven under replace-one-user only', async () => {
    const sampling = { kind: 'fixed-size', population: 'all', sampleSize: 5 } as const;
    const sampled = { ...request, noiseMultiplier: 1, sampling };
    await expect(runPrivateRound(SIMULATION, sampled)).rejects.toMatchObject({
      code: 'dp/unsupported-event',
    });
    const outcome = await runPrivateRound({ ...SIMULATION, relation: 'replace-one-user' }, sampled);
    if (outcome.kind !== 'released') throw new Error('refused');
    expect(outcome.release.plan.event).toEqual({
      kind: 'fixed-size-sampled',
      sampleSize: 5,
      populationSize: 40,
      event: { kind: 'gaussian', noiseMultiplier: 1 },
    });
  });

  it('is drawn from at least the minimum cohort, of different accounts', async () => {
    const sampled = { ...request, noiseMultiplier: 1, sampling: poisson };
    await expect(
      runPrivateRound({ ...SIMULATION, minimumCohort: 41 }, sampled),
    ).rejects.toMatchObject({ code: 'federated/cohort-too-small' });
    const clients = [...clientsOf(3), clientOf('user-0')];
    await expect(runPrivateRound(SIMULATION, { ...sampled, clients })).rejects.toMatchObject({
      code: 'federated/duplicate-contribution',
    });
  });

  it.each([0, -1, 1.01, Number.NaN])('refuses the rate %d', async (samplingRate) => {
    const sampling = { ...poisson, samplingRate };
    await expect(
      runPrivateRound(SIMULATION, { ...request, noiseMultiplier: 1, sampling }),
    ).rejects.toMatchObject({ code: 'dp/invalid-parameter' });
  });
});

describe('buckets', () => {
  const robust = { kind: 'median', buckets: 5 } as const;

  it('sum to the same as one sum where clients agree', async () => {
    for (const rule of [robust, { kind: 'trimmed-mean', buckets: 5, trim: 1 } as const]) {
      const outcome = await runPrivateRound(SIMULATION, { ...request, robust: rule });
      if (outcome.kind !== 'released') throw new Error('refused');
      expect(outcome.release.value[0]).toBeCloseTo(24, 3);
      expect(outcome.metrics.survivors).toBe(40);
    }
  });

  it('cost what one sum costs', async () => {
    const outcome = await runPrivateRound(SIMULATION, { ...request, noiseMultiplier: 3, robust });
    if (outcome.kind !== 'released') throw new Error('refused');
    expect(outcome.release.plan.event).toEqual({ kind: 'gaussian', noiseMultiplier: 3 });
  });

  it('are each as large as the minimum cohort', async () => {
    const small = runPrivateRound({ ...SIMULATION, minimumCohort: 9 }, { ...request, robust });
    await expect(small).rejects.toMatchObject({
      code: 'federated/cohort-too-small',
      details: { cohort: 8, minimum: 9 },
    });
  });

  it('hold each account once', async () => {
    const clients = [...clientsOf(40), clientOf('user-0')];
    await expect(
      runPrivateRound(SIMULATION, { ...request, clients, robust }),
    ).rejects.toMatchObject({ code: 'federated/duplicate-contribution' });
  });

  it.each([
    { kind: 'median', buckets: 2 } as const,
    { kind: 'trimmed-mean', buckets: 5, trim: 0 } as const,
    { kind: 'trimmed-mean', buckets: 6, trim: 3 } as const,
    { kind: 'trimmed-mean', buckets: 5, trim: 1.5 } as const,
  ])('refuse %j', async (rule) => {
    await expect(runPrivateRound(SIMULATION, { ...request, robust: rule })).rejects.toThrow(
      RangeError,
    );
  });
});

describe('a client that sends what it likes', () => {
  const bound = encoder.integerSensitivity;
  /** Every coordinate at the bound: √d times too long. */
  const tooLong = new HostileClient('hostile', (d) => new Float64Array(d).fill(bound));
  const clients = [...clientsOf(40), tooLong];

  it('is left out and counted where the server can check the norm', async () => {
    const outcome = await runPrivateRound(SIMULATION, { ...request, clients });
    if (outcome.kind !== 'released') throw new Error('refused');
    expect(outcome.release.value[0]).toBeCloseTo(24, 3);
    expect(outcome.release.value[1]).toBeCloseTo(0, 3);
    expect(outcome.metrics).toMatchObject({ cohort: 41, survivors: 40, refusedContributions: 1 });
  });

  it('passes where only coordinates are checked, behind a cryptographic sum', async () => {
    const outcome = await runPrivateRound(
      { ...SIMULATION, secureSum: HIDDEN_SUM },
      { ...request, clients },
    );
    expect(outcome.kind === 'released' && outcome.release.value[1]).toBeCloseTo(1, 3);
    expect(outcome.kind === 'released' && outcome.metrics.refusedContributions).toBe(0);
  });

  it('never stops a round, whatever it sends', async () => {
    for (const vector of [[Number.NaN, 0], [0.5, 0], [1e300, 0], [0, 0, 0], []]) {
      const hostile = new HostileClient('hostile', () => Float64Array.from(vector));
      for (const secureSum of [new PlainSum(), HIDDEN_SUM]) {
        const outcome = await runPrivateRound(
          { ...SIMULATION, secureSum },
          { ...request, clients: [...clientsOf(40), hostile] },
        );
        expect(outcome.kind === 'released' && outcome.metrics).toMatchObject({
          survivors: 40,
          refusedContributions: 1,
        });
      }
    }
  });
});

describe('noise', () => {
  it('is not added behind the back of a server that opens the sum', async () => {
    const budget = await budgetOf({ currency: 'gdp' });
    const hidden = { ...SIMULATION, secureSum: HIDDEN_SUM };
    for (const environment of [hidden, { ...hidden, budget }]) {
      await expect(
        runPrivateRound(environment, { ...request, noiseMultiplier: 10 }),
      ).rejects.toMatchObject({ code: 'dp/unsupported-event' });
    }
    expect((await budget.summary())[0]?.releases).toBe(0);
    expect((await runPrivateRound(hidden, request)).kind).toBe('released');
  });

  it.each([0, -0, -1, Number.NaN, Number.POSITIVE_INFINITY])(
    'of a run that is paid for at once is there: refuses a deviation of %d',
    async (noiseStddev) => {
      const shared = {
        plan: roundPlan(3, SIMULATION.relation),
        idempotencyKey: 'run',
        noise: { noiseStddev, fill: (target: Float64Array) => void target.fill(0) },
        journal: new MemoryRoundJournal(),
      };
      await expect(
        runPrivateRound(SIMULATION, { ...request, noiseMultiplier: 3, shared }),
      ).rejects.toMatchObject({ code: 'dp/invalid-parameter' });
    },
  );

  it('may be none in a shared run that claims none', async () => {
    const shared = {
      plan: roundPlan(0, SIMULATION.relation),
      idempotencyKey: 'run',
      noise: { noiseStddev: 0, fill: () => {} },
      journal: new MemoryRoundJournal(),
    };
    const outcome = await runPrivateRound(SIMULATION, { ...request, shared });
    expect(outcome.kind).toBe('released');
  });
});

describe('an environment', () => {
  it.each([0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'has no minimum cohort of %d',
    async (minimumCohort) => {
      await expect(runPrivateRound({ ...SIMULATION, minimumCohort }, request)).rejects.toThrow(
        RangeError,
      );
    },
  );

  it('with a budget lets nobody hear of the errors of clients', async () => {
    const budget = await budgetOf({ currency: 'gdp' });
    const heard: unknown[] = [];
    const failing = {
      ...request,
      noiseMultiplier: 10,
      compute: () => {
        throw new Error('the label is 1');
      },
    };
    const listening = {
      ...SIMULATION,
      budget,
      onClientError: (error: unknown) => heard.push(error),
    };
    await expect(runPrivateRound(listening, failing)).rejects.toThrow(TypeError);
    expect(heard).toEqual([]);
    expect((await budget.summary())[0]?.releases).toBe(0);
    expect((await runPrivateRound({ ...listening, budget: null }, failing)).kind).toBe('released');
    expect(heard).toHaveLength(40);
  });

  it('has no listener whose failure makes a round depend on one person', async () => {
    const listening = {
      ...SIMULATION,
      onClientError: () => {
        throw new Error('the log is full');
      },
    };
    let asked = 0;
    const compute = () => {
      if (asked++ === 7) throw new Error('the label is 1');
      return [0.6, 0];
    };
    const outcome = await runPrivateRound(listening, { ...request, compute });
    expect(outcome.kind === 'released' && outcome.release.value[0]).toBeCloseTo(39 * 0.6, 3);
  });
});

describe('a round id', () => {
  it('is used once: a second run would be a second release', async () => {
    const budget = await budgetOf({ currency: 'gdp' });
    const environment = { ...SIMULATION, budget, random: new SecureRandom() };
    const once = { ...request, noiseMultiplier: 10 };
    expect((await runPrivateRound(environment, once)).kind).toBe('released');
    await expect(runPrivateRound(environment, once)).rejects.toMatchObject({
      code: 'federated/round-closed',
    });
    expect((await budget.summary())[0]?.releases).toBe(1);
  });

  it('stays charged when the run dies between the charge and the release', async () => {
    const budget = await budgetOf({ currency: 'gdp' });
    const clients = [
      new (class extends FederatedClient {
        override contribute(): never {
          throw new Error('power cut');
        }
      })('user-0', { rows: 0, features: new Float32Array(0), labels: new Float32Array(0) }),
    ];
    const dying = { ...request, clients, noiseMultiplier: 10 };
    await expect(runPrivateRound({ ...SIMULATION, budget }, dying)).rejects.toThrow('power cut');
    expect((await budget.remaining('user-0'))[0]?.spent).toBeGreaterThan(0);
  });
});
