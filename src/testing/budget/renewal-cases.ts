import type { PrivacyBudgetAccountant, ReserveRequest } from '../../dp/budget/budget.ts';
import type { BudgetPolicy } from '../../dp/budget/policy.ts';
import { check, checkClose } from '../conformance.ts';
import {
  admitted,
  type Bench,
  type BudgetCase,
  epsilonOf,
  expectCode,
  gaussian,
  MINUTE,
  POLICY,
  RELATION,
  RELEASE,
  refused,
} from './bench.ts';

/** The clock of the suite begins in November 2023. */
const MONTHLY: BudgetPolicy = {
  ...POLICY,
  epoch: { kind: 'calendar', length: 'P1M', timeField: 'time' },
  models: { tags: { epsilon: 1.2 } },
};

async function reopened(bench: Bench, policy: BudgetPolicy): Promise<PrivacyBudgetAccountant> {
  await bench.home.reset();
  return bench.open({ policy });
}

function reading(
  bench: Bench,
  epochs: readonly string[],
  more: Partial<ReserveRequest> = {},
): ReserveRequest {
  return bench.request('midday', ['a'], { epochs, sensitivityPerEpoch: true, ...more });
}

async function spentIn(
  budget: PrivacyBudgetAccountant,
  account: string,
  epoch: string | null,
): Promise<number> {
  const lines = await budget.remaining(account);
  return lines.find((line) => line.limit === 'user-total' && line.epoch === epoch)?.spent ?? 0;
}

/** Epochs, models, leases, policies and what can be read out. */
export const RENEWAL_CASES: Readonly<Record<string, BudgetCase>> = {
  'renews with the data, and shows what a whole life has cost': async (_, bench) => {
    const budget = await reopened(bench, MONTHLY);
    await admitted(budget, reading(bench, ['2023-10']));
    await admitted(budget, reading(bench, ['2023-10', '2023-11']));
    checkClose(await spentIn(budget, 'a', '2023-10'), epsilonOf(2), 1e-7, 'October');
    checkClose(await spentIn(budget, 'a', '2023-11'), epsilonOf(1), 1e-7, 'November');
    checkClose(await spentIn(budget, 'a', null), epsilonOf(2), 1e-7, 'for life');
    let more = 0;
    while ((await budget.reserve(reading(bench, ['2023-10']))).kind === 'admitted') more++;
    check(epsilonOf(2 + more) <= 3 && epsilonOf(3 + more) > 3, `${more} more were admitted`);
    const refusal = await refused(budget, reading(bench, ['2023-11', '2023-10']));
    check(refusal.epoch === '2023-10', `expected October in the way, got ${refusal.epoch}`);
    await admitted(budget, reading(bench, ['2023-11']));
    for (const accountant of [undefined, 'gdp'] as const) {
      const query = { account: 'a', scene: 'midday', ...(accountant && { accountant }) };
      const { upper } = await budget.odometer(query);
      check(upper > 3, `the scene of a lifetime: ${upper}`);
    }
    await expectCode('dp/invalid-epoch', () => budget.odometer({ epoch: 'never' }));
    const [life] = await budget.remaining('a');
    check(life?.epoch === null && life.allowed === Number.POSITIVE_INFINITY, 'expected life first');
    check((life?.spent ?? 0) > 3, 'a lifetime is more than one epoch');
    const summary = await budget.summary();
    check(
      summary.some((row) => row.scene === 'midday' && row.epoch === '2023-11'),
      'expected a row for the scene in November',
    );
    check((await budget.verify()).ok, 'the log does not verify');
    await budget.close();
  },

  'wants epochs of its calendar that have begun': async (_, bench) => {
    const budget = await reopened(bench, MONTHLY);
    const { entries } = await budget.verify();
    for (const epochs of [[], ['2023-12'], ['2023-11', '2023-11'], ['2023-W44'], ['2023-13']]) {
      await expectCode('dp/invalid-epoch', () => budget.reserve(reading(bench, epochs)));
    }
    const joint = reading(bench, ['2023-10', '2023-11'], { sensitivityPerEpoch: false });
    await expectCode('dp/invalid-epoch', () => budget.reserve(joint));
    await expectCode('dp/invalid-epoch', () => budget.forecast('midday', ['a'], RELEASE));
    check((await budget.verify()).entries === entries, 'a bad request left an entry');
    await budget.close();
  },

  'holds a model to its quota of each user': async (_, bench) => {
    const budget = await reopened(bench, MONTHLY);
    const epochs = ['2023-11'];
    await admitted(budget, reading(bench, epochs, { model: 'tags' }));
    await admitted(budget, reading(bench, epochs, { model: 'other' }));
    const refusal = await refused(
      budget,
      reading(bench, epochs, { model: 'tags', accounts: ['b', 'a'] }),
    );
    check(refusal.limit === 'model', `expected model, got ${refusal.limit}`);
    check([...refusal.blocked].join() === '1', 'expected the second account to be blocked');
    const [left] = await budget.forecast('midday', ['a'], RELEASE, { epochs, model: 'tags' });
    check(left === 0, 'expected the forecast to agree');
    await admitted(budget, reading(bench, epochs));
    await budget.close();
  },

  'counts releases of a scene by epoch': async (_, bench) => {
    const scenes = { midday: { maxReleases: 1 }, default: {} };
    const budget = await reopened(bench, { ...MONTHLY, scenes });
    await admitted(budget, reading(bench, ['2023-10']));
    const refusal = await refused(budget, reading(bench, ['2023-11', '2023-10']));
    check(refusal.limit === 'max-releases' && refusal.epoch === '2023-10', `${refusal.limit}`);
    await admitted(budget, reading(bench, ['2023-11']));
    await budget.close();
  },

  'takes a shorter lease, and no longer one': async (budget, bench) => {
    const { id, expiresAt } = await admitted(
      budget,
      bench.request('midday', ['a'], { lease: 'PT1M' }),
    );
    check(expiresAt === bench.now + MINUTE, 'expected a lease of one minute');
    await admitted(budget, bench.request('midday', ['b']));
    bench.now += MINUTE;
    await expectCode('dp/reservation-closed', () => budget.release(id));
    for (const lease of ['PT11M', 'PT0S', 'soon']) {
      await expectCode('dp/invalid-parameter', () =>
        budget.reserve(bench.request('midday', ['a'], { lease })),
      );
    }
  },

  'takes another policy from then on; what was spent stays spent': async (budget, bench) => {
    await admitted(budget, bench.request('midday', ['a']));
    await admitted(budget, bench.request('midday', ['a']));
    const other = await bench.open();
    await budget.setPolicy({ ...POLICY, user: { epsilon: 1.2 } });
    const refusal = await refused(other, bench.request('midday', ['a']));
    check(refusal.allowed === 1.2, `expected 1.2 to be allowed, got ${refusal.allowed}`);
    checkClose(refusal.spent, epsilonOf(2), 1e-7, 'spent');
    check(other.policy.user.epsilon === 1.2, 'the other accountant shows the old policy');
    await budget.setPolicy(POLICY);
    await admitted(other, bench.request('midday', ['a']));
    for (const change of [
      { currency: 'zcdp' },
      { epoch: { kind: 'calendar', length: 'P1M', timeField: 'time' } },
      { delta: 2 },
    ] as const) {
      await expectCode('dp/invalid-policy', () => budget.setPolicy({ ...POLICY, ...change }));
    }
    const { entries } = await budget.verify();
    await budget.setPolicy({ ...POLICY, currency: 'gdp' });
    check((await budget.verify()).entries === entries, 'no change left an entry');
    check((await budget.verify()).ok, 'the log does not verify');
  },

  'charges nobody more who has spent what a new policy leaves of delta': async (budget, bench) => {
    const plan = gaussian(50);
    await admitted(budget, bench.request('midday', ['a'], { plan, delta: 9e-8 }));
    await budget.setPolicy({ ...POLICY, additiveDelta: 1e-9 });
    const refusal = await refused(budget, bench.request('midday', ['b', 'a'], { plan }));
    check(refusal.limit === 'delta', `expected delta, got ${refusal.limit}`);
    check([...refusal.blocked].join() === '1', 'expected the first charge to be in the way');
    check((await budget.forecast('midday', ['a'], plan))[0] === 0, 'expected no more of them');
    await admitted(budget, bench.request('midday', ['b'], { plan }));
    check((await budget.verify()).ok, 'the log does not verify');
  },

  'reads the odometer in other currencies, and of one account': async (budget, bench) => {
    await admitted(budget, bench.request('midday', ['a', 'b']));
    await admitted(budget, bench.request('midday', ['b']));
    await admitted(budget, bench.request('morning', ['a']));
    await budget.join('all', ['a']);
    const { accounts: _, ...request } = bench.request('midday', []);
    await admitted(budget, { ...request, population: 'all' });
    const lost = await admitted(budget, bench.request('midday', ['a']));
    await budget.release(lost.id);
    const exact = epsilonOf(3);
    const delta = 1e-6;
    const own = await budget.odometer({ account: 'a', accountant: 'gdp' });
    const worst = await budget.odometer({ accountant: 'gdp' });
    check(own.upper < worst.upper, 'expected the worst case to be more than one account');
    for (const accountant of ['gdp', 'pld', 'rdp', 'zcdp'] as const) {
      const { lower, upper } = await budget.odometer({ account: 'a', accountant });
      check(upper < exact * 1.6 && upper > exact * 0.9, `${accountant}: ${upper} for ${exact}`);
      check(lower === null || lower <= upper, `${accountant}: an interval upside down`);
    }
    const inScene = await budget.odometer({ account: 'b', scene: 'morning', accountant: 'pld' });
    check(inScene.upper === 0, 'b was never in that scene');
    check((await budget.odometer({ scene: 'morning' })).upper > 0, `expected some at ${delta}`);
    check((await budget.odometer({ account: 'nobody' })).upper === 0, 'nobody spent something');
  },

  'prices sampled rounds where the currency can, and refuses them elsewhere': async (
    budget,
    bench,
  ) => {
    const event = {
      kind: 'poisson-sampled',
      samplingRate: 0.01,
      event: { kind: 'gaussian', noiseMultiplier: 1 },
    } as const;
    const sampled = { unit: 'user', relation: RELATION, event } as const;
    await expectCode('dp/unsupported-event', () =>
      budget.reserve(bench.request('midday', ['a'], { plan: sampled })),
    );
    const plannedRun = { kind: 'repeated', count: 500, event } as const;
    const rdp = await reopened(bench, { ...POLICY, currency: 'rdp', plannedRun });
    await rdp.join('all', ['a', 'b']);
    const { accounts: _, ...request } = bench.request('midday', [], { plan: sampled });
    await admitted(rdp, { ...request, population: 'all' });
    await admitted(rdp, bench.request('midday', ['a'], { plan: gaussian(20) }));
    const [a] = await rdp.remaining('a');
    const [b] = await rdp.remaining('b');
    check(0 < (b?.spent ?? 0) && (b?.spent ?? 0) < (a?.spent ?? 0), 'expected 0 < b < a');
    let rounds = 0;
    const ask = (): Promise<{ readonly kind: string }> =>
      rdp.reserve({ ...request, population: 'all', idempotencyKey: `round ${rounds}` });
    while (rounds < 5_000 && (await ask()).kind === 'admitted') rounds++;
    check(rounds > 100 && rounds < 5_000, `${rounds} sampled rounds were admitted`);
    check(((await rdp.remaining('a'))[0]?.spent ?? 9) <= 3, 'the total passed its limit');
    check((await rdp.verify()).ok, 'the log does not verify');
    await rdp.close();
  },

  'says what it promises, and where its log stands': async (budget, bench) => {
    const statement = budget.conformance();
    check(JSON.stringify(statement).includes('"epsilon":3'), 'expected the guarantee in it');
    const noted = await budget.head();
    await admitted(budget, bench.request('midday', ['a']));
    check((await budget.verify(noted)).ok, 'a head of this log was not found in it');
    const hash = '00'.repeat(32);
    check(!(await budget.verify({ ...noted, hash })).ok, 'a foreign head was not noticed');
  },
};
