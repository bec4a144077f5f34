import type { PrivacyBudgetAccountant } from '../../dp/budget/budget.ts';
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
  RELEASE,
  refused,
  totalOf,
} from './bench.ts';

const GROUPS = { minors: { user: { epsilon: 0 } }, staff: { user: { epsilon: 1.2 } } };

function withGroups(bench: Bench): Promise<PrivacyBudgetAccountant> {
  return bench.open({ policy: { ...POLICY, groups: GROUPS } });
}

async function expectSpent(
  budget: PrivacyBudgetAccountant,
  account: string,
  releases: number,
): Promise<void> {
  const expected = releases === 0 ? 0 : epsilonOf(releases);
  checkClose(await totalOf(budget, account), expected, 1e-7, `spent by ${account}`);
}

/** Handles, groups, populations, erasure and keys. */
export const PEOPLE_CASES: Readonly<Record<string, BudgetCase>> = {
  'gives accounts dense handles, always the same, and takes them for ids': async (
    budget,
    bench,
  ) => {
    const handles = await budget.intern(['a', 'b', 'c']);
    check([...handles].join() === '0,1,2', 'expected handles 0, 1 and 2');
    const again = await (await bench.open()).intern(['c', 'd', 'a']);
    check([...again].join() === '2,3,0', 'expected handles 2, 3 and 0');
    await admitted(budget, bench.request('midday', ['a', 'b']));
    await admitted(budget, bench.request('midday', handles.subarray(1)));
    await expectSpent(budget, 'a', 1);
    await expectSpent(budget, 'b', 2);
    await expectSpent(budget, 'c', 1);
    const request = bench.request('midday', ['c', 'a']);
    await admitted(budget, request);
    const replay = await admitted(budget, { ...request, accounts: Uint32Array.of(0, 2) });
    check(replay.replayed, 'the same accounts by handles are the same request');
    await expectCode('dp/invalid-accounts', () => budget.intern(['e', 'e']));
    for (const bad of [Uint32Array.of(99), Uint32Array.of(0, 0), new Uint32Array(0)]) {
      await expectCode('dp/invalid-accounts', () => budget.reserve(bench.request('midday', bad)));
    }
  },

  'wants accounts or a population, not both and not neither': async (budget, bench) => {
    const { accounts, ...request } = bench.request('midday', ['a']);
    await expectCode('dp/invalid-accounts', () => budget.reserve(request));
    await budget.join('p', ['a']);
    await expectCode('dp/invalid-accounts', () =>
      budget.reserve({ ...request, accounts: accounts ?? [], population: 'p' }),
    );
    await expectCode('dp/unknown-population', () =>
      budget.reserve({ ...request, population: 'q' }),
    );
  },

  'holds groups to their own total': async (_, bench) => {
    await bench.home.reset();
    const budget = await withGroups(bench);
    await budget.assign('minors', ['kid']);
    await budget.assign('staff', ['ada']);
    const refusal = await refused(budget, bench.request('midday', ['a', 'kid']));
    check(refusal.limit === 'user-total' && refusal.allowed === 0, 'expected a total of 0');
    check([...refusal.blocked].join() === '1', 'expected the minor to be blocked');
    await admitted(budget, bench.request('midday', ['a', 'ada']));
    const second = await refused(budget, bench.request('midday', ['a', 'ada']));
    check(
      [...second.blocked].join() === '1' && second.allowed === 1.2,
      'expected staff to be full',
    );
    await budget.assign(null, ['ada']);
    await admitted(budget, bench.request('midday', ['a', 'ada']));
    const [line] = await budget.remaining('kid');
    check(line?.allowed === 0, 'a minor may spend nothing');
    await expectCode('dp/unknown-group', () => budget.assign('cats', ['a']));
    check((await budget.verify()).ok, 'the log does not verify');
    await budget.close();
  },

  'charges a population as a whole, each member from joining to leaving': async (budget, bench) => {
    const round = async (): Promise<string> => {
      const { accounts: _, ...request } = bench.request('midday', []);
      return (await admitted(budget, { ...request, population: 'all' })).id;
    };
    await budget.join('all', ['a', 'b']);
    check([...(await budget.members('all'))].join() === '0,1', 'expected two members');
    await budget.commit(await round());
    await budget.join('all', ['b', 'c']);
    await budget.commit(await round());
    await expectSpent(budget, 'a', 2);
    await expectSpent(budget, 'c', 1);
    await budget.leave('all', ['b', 'x']);
    await budget.commit(await round());
    await expectSpent(budget, 'a', 3);
    await expectSpent(budget, 'b', 2);
    await expectSpent(budget, 'c', 2);
    await admitted(budget, bench.request('midday', ['b', 'c']));
    await expectSpent(budget, 'c', 3);
    await budget.join('all', ['b']);
    await expectSpent(budget, 'b', 3);
    await expectSpent(await bench.open(), 'a', 3);
    await expectCode('dp/unknown-population', () => budget.members('nobody'));
    await expectCode('dp/unknown-population', () => budget.leave('nobody', ['a']));
    check((await budget.verify()).ok, 'the log does not verify');
  },

  'refuses a population while one member has no room, and says which': async (budget, bench) => {
    await budget.join('all', ['a', 'b', 'c']);
    for (let i = 0; i < 6; i++) await admitted(budget, bench.request('midday', ['b']));
    const { accounts: _, ...request } = bench.request('midday', []);
    const refusal = await refused(budget, { ...request, population: 'all' });
    check(refusal.limit === 'user-total', `expected user-total, got ${refusal.limit}`);
    check([...refusal.blocked].join() === '1', 'expected the second member to be blocked');
    const left = await budget.forecast('midday', { population: 'all' }, RELEASE);
    check(left[1] === 0 && (left[0] as number) > 0, 'expected the forecast to agree');
    await budget.leave('all', ['b']);
    await admitted(budget, { ...request, population: 'all', idempotencyKey: 'without b' });
    await expectSpent(budget, 'a', 1);
    await expectSpent(budget, 'b', 6);
  },

  'charges a population as it stood at the reserve, and gives back to the same': async (
    budget,
    bench,
  ) => {
    await budget.join('all', ['a', 'b', 'd']);
    const { accounts: _, ...request } = bench.request('midday', []);
    const first = await admitted(budget, { ...request, population: 'all' });
    await budget.leave('all', ['b', 'd']);
    await budget.join('all', ['c', 'd']);
    await expectSpent(budget, 'b', 1);
    await expectSpent(budget, 'c', 0);
    await expectSpent(await bench.open(), 'd', 1);
    await budget.release(first.id);
    for (const account of ['a', 'b', 'c', 'd']) await expectSpent(budget, account, 0);
    const open = await admitted(budget, {
      ...request,
      population: 'all',
      idempotencyKey: 'second',
    });
    await budget.join('all', ['e']);
    bench.now += 11 * MINUTE;
    await expectCode('dp/reservation-closed', () => budget.release(open.id));
    await budget.leave('all', ['e', 'c']);
    await expectSpent(budget, 'c', 1);
    await expectSpent(budget, 'e', 0);
    check((await budget.verify()).ok, 'the log does not verify');
  },

  'refuses what callers change their arrays to, and keeps to what they asked': async (
    budget,
    bench,
  ) => {
    const handles = await budget.intern(['a', 'b', 'c']);
    const reused = new Uint32Array(1);
    const asked = [...handles].map((handle) => {
      reused[0] = handle;
      return budget.reserve(bench.request('midday', reused));
    });
    await Promise.all(asked);
    for (const account of ['a', 'b', 'c']) await expectSpent(budget, account, 1);
    await budget.erase(['c']);
    const ids = ['c'];
    const refusal = refused(budget, bench.request('midday', ids));
    ids[0] = 'somebody else';
    check((await refusal).limit === 'erased', 'an erased person got in under another name');
  },

  'counts populations and single charges of one account together': async (budget, bench) => {
    await budget.join('p', ['a']);
    await budget.join('q', ['a', 'b']);
    const { accounts: _, ...request } = bench.request('midday', []);
    let releases = 0;
    for (let i = 0; i < 12; i++) {
      const population = i % 2 === 0 ? 'p' : 'q';
      const decision = await budget.reserve({ ...request, population, idempotencyKey: `r${i}` });
      if (decision.kind === 'admitted') releases++;
    }
    check((await totalOf(budget, 'a')) <= 3, 'the total passed its limit');
    await expectSpent(budget, 'a', releases);
    check(epsilonOf(releases + 1) > 3, `only ${releases} were admitted`);
    check(
      (await budget.reserve(bench.request('midday', ['a']))).kind === 'refused',
      'a single charge went over',
    );
  },

  'erases people, refuses them, and knows them when they come back': async (budget, bench) => {
    await admitted(budget, bench.request('midday', ['a', 'b']));
    await budget.join('all', ['a', 'b']);
    await budget.erase(['a', 'nobody']);
    check([...(await budget.members('all'))].join() === '1', 'expected them out of the population');
    const refusal = await refused(budget, bench.request('midday', ['b', 'a']));
    check(refusal.limit === 'erased', `expected erased, got ${refusal.limit}`);
    check([...refusal.blocked].join() === '1', 'expected the erased to be blocked');
    await expectCode('dp/invalid-accounts', () => budget.join('all', ['a']));
    const again = await bench.open();
    await expectSpent(again, 'a', 1);
    await again.readmit(['a', 'b']);
    await admitted(budget, bench.request('midday', ['a']));
    await expectSpent(budget, 'a', 2);
    const { problems } = await budget.verify();
    check(problems.length === 0, `does not verify: ${problems.join('; ')}`);
  },

  'keeps balances when its keys are made anew': async (budget, bench) => {
    await admitted(budget, bench.request('midday', ['a', 'b']));
    await budget.erase(['b']);
    await budget.rotateKey(new Uint8Array(32).fill(77));
    await expectSpent(budget, 'a', 1);
    await admitted(budget, bench.request('midday', ['a']));
    check(
      (await refused(budget, bench.request('midday', ['b']))).limit === 'erased',
      'a tombstone was lost',
    );
    await budget.readmit(['b']);
    await admitted(budget, bench.request('midday', ['b', 'new']));
    await expectSpent(budget, 'b', 2);
    await expectSpent(budget, 'a', 2);
    const { problems } = await budget.verify();
    check(problems.length === 0, `does not verify: ${problems.join('; ')}`);
  },

  'takes a hundred thousand ids at once, and stops when told to': async (budget, bench) => {
    const ids = Array.from({ length: 100_000 }, (_, i) => `account ${i}`);
    let share = 0;
    const handles = await budget.intern(ids, { onProgress: (done) => (share = done) });
    check(handles.length === 100_000 && share === 1, 'expected all handles, and to be told');
    await admitted(budget, bench.request('midday', ids, { plan: gaussian(20) }));
    check((await totalOf(budget, 'account 99999')) > 0, 'the last one was not charged');
    const stop = AbortSignal.abort(new Error('stop'));
    await expectCode('Error', () =>
      budget.intern(
        ids.map((id) => `${id}'`),
        { signal: stop },
      ),
    );
  },
};
