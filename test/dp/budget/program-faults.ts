import assert from 'node:assert/strict';
import type { PrivacyBudgetAccountant, ReserveRequest } from '../../../src/dp/budget/budget.ts';
import type { ProgramRun } from './program-runner.ts';
import { RELATION } from './program-terms.ts';
import type { BadRequest } from './programs.ts';

/** The code of the error, or null where there was none. */
export async function codeOf(use: Promise<unknown>): Promise<string | null> {
  try {
    await use;
    return null;
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error) return String(error.code);
    throw error;
  }
}

const plan = {
  unit: 'user',
  relation: RELATION,
  event: { kind: 'gaussian', noiseMultiplier: 4 },
} as const;

/** A request that is refused with a code, whatever the state; null where the terms have no such fault. */
function faulty(
  run: ProgramRun,
  request: BadRequest,
): readonly [string, Partial<ReserveRequest>] | null {
  const { durable } = run.home;
  const { monthly } = run.family.terms;
  switch (request) {
    case 'unknown scene':
      return run.policy === 2 ? null : ['dp/unknown-scene', { scene: 'nowhere' }];
    case 'no accounts':
      return ['dp/invalid-accounts', { accounts: [] }];
    case 'an account twice':
      return ['dp/invalid-accounts', { accounts: ['a', 'b', 'a'] }];
    case 'an unknown handle':
      return ['dp/invalid-accounts', { accounts: Uint32Array.of(1000) }];
    case 'another relation':
      return ['dp/relation-mismatch', { plan: { ...plan, relation: 'replace-one-user' } }];
    case 'an infinite cost':
      return ['dp/infinite-cost', { plan: { ...plan, event: { kind: 'non-private' } } }];
    case 'a negative delta':
      return ['dp/invalid-parameter', { delta: -1e-9 }];
    case 'a subnormal delta':
      return ['dp/invalid-parameter', { delta: 2 ** -1060 }];
    case 'a lease too long':
      return ['dp/invalid-parameter', { lease: 'PT1H' }];
    case 'a lease of nothing':
      return ['dp/invalid-parameter', { lease: 'PT0S' }];
    case 'a seeded generator':
      return durable ? ['dp/insecure-release', { insecure: true }] : null;
    case 'no epoch':
      return monthly ? ['dp/invalid-epoch', { epochs: [] }] : null;
    case 'an epoch not of the calendar':
      return monthly ? ['dp/invalid-epoch', { epochs: ['2023-11', '2023-W47'] }] : null;
    case 'epochs read together':
      return monthly
        ? ['dp/invalid-epoch', { epochs: ['2023-10', '2023-11'], sensitivityPerEpoch: false }]
        : null;
    default:
      return null;
  }
}

/** Asks for what cannot be, and checks the code and that nothing was written. */
export async function badRequest(
  run: ProgramRun,
  budget: PrivacyBudgetAccountant,
  request: BadRequest,
): Promise<void> {
  if (request === 'an unknown reservation') {
    assert.equal(await codeOf(budget.commit('999999-0123456789ab')), 'dp/reservation-unknown');
    assert.equal(await codeOf(budget.release('none')), 'dp/reservation-unknown');
  } else if (request === 'an unknown group') {
    assert.equal(await codeOf(budget.assign('nobody', ['a'])), 'dp/unknown-group');
  } else if (request === 'an unknown population') {
    const asked = { scene: 'open', plan, population: 'nobody', epochs: ['2023-11'] };
    const code = await codeOf(budget.reserve({ ...asked, idempotencyKey: run.nextKey() }));
    assert.equal(code, 'dp/unknown-population');
    assert.equal(await codeOf(budget.members('nobody')), 'dp/unknown-population');
  } else {
    const found = faulty(run, request);
    if (found === null) return;
    const [code, changes] = found;
    const asked = {
      scene: 'open',
      plan,
      accounts: ['a'],
      epochs: ['2023-11'],
      idempotencyKey: run.nextKey(),
      ...changes,
    } as ReserveRequest;
    assert.equal(await codeOf(budget.reserve(asked)), code);
  }
  run.count(request);
  assert.equal((await budget.head()).seq, run.seq);
}
