import { gdpCost } from '../../dp/accounting/cost.ts';
import { epsilonOfGdp } from '../../dp/accounting/gdp.ts';
import type { ReserveRequest } from '../../dp/budget/budget.ts';
import type { Plan } from '../../dp/plan.ts';
import { check, checkClose } from '../conformance.ts';
import {
  admitted,
  type BudgetCase,
  epsilonOf,
  expectCode,
  gaussian,
  MINUTE,
  POLICY,
  RELEASE,
  refused,
  START,
  totalOf,
} from './bench.ts';

/** Reserve, commit, release and what stands in their way. */
export const CHARGE_CASES: Readonly<Record<string, BudgetCase>> = {
  'books a charge on every account, in total and in the scene': async (budget, bench) => {
    const reservation = await admitted(budget, bench.request('morning', ['a', 'b']));
    check(reservation.accounts === 2, 'expected two accounts');
    check(reservation.expiresAt === START + 10 * MINUTE, 'expected a lease of ten minutes');
    check(!reservation.replayed, 'a first answer is no replay');
    for (const account of ['a', 'b']) {
      const lines = await budget.remaining(account, 'morning');
      check(lines.length === 2, `expected total and quota, got ${lines.length} lines`);
      for (const line of lines) checkClose(line.spent, epsilonOf(1), 1e-7, `${line.limit} spent`);
    }
    check((await totalOf(budget, 'c')) === 0, 'somebody else was charged');
  },

  'books all or nothing': async (budget, bench) => {
    for (let i = 0; i < 3; i++) await admitted(budget, bench.request('morning', ['b', 'd']));
    const refusal = await refused(budget, bench.request('morning', ['a', 'b', 'c', 'd']));
    check(refusal.limit === 'user-scene', `expected user-scene, got ${refusal.limit}`);
    check([...refusal.blocked].join() === '1,3', 'expected positions 1 and 3 to be blocked');
    checkClose(refusal.spent, epsilonOf(3), 1e-7, 'spent');
    checkClose(refusal.asked, epsilonOf(1), 1e-7, 'asked');
    check(refusal.allowed === 2, `expected 2 to be allowed, got ${refusal.allowed}`);
    check((await totalOf(budget, 'a')) === 0, 'a refused request charged somebody');
    await admitted(budget, bench.request('morning', ['a', 'c']));
  },

  'keeps the total over all scenes': async (budget, bench) => {
    const plan = gaussian(5);
    let releases = 0;
    for (let i = 0; i < 20; i++) {
      const decision = await budget.reserve(bench.request(`scene ${i}`, ['a'], { plan }));
      if (decision.kind === 'admitted') releases++;
      else check(decision.refusal.limit === 'user-total', `${decision.refusal.limit} in the way`);
      check((await totalOf(budget, 'a')) <= 3, 'the total passed its limit');
    }
    const epsilon = (count: number): number => epsilonOfGdp(Math.sqrt(count * gdpCost(plan)), 9e-7);
    check(
      epsilon(releases) <= 3 && epsilon(releases + 1) > 3,
      `${releases} releases were admitted`,
    );
  },

  'never gives a cost away, however small': async (budget, bench) => {
    await admitted(budget, bench.request('midday', ['a'], { plan: gaussian(1e12) }));
    check((await totalOf(budget, 'a')) > 0, 'a release was free');
  },

  'knows named scenes and the default, and keeps their quotas apart': async (budget, bench) => {
    const plan = gaussian(5);
    await admitted(budget, bench.request('x', ['a'], { plan }));
    check((await refused(budget, bench.request('x', ['a'], { plan }))).limit === 'user-scene', 'x');
    await admitted(budget, bench.request('y', ['a'], { plan }));
    const summary = await budget.summary();
    check(
      summary.map(({ scene }) => scene).join() === ',morning,midday,capped,rare,x,y',
      'expected the total, then the named scenes, then those met',
    );
  },

  'counts a scene as if one user were in every release': async (budget, bench) => {
    await admitted(budget, bench.request('capped', ['a']));
    await admitted(budget, bench.request('capped', ['b'], { plan: gaussian(6) }));
    const refusal = await refused(budget, bench.request('capped', ['c']));
    check(refusal.limit === 'scene-worst-case', `expected the worst case, got ${refusal.limit}`);
    check(refusal.blocked.length === 1, 'expected all accounts to be blocked');
    const odometer = await budget.odometer({ scene: 'capped' });
    const small = bench.request('capped', ['c'], { plan: gaussian(20) });
    const { id } = await admitted(budget, small);
    check(
      (await budget.odometer({ scene: 'capped' })).upper > odometer.upper,
      'the odometer stood still',
    );
    await budget.release(id);
    check(
      (await budget.odometer({ scene: 'capped' })).upper === odometer.upper,
      'the worst case kept a release',
    );
  },

  'counts releases, and gives back those that did not happen': async (budget, bench) => {
    const hour = 60 * MINUTE;
    const plan = gaussian(20);
    const first = await admitted(budget, bench.request('rare', ['a'], { plan }));
    await budget.release(first.id);
    for (const account of ['b', 'c']) {
      await budget.commit((await admitted(budget, bench.request('rare', [account], { plan }))).id);
      bench.now += hour;
    }
    const refusal = await refused(budget, bench.request('rare', ['d'], { plan }));
    check(refusal.limit === 'max-releases', `expected max-releases, got ${refusal.limit}`);
    check(refusal.spent === 2 && refusal.allowed === 2, 'expected 2 of 2 releases');
  },

  'keeps the interval between releases, whatever the clock does': async (budget, bench) => {
    const plan = gaussian(20);
    const first = await admitted(budget, bench.request('rare', ['a'], { plan }));
    bench.now += 5 * MINUTE;
    check(
      (await refused(budget, bench.request('rare', ['b'], { plan }))).limit ===
        'min-aggregation-interval',
      'an open reservation does not hold the next one back',
    );
    await budget.commit(first.id);
    bench.now += 59 * MINUTE;
    const refusal = await refused(budget, bench.request('rare', ['b'], { plan }));
    check(refusal.limit === 'min-aggregation-interval', `got ${refusal.limit}`);
    check(
      refusal.spent === 59 * MINUTE && refusal.allowed === 60 * MINUTE,
      'expected 59 of 60 min',
    );
    bench.now -= 24 * 60 * MINUTE;
    await refused(budget, bench.request('rare', ['b'], { plan }));
    bench.now += 24 * 60 * MINUTE + MINUTE;
    await admitted(budget, bench.request('rare', ['b'], { plan }));
  },

  'has a filter for the deltas of charges': async (budget, bench) => {
    await admitted(budget, bench.request('midday', ['a'], { plan: gaussian(50), delta: 8e-8 }));
    const refusal = await refused(
      budget,
      bench.request('midday', ['b', 'a'], { plan: gaussian(50), delta: 4e-8 }),
    );
    check(refusal.limit === 'delta', `expected delta, got ${refusal.limit}`);
    check([...refusal.blocked].join() === '1', 'expected the second account to be blocked');
    await admitted(
      budget,
      bench.request('midday', ['a', 'b'], { plan: gaussian(50), delta: 1e-8 }),
    );
  },

  'commits once, however often and late it is told': async (budget, bench) => {
    const { id } = await admitted(budget, bench.request('midday', ['a']));
    await budget.commit(id);
    await budget.commit(id);
    await expectCode('dp/reservation-closed', () => budget.release(id));
    const late = await admitted(budget, bench.request('midday', ['a']));
    bench.now += 60 * MINUTE;
    await budget.commit(late.id);
    checkClose(await totalOf(budget, 'a'), epsilonOf(2), 1e-7, 'spent');
    await expectCode('dp/reservation-unknown', () => budget.commit('nothing'));
    await expectCode('dp/reservation-unknown', () => budget.release('nothing'));
  },

  'takes a released charge back, once': async (budget, bench) => {
    const { id } = await admitted(budget, bench.request('midday', ['a', 'b']));
    await admitted(budget, bench.request('midday', ['a']));
    await budget.release(id);
    await budget.release(id);
    checkClose(await totalOf(budget, 'a'), epsilonOf(1), 1e-7, 'spent by a');
    check((await totalOf(budget, 'b')) === 0, 'b got the charge not back');
    await expectCode('dp/reservation-closed', () => budget.commit(id));
  },

  'counts an expired reservation as spent, for good': async (budget, bench) => {
    const { id } = await admitted(budget, bench.request('midday', ['a']));
    bench.now += 10 * MINUTE;
    await expectCode('dp/reservation-closed', () => budget.release(id));
    const { entries } = await budget.verify();
    bench.now -= 9 * MINUTE;
    await expectCode('dp/reservation-closed', () => budget.release(id));
    check((await budget.verify()).entries === entries, 'one expiry was written down twice');
    const again = await bench.open();
    await expectCode('dp/reservation-closed', () => again.release(id));
    checkClose(await totalOf(again, 'a'), epsilonOf(1), 1e-7, 'spent');
  },

  'answers an idempotency key the same way again, without a second charge': async (
    budget,
    bench,
  ) => {
    const request = bench.request('midday', ['a', 'b']);
    const first = await admitted(budget, request);
    const again = await admitted(budget, request);
    check(again.replayed, 'a second answer must say so');
    check(again.id === first.id && again.expiresAt === first.expiresAt, 'another reservation');
    checkClose(await totalOf(budget, 'a'), epsilonOf(1), 1e-7, 'spent');
    for (const other of [
      { ...request, scene: 'morning' },
      { ...request, accounts: ['a'] },
      { ...request, accounts: ['a', 'c'] },
      { ...request, plan: gaussian(4.1) },
      { ...request, delta: 1e-9 },
      { ...request, model: 'm' },
    ]) {
      await expectCode('dp/idempotency-conflict', () => budget.reserve(other));
    }
    await budget.commit(first.id);
    check((await admitted(await bench.open(), request)).id === first.id, 'forgotten on opening');
  },

  'repeats a refusal even when there is room again': async (budget, bench) => {
    const held = await admitted(budget, bench.request('x', ['a'], { plan: gaussian(5) }));
    const request = bench.request('x', ['b', 'a'], { plan: gaussian(5) });
    const first = await refused(budget, request);
    await budget.release(held.id);
    const again = await refused(await bench.open(), request);
    check(
      JSON.stringify({ ...again, blocked: [...again.blocked] }) ===
        JSON.stringify({ ...first, blocked: [...first.blocked] }),
      'the refusal changed',
    );
    await admitted(budget, { ...request, idempotencyKey: 'another' });
  },

  'does not hand out a right that was given back': async (budget, bench) => {
    const request = bench.request('midday', ['a']);
    const { id } = await admitted(budget, request);
    await budget.release(id);
    await expectCode('dp/reservation-closed', () => budget.reserve(request));
  },

  'freezes a scene and no other': async (budget, bench) => {
    await budget.freeze('morning');
    await budget.freeze('morning');
    check(
      (await refused(budget, bench.request('morning', ['a']))).limit === 'frozen',
      'not frozen',
    );
    await admitted(budget, bench.request('midday', ['a']));
    const summary = await (await bench.open()).summary();
    check(
      summary.find(({ scene }) => scene === 'morning')?.frozen === true,
      'forgotten on opening',
    );
    await expectCode('dp/unknown-scene', () => budget.freeze(''));
  },

  'forecasts what it then admits': async (budget, bench) => {
    await admitted(budget, bench.request('midday', ['a']));
    for (const [scene, account] of [
      ['morning', 'a'],
      ['midday', 'a'],
      ['x', 'new'],
    ] as const) {
      const [expected] = await budget.forecast(scene, [account], RELEASE);
      let releases = 0;
      while ((await budget.reserve(bench.request(scene, [account]))).kind === 'admitted')
        releases++;
      check(releases === expected, `${scene}: forecast ${expected}, admitted ${releases}`);
    }
    await budget.freeze('midday');
    const [frozen] = await budget.forecast('midday', ['fresh'], RELEASE);
    check(frozen === 0, 'a frozen scene forecasts releases');
  },

  'sums up without naming anyone': async (budget, bench) => {
    await admitted(budget, bench.request('midday', ['a', 'b', 'c']));
    await admitted(budget, bench.request('midday', ['c']));
    await refused(budget, bench.request('x', ['c'], { plan: gaussian(3) }));
    const [all, ...scenes] = await budget.summary();
    check(all?.scene === null && all.accounts === 3, 'expected three accounts in the total');
    check(all.releases === 2 && all.refused === 1, 'expected two releases and one refusal');
    checkClose(all.epsilonMax, epsilonOf(2), 1e-7, 'largest');
    checkClose(all.epsilonMean, (2 * epsilonOf(1) + epsilonOf(2)) / 3, 1e-7, 'mean');
    for (const { histogram, accounts } of [all, ...scenes]) {
      const sum = histogram.counts.reduce((a, b) => a + b, 0);
      check(sum === accounts, `expected ${accounts} in the histogram, got ${sum}`);
      check(histogram.edges.length === histogram.counts.length + 1, 'edges and counts do not fit');
    }
    const bin = all.histogram.counts.indexOf(2);
    const [low, high] = [all.histogram.edges[bin] ?? 0, all.histogram.edges[bin + 1] ?? 0];
    check(low < epsilonOf(1) && epsilonOf(1) <= high, 'two accounts in the wrong bin');
  },

  'reads out the worst case over everyone': async (budget, bench) => {
    check((await budget.odometer()).upper === 0, 'an unused budget has spent something');
    await admitted(budget, bench.request('midday', ['a']));
    await admitted(budget, bench.request('morning', ['b']));
    const exact = epsilonOfGdp(Math.sqrt(2 * gdpCost(RELEASE)), 1e-6);
    checkClose((await budget.odometer()).upper, exact, 1e-7, 'odometer');
    check(
      (await budget.odometer({ scene: 'midday' })).upper < exact,
      'one scene costs as much as both',
    );
    await admitted(budget, bench.request('midday', ['c'], { delta: 5e-8 }));
    const rest = epsilonOfGdp(Math.sqrt(3 * gdpCost(RELEASE)), 1e-6 - 5e-8);
    checkClose((await budget.odometer()).upper, rest, 1e-7, 'odometer after a delta');
  },

  'proves its log, and finds a head that is not in it': async (budget, bench) => {
    const noted = await budget.verify();
    check(noted.ok && noted.entries === 1, 'a new budget does not verify');
    const { id } = await admitted(budget, bench.request('midday', ['a']));
    await budget.commit(id);
    await budget.freeze('x');
    const later = await budget.verify(noted.head);
    check(later.ok, `an honest log does not verify: ${later.problems.join('; ')}`);
    check(later.head !== noted.head && later.entries > noted.entries, 'the head did not move');
    const foreign = await budget.verify('00'.repeat(32));
    check(!foreign.ok && foreign.problems.length === 1, 'a foreign head was not noticed');
  },

  'lets several accountants share one log': async (budget, bench) => {
    const other = await bench.open();
    const { id } = await admitted(budget, bench.request('x', ['a'], { plan: gaussian(5) }));
    await refused(other, bench.request('x', ['a'], { plan: gaussian(5) }));
    await other.release(id);
    await admitted(other, bench.request('x', ['a'], { plan: gaussian(5) }));
    checkClose(await totalOf(budget, 'a'), await totalOf(other, 'a'), 0, 'balances');
  },

  'admits no more than fits when many ask at once': async (budget, bench) => {
    const other = await bench.open();
    const decisions = await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        (i % 2 === 0 ? budget : other).reserve(bench.request('midday', ['a', `b${i}`])),
      ),
    );
    const won = decisions.filter(({ kind }) => kind === 'admitted').length;
    check((await totalOf(other, 'a')) <= 3, 'the total passed its limit');
    checkClose(await totalOf(budget, 'a'), epsilonOf(won), 1e-7, 'spent');
    check(epsilonOf(won + 1) > 3, `only ${won} were admitted`);
    check((await budget.verify()).ok, 'the log does not verify');
  },

  'goes on only under the terms it was opened with': async (budget, bench) => {
    await admitted(budget, bench.request('midday', ['a']));
    await expectCode('dp/relation-mismatch', () => bench.open({ unit: 'example' }));
    await expectCode('dp/relation-mismatch', () => bench.open({ relation: 'replace-one-user' }));
    for (const change of [
      { user: { epsilon: 4 } },
      { delta: 1e-5 },
      { currency: 'zcdp' },
      { scenes: { ...POLICY.scenes, midday: { maxReleases: 3 } } },
      { reservationLease: 'PT1H' },
    ] as const) {
      const policy = { ...POLICY, ...change };
      await expectCode('dp/invalid-policy', () => bench.open({ policy }));
    }
    const again = await bench.open({ policy: { ...POLICY, currency: 'gdp' } });
    checkClose(await totalOf(again, 'a'), epsilonOf(1), 1e-7, 'spent');
  },

  'refuses bad requests with a code, and books nothing': async (budget, bench) => {
    const { entries } = await budget.verify();
    const event = (value: unknown): Plan => ({ ...RELEASE, event: value }) as Plan;
    const bad: readonly (readonly [string, Partial<ReserveRequest>])[] = [
      ['dp/unknown-scene', { scene: '' }],
      ['dp/invalid-accounts', { accounts: [] }],
      ['dp/invalid-accounts', { accounts: ['a', 'b', 'a'] }],
      ['dp/invalid-accounts', { accounts: [''] }],
      ['dp/invalid-accounts', { accounts: [7 as unknown as string] }],
      ['dp/relation-mismatch', { plan: { ...RELEASE, relation: 'replace-one-user' } }],
      ['dp/relation-mismatch', { plan: { ...RELEASE, unit: 'example' } }],
      ['dp/infinite-cost', { plan: event({ kind: 'non-private' }) }],
      ['dp/unsupported-event', { plan: event({ kind: 'laplace', noiseMultiplier: 1 }) }],
      ['dp/unsupported-event', { plan: event({ kind: 'magic' }) }],
      ['dp/invalid-parameter', { plan: gaussian(Number.NaN) }],
      ['dp/invalid-parameter', { plan: gaussian(-1) }],
      ['dp/invalid-parameter', { plan: gaussian(5e-324) }],
      ['dp/invalid-parameter', { delta: Number.NaN }],
      ['dp/invalid-parameter', { delta: -1e-9 }],
      ['dp/invalid-parameter', { delta: 5e-324 }],
      ['dp/invalid-parameter', { idempotencyKey: '' }],
      ['dp/invalid-parameter', { model: '' }],
      ['dp/invalid-parameter', { epochs: ['2026-01', ''] }],
    ];
    for (const [code, change] of bad) {
      await expectCode(code, () => budget.reserve(bench.request('midday', ['a', 'b'], change)));
    }
    check((await budget.verify()).entries === entries, 'a bad request left an entry');
    check((await totalOf(budget, 'a')) === 0, 'a bad request was charged');
  },

  'takes seeded noise only where nothing lasts': async (budget, bench) => {
    const request = bench.request('midday', ['a'], { insecure: true });
    if (bench.home.durable) {
      await expectCode('dp/insecure-release', () => budget.reserve(request));
    } else {
      await admitted(budget, request);
    }
  },
};
