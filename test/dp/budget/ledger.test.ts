import { describe, expect, it } from 'vitest';
import { openBudget } from '../../../src/dp/budget/accountant.ts';
import type { PrivacyBudgetAccountant, ReserveRequest } from '../../../src/dp/budget/budget.ts';
import { MemoryBudgetStore } from '../../../src/dp/budget/memory-store.ts';
import { refusalError } from '../../../src/dp/budget/refusal.ts';
import type { LogDecision, LogNews, LogPosition } from '../../../src/dp/budget/store.ts';

const secrets = [new Uint8Array(32)];
const relation = 'zero-out-one-user';
const policy = {
  version: 1,
  currency: 'auto',
  delta: 1e-6,
  user: { epsilon: 2 },
  scenes: { default: {} },
  reservationLease: 'PT10M',
} as const;
const request: ReserveRequest = {
  scene: 'live',
  accounts: ['a', 'b'],
  plan: { unit: 'user', relation, event: { kind: 'gaussian', noiseMultiplier: 4 } },
  idempotencyKey: 'key',
};

/** A store that fails once, before or after its entries are durable, or asks for the decision twice. */
class FaultyStore extends MemoryBudgetStore {
  fault: 'before' | 'after' | 'twice' | null = null;

  override async transact<T>(
    position: LogPosition,
    decide: (news: LogNews) => LogDecision<T>,
  ): Promise<T> {
    const { fault } = this;
    this.fault = null;
    const result = await super.transact(position, (news) => {
      if (fault === 'twice') decide(news);
      const decision = decide(news);
      if (fault === 'before') throw new Error('disk full');
      return decision;
    });
    if (fault === 'after') throw new Error('connection lost');
    return result;
  }
}

async function begin(): Promise<{ store: FaultyStore; budget: PrivacyBudgetAccountant }> {
  const store = new FaultyStore();
  const budget = await openBudget({ policy, unit: 'user', relation, store, secrets });
  return { store, budget };
}

async function releases(budget: PrivacyBudgetAccountant): Promise<number | undefined> {
  return (await budget.summary())[0]?.releases;
}

describe('a store that fails', () => {
  it('before it wrote: nothing is booked, and the same request goes through later', async () => {
    const { store, budget } = await begin();
    store.fault = 'before';
    await expect(budget.reserve(request)).rejects.toThrow('disk full');
    expect(await releases(budget)).toBe(0);
    expect((await budget.remaining('a'))[0]?.spent).toBe(0);
    expect(await budget.reserve(request)).toMatchObject({
      kind: 'admitted',
      reservation: { replayed: false },
    });
    expect(await releases(budget)).toBe(1);
  });

  it('after it wrote: the charge stands, and the same request finds it', async () => {
    const { store, budget } = await begin();
    store.fault = 'after';
    await expect(budget.reserve(request)).rejects.toThrow('connection lost');
    expect((await budget.remaining('a'))[0]?.spent).toBeGreaterThan(0);
    expect(await budget.reserve(request)).toMatchObject({
      kind: 'admitted',
      reservation: { replayed: true },
    });
    expect(await releases(budget)).toBe(1);
    expect((await budget.verify()).problems).toEqual([]);
  });

  it('and asks for a decision twice, against its contract: nothing is answered, and nothing is booked twice', async () => {
    const { store, budget } = await begin();
    store.fault = 'twice';
    await expect(budget.reserve(request)).rejects.toThrow('twice');
    expect((await budget.reserve(request)).kind).toBe('admitted');
    expect(await releases(budget)).toBe(1);
    expect(await budget.verify()).toMatchObject({ problems: [] });
  });

  it('loses a whole group, and the next one finds what is true', async () => {
    const { store, budget } = await begin();
    store.fault = 'after';
    const group = ['x', 'y', 'z'].map((idempotencyKey) => ({ ...request, idempotencyKey }));
    for (const outcome of await Promise.allSettled(group.map((each) => budget.reserve(each)))) {
      expect(outcome.status).toBe('rejected');
    }
    const again = await Promise.all(group.map((each) => budget.reserve(each)));
    expect(again).toMatchObject(group.map(() => ({ reservation: { replayed: true } })));
    expect(await releases(budget)).toBe(3);
  });
});

it('decides a group one by one: what the first took the second does not get', async () => {
  const { budget } = await begin();
  const event = { kind: 'gaussian', noiseMultiplier: 3.1 } as const;
  const plan = { ...request.plan, event };
  const decisions = await Promise.all(
    ['x', 'y', 'z'].map((idempotencyKey) => budget.reserve({ ...request, plan, idempotencyKey })),
  );
  expect(decisions.map(({ kind }) => kind)).toEqual(['admitted', 'refused', 'refused']);
});

it('passes an error to whoever caused it, and to nobody else of the group', async () => {
  const { budget } = await begin();
  const outcomes = await Promise.allSettled([
    budget.reserve(request),
    budget.commit('1-1'),
    budget.reserve({ ...request, idempotencyKey: 'other' }),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(await releases(budget)).toBe(2);
});

it('refuses a clock that tells no time', async () => {
  const store = new MemoryBudgetStore();
  const clock = (): number => Number.NaN;
  await expect(
    openBudget({ policy, unit: 'user', relation, store, secrets, clock }),
  ).rejects.toThrow(RangeError);
});

it('does not begin in an empty log when told not to', async () => {
  const store = new MemoryBudgetStore();
  await expect(
    openBudget({ policy, unit: 'user', relation, store, secrets, create: false }),
  ).rejects.toMatchObject({ code: 'dp/budget-corrupt' });
  for await (const entries of store.read(-1)) expect(entries).toEqual([]);
});

it('turns a refusal into an error without naming anyone', async () => {
  const { budget } = await begin();
  const event = { kind: 'gaussian', noiseMultiplier: 1 } as const;
  const over = { ...request, plan: { ...request.plan, event }, idempotencyKey: 'over' };
  const decision = await budget.reserve(over);
  if (decision.kind !== 'refused') throw new Error('expected a refusal');
  const error = refusalError(decision.refusal, 'live');
  expect(error).toMatchObject({
    code: 'dp/budget-exceeded',
    details: { scene: 'live', limit: 'user-total', blocked: 2, spent: 0, allowed: 2 },
  });
  expect(error.message).toMatch(/^2 of 2 accounts would pass/);
  await budget.freeze('live');
  const frozen = await budget.reserve({ ...request, idempotencyKey: 'frozen' });
  if (frozen.kind !== 'refused') throw new Error('expected a refusal');
  expect(refusalError(frozen.refusal, 'live').code).toBe('dp/scene-frozen');
});

it('refuses what cannot be written before anything is, and nobody else with it', async () => {
  const { budget } = await begin();
  const bad = [
    { ...request, scene: '\ud800', accounts: ['new'], idempotencyKey: 'bad' },
    { ...request, accounts: ['\ud800'], idempotencyKey: 'bad' },
    { ...request, idempotencyKey: 'x'.repeat(4097) },
    { ...request, epochs: new Set(['2026-01']) as unknown as string[], idempotencyKey: 'bad' },
  ];
  const outcomes = await Promise.allSettled([
    ...bad.map((each) => budget.reserve(each)),
    budget.reserve(request),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual([...bad.map(() => 'rejected'), 'fulfilled']);
  expect(await releases(budget)).toBe(1);
});

it('refuses a clock in microseconds, which would hold everybody up for ever', async () => {
  const store = new MemoryBudgetStore();
  const clock = (): number => 1_700_000_000_000_000;
  await expect(
    openBudget({ policy, unit: 'user', relation, store, secrets, clock }),
  ).rejects.toThrow(RangeError);
});

it('keeps every secret it was given, one rotation at a time', async () => {
  const saved: (readonly Uint8Array[])[] = [];
  const store = new (class extends MemoryBudgetStore {
    override async close(): Promise<void> {}
  })();
  const saveSecrets = async (all: readonly Uint8Array[]): Promise<void> => {
    saved.push(all);
  };
  const open = (all: readonly Uint8Array[]) =>
    openBudget({ policy, unit: 'user', relation, store, secrets: all, saveSecrets });
  const budget = await open(secrets);
  const other = await open(secrets);
  await budget.reserve(request);
  const made = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
  const [one, two, three] = made as [Uint8Array, Uint8Array, Uint8Array];
  await Promise.all([budget.rotateKey(one), budget.rotateKey(two)]);
  await expect(other.rotateKey(three)).rejects.toMatchObject({ code: 'dp/keys-rotated' });
  expect(saved.at(-1)).toEqual([...secrets, one, two]);
  const again = await open([...secrets, three, ...(saved.at(-1) ?? []).slice(1)]);
  expect((await again.remaining('a'))[0]?.spent).toBeGreaterThan(0);
});
