import fc from 'fast-check';
import type { LogRecord, PageDigest } from '../../../src/dp/budget/log-record.ts';
import type { BudgetPolicy } from '../../../src/dp/budget/policy.ts';
import { PAGE_ACCOUNTS } from '../../../src/dp/budget/store.ts';
import type { Plan } from '../../../src/dp/plan.ts';

type Kind = LogRecord['kind'];
type Of<K extends Kind, R = LogRecord> = R extends { readonly kind: infer L }
  ? K extends L
    ? R
    : never
  : never;
/** One arbitrary for every kind, and one for every field: a record that grows a field does not compile. */
type Arbitraries = {
  readonly [K in Kind]: { readonly [F in keyof Omit<Of<K>, 'kind'>]-?: fc.Arbitrary<Of<K>[F]> };
};

const time = fc.oneof(
  fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 }),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -1, Number.MIN_SAFE_INTEGER),
);
const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('feed', '\uFEFFfeed', '\0', '水'.repeat(40), 'k'.repeat(300)),
);
const text = anyText.filter((value) => value !== '');
const units = fc.oneof(fc.nat(100), fc.maxSafeNat(), fc.constantFrom(2 ** 32, 2 ** 53));
const count = fc.oneof(fc.nat(30), fc.nat(), fc.constantFrom(0, 2 ** 32));
const handles = fc
  .oneof(
    fc.uniqueArray(fc.nat(2 ** 32 - 1), { minLength: 1, maxLength: 30 }),
    fc.uniqueArray(fc.nat(200), { minLength: 1, maxLength: 150, size: 'max' }),
  )
  .map((list) => Uint32Array.from(list).sort());
const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });
const keyCheck = fc.uint8Array({ minLength: 16, maxLength: 16 });
const pages: fc.Arbitrary<readonly PageDigest[]> = fc
  .uniqueArray(fc.record({ page: fc.nat(2 ** 32 / PAGE_ACCOUNTS - 1), digest }), {
    maxLength: 6,
    selector: ({ page }) => page,
  })
  .map((list) => list.sort((a, b) => a.page - b.page));
const amount = fc.oneof(
  fc.double({ min: 0, noNaN: true }).map((x) => (x === 0 ? 0 : x)),
  fc.maxSafeNat(),
  fc.constant(Number.POSITIVE_INFINITY),
);

const epsilon = fc.record({ epsilon: fc.double({ min: 0, max: 20, noNaN: true }).map(Math.abs) });
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).map((x) => `s-${x}`);
const policy: fc.Arbitrary<BudgetPolicy> = fc.record(
  {
    version: fc.constant(1 as const),
    currency: fc.constantFrom('auto' as const, 'gdp' as const, 'zcdp' as const),
    delta: fc.constantFrom(1e-6, 0.001, 2 ** -40),
    user: epsilon,
    scenes: fc.dictionary(
      name,
      fc.record(
        {
          perUser: epsilon,
          worstCase: epsilon,
          maxReleases: fc.nat(),
          minAggregationInterval: fc.constantFrom('PT1H', 'P1D'),
        },
        { requiredKeys: [] },
      ),
      { minKeys: 1, maxKeys: 3, noNullPrototype: true },
    ),
    models: fc.dictionary(name, epsilon, { maxKeys: 3, noNullPrototype: true }),
    groups: fc.dictionary(name, fc.record({ user: epsilon }), {
      maxKeys: 3,
      noNullPrototype: true,
    }),
    epoch: fc.constant({ kind: 'calendar', length: 'P1M', timeField: 'time' } as const),
    reservationLease: fc.constantFrom('PT10M', 'PT30S'),
  },
  { requiredKeys: ['version', 'currency', 'delta', 'user', 'scenes', 'reservationLease'] },
);

const positive = fc.double({ min: 2 ** -20, max: 2 ** 60, noNaN: true });
const plan: fc.Arbitrary<Plan> = fc.record({
  unit: fc.constantFrom('user' as const, 'example' as const),
  relation: fc.constantFrom('add-or-remove-one-user' as const, 'zero-out-one-user' as const),
  event: fc.letrec<{ event: Plan['event'] }>((tie) => ({
    event: fc.oneof(
      { maxDepth: 3 },
      fc.record({ kind: fc.constant('gaussian' as const), noiseMultiplier: positive }),
      fc.record({ kind: fc.constant('zcdp' as const), rho: positive }),
      fc.record({
        kind: fc.constant('repeated' as const),
        count: fc.integer({ min: 1, max: 2 ** 40 }),
        event: tie('event'),
      }),
      fc.record({
        kind: fc.constant('composed' as const),
        events: fc.array(tie('event'), { minLength: 1, maxLength: 3 }),
      }),
    ),
  })).event,
});

const membership = { time, name: text, handles };
const erasure = { time, handles, pages };
const closing = { time, reservation: fc.maxSafeNat() };

const ARBITRARIES: Arbitraries = {
  open: {
    time,
    version: fc.constant(2 as const),
    policy,
    unit: fc.constantFrom('user' as const, 'example' as const),
    relation: fc.constantFrom('replace-one-user' as const, 'add-or-remove-one-user' as const),
    currency: fc.constantFrom('gdp' as const, 'zcdp' as const, 'rdp' as const),
    keyCheck,
  },
  policy: { time, policy },
  plan: { time, number: fc.maxSafeNat(), plan, cost: fc.array(units, { minLength: 1 }) },
  intern: { time, size: count, pages },
  rotate: { time, keyCheck, pages },
  erase: erasure,
  readmit: erasure,
  assign: { ...membership, name: anyText },
  join: membership,
  leave: membership,
  reserve: {
    time,
    scene: text,
    plan: fc.maxSafeNat(),
    deltaCost: units,
    handles: fc.constant(null),
    population: text,
    idempotencyKey: text,
    expiresAt: time,
    model: fc.option(text),
    epochs: fc.array(text, { maxLength: 4 }),
    insecure: fc.boolean(),
  },
  refuse: {
    time,
    scene: text,
    limit: fc.constantFrom(
      'user-total' as const,
      'user-scene' as const,
      'scene-worst-case' as const,
      'model' as const,
      'delta' as const,
      'max-releases' as const,
      'min-aggregation-interval' as const,
      'frozen' as const,
      'erased' as const,
    ),
    epoch: fc.option(text),
    count,
    blocked: fc.option(handles),
    spent: amount,
    asked: amount,
    allowed: amount,
    idempotencyKey: text,
    fingerprint: text,
  },
  commit: closing,
  release: closing,
  expire: closing,
  freeze: { time, scene: text },
  snapshot: { time, digest },
};

/** Every kind of entry. */
export const KINDS: readonly Kind[] = Object.keys(ARBITRARIES) as Kind[];

/** Valid records of one kind; reserves with handles and with a population. */
export function recordOf(kind: Kind): fc.Arbitrary<LogRecord> {
  const fields = ARBITRARIES[kind] as Record<string, fc.Arbitrary<unknown>>;
  const records = fc.record({ kind: fc.constant(kind), ...fields }) as fc.Arbitrary<LogRecord>;
  if (kind !== 'reserve') return records;
  return fc
    .tuple(records, fc.option(handles))
    .map(([record, some]) =>
      record.kind === 'reserve' && some !== null
        ? { ...record, handles: some, population: null }
        : record,
    );
}
