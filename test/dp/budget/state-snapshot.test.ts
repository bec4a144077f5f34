import { describe, expect, it } from 'vitest';
import { portableSha256 } from '../../../src/core/hash-chain.ts';
import { openBudget, openExistingBudget } from '../../../src/dp/budget/accountant.ts';
import type { PrivacyBudgetAccountant } from '../../../src/dp/budget/budget.ts';
import { Ledger } from '../../../src/dp/budget/ledger.ts';
import { MemoryBudgetStore } from '../../../src/dp/budget/memory-store.ts';
import type { BudgetPolicy } from '../../../src/dp/budget/policy.ts';
import { decodeState, encodeState } from '../../../src/dp/budget/state-snapshot.ts';
import type { StateSnapshot } from '../../../src/dp/budget/store.ts';

const relation = 'zero-out-one-user';
const secrets = [new Uint8Array(32).fill(5)];
const policy: BudgetPolicy = {
  version: 1,
  currency: 'gdp',
  delta: 1e-6,
  additiveDelta: 1e-7,
  user: { epsilon: 5 },
  scenes: { live: { perUser: { epsilon: 3 }, maxReleases: 900 }, default: {} },
  models: { tags: { epsilon: 4 } },
  groups: { minors: { user: { epsilon: 0.5 } } },
  epoch: { kind: 'calendar', length: 'P1M', timeField: 'time' },
  reservationLease: 'PT10M',
};
const START = 1_700_000_000_000;

function plan(noiseMultiplier: number) {
  return { unit: 'user', relation, event: { kind: 'gaussian', noiseMultiplier } } as const;
}

/** Keeps snapshots as a real store does, and outlives the accountants on it. */
class KeepingStore extends MemoryBudgetStore {
  override readonly durable: boolean = true;
  loads = 0;
  tampered = false;

  override async close(): Promise<void> {}

  override async loadSnapshot(): Promise<StateSnapshot | null> {
    const snapshot = await super.loadSnapshot();
    if (snapshot === null) return null;
    this.loads++;
    if (!this.tampered) return snapshot;
    const bytes = snapshot.bytes.slice();
    bytes[bytes.length - 3] = (bytes[bytes.length - 3] as number) ^ 1;
    return { ...snapshot, bytes };
  }
}

/** A bit of everything that a state holds. */
async function live(budget: PrivacyBudgetAccountant, tick: (minutes: number) => void) {
  const epochs = ['2023-11'];
  const reserve = async (
    idempotencyKey: string,
    cohort: { accounts: string[] } | { population: string },
    more: object = {},
  ) => {
    const request = { scene: 'live', plan: plan(9), epochs, idempotencyKey, ...cohort, ...more };
    const decision = await budget.reserve(request);
    return decision.kind === 'admitted' ? decision.reservation.id : null;
  };
  await budget.commit((await reserve('one', { accounts: ['a', 'b'] })) as string);
  await budget.assign('minors', ['kid']);
  expect(await reserve('refused', { accounts: ['b', 'kid'] }, { plan: plan(2) })).toBeNull();
  await budget.join('all', ['a', 'b', 'c']);
  await reserve('all', { population: 'all' }, { model: 'tags', delta: 1e-9 });
  await reserve(
    'x',
    { accounts: ['b'] },
    { scene: 'x', epochs: ['2023-09', '2023-10'], sensitivityPerEpoch: true },
  );
  await budget.release((await reserve('lost', { accounts: ['a'] })) as string);
  tick(11);
  await reserve('short', { population: 'all' }, { lease: 'PT2M' });
  await budget.leave('all', ['b']);
  await budget.erase(['c']);
  await budget.freeze('x');
  await reserve('open', { accounts: ['a', 'd'] });
}

function stateBytes(store: MemoryBudgetStore): Promise<Uint8Array> {
  return new Ledger(store, () => START, undefined).transact(({ state }) => encodeState(state));
}

describe('a snapshot', () => {
  it('holds the whole state: what goes on from it goes on as from the log', async () => {
    const store = new KeepingStore();
    let now = START;
    const clock = (): number => now;
    const budget = await openBudget({ policy, unit: 'user', relation, store, secrets, clock });
    await live(budget, (minutes) => {
      now += minutes * 60_000;
    });
    const bytes = await stateBytes(store);
    const random = (length: number): Uint8Array => new Uint8Array(length);
    const restored = decodeState(bytes, random, portableSha256);
    expect(restored).not.toBeNull();
    expect(encodeState(restored as NonNullable<typeof restored>)).toEqual(bytes);
    expect(restored?.open.size).toBe(2);
    expect(restored?.classes.populations.get('all')?.size).toBe(1);
  });

  it('is nothing to a reader of another version', async () => {
    const store = new KeepingStore();
    await openBudget({ policy, unit: 'user', relation, store, secrets, clock: () => START });
    const bytes = (await stateBytes(store)).slice();
    expect(bytes[1]).toBe(1);
    bytes[1] = 2;
    expect(decodeState(bytes, (length) => new Uint8Array(length), portableSha256)).toBeNull();
  });
});

describe('a ledger with a long log', () => {
  async function grown(): Promise<KeepingStore> {
    const store = new KeepingStore();
    let now = START;
    const clock = (): number => now;
    const options = { policy, unit: 'user', relation, store, secrets, clock } as const;
    const budget = await openBudget(options);
    await live(budget, (minutes) => {
      now += minutes * 60_000;
    });
    // Long keys make a long log quickly.
    await Promise.all(
      Array.from({ length: 2300 }, (_, i) =>
        budget.reserve({
          scene: 'other',
          accounts: [`account ${i % 50}`],
          plan: plan(2000),
          epochs: ['2023-11'],
          idempotencyKey: `${i} ${'x'.repeat(4000)}`,
        }),
      ),
    );
    await budget.close();
    return store;
  }

  it('keeps a snapshot, and opens from it', async () => {
    const store = await grown();
    const kept = await store.loadSnapshot();
    expect(kept?.seq).toBeGreaterThan(20);
    const fromStart: number[] = [];
    const read = store.read.bind(store);
    store.read = (since) => {
      fromStart.push(since);
      return read(since);
    };
    const budget = await openExistingBudget({ store, secrets, clock: () => START });
    expect(new Set(fromStart)).toEqual(new Set([(kept?.seq as number) - 1]));
    const [life] = await budget.remaining('a');
    expect(life?.spent).toBeGreaterThan(0);
    const { problems } = await budget.verify();
    expect(problems).toEqual([]);
    const summary = await budget.summary();
    expect(await (await openOnLogAlone(store)).summary()).toEqual(summary);
  });

  it('takes no notice of a snapshot that the log does not vouch for; verify does', async () => {
    const store = await grown();
    const honest = await (await openExistingBudget({ store, secrets })).summary();
    store.tampered = true;
    const budget = await openExistingBudget({ store, secrets });
    expect(await budget.summary()).toEqual(honest);
    const { problems } = await budget.verify();
    expect(problems).toEqual([expect.stringMatching(/^the kept snapshot/)]);
  });

  async function openOnLogAlone(store: KeepingStore): Promise<PrivacyBudgetAccountant> {
    const log = [];
    for await (const entries of store.read(-1)) log.push(...entries);
    const copy = new MemoryBudgetStore(log, await store.pages());
    return openExistingBudget({ store: copy, secrets });
  }
});
