import { describe, expect, it } from 'vitest';
import {
  type ConsentGrant,
  ConsentLedger,
  type ConsentReceipt,
  type ConsentUse,
} from '../../src/profile/index.ts';
import {
  DAY,
  grantAll,
  HOSTILE_NAMES,
  KEY,
  newLedger,
  START,
  schema,
  TestClock,
} from './fixtures.ts';

const INVALID = expect.objectContaining({ code: 'profile/invalid-consent' });
const ORDER: ConsentUse = {
  kind: 'order',
  scene: 'live-food',
  purpose: 'recommendation',
  at: START + DAY,
};
const WATCH: ConsentUse = { ...ORDER, kind: 'watch-time' };
const FRIENDS: ConsentUse = { ...ORDER, kind: 'social-graph' };
const TERMS = {
  purposes: ['recommendation'],
  controller: 'platform',
  expiresAt: START + 30 * DAY,
} as const;
const FOOD = { tier: 'enhanced', scene: 'live-food' } as const;
const OPTIONS = { schema, person: 'u1', key: KEY, noticeVersion: 3, clock: () => START };

function reason(ledger: ConsentLedger, use: ConsentUse): string {
  const decision = ledger.decide(use);
  return decision.permitted ? 'permitted' : decision.reason;
}

describe('consent by tier', () => {
  it('starts with nothing', () => {
    const ledger = newLedger();
    for (const use of [ORDER, WATCH, FRIENDS]) expect(reason(ledger, use)).toBe('consent-missing');
    expect(() => ledger.require(ORDER)).toThrow(
      expect.objectContaining({ code: 'profile/consent-missing' }),
    );
  });

  it('covers essential data everywhere under the service agreement, and nothing else by it', () => {
    const ledger = newLedger();
    ledger.grant({ scope: { tier: 'essential' }, ...TERMS });
    expect(ledger.permits(ORDER)).toBe(true);
    expect(ledger.permits({ ...ORDER, scene: 'live-beauty' })).toBe(true);
    expect(ledger.permits(WATCH)).toBe(false);
    expect(ledger.permits(FRIENDS)).toBe(false);
    expect(() => ledger.require(ORDER)).not.toThrow();
  });

  it('covers enhanced data in the one scene agreed to', () => {
    const ledger = newLedger();
    ledger.grant({ scope: FOOD, ...TERMS });
    expect(ledger.permits(WATCH)).toBe(true);
    expect(ledger.permits({ ...WATCH, scene: 'live-beauty' })).toBe(false);
    expect(ledger.permits(ORDER)).toBe(false);
    expect(ledger.permits(FRIENDS)).toBe(false);
  });

  it('covers restricted data by the item, and only when explicit', () => {
    const ledger = newLedger();
    const scope = {
      tier: 'restricted',
      scene: 'live-food',
      kind: 'social-graph',
      explicit: true,
    } as const;
    const implicit = { ...scope, explicit: false } as unknown as ConsentGrant['scope'];
    expect(() => ledger.grant({ scope: implicit, ...TERMS })).toThrow(INVALID);
    ledger.grant({ scope, ...TERMS });
    expect(ledger.permits(FRIENDS)).toBe(true);
    expect(ledger.permits({ ...FRIENDS, scene: 'live-beauty' })).toBe(false);
    expect(ledger.permits(WATCH)).toBe(false);
  });

  it('covers the purposes agreed to', () => {
    const ledger = newLedger();
    ledger.grant({ scope: { tier: 'essential' }, ...TERMS, purposes: ['order-fulfilment'] });
    expect(reason(ledger, ORDER)).toBe('purpose-not-agreed');
    expect(ledger.permits({ ...ORDER, purpose: 'order-fulfilment' })).toBe(true);
  });

  it('never covers what is undeclared or prohibited', () => {
    const ledger = newLedger();
    grantAll(ledger);
    expect(reason(ledger, { ...ORDER, kind: 'face' })).toBe('prohibited-kind');
    expect(reason(ledger, { ...ORDER, purpose: 'fraud-prevention' })).toBe('purpose-not-declared');
    for (const name of HOSTILE_NAMES) {
      expect(reason(ledger, { ...ORDER, kind: name })).toBe('undeclared-kind');
      expect(reason(ledger, { ...ORDER, scene: name })).toBe('undeclared-scene');
    }
  });
});

describe('granting', () => {
  const refused: [string, ConsentGrant][] = [
    ['an undeclared scene', { scope: { tier: 'enhanced', scene: '__proto__' }, ...TERMS }],
    [
      'an undeclared kind',
      {
        scope: { tier: 'restricted', scene: 'live-food', kind: 'constructor', explicit: true },
        ...TERMS,
      },
    ],
    [
      'a kind that is not restricted, by the item',
      {
        scope: { tier: 'restricted', scene: 'live-food', kind: 'order', explicit: true },
        ...TERMS,
      },
    ],
    ['an unknown tier', { scope: { tier: 'all' } as unknown as ConsentGrant['scope'], ...TERMS }],
    ['an undeclared purpose', { scope: FOOD, ...TERMS, purposes: ['advertising'] }],
    ['no purpose', { scope: FOOD, ...TERMS, purposes: [] }],
    ['a recipient', { scope: FOOD, ...TERMS, controller: 'merchant' }],
    ['nobody', { scope: FOOD, ...TERMS, controller: 'toString' }],
    ['the past', { scope: FOOD, ...TERMS, expiresAt: START }],
    ['for ever', { scope: FOOD, ...TERMS, expiresAt: Number.POSITIVE_INFINITY }],
  ];
  it.each(refused)('refuses %s and records nothing', (_, grant) => {
    const ledger = newLedger();
    expect(() => ledger.grant(grant)).toThrow(INVALID);
    expect(ledger.revision).toBe(0);
  });

  it('refuses a prohibited kind by its own code', () => {
    const scope = { tier: 'restricted', scene: 'live-food', kind: 'face', explicit: true } as const;
    expect(() => newLedger().grant({ scope, ...TERMS })).toThrow(
      expect.objectContaining({ code: 'profile/prohibited-kind' }),
    );
  });

  it('records an immutable receipt', () => {
    const purposes: ConsentGrant['purposes'] = ['recommendation'];
    const receipt = newLedger().grant({ scope: FOOD, ...TERMS, purposes });
    expect(receipt).toMatchObject({ act: 'grant', person: 'u1', serial: 0, time: START });
    expect(receipt.proof).toMatch(/^[0-9a-f]{64}$/);
    expect(Object.isFrozen(receipt)).toBe(true);
    (purposes as string[]).push('order-fulfilment');
    expect(receipt).toMatchObject({ purposes: ['recommendation'] });
  });

  it.each([
    { person: '' },
    { person: '\uD800' },
    { person: 'x'.repeat(257) },
    { key: new Uint8Array(31) },
    { noticeVersion: 0 },
    { noticeVersion: 1.5 },
  ])('refuses a ledger of %j', (options) => {
    expect(() => newLedger(new TestClock(), options)).toThrow(/expected/);
  });
});

describe('the end of consent', () => {
  it('comes by withdrawal, at once and whatever the clock says', () => {
    const clock = new TestClock();
    const ledger = newLedger(clock);
    grantAll(ledger);
    clock.time = START - 100 * DAY;
    ledger.withdraw(FOOD);
    for (const at of [START - 200 * DAY, START, START + DAY]) {
      expect(reason(ledger, { ...WATCH, at })).toBe('consent-withdrawn');
    }
    expect(ledger.permits(ORDER)).toBe(true);
    expect(ledger.permits({ ...WATCH, scene: 'live-beauty' })).toBe(true);
  });

  it('comes by expiry, to the millisecond', () => {
    const ledger = newLedger();
    ledger.grant({ scope: FOOD, ...TERMS });
    expect(ledger.permits({ ...WATCH, at: TERMS.expiresAt - 1 })).toBe(true);
    expect(reason(ledger, { ...WATCH, at: TERMS.expiresAt })).toBe('consent-expired');
  });

  it('is not undone by a clock set back before the newest act', () => {
    const clock = new TestClock();
    const ledger = newLedger(clock);
    ledger.grant({ scope: FOOD, ...TERMS });
    clock.time = TERMS.expiresAt;
    ledger.optIn('recommendation');
    expect(reason(ledger, { ...WATCH, at: START })).toBe('consent-expired');
  });

  it('comes with a new notice', () => {
    const ledger = newLedger();
    ledger.grant({ scope: FOOD, ...TERMS });
    const after = ConsentLedger.restore({ ...OPTIONS, noticeVersion: 4 }, ledger.receipts());
    expect(reason(after, WATCH)).toBe('notice-outdated');
    after.grant({ scope: FOOD, ...TERMS });
    expect(after.permits(WATCH)).toBe(true);
  });

  it('can be followed by a new beginning, which covers nothing from before it', () => {
    const clock = new TestClock();
    const ledger = newLedger(clock);
    grantAll(ledger);
    ledger.withdraw(FOOD);
    clock.time = START + 2 * DAY;
    ledger.grant({ scope: FOOD, ...TERMS });
    expect(ledger.decide({ ...WATCH, at: START + 3 * DAY })).toEqual({
      permitted: true,
      since: START + 2 * DAY,
      until: TERMS.expiresAt,
    });
  });

  it('wants to know when', () => {
    expect(() => newLedger().permits({ ...ORDER, at: Number.NaN })).toThrow(RangeError);
  });
});

describe('listeners', () => {
  it('are all told before the call returns, and cannot undo the act', () => {
    const ledger = newLedger();
    grantAll(ledger);
    const told: number[] = [];
    ledger.onChange(() => {
      throw new Error('the first one failed');
    });
    const stop = ledger.onChange(() => told.push(ledger.revision));
    expect(() => ledger.withdraw(FOOD)).toThrow('the first one failed');
    expect(told).toEqual([6]);
    expect(reason(ledger, WATCH)).toBe('consent-withdrawn');
    stop();
    expect(() => ledger.optOut('recommendation')).toThrow();
    expect(told).toEqual([6]);
  });
});

describe('opting out and watching only', () => {
  it('ends every use for a purpose, of every tier', () => {
    const ledger = newLedger();
    grantAll(ledger);
    ledger.optOut('recommendation');
    for (const use of [ORDER, WATCH, FRIENDS]) expect(reason(ledger, use)).toBe('opted-out');
    expect(ledger.hasOptedOut('recommendation')).toBe(true);
    expect(ledger.hasOptedOut('order-fulfilment')).toBe(false);
  });

  it('grants nothing when it is taken back, and what happened meanwhile stays outside', () => {
    const clock = new TestClock();
    const ledger = newLedger(clock);
    ledger.grant({ scope: { tier: 'essential' }, ...TERMS });
    ledger.optOut('recommendation');
    clock.time = START + 5 * DAY;
    ledger.optIn('recommendation');
    expect(ledger.decide({ ...ORDER, at: START + 6 * DAY })).toMatchObject({
      since: START + 5 * DAY,
    });
    expect(reason(ledger, { ...WATCH, at: START + 6 * DAY })).toBe('consent-missing');
  });

  it('stops a scene, and that scene only', () => {
    const clock = new TestClock();
    const ledger = newLedger(clock);
    grantAll(ledger);
    ledger.setWatchOnly('live-food', true);
    for (const use of [ORDER, WATCH, FRIENDS]) expect(reason(ledger, use)).toBe('watch-only');
    expect(ledger.permits({ ...ORDER, scene: 'live-beauty' })).toBe(true);
    clock.time = START + DAY;
    ledger.setWatchOnly('live-food', false);
    expect(ledger.decide({ ...ORDER, at: START + DAY })).toMatchObject({ since: START + DAY });
  });

  it('is not fooled by a later grant', () => {
    const ledger = newLedger();
    ledger.optOut('recommendation');
    ledger.setWatchOnly('live-food', true);
    grantAll(ledger);
    expect(reason(ledger, ORDER)).toBe('opted-out');
    ledger.optIn('recommendation');
    expect(reason(ledger, ORDER)).toBe('watch-only');
  });

  it('wants a declared purpose and a declared scene', () => {
    const ledger = newLedger();
    expect(() => ledger.optOut('advertising')).toThrow(INVALID);
    expect(() => ledger.setWatchOnly('__proto__', true)).toThrow(INVALID);
    expect(() => ledger.withdraw({ tier: 'enhanced', scene: 'live-cars' })).toThrow(INVALID);
  });
});

describe('restoring a ledger', () => {
  function history(): readonly ConsentReceipt[] {
    const ledger = newLedger();
    grantAll(ledger);
    ledger.optOut('order-fulfilment');
    ledger.optIn('order-fulfilment');
    ledger.setWatchOnly('live-beauty', true);
    ledger.withdraw(FOOD);
    return ledger.receipts();
  }
  const receipts = history();
  const json = (): Record<string, unknown>[] => JSON.parse(JSON.stringify(receipts));

  it('gives back the same state from JSON', () => {
    const restored = ConsentLedger.restore(OPTIONS, json(), receipts.at(-1)?.proof);
    expect(restored.receipts()).toEqual(receipts);
    expect(reason(restored, WATCH)).toBe('consent-withdrawn');
    expect(reason(restored, { ...ORDER, scene: 'live-beauty' })).toBe('watch-only');
    expect(restored.permits(ORDER)).toBe(true);
    expect(restored.head).toBe(receipts.at(-1)?.proof);
  });

  it('finds every altered field', () => {
    const changes: ((list: Record<string, unknown>[]) => void)[] = [
      (list) => (list[0]!['expiresAt'] = START + 9999 * DAY),
      (list) => (list[0]!['purposes'] = ['recommendation', 'order-fulfilment']),
      (list) => (list[0]!['scope'] = { tier: 'enhanced', scene: 'live-food' }),
      (list) => (list[0]!['controller'] = 'merchant'),
      (list) => (list[0]!['noticeVersion'] = 4),
      (list) => (list[0]!['time'] = START - DAY),
      (list) => (list[0]!['serial'] = 1),
      (list) => (list[0]!['person'] = 'u2'),
      (list) => (list[0]!['proof'] = '0'.repeat(64)),
      (list) => (list[0]!['proof'] = 'zz'),
      (list) => (list[0]!['extra'] = true),
      (list) => (list[0]!['act'] = 'sell'),
      (list) => (list[1]!['scope'] = { tier: 'enhanced', scene: '\uD800' }),
      (list) => (list[5]!['act'] = 'opt-in'),
      (list) => (list[7]!['on'] = false),
      (list) => list.splice(3, 1),
      (list) => list.shift(),
      (list) => list.reverse(),
      (list) => list.push({ ...list[0]!, serial: list.length }),
      (list) => list.push(null as never),
      (list) => list.splice(0, 1, JSON.parse('{"__proto__": {"act": "grant"}}')),
    ];
    for (const change of changes) {
      const list = json();
      change(list);
      expect(() => ConsentLedger.restore(OPTIONS, list), change.toString()).toThrow(INVALID);
    }
  });

  it('refuses receipts made under another key or for another person', () => {
    const key = new Uint8Array(32).fill(8);
    expect(() => ConsentLedger.restore({ ...OPTIONS, key }, receipts)).toThrow(INVALID);
    expect(() => ConsentLedger.restore({ ...OPTIONS, person: 'u2' }, receipts)).toThrow(INVALID);
  });

  it('finds a withdrawal cut off the end when it knows the head', () => {
    const cut = receipts.slice(0, -1);
    expect(() => ConsentLedger.restore(OPTIONS, cut, receipts.at(-1)?.proof)).toThrow(INVALID);
    expect(ConsentLedger.restore(OPTIONS, cut).permits(WATCH)).toBe(true);
  });

  it('keeps time in order when the clock runs back', () => {
    const clock = new TestClock();
    const ledger = newLedger(clock);
    grantAll(ledger);
    clock.time = START - 50 * DAY;
    ledger.withdraw(FOOD);
    const times = ledger.receipts().map((receipt) => receipt.time);
    expect(times.every((time) => time === START)).toBe(true);
    expect(ConsentLedger.restore(OPTIONS, ledger.receipts()).head).toBe(ledger.head);
  });
});
