import fc from 'fast-check';
import { expect } from 'vitest';
import { muOfEpsilon } from '../../../src/dp/accounting/gdp.ts';
import type { PrivacyBudgetAccountant } from '../../../src/dp/budget/budget.ts';
import type { BudgetPolicy } from '../../../src/dp/budget/policy.ts';
import type { BudgetHome } from '../../../src/testing/budget-conformance.ts';
import { exact, type Fraction, fraction, isAtMost, ReferenceBudget } from './reference.ts';

const MINUTE = 60_000;
const RELATION = 'add-or-remove-one-user';
/** Costs are fractions of these, so that exact sums keep small denominators. */
const NOISE_MULTIPLIERS = [2, 3, 4, 6, 12] as const;
const DELTAS = [0, 2 ** -30, 2 ** -28] as const;
const ACCOUNTS = ['a', 'b', 'c', 'd', 'e'] as const;

const POLICY: BudgetPolicy = {
  version: 1,
  currency: 'gdp',
  delta: 1e-6,
  additiveDelta: 2 ** -27,
  user: { epsilon: 3.5 },
  scenes: {
    open: {},
    quota: { perUser: { epsilon: 2 } },
    capped: { worstCase: { epsilon: 3 }, maxReleases: 4 },
    slow: { perUser: { epsilon: 3 }, minAggregationInterval: 'PT5M' },
  },
  reservationLease: 'PT10M',
};
const SCENES = Object.keys(POLICY.scenes);

function capacity(epsilon: number): Fraction {
  const mu = exact(muOfEpsilon(epsilon, POLICY.delta - (POLICY.additiveDelta ?? 0)));
  return fraction(mu.n * mu.n, mu.d * mu.d);
}

const NONE = { perUser: null, worstCase: null, maxReleases: null, interval: 0 };
const RULES = {
  user: capacity(3.5),
  delta: exact(2 ** -27),
  lease: 10 * MINUTE,
  scenes: {
    open: NONE,
    quota: { ...NONE, perUser: capacity(2) },
    capped: { ...NONE, worstCase: capacity(3), maxReleases: 4 },
    slow: { ...NONE, perUser: capacity(3), interval: 5 * MINUTE },
  },
};

const step = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({
      kind: fc.constant('reserve' as const),
      scene: fc.constantFrom(...SCENES),
      accounts: fc.subarray([...ACCOUNTS], { minLength: 1 }),
      noiseMultiplier: fc.constantFrom(...NOISE_MULTIPLIERS),
      delta: fc.constantFrom(...DELTAS),
      repeat: fc.boolean(),
    }),
  },
  { weight: 15, arbitrary: fc.record({ kind: fc.constant('commit' as const), which: fc.nat() }) },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('release' as const), which: fc.nat() }) },
  {
    weight: 15,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      minutes: fc.integer({ min: -20, max: 12 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('freeze' as const),
      scene: fc.constantFrom(...SCENES),
    }),
  },
);

/** What a caller may do to a budget, in any order. */
export const programs: fc.Arbitrary<
  readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]
> = fc.array(step, { minLength: 1, maxLength: 30 });

async function succeeds(use: Promise<void>): Promise<boolean> {
  try {
    await use;
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'dp/reservation-closed' });
    return false;
  }
}

/** Runs a program on a budget and on the reference, and compares every answer and every balance. */
export async function runProgram(
  home: BudgetHome,
  program: typeof programs extends fc.Arbitrary<infer T> ? T : never,
): Promise<void> {
  let clock = 1_700_000_000_000;
  const open = (): Promise<PrivacyBudgetAccountant> =>
    home.open({ policy: POLICY, unit: 'user', relation: RELATION, clock: () => clock });
  let budget = await open();
  const model = new ReferenceBudget(RULES);
  model.wrote(clock);
  const ids: string[] = [];
  for (const [i, command] of program.entries()) {
    switch (command.kind) {
      case 'wait':
        clock += command.minutes * MINUTE;
        break;
      case 'reopen':
        budget = await open();
        break;
      case 'freeze':
        await budget.freeze(command.scene);
        model.freeze(command.scene, model.at(clock));
        break;
      case 'reserve': {
        const { scene, accounts, noiseMultiplier, delta } = command;
        const cost = fraction(1n, BigInt(noiseMultiplier) ** 2n);
        const request = { scene, accounts, cost, delta: exact(delta) };
        const now = model.at(clock);
        const expected = model.answer(request, now);
        model.wrote(now);
        const asked = {
          scene,
          accounts,
          plan: {
            unit: 'user',
            relation: RELATION,
            event: { kind: 'gaussian', noiseMultiplier },
          },
          delta,
          idempotencyKey: `step ${i}`,
        } as const;
        const decision = await budget.reserve(asked);
        if (expected !== 'unsure')
          expect(decision.kind).toBe(expected === 'admit' ? 'admitted' : 'refused');
        if (command.repeat) expect((await budget.reserve(asked)).kind).toBe(decision.kind);
        if (decision.kind === 'admitted') {
          model.book(request, now);
          ids.push(decision.reservation.id);
        }
        break;
      }
      case 'commit':
      case 'release': {
        if (ids.length === 0) break;
        const which = command.which % ids.length;
        const now = model.at(clock);
        const id = ids[which] as string;
        const expected =
          command.kind === 'commit' ? model.commit(which, now) : model.release(which, now);
        expect(await succeeds(budget[command.kind](id))).toBe(expected);
      }
    }
  }
  for (const account of ACCOUNTS) {
    expect(isAtMost(model.spent(account), RULES.user)).toBe(true);
    const [total] = await budget.remaining(account);
    const { n, d } = model.spent(account);
    expect(total?.spent === 0).toBe(n === 0n);
    expect(total?.spent).toBeLessThanOrEqual(3.5);
    // The balance as µ, through forecasts of a release too small to matter otherwise.
    const small = { kind: 'gaussian', noiseMultiplier: 1000 } as const;
    const [left] = await (await open()).forecast('open', [account], {
      unit: 'user',
      relation: RELATION,
      event: small,
    });
    const room = Number(RULES.user.n) / Number(RULES.user.d) - Number(n) / Number(d);
    if (!model.frozen.has('open'))
      expect(Math.abs((left as number) - room * 1e6)).toBeLessThan(400);
  }
  const { problems } = await budget.verify();
  expect(problems).toEqual([]);
  await budget.close();
}
