import { describe, expect, it } from 'vitest';
import {
  type ConsentGrant,
  ConsentLedger,
  type ConsentScope,
  type ConsentUse,
  validateSchema,
} from '../../src/profile/index.ts';
import { DAY, KEY, newLedger, richSchema, richSchemaJson, START, TestClock } from './fixtures.ts';

const INVALID = expect.objectContaining({ code: 'profile/invalid-consent' });
const FOOD = { tier: 'enhanced', scene: 'live-food' } as const satisfies ConsentScope;
const TERMS = {
  purposes: ['recommendation'],
  controller: 'platform',
  expiresAt: START + 100 * DAY,
} as const;
const WATCH: ConsentUse = {
  kind: 'watch-time',
  scene: 'live-food',
  purpose: 'recommendation',
  at: START + DAY,
};

function ledger(): ConsentLedger {
  return newLedger(new TestClock(), { schema: richSchema });
}

function reason(of: ConsentLedger, use: ConsentUse): string {
  const decision = of.decide(use);
  return decision.permitted ? 'permitted' : decision.reason;
}

describe('passing data on', () => {
  it('needs the recipient to be declared, named and agreed to', () => {
    const consent = ledger();
    consent.grant({ scope: FOOD, ...TERMS });
    expect(reason(consent, WATCH)).toBe('permitted');
    expect(reason(consent, { ...WATCH, recipient: 'merchant' })).toBe('recipient-not-agreed');
    expect(reason(consent, { ...WATCH, recipient: 'agency' })).toBe('recipient-not-declared');
    expect(reason(consent, { ...WATCH, recipient: '__proto__' })).toBe('recipient-not-declared');
    consent.grant({ scope: FOOD, ...TERMS, recipients: ['merchant'] });
    expect(reason(consent, { ...WATCH, recipient: 'merchant' })).toBe('permitted');
    const apart = ledger();
    apart.grant({ scope: FOOD, ...TERMS });
    apart.grant({ scope: { ...FOOD, recipient: 'merchant' }, ...TERMS });
    expect(reason(apart, { ...WATCH, recipient: 'merchant' })).toBe('permitted');
  });

  it.each(['widget', 'cloud'])('needs an act of its own for %s', (recipient) => {
    const consent = ledger();
    expect(() => consent.grant({ scope: FOOD, ...TERMS, recipients: [recipient] })).toThrow(
      INVALID,
    );
    expect(() =>
      consent.grant({ scope: FOOD, ...TERMS, recipients: ['merchant', recipient] }),
    ).toThrow(INVALID);
    consent.grant({ scope: FOOD, ...TERMS });
    expect(reason(consent, { ...WATCH, recipient })).toBe('consent-missing');
    const receipt = consent.grant({ scope: { ...FOOD, recipient }, ...TERMS });
    expect(receipt).toMatchObject({ recipients: [recipient], controller: 'platform' });
    expect(reason(consent, { ...WATCH, recipient })).toBe('permitted');
    const other = recipient === 'widget' ? 'cloud' : 'widget';
    expect(reason(consent, { ...WATCH, recipient: other })).toBe('consent-missing');
    consent.withdraw({ ...FOOD, recipient });
    expect(reason(consent, { ...WATCH, recipient })).toBe('consent-withdrawn');
    expect(reason(consent, WATCH)).toBe('permitted');
  });

  it('ends with the first of the two consents that it rests on', () => {
    for (const [own, apart] of [
      [50, 100],
      [100, 50],
    ] as const) {
      const consent = ledger();
      const scope = { ...FOOD, recipient: 'widget' };
      consent.grant({ scope: FOOD, ...TERMS, expiresAt: START + own * DAY });
      consent.grant({ scope, ...TERMS, expiresAt: START + apart * DAY });
      expect(consent.decide({ ...WATCH, recipient: 'widget' })).toMatchObject({
        until: START + 50 * DAY,
      });
    }
  });

  it('begins with the later of them', () => {
    const clock = new TestClock();
    const consent = newLedger(clock, { schema: richSchema });
    consent.grant({ scope: { ...FOOD, recipient: 'widget' }, ...TERMS });
    clock.time = START + DAY;
    consent.grant({ scope: FOOD, ...TERMS });
    expect(consent.decide({ ...WATCH, recipient: 'widget' })).toMatchObject({
      since: START + DAY,
    });
  });

  it('ends with the consent for the data itself', () => {
    const consent = ledger();
    consent.grant({ scope: { ...FOOD, recipient: 'widget' }, ...TERMS });
    expect(reason(consent, { ...WATCH, recipient: 'widget' })).toBe('consent-missing');
    consent.grant({ scope: FOOD, ...TERMS });
    consent.withdraw(FOOD);
    expect(reason(consent, { ...WATCH, recipient: 'widget' })).toBe('consent-withdrawn');
    // Agreeing to the one again is not agreeing to the other again.
    consent.grant({ scope: FOOD, ...TERMS });
    expect(reason(consent, WATCH)).toBe('permitted');
    expect(reason(consent, { ...WATCH, recipient: 'widget' })).toBe('consent-withdrawn');
  });

  it('is not part of the service agreement either', () => {
    const consent = ledger();
    const paying = { ...WATCH, kind: 'payment', recipient: 'widget' };
    consent.grant({ scope: { tier: 'essential' }, ...TERMS, recipients: ['agency'] });
    expect(reason(consent, { ...paying, recipient: 'agency' })).toBe('permitted');
    expect(reason(consent, paying)).toBe('consent-missing');
  });

  it('is refused for data that must stay on the device', () => {
    const json = structuredClone(richSchemaJson());
    Object.assign(json.kinds['social-graph']!, { recipients: ['merchant'] });
    const consent = newLedger(new TestClock(), { schema: validateSchema(json) });
    const scope = {
      tier: 'restricted',
      scene: 'live-beauty',
      kind: 'social-graph',
      explicit: true,
    } as const;
    consent.grant({ scope, ...TERMS, recipients: ['merchant'] });
    const use = { ...WATCH, kind: 'social-graph', scene: 'live-beauty' };
    expect(reason(consent, use)).toBe('permitted');
    expect(reason(consent, { ...use, recipient: 'merchant' })).toBe('on-device-only');
  });

  const refused: [string, ConsentScope, readonly string[]][] = [
    ['nobody declared', { ...FOOD, recipient: 'broker' }, []],
    ['a controller', { ...FOOD, recipient: 'platform' }, []],
    ['an inherited name', { ...FOOD, recipient: 'toString' }, []],
    ['another one besides', { ...FOOD, recipient: 'widget' }, ['merchant']],
    ['one that the data does not go to', FOOD, ['agency']],
  ];
  it.each(refused)('cannot be agreed to for %s', (_, scope, recipients) => {
    const consent = ledger();
    expect(() => consent.grant({ scope, ...TERMS, recipients })).toThrow(INVALID);
    expect(consent.revision).toBe(0);
  });
});

describe('consent by controller', () => {
  const json = structuredClone(richSchemaJson());
  Object.assign(json.parties, { partner: { role: 'controller', type: 'plugin' } });
  Object.assign(json.kinds, {
    emoji: { ...json.kinds['comment'], controller: 'partner', derivedFrom: undefined },
  });
  Reflect.deleteProperty(json.kinds['emoji']!, 'derivedFrom');
  const schema = validateSchema(json);

  it('is separate: that of the platform does not cover a plugin', () => {
    const consent = newLedger(new TestClock(), { schema });
    const emoji = { ...WATCH, kind: 'emoji' };
    consent.grant({ scope: FOOD, ...TERMS });
    expect(reason(consent, emoji)).toBe('other-controller');
    consent.grant({ scope: FOOD, ...TERMS, controller: 'partner' });
    expect(reason(consent, emoji)).toBe('permitted');
    expect(reason(consent, WATCH)).toBe('permitted');
    consent.withdraw(FOOD);
    expect([reason(consent, emoji), reason(consent, WATCH)]).toEqual([
      'consent-withdrawn',
      'consent-withdrawn',
    ]);
  });
});

describe('a schema that changes', () => {
  const grant: ConsentGrant = { scope: FOOD, ...TERMS };
  const following = (change: (json: ReturnType<typeof richSchemaJson>) => void): string => {
    const old = ledger();
    old.grant(grant);
    const json = structuredClone(richSchemaJson());
    change(json);
    const options = { schema: validateSchema(json), person: 'u1', key: KEY, noticeVersion: 3 };
    return reason(ConsentLedger.restore(options, old.receipts(), old.head), WATCH);
  };

  it('ends consent to what it did not say then, without a new version', () => {
    expect(following(() => {})).toBe('permitted');
    expect(following((j) => (j.kinds['watch-time']!['retention'] = 'P91D'))).toBe(
      'notice-outdated',
    );
    expect(following((j) => (j.kinds['watch-time']!['recipients'] = ['merchant']))).toBe(
      'notice-outdated',
    );
    expect(
      following((j) => Object.assign(j.parties, { merchant: { role: 'recipient', abroad: true } })),
    ).toBe('notice-outdated');
    expect(following((j) => Object.assign(j.kinds, { dwell: j.kinds['watch-time'] }))).toBe(
      'notice-outdated',
    );
    expect(
      following((j) =>
        Object.assign(j.tags, { tea: { ...j.tags['kitchen'], from: ['watch-time'] } }),
      ),
    ).toBe('notice-outdated');
  });

  it('leaves it alone where nothing changed for the person', () => {
    expect(following((j) => (j.kinds['order']!['retention'] = 'P3Y'))).toBe('permitted');
    expect(following((j) => (j.kinds['watch-time']!['reviewBy'] = '2027-05-30'))).toBe('permitted');
    expect(
      following((j) => {
        j.kinds = Object.fromEntries(Object.entries(j.kinds).reverse());
      }),
    ).toBe('permitted');
  });
});
