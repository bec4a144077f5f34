import { beforeAll, describe, expect, it } from 'vitest';
import { decodeCanonical, encodeCanonical } from '../../../src/core/cbor.ts';
import { type ChainEntry, HashChain } from '../../../src/core/hash-chain.ts';
import { openBudget } from '../../../src/dp/budget/accountant.ts';
import type { BudgetVerification } from '../../../src/dp/budget/budget.ts';
import { decodeRecord, encodeRecord } from '../../../src/dp/budget/log-codec.ts';
import type { LogRecord, PlanRecord, ReserveRecord } from '../../../src/dp/budget/log-record.ts';
import { MemoryBudgetStore } from '../../../src/dp/budget/memory-store.ts';
import type { IdentityPage } from '../../../src/dp/budget/store.ts';
import { verifyStore } from '../../../src/dp/budget/verify.ts';

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
const secrets = [new Uint8Array(32).fill(1)];
const chain = new HashChain('budget');

let honest: readonly ChainEntry[];
let records: readonly LogRecord[];
let pages: readonly IdentityPage[];

beforeAll(async () => {
  const store = new MemoryBudgetStore();
  let now = 1_700_000_000_000;
  const budget = await openBudget({ ...terms, store, secrets, clock: () => now });
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
  const log: ChainEntry[] = [];
  for await (const entries of store.read(-1)) log.push(...entries);
  honest = log;
  pages = await store.pages();
  records = honest.map(decodeRecord);
});

/** A log that says something else and hangs together all the same. */
function forge(bodies: readonly Uint8Array[]): readonly ChainEntry[] {
  const entries: ChainEntry[] = [];
  for (const body of bodies) entries.push(chain.append(entries.at(-1) ?? chain.start(), body));
  return entries;
}

function forged(changed: readonly LogRecord[]): readonly ChainEntry[] {
  return forge(changed.map((record) => encodeRecord(record).slice()));
}

function changing(index: number, change: object): readonly ChainEntry[] {
  return forged(
    records.map((record, i) => (i === index ? ({ ...record, ...change } as LogRecord) : record)),
  );
}

/** Claims to last: what only a test may book must be found in it. */
class DurableLog extends MemoryBudgetStore {
  override readonly durable: boolean = true;
}

function verifyLog(log: readonly ChainEntry[]): Promise<BudgetVerification> {
  return verifyStore(new MemoryBudgetStore(log, log.length === 0 ? [] : pages));
}

it('passes the honest log', async () => {
  expect(records.map(({ kind }) => kind)).toEqual([
    'open',
    'intern',
    'plan',
    'reserve',
    'commit',
    'reserve',
    'release',
    'plan',
    'refuse',
    'reserve',
    'expire',
    'freeze',
  ]);
  expect(await verifyLog(honest)).toMatchObject({ ok: true, entries: 12, problems: [] });
  expect(await verifyLog(forged(records))).toEqual(await verifyLog(honest));
});

it('finds nothing in an empty log, and says so', async () => {
  expect((await verifyLog([])).problems).toEqual(['the log is empty']);
});

describe('names a forged entry', () => {
  const price = (): PlanRecord => records[2] as PlanRecord;
  const first = (): ReserveRecord => records[3] as ReserveRecord;
  const end = (): number => (records.at(-1) as LogRecord).time;
  const of = (change: object): readonly LogRecord[] => [
    ...records.slice(0, 5),
    { ...first(), ...change } as LogRecord,
  ];
  const bodies = (seq = -1, changed = new Uint8Array(0)): Uint8Array[] =>
    honest.map((entry) => (entry.seq === seq ? changed : entry.body));
  const cases: Readonly<Record<string, () => readonly [readonly ChainEntry[], number, string]>> = {
    'a cheaper charge': () => [
      changing(2, { cost: [(price().cost[0] as number) - 2] }),
      2,
      'not that of its plan',
    ],
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
    'a plan twice under one number': () => [
      forged([...records.slice(0, 3), price()]),
      3,
      'not consecutive',
    ],
    'a plan nobody named': () => [changing(3, { plan: 7 }), 3, 'names no plan'],
    'an account nobody knows': () => [
      changing(3, { handles: Uint32Array.of(0, 9) }),
      3,
      'names nobody known',
    ],
    'a population nobody is in': () => [
      changing(3, { handles: null, population: 'p' }),
      3,
      'charges nobody known',
    ],
    'a longer lease': () => [changing(3, { expiresAt: first().expiresAt + 1 }), 3, 'lease'],
    'seeded noise in a real budget': () => [changing(3, { insecure: true }), 3, 'seeded'],
    'an unknown scene': () => [changing(3, { scene: 'x' }), 3, 'does not know the scene'],
    'a charge over a tighter limit': () => [
      changing(0, { policy: { ...policy, scenes: { live: { perUser: { epsilon: 0.5 } } } } }),
      3,
      'passes the limit user-scene',
    ],
    'a charge under a policy that came later': () => [
      forged([
        records[0] as LogRecord,
        {
          kind: 'policy',
          time: (records[0] as LogRecord).time,
          policy: { ...policy, user: { epsilon: 0.1 } },
        },
        ...records.slice(1, 4),
      ]),
      4,
      'passes the limit user-total',
    ],
    'a release too many': () => [
      forged([
        ...records.slice(0, 4),
        ...['x', 'y', 'z'].map((name) => ({ ...first(), idempotencyKey: name })),
      ]),
      6,
      'passes the limit max-releases',
    ],
    'a charge after the freeze': () => [
      forged([
        ...records,
        { ...first(), time: end(), expiresAt: end() + 600_000, idempotencyKey: 'x' },
      ]),
      12,
      'passes the limit frozen',
    ],
    'a second answer to a key': () => [forged(of({})), 5, 'answered before'],
    'a release after the commit': () => [
      forged([...records.slice(0, 5), { kind: 'release', time: first().time, reservation: 3 }]),
      5,
      'closed reservation',
    ],
    'a release after the lease': () => [
      forged([...records, { kind: 'release', time: end(), reservation: 9 }]),
      12,
      'closed reservation',
    ],
    'a commit of nothing': () => [changing(4, { reservation: 99 }), 4, 'names no reservation'],
    'time going back': () => [changing(4, { time: first().time - 1 }), 4, 'before'],
    'accounts out of nowhere': () => [
      forged([...records.slice(0, 2), records[1] as LogRecord]),
      2,
      'makes no account known',
    ],
    'a stranger in a group': () => [
      forged([...records, { kind: 'assign', time: end(), name: 'g', handles: Uint32Array.of(5) }]),
      12,
      'names nobody known',
    ],
    'somebody leaving where they never were': () => [
      forged([
        ...records,
        { kind: 'join', time: end(), name: 'p', handles: Uint32Array.of(0) },
        { kind: 'leave', time: end(), name: 'p', handles: Uint32Array.of(1) },
      ]),
      13,
      'membership',
    ],
    'a policy that counts in another currency': () => [
      forged([
        ...records,
        { kind: 'policy', time: end(), policy: { ...policy, currency: 'zcdp' } },
      ]),
      12,
      'currency',
    ],
    'a policy that begins to renew': () => [
      forged([
        ...records,
        {
          kind: 'policy',
          time: end(),
          policy: { ...policy, epoch: { kind: 'calendar', length: 'P1M', timeField: 'time' } },
        },
      ]),
      12,
      'epoch',
    ],
    'a group that the policy does not know': () => [
      forged([...records, { kind: 'assign', time: end(), name: 'g', handles: Uint32Array.of(0) }]),
      12,
      'does not know the group',
    ],
    'accounts without a page': () => [
      changing(1, { size: 2 ** 28 }),
      1,
      'does not vouch for the identity page',
    ],
    'an erasure without a page': () => [
      forged([...records, { kind: 'erase', time: end(), handles: Uint32Array.of(0), pages: [] }]),
      12,
      'does not vouch for the identity page',
    ],
    "terms in a currency that is not the policy's": () => [
      changing(0, { currency: 'zcdp' }),
      0,
      'currency is not',
    ],
    'a snapshot of other balances': () => [
      forged([...records, { kind: 'snapshot', time: end(), digest: new Uint8Array(32) }]),
      12,
      'snapshot',
    ],
    'no terms at the beginning': () => [forged(records.slice(1)), 0, 'terms of the budget first'],
    'new terms later on': () => [
      forged([...records, records[0] as LogRecord]),
      12,
      'its time is before|terms of the budget first',
    ],
    'another kind of entry': () => [forge([...bodies(), encodeCanonical([99, end(), 0])]), 12, ''],
    'a field too many': () => {
      const fields = decodeCanonical(bodies()[4] as Uint8Array) as unknown[];
      const forgedBodies = bodies(4, encodeCanonical([...fields, 1]));
      return [forge(forgedBodies), 4, ''];
    },
  };

  it.each(Object.entries(cases))('%s', async (_, make) => {
    const [log, seq, reason] = make();
    const { ok, problems } = await verifyStore(new DurableLog(log, pages));
    expect(ok).toBe(false);
    expect(problems[0]).toMatch(new RegExp(`^entry ${seq} of the budget log: .*(${reason})`));
  });
});

describe('names what is outside the chain', () => {
  const problemsWith = async (changed: readonly IdentityPage[]): Promise<readonly string[]> =>
    (await verifyStore(new MemoryBudgetStore(honest, changed))).problems;

  it('a page that was altered', async () => {
    const [page] = pages as [IdentityPage];
    const bytes = page.bytes.slice();
    bytes[20] = (bytes[20] as number) ^ 1;
    expect(await problemsWith([{ ...page, bytes }])).toEqual([
      expect.stringMatching(/^identity page 0 of the budget: .*altered/),
    ]);
  });

  it('a page that is gone, and one too many', async () => {
    expect(await problemsWith([])).toEqual(['identity page 0 of the budget: it is missing']);
    const stranger = { page: 7, bytes: new Uint8Array(32) };
    expect(await problemsWith([...pages, stranger])).toEqual([
      expect.stringMatching(/^identity page 7 of the budget/),
    ]);
  });

  it('a snapshot that the log does not speak of', async () => {
    const store = new MemoryBudgetStore(honest, pages);
    await store.saveSnapshot({ seq: 5, bytes: Uint8Array.of(1) });
    const { problems } = await verifyStore(store);
    expect(problems).toEqual([expect.stringMatching(/^the kept snapshot of entry 5/)]);
  });
});

describe('opening a log', () => {
  const opening = (log: readonly ChainEntry[]): Promise<unknown> =>
    openBudget({ ...terms, store: new MemoryBudgetStore(log, pages), secrets });

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
    await expect(opening(changing(4, { reservation: 99 }))).rejects.toMatchObject({
      code: 'dp/budget-corrupt',
      details: { seq: 4 },
    });
    await expect(opening(forge([encodeCanonical([99, 0])]))).rejects.toMatchObject({
      code: 'dp/budget-corrupt',
      details: { seq: 0 },
    });
  });

  it('refuses other secrets', async () => {
    const store = new MemoryBudgetStore(honest, pages);
    const other = [new Uint8Array(32).fill(2)];
    await expect(openBudget({ ...terms, store, secrets: other })).rejects.toMatchObject({
      code: 'dp/budget-corrupt',
    });
  });
});
