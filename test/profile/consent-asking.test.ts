import { describe, expect, it } from 'vitest';
import {
  CollectionGate,
  ConsentLedger,
  type ConsentScope,
  type ConsentUse,
  computeProfile,
  nonPersonalisedProfile,
  profileVector,
  SceneData,
  validateSchema,
} from '../../src/profile/index.ts';
import { NO_CHOICES } from '../../src/profile/store/tag-choices.ts';
import {
  DAY,
  grantAll,
  KEY,
  newLedger,
  order,
  richSchema,
  richSchemaJson,
  START,
  schema,
  TestClock,
  watching,
} from './fixtures.ts';

const INVALID = expect.objectContaining({ code: 'profile/invalid-consent' });
const ESSENTIAL = { tier: 'essential' } as const;
const FOOD = { tier: 'enhanced', scene: 'live-food' } as const satisfies ConsentScope;
const TERMS = {
  purposes: ['recommendation'],
  controller: 'platform',
  expiresAt: START + 300 * DAY,
} as const;
const ORDER: ConsentUse = {
  kind: 'order',
  scene: 'live-food',
  purpose: 'recommendation',
  at: START,
};

function reason(of: ConsentLedger, use: Partial<ConsentUse>): string {
  const decision = of.decide({ ...ORDER, at: of.now(), ...use });
  return decision.permitted ? 'permitted' : decision.reason;
}

describe('a notice', () => {
  it('tells first what, for what and to whom, then every kind by itself', () => {
    const question = newLedger(new TestClock(), { schema: richSchema }).ask(FOOD, 'platform');
    expect(question).toMatchObject({
      ask: true,
      notice: {
        version: 3,
        summary: {
          scope: FOOD,
          controller: 'platform',
          kinds: ['comment', 'watch-time'],
          purposes: ['advertising', 'recommendation'],
          recipients: [
            { name: 'cloud', type: 'payment', abroad: true },
            { name: 'merchant', type: 'merchant', abroad: false },
            { name: 'widget', type: 'plugin', abroad: false },
          ],
        },
        details: [
          { kind: 'comment', recipients: [], retention: 'P90D', legalBasis: 'consent', tags: [] },
          { kind: 'watch-time', source: 'first-party', sensitive: false },
        ],
      },
    });
  });

  it('is about one recipient where the consent is', () => {
    const scope = { ...FOOD, recipient: 'widget' };
    const question = newLedger(new TestClock(), { schema: richSchema }).ask(scope, 'platform');
    expect(question).toMatchObject({
      notice: { summary: { kinds: ['watch-time'], recipients: [{ name: 'widget' }] } },
    });
  });

  it('names the basis that the raised tier asks for', () => {
    const scope = {
      tier: 'restricted',
      scene: 'live-beauty',
      kind: 'watch-time',
      explicit: true,
    } as const;
    const question = newLedger(new TestClock(), { schema: richSchema }).ask(scope, 'platform');
    expect(question).toMatchObject({
      notice: { details: [{ legalBasis: 'explicit-consent', tags: ['makeup'] }] },
    });
  });
});

describe('asking', () => {
  it('is not repeated within the days of the policy, whether declined or not answered', () => {
    for (const answer of [(l: ConsentLedger) => l.withdraw(FOOD), () => {}]) {
      const clock = new TestClock();
      const ledger = newLedger(clock, { askAgainAfter: 'P14D' });
      expect(ledger.ask(FOOD, 'platform').ask).toBe(true);
      answer(ledger);
      const notBefore = START + 14 * DAY;
      clock.time = notBefore - 1;
      expect(ledger.ask(FOOD, 'platform')).toEqual({
        ask: false,
        reason: 'declined-recently',
        notBefore,
      });
      clock.time = notBefore;
      expect(ledger.ask(FOOD, 'platform').ask).toBe(true);
    }
  });

  it('is not repeated after a withdrawal, a restart or a clock set forth and back', () => {
    const clock = new TestClock();
    const ledger = newLedger(clock);
    ledger.grant({ scope: FOOD, ...TERMS });
    ledger.withdraw(FOOD);
    expect(ledger.ask(FOOD, 'platform')).toMatchObject({ reason: 'declined-recently' });
    clock.time = START - 400 * DAY;
    expect(ledger.ask(FOOD, 'platform')).toMatchObject({ reason: 'declined-recently' });
    const options = { schema, person: 'u1', key: KEY, noticeVersion: 3, clock: clock.read };
    const restarted = ConsentLedger.restore(options, ledger.receipts(), ledger.head);
    expect(restarted.ask(FOOD, 'platform')).toMatchObject({ reason: 'declined-recently' });
  });

  it('is not repeated while the answer holds, and is when it has run out', () => {
    const clock = new TestClock();
    const ledger = newLedger(clock);
    ledger.ask(FOOD, 'platform');
    // Sooner than somebody who declined would be asked again.
    const expiresAt = START + 10 * DAY;
    ledger.grant({ scope: FOOD, ...TERMS, expiresAt });
    expect(ledger.ask(FOOD, 'platform')).toMatchObject({ reason: 'already-agreed' });
    clock.time = expiresAt;
    expect(ledger.ask(FOOD, 'platform').ask).toBe(true);
  });

  it('does not keep the person from agreeing unasked', () => {
    const ledger = newLedger();
    ledger.withdraw(FOOD);
    ledger.grant({ scope: FOOD, ...TERMS });
    expect(reason(ledger, { kind: 'watch-time' })).toBe('permitted');
  });

  it('asks about one scope at a time, and one answer covers one', () => {
    const ledger = newLedger();
    ledger.ask(FOOD, 'platform');
    ledger.grant({ scope: FOOD, ...TERMS });
    expect(reason(ledger, {})).toBe('consent-missing');
    expect(reason(ledger, { kind: 'watch-time', scene: 'live-beauty' })).toBe('consent-missing');
    expect(reason(ledger, { kind: 'social-graph' })).toBe('consent-missing');
    const bundle = { ...FOOD, scene: ['live-food'] } as unknown as ConsentScope;
    expect(() => ledger.grant({ scope: bundle, ...TERMS })).toThrow(INVALID);
    const all = [FOOD, ESSENTIAL] as unknown as ConsentScope;
    expect(() => ledger.grant({ scope: all, ...TERMS })).toThrow(INVALID);
  });

  it('does not grant anything by itself, and wants declared names', () => {
    const ledger = newLedger();
    ledger.ask(ESSENTIAL, 'platform');
    expect(reason(ledger, {})).toBe('consent-missing');
    expect(() => ledger.ask({ tier: 'enhanced', scene: '__proto__' }, 'platform')).toThrow(INVALID);
    expect(() => ledger.ask(FOOD, 'merchant')).toThrow(INVALID);
    expect(ledger.ask({ ...FOOD, recipient: 'merchant' }, 'platform')).toMatchObject({
      reason: 'nothing-to-ask',
    });
    expect(() => newLedger(new TestClock(), { askAgainAfter: 'P0D' })).toThrow(RangeError);
  });
});

describe('a live session', () => {
  const BEAUTY = {
    tier: 'restricted',
    scene: 'live-beauty',
    kind: 'watch-time',
    explicit: true,
  } as const;
  const use = { kind: 'watch-time', scene: 'live-beauty' };

  it('begins before anything is collected where a rule asks for it', () => {
    const clock = new TestClock();
    const ledger = newLedger(clock, { schema: richSchema });
    ledger.grant({ scope: BEAUTY, ...TERMS });
    expect(reason(ledger, use)).toBe('session-not-begun');
    clock.time = START + DAY;
    ledger.beginSession('live-beauty', 'as-agreed');
    expect(ledger.decide({ ...ORDER, ...use, at: clock.time })).toMatchObject({
      since: START + DAY,
    });
    ledger.endSession('live-beauty');
    expect(reason(ledger, use)).toBe('session-not-begun');
  });

  it('is over after a day, though nobody ended it', () => {
    const clock = new TestClock();
    const ledger = newLedger(clock, { schema: richSchema });
    ledger.grant({ scope: BEAUTY, ...TERMS });
    ledger.beginSession('live-beauty', 'as-agreed');
    const at = START + DAY;
    expect(ledger.decide({ ...ORDER, ...use, at: at - 1 })).toMatchObject({ until: at });
    expect(ledger.decide({ ...ORDER, ...use, at })).toMatchObject({ reason: 'session-not-begun' });
  });

  it('that is only watched collects nothing, then or later, and ends by itself', () => {
    const clock = new TestClock();
    const ledger = newLedger(clock);
    grantAll(ledger);
    const gate = new CollectionGate({
      consent: ledger,
      purpose: 'recommendation',
      collect: () => {},
    });
    clock.time = START + DAY;
    ledger.beginSession('live-beauty', 'watch-only');
    expect(ledger.ask({ tier: 'enhanced', scene: 'live-beauty' }, 'platform')).toMatchObject({
      ask: false,
    });
    clock.time += 1000;
    expect(gate.offer(watching({ time: clock.time }))).toBe('watch-only');
    expect(gate.offer(order({ time: clock.time }))).toBe('admitted');
    const during = clock.time;
    clock.time += 1000;
    ledger.endSession('live-beauty');
    expect(gate.offer(watching({ time: during }))).toBe('before-consent');
    expect(gate.offer(watching({ time: clock.time }))).toBe('admitted');
  });

  it('begun as agreed does not lift a standing choice to watch only', () => {
    const ledger = newLedger();
    grantAll(ledger);
    ledger.setWatchOnly('live-beauty', true);
    ledger.beginSession('live-beauty', 'as-agreed');
    expect(reason(ledger, use)).toBe('watch-only');
  });

  it('wants a declared scene and a choice', () => {
    const ledger = newLedger();
    expect(() => ledger.beginSession('live-cars', 'as-agreed')).toThrow(INVALID);
    expect(() => ledger.endSession('toString')).toThrow(INVALID);
    expect(() => ledger.beginSession('live-food', 'ended' as 'watch-only')).toThrow(TypeError);
  });
});

describe("a minor's mode", () => {
  it('leaves the essential, and no profile made of it', () => {
    const ledger = newLedger();
    grantAll(ledger);
    ledger.grant({ scope: ESSENTIAL, ...TERMS, purposes: ['recommendation', 'order-fulfilment'] });
    ledger.setMinorsMode(true);
    expect(reason(ledger, {})).toBe('minors-mode');
    expect(reason(ledger, { purpose: 'order-fulfilment' })).toBe('permitted');
    expect(reason(ledger, { kind: 'watch-time' })).toBe('minors-mode');
    expect(reason(ledger, { kind: 'social-graph' })).toBe('minors-mode');
  });

  it('takes no consent to more, and asks for none', () => {
    const ledger = newLedger();
    ledger.setMinorsMode(true);
    expect(() => ledger.grant({ scope: FOOD, ...TERMS })).toThrow(INVALID);
    expect(ledger.ask(FOOD, 'platform')).toMatchObject({ ask: false, reason: 'minors-mode' });
    expect(() => ledger.grant({ scope: ESSENTIAL, ...TERMS })).not.toThrow();
  });

  it('keeps even the essential from a plugin', () => {
    const ledger = newLedger(new TestClock(), { schema: richSchema });
    const scope = { ...ESSENTIAL, recipient: 'widget' };
    const terms = { ...TERMS, purposes: ['order-fulfilment'] } as const;
    ledger.grant({ scope: ESSENTIAL, ...terms, recipients: ['agency'] });
    ledger.grant({ scope, ...terms });
    const use = { kind: 'payment', purpose: 'order-fulfilment' } as const;
    expect(reason(ledger, { ...use, recipient: 'widget' })).toBe('permitted');
    ledger.setMinorsMode(true);
    expect(reason(ledger, { ...use, recipient: 'widget' })).toBe('minors-mode');
    expect(reason(ledger, { ...use, recipient: 'agency' })).toBe('permitted');
    expect(() => ledger.grant({ scope, ...terms })).toThrow(INVALID);
    ledger.withdraw(scope);
    expect(ledger.ask(scope, 'platform')).toMatchObject({ ask: false, reason: 'minors-mode' });
  });

  it('keeps what happened in it outside when it ends', () => {
    const clock = new TestClock();
    const ledger = newLedger(clock);
    grantAll(ledger);
    ledger.setMinorsMode(true);
    clock.time = START + 10 * DAY;
    ledger.setMinorsMode(false);
    expect(ledger.decide({ ...ORDER, at: clock.time })).toMatchObject({ since: START + 10 * DAY });
  });

  it('is on for anything but a plain no', () => {
    const ledger = newLedger();
    grantAll(ledger);
    ledger.setMinorsMode(undefined as unknown as boolean);
    expect(reason(ledger, {})).toBe('minors-mode');
    ledger.setWatchOnly('live-food', 0 as unknown as boolean);
    expect(reason(ledger, { purpose: 'order-fulfilment' })).toBe('watch-only');
  });
});

describe('advertising', () => {
  it('is refused where a rule says so, even in a scene that shows it', () => {
    const json = structuredClone(richSchemaJson());
    json.riskRules.push({
      kinds: ['watch-time'],
      scenes: ['live-jewels'],
      obligations: ['no-advertising'],
    });
    const ledger = newLedger(new TestClock(), { schema: validateSchema(json) });
    const use = { kind: 'watch-time', scene: 'live-jewels' };
    expect(reason(ledger, { ...use, purpose: 'advertising' })).toBe('advertising-not-allowed');
    expect(reason(ledger, use)).toBe('session-not-begun');
  });

  it('uses nobody data where the scene does not show it directly', () => {
    const ledger = newLedger(new TestClock(), { schema: richSchema });
    ledger.grant({ scope: FOOD, ...TERMS, purposes: ['advertising'] });
    const use = { kind: 'watch-time', purpose: 'advertising' } as const;
    expect(reason(ledger, use)).toBe('advertising-not-allowed');
    expect(reason(ledger, { ...use, scene: 'live-beauty' })).toBe('advertising-not-allowed');
    const scope = {
      tier: 'restricted',
      scene: 'live-jewels',
      kind: 'watch-time',
      explicit: true,
    } as const;
    ledger.grant({ scope, ...TERMS, purposes: ['advertising'] });
    ledger.beginSession('live-jewels', 'as-agreed');
    expect(reason(ledger, { ...use, scene: 'live-jewels' })).toBe('permitted');
  });
});

describe('refusing everything but the essential', () => {
  it('still yields the list that everybody gets, in every scene', () => {
    const ledger = newLedger();
    ledger.grant({ scope: ESSENTIAL, ...TERMS, purposes: ['order-fulfilment'] });
    ledger.withdraw(FOOD);
    const popularity = [0.2, 0.7];
    const articles = [
      [1, 0],
      [0, 1],
      [0.4, 0.5],
    ];
    const listFor = (vector: ArrayLike<number>): number[] =>
      articles
        .map((article, i) => ({ i, score: article.reduce((sum, x, f) => sum + x * vector[f]!, 0) }))
        .sort((a, b) => b.score - a.score)
        .map(({ i }) => i);
    const tags = ['kitchen', 'baby'];
    const at = ledger.now();
    const everybody = nonPersonalisedProfile({ scene: 'live-food', purpose: 'recommendation', at });
    const profile = computeProfile({
      consent: ledger,
      model: {
        version: '1',
        scene: 'live-food',
        tags,
        predict: () => Float32Array.of(0.99, 0.01),
      },
      features: new SceneData('live-food', new Float32Array(2)),
      purpose: 'recommendation',
      choices: new SceneData('live-food', NO_CHOICES),
    });
    expect(profile.tags).toEqual([]);
    expect(listFor(profileVector(profile, tags, popularity))).toEqual(
      listFor(profileVector(everybody, tags, popularity)),
    );
    expect(listFor(popularity)).toEqual([1, 2, 0]);
  });
});
