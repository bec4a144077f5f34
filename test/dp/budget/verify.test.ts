import { beforeAll, describe, expect, it } from 'vitest';
import { encodeCanonical } from '../../../src/core/cbor.ts';
import { type ChainEntry, HashChain } from '../../../src/core/hash-chain.ts';
import { openBudget } from '../../../src/dp/budget/accountant.ts';
import {
  decodeRecord,
  type LogRecord,
  type ReserveRecord,
} from '../../../src/dp/budget/log-record.ts';
import { MemoryBudgetStore } from '../../../src/dp/budget/memory-store.ts';
import { verifyLog } from '../../../src/dp/budget/verify.ts';

const policy = {
  version: 1,
  currency: 'auto',
  delta: 1e-6,
  user: { epsilon: 2 },
  scenes: { live: { perUser: { epsilon: 1.5 }, maxReleases: 3 } },
  reservationLease: 'PT10M',
} as const;
const relation = 'zero-out-one-user';
const plan = { unit: 'user', relation, event: { kind: 'gaussian', noiseMultiplier: 6 } } as const;
const terms = { policy, unit: 'user', relation } as const;
const accountKey = new Uint8Array(32).fill(1);
const chain = new HashChain('budget');

/** open, intern, reserve, commit, reserve, release, refuse, reserve, expire, freeze */
let honest: readonly ChainEntry[];
let records: readonly LogRecord[];

beforeAll(async () => {
  const store = new MemoryBudgetStore();
  let now = 1_700_000_000_000;
  const budget = await openBudget({ ...terms, store, accountKey, clock: () => now });
  const reserve = async (name: string, accounts: readonly string[], noiseMultiplier = 6) =>
    budget.reserve({
      scene: 'live',
      accounts,
      plan: { ...plan, event: { ...plan.event, noiseMultiplier } },
      idempotencyKey: name,
    });
  const id = async (name: string): Promise<string> => {
    const decision = await reserve(name, ['a', 'b']);
    if (decision.kind === 'refused') throw new Error(decision.refusal.message);
    return decision.reservation.id;
  };
  await budget.commit(await id('first'));
  await budget.release(await id('second'));
  expect((await reserve('too much', ['a'], 1)).kind).toBe('refused');
  const late = await id('third');
  now += 600_000;
  await expect(budget.release(late)).rejects.toThrow('expired');
  await budget.freeze('live');
  honest = await store.read(-1);
  records = honest.map(decodeRecord);
});

/** A log that says something else and hangs together all the same. */
function forge(changed: readonly unknown[]): readonly ChainEntry[] {
  const entries: ChainEntry[] = [];
  for (const record of changed) {
    entries.push(chain.append(entries.at(-1) ?? chain.start(), encodeCanonical(record)));
  }
  return entries;
}

function changing(index: number, change: object): readonly ChainEntry[] {
  return forge(records.map((record, i) => (i === index ? { ...record, ...change } : record)));
}

it('passes the honest log', () => {
  expect(records.map(({ kind }) => kind)).toEqual([
    'open',
    'intern',
    'reserve',
    'commit',
    'reserve',
    'release',
    'refuse',
    'reserve',
    'expire',
    'freeze',
  ]);
  expect(verifyLog(honest)).toMatchObject({ ok: true, entries: 10, problems: [] });
  expect(verifyLog(forge(records))).toEqual(verifyLog(honest));
});

it('finds nothing in an empty log, and says so', () => {
  expect(verifyLog([]).problems).toEqual(['the log is empty']);
});

describe('names a forged entry', () => {
  const first = (): ReserveRecord => records[2] as ReserveRecord;
  const end = (): number => (records.at(-1) as LogRecord).time;
  const cases: Readonly<Record<string, () => readonly [readonly ChainEntry[], number, string]>> = {
    'a cheaper charge': () => [changing(2, { cost: first().cost - 1 }), 2, 'not that of its plan'],
    'a cheaper plan': () => [
      changing(2, { plan: { ...plan, event: { kind: 'gaussian', noiseMultiplier: 60 } } }),
      2,
      'not that of its plan',
    ],
    'a plan without a price': () => [
      changing(2, { plan: { ...plan, event: { kind: 'non-private' } } }),
      2,
      'no price',
    ],
    'another unit': () => [changing(2, { plan: { ...plan, unit: 'example' } }), 2, 'another way'],
    'another relation': () => [
      changing(2, { plan: { ...plan, relation: 'replace-one-user' } }),
      2,
      'another way',
    ],
    'an account charged twice': () => [
      changing(2, { handles: new Uint8Array(8) }),
      2,
      'charges an account twice',
    ],
    'an account nobody knows': () => [
      changing(2, { handles: Uint8Array.of(9, 0, 0, 0) }),
      2,
      'charges nobody known',
    ],
    'a longer lease': () => [changing(2, { expiresAt: first().expiresAt + 1 }), 2, 'lease'],
    'an unknown scene': () => [changing(2, { scene: 'x' }), 2, 'does not know the scene'],
    'a charge over a tighter limit': () => [
      changing(0, { policy: { ...policy, scenes: { live: { perUser: { epsilon: 0.5 } } } } }),
      2,
      'passes the limit user-scene',
    ],
    'a release too many': () => [
      forge([
        ...records.slice(0, 3),
        ...['x', 'y', 'z'].map((name) => ({ ...first(), id: name, idempotencyKey: name })),
      ]),
      5,
      'passes the limit max-releases',
    ],
    'a charge after the freeze': () => [
      forge([
        ...records,
        { ...first(), time: end(), expiresAt: end() + 600_000, id: 'x', idempotencyKey: 'x' },
      ]),
      10,
      'passes the limit frozen',
    ],
    'a second answer to a key': () => [
      forge([...records.slice(0, 4), { ...first(), id: 'x' }]),
      4,
      'answered before',
    ],
    'a reservation of the same id': () => [
      forge([...records.slice(0, 4), { ...first(), idempotencyKey: 'x' }]),
      4,
      'exists already',
    ],
    'a release after the commit': () => [
      forge([...records.slice(0, 4), { ...records[3], kind: 'release' }]),
      4,
      'closed reservation',
    ],
    'a release after the lease': () => [
      forge([...records, { ...records[5], time: end(), id: (records[7] as ReserveRecord).id }]),
      10,
      'closed reservation',
    ],
    'a commit of nothing': () => [changing(3, { id: 'x' }), 3, 'names no reservation'],
    'time going back': () => [changing(3, { time: first().time - 1 }), 3, 'before'],
    'a gap in the handles': () => [changing(1, { first: 1 }), 1, 'not consecutive'],
    'an account interned twice': () => [
      changing(1, { keys: new Uint8Array(32) }),
      1,
      'appears twice',
    ],
    'no terms at the beginning': () => [forge(records.slice(1)), 0, 'terms of the budget first'],
    'new terms later on': () => [forge([...records, records[0]]), 10, 'terms of the budget first'],
    'another kind of entry': () => [forge([...records, { kind: 'gift' }]), 10, ''],
    'a field too many': () => [changing(3, { note: 'x' }), 3, 'note'],
    'a field too few': () => {
      const { id: _, ...rest } = records[3] as { id: string };
      return [forge(records.map((record, i) => (i === 3 ? rest : record))), 3, 'id'];
    },
    'a policy that is none': () => [changing(0, { policy: { ...policy, delta: 3 } }), 0, 'delta'],
  };

  it.each(Object.entries(cases))('%s', (_, make) => {
    const [log, seq, reason] = make();
    const { ok, problems } = verifyLog(log);
    expect(ok).toBe(false);
    expect(problems[0]).toMatch(new RegExp(`^entry ${seq} of the budget log: .*${reason}`));
  });
});

describe('opening a log', () => {
  const opening = (log: readonly ChainEntry[]): Promise<unknown> =>
    openBudget({ ...terms, store: new MemoryBudgetStore(log), accountKey });

  it('refuses a broken chain, and names the entry', async () => {
    const broken = honest.map((entry, i) =>
      i === 4 ? { ...entry, body: Uint8Array.of(1) } : entry,
    );
    await expect(opening(broken)).rejects.toMatchObject({
      code: 'dp/budget-corrupt',
      details: { seq: 4 },
    });
  });

  it('refuses an entry that makes no sense, and names it', async () => {
    await expect(opening(changing(3, { id: 'x' }))).rejects.toMatchObject({
      code: 'dp/budget-corrupt',
      details: { seq: 3 },
    });
    await expect(opening(forge([{ kind: 'gift' }]))).rejects.toMatchObject({
      code: 'dp/budget-corrupt',
      details: { seq: 0 },
    });
  });
});
