import { describe, expect, it } from 'vitest';
import { type ChainEntry, HashChain } from '../../../src/core/hash-chain.ts';
import { epsilonOfPlan } from '../../../src/dp/accounting/create.ts';
import { GdpAccountant } from '../../../src/dp/accounting/gdp-accountant.ts';
import { encodeRecord } from '../../../src/dp/budget/log-codec.ts';
import type { LogRecord, ReserveRecord } from '../../../src/dp/budget/log-record.ts';
import type { BudgetPolicy } from '../../../src/dp/budget/policy.ts';
import { LogTranscript, type Replay, replayLog } from '../../../src/dp/budget/replay.ts';
import type { DpEvent } from '../../../src/dp/event.ts';
import type { Plan } from '../../../src/dp/plan.ts';

const unit = 'user';
const relation = 'zero-out-one-user';
const policy: BudgetPolicy = {
  version: 1,
  currency: 'gdp',
  delta: 1e-6,
  user: { epsilon: 3 },
  scenes: { default: {} },
  reservationLease: 'PT10M',
};
const monthly: BudgetPolicy = {
  ...policy,
  epoch: { kind: 'calendar', length: 'P1M', timeField: 'time' },
};
const gaussian = (noiseMultiplier: number): DpEvent => ({ kind: 'gaussian', noiseMultiplier });
const planOf = (event: DpEvent): Plan => ({ unit, relation, event });

function opened(terms: BudgetPolicy = policy): LogRecord {
  const keyCheck = new Uint8Array(16);
  return {
    kind: 'open',
    time: 0,
    version: 2,
    policy: terms,
    unit,
    relation,
    currency: 'gdp',
    keyCheck,
  };
}

function planned(number: number, event: DpEvent): LogRecord {
  return { kind: 'plan', time: 0, number, plan: planOf(event), cost: [1] };
}

function reserve(scene: string, plan: number, more: Partial<ReserveRecord> = {}): ReserveRecord {
  return {
    kind: 'reserve',
    time: 0,
    scene,
    plan,
    deltaCost: 0,
    handles: Uint32Array.of(0),
    population: null,
    idempotencyKey: 'key',
    expiresAt: 1,
    model: null,
    epochs: [],
    insecure: false,
    ...more,
  };
}

function transcriptOf(records: readonly LogRecord[]): LogTranscript {
  const transcript = new LogTranscript();
  for (const [seq, record] of records.entries()) transcript.add(seq, record);
  return transcript;
}

function scopesOf(replay: Replay): Record<string, number | null> {
  return Object.fromEntries(
    replay.scopes.map(({ scene, epoch, epsilon }) => [
      `${scene ?? '*'} ${epoch ?? '*'}`,
      epsilon === null ? null : epsilon.upper,
    ]),
  );
}

function gdp(...multipliers: readonly number[]): number {
  const accountant = new GdpAccountant({ unit, relation });
  for (const multiplier of multipliers) accountant.compose(planOf(gaussian(multiplier)));
  return accountant.epsilon(1e-6).upper;
}

describe('replay', () => {
  it('adds up every charge that was not given back, by scene and over all scenes', () => {
    const replay = transcriptOf([
      opened(),
      planned(0, gaussian(6)),
      planned(1, gaussian(9)),
      reserve('a', 0), // 3: open, so spent
      reserve('a', 1), // 4
      { kind: 'commit', time: 0, reservation: 4 },
      reserve('b', 0), // 6
      { kind: 'release', time: 0, reservation: 6 },
      reserve('b', 1), // 8
      { kind: 'expire', time: 0, reservation: 8 },
      reserve('b', 1), // 10
    ]).replay('gdp');
    expect(scopesOf(replay)).toEqual({
      '* *': gdp(6, 9, 9, 9),
      'a *': gdp(6, 9),
      'b *': gdp(9, 9),
    });
    expect(replay.scopes.map(({ releases }) => releases)).toEqual([4, 2, 2]);
    expect(replay.scopes[0]?.plans).toEqual([
      [planOf(gaussian(6)), 1],
      [planOf(gaussian(9)), 3],
    ]);
    expect(replay).toMatchObject({ accountant: 'gdp', unit, relation });
  });

  it('charges every epoch that a release read, and once for life', () => {
    const replay = transcriptOf([
      opened(monthly),
      planned(0, gaussian(6)),
      reserve('a', 0, { epochs: ['2026-10', '2026-11'] }),
      reserve('a', 0, { epochs: ['2026-11'] }),
      reserve('b', 0, { epochs: ['2026-10'] }),
    ]).replay('gdp');
    expect(scopesOf(replay)).toEqual({
      '* *': gdp(6, 6, 6),
      '* 2026-10': gdp(6, 6),
      '* 2026-11': gdp(6, 6),
      'a *': gdp(6, 6),
      'a 2026-10': gdp(6),
      'a 2026-11': gdp(6, 6),
      'b *': gdp(6),
      'b 2026-10': gdp(6),
    });
    expect(replay.scopes.map(({ scene, epoch }) => [scene, epoch])).toEqual([
      [null, null],
      [null, '2026-10'],
      [null, '2026-11'],
      ['a', null],
      ['a', '2026-10'],
      ['a', '2026-11'],
      ['b', null],
      ['b', '2026-10'],
    ]);
  });

  it('does not count by epochs that a budget for life merely notes', () => {
    const replay = transcriptOf([
      opened(),
      planned(0, gaussian(6)),
      reserve('a', 0, { epochs: ['2026-10', '2026-11'] }),
    ]).replay('gdp');
    expect(scopesOf(replay)).toEqual({ '* *': gdp(6), 'a *': gdp(6) });
  });

  it('converts at what is left of delta, and at the delta of the policy now in force', () => {
    const records = [
      opened(),
      planned(0, gaussian(6)),
      reserve('a', 0, { deltaCost: 2 ** 52 * 2 ** -21 }),
      { kind: 'policy', time: 0, policy: { ...policy, delta: 1e-5 } } as const,
    ];
    const [all] = transcriptOf(records).replay('gdp').scopes;
    expect(all?.deltaSpent).toBe(2 ** -21);
    expect(all?.delta).toBe(1e-5 - 2 ** -21);
    const accountant = new GdpAccountant({ unit, relation });
    accountant.compose(planOf(gaussian(6)));
    expect(all?.epsilon).toEqual(accountant.epsilon(1e-5 - 2 ** -21));
    const spent = transcriptOf([...records, reserve('a', 0, { deltaCost: 2 ** 52 * 1e-5 })]);
    expect(spent.replay('gdp').scopes[0]).toMatchObject({
      delta: 0,
      epsilon: { lower: Number.POSITIVE_INFINITY, upper: Number.POSITIVE_INFINITY },
    });
  });

  it('is tighter under PLD than in zCDP, and agrees with a plan priced as a whole', () => {
    const transcript = transcriptOf([
      opened(),
      planned(0, gaussian(6)),
      ...Array.from({ length: 12 }, () => reserve('a', 0)),
    ]);
    const whole = planOf({ kind: 'repeated', count: 12, event: gaussian(6) });
    const pld = transcript.replay('pld').scopes[0]?.epsilon;
    expect(pld).toEqual(epsilonOfPlan(whole, 1e-6, 'pld'));
    expect(pld?.upper).toBeLessThan(transcript.replay('zcdp').scopes[0]?.epsilon?.upper as number);
  });

  it('says where an accountant has no bound, and only there', () => {
    const replay = transcriptOf([
      opened(),
      planned(0, gaussian(6)),
      planned(1, { kind: 'laplace', noiseMultiplier: 6 }),
      reserve('a', 0),
      reserve('b', 1),
    ]).replay('gdp');
    expect(scopesOf(replay)).toEqual({ '* *': null, 'a *': gdp(6), 'b *': null });
    expect(replay.scopes.map(({ unsupported }) => unsupported === null)).toEqual([
      false,
      true,
      false,
    ]);
    expect(replay.scopes[0]?.unsupported).toContain('laplace');
  });

  it('has spent nothing where nothing was reserved or all was given back', () => {
    const nothing = { '* *': 0 };
    expect(scopesOf(transcriptOf([opened()]).replay('pld'))).toEqual(nothing);
    const back = transcriptOf([
      opened(),
      planned(0, gaussian(6)),
      reserve('a', 0),
      { kind: 'release', time: 0, reservation: 2 },
    ]);
    expect(scopesOf(back.replay('pld'))).toEqual({ ...nothing, 'a *': 0 });
  });

  it.each<[string, readonly LogRecord[]]>([
    ['no terms', [planned(0, gaussian(6)), reserve('a', 0)]],
    ['a plan nobody declared', [opened(), reserve('a', 0)]],
    ['plans out of order', [opened(), planned(1, gaussian(6))]],
    ['a release of nothing', [opened(), { kind: 'release', time: 0, reservation: 0 }]],
    [
      'a release after a commit',
      [
        opened(),
        planned(0, gaussian(6)),
        reserve('a', 0),
        { kind: 'commit', time: 0, reservation: 2 },
        { kind: 'release', time: 0, reservation: 2 },
      ],
    ],
  ])('refuses a log with %s', (_, records) => {
    expect(() => transcriptOf(records)).toThrow(
      expect.objectContaining({ code: 'dp/budget-corrupt' }),
    );
  });

  it('reads entries in batches, as a store hands them over', async () => {
    const chain = new HashChain('budget');
    const entries: ChainEntry[] = [];
    const records = [
      opened(monthly),
      planned(0, gaussian(6)),
      reserve('a', 0, { epochs: ['2026-11'] }),
      reserve('a', 0, { epochs: ['2026-11'], idempotencyKey: 'other' }),
    ];
    for (const record of records) {
      entries.push(chain.append(entries.at(-1) ?? chain.start(), encodeRecord(record)));
    }
    const batches = [entries.slice(0, 1), [], entries.slice(1)];
    const replay = await replayLog(batches, 'gdp');
    expect(scopesOf(replay)).toEqual({
      '* *': gdp(6, 6),
      '* 2026-11': gdp(6, 6),
      'a *': gdp(6, 6),
      'a 2026-11': gdp(6, 6),
    });
    const empty = replayLog([], 'gdp');
    await expect(empty).rejects.toMatchObject({ code: 'dp/budget-corrupt' });
  });
});
