import { describe, expect, it } from 'vitest';
import type { ChainEntry } from '../../../src/core/hash-chain.ts';
import { openBudget } from '../../../src/dp/budget/accountant.ts';
import type { PrivacyBudgetAccountant, ReserveRequest } from '../../../src/dp/budget/budget.ts';
import { MemoryBudgetStore } from '../../../src/dp/budget/memory-store.ts';
import { refusalError } from '../../../src/dp/budget/refusal.ts';
import type { BudgetStore, LogDecision } from '../../../src/dp/budget/store.ts';

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
class FaultyStore implements BudgetStore {
  readonly durable = true;
  fault: 'before' | 'after' | 'twice' | null = null;
  readonly #inner = new MemoryBudgetStore();

  async transact<T>(
    since: number,
    decide: (news: readonly ChainEntry[]) => LogDecision<T>,
  ): Promise<T> {
    const { fault } = this;
    this.fault = null;
    const result = await this.#inner.transact(since, (news) => {
      if (fault === 'twice') decide(news);
      const decision = decide(news);
      if (fault === 'before') throw new Error('disk full');
      return decision;
    });
    if (fault === 'after') throw new Error('connection lost');
    return result;
  }

  read(since: number): Promise<readonly ChainEntry[]> {
    return this.#inner.read(since);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

async function begin(): Promise<{ store: FaultyStore; budget: PrivacyBudgetAccountant }> {
  const store = new FaultyStore();
  const accountKey = new Uint8Array(32);
  const budget = await openBudget({ policy, unit: 'user', relation, store, accountKey });
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

  it('and has to ask for a decision again: it is booked once', async () => {
    const { store, budget } = await begin();
    store.fault = 'twice';
    const decision = await budget.reserve(request);
    expect(decision.kind).toBe('admitted');
    expect(await releases(budget)).toBe(1);
    expect(await budget.verify()).toMatchObject({ entries: 3, problems: [] });
  });
});

it('refuses a clock that tells no time', async () => {
  const accountKey = new Uint8Array(32);
  const store = new MemoryBudgetStore();
  const clock = (): number => Number.NaN;
  await expect(
    openBudget({ policy, unit: 'user', relation, store, accountKey, clock }),
  ).rejects.toThrow(RangeError);
});

it('does not begin in an empty log when told not to', async () => {
  const store = new MemoryBudgetStore();
  const accountKey = new Uint8Array(32);
  await expect(
    openBudget({ policy, unit: 'user', relation, store, accountKey, create: false }),
  ).rejects.toMatchObject({ code: 'dp/budget-corrupt' });
  expect(await store.read(-1)).toEqual([]);
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
