import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CollectionGate,
  ConsentLedger,
  type ConsentScope,
  ReceivedConsent,
  SESSION_CHOICES,
  signReceipts,
  validateSchema,
} from '../../src/profile/index.ts';
import {
  DAY,
  grantAll,
  KEY,
  newLedger,
  order,
  START,
  schemaJson,
  TestClock,
  watching,
} from './fixtures.ts';

const schema = validateSchema({
  ...schemaJson(),
  riskRules: [
    { kinds: ['social-graph'], scenes: ['live-beauty'], obligations: ['session-consent'] },
  ],
});
const SCOPES: readonly ConsentScope[] = [
  { tier: 'essential' },
  { tier: 'enhanced', scene: 'live-food' },
  { tier: 'enhanced', scene: 'live-beauty' },
  { tier: 'restricted', scene: 'live-beauty', kind: 'social-graph', explicit: true },
];
const EVENTS = [
  order(),
  order({ kind: 'face' }),
  watching(),
  watching({ kind: 'social-graph', tag: 'friends' }),
];

const minor = new WeakMap<ConsentLedger, boolean>();
type Act = (ledger: ConsentLedger, clock: TestClock) => void;
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.constantFrom(...SCOPES).map(
    (scope): Act =>
      (ledger) => {
        const grant = (): unknown =>
          ledger.grant({
            scope,
            purposes: ['recommendation'],
            controller: 'platform',
            expiresAt: START + 1000 * DAY,
          });
        // A minor agrees to the essential only.
        if (scope.tier !== 'essential' && minor.get(ledger) === true) expect(grant).toThrow();
        else grant();
      },
  ),
  fc.boolean().map(
    (on): Act =>
      (ledger) => {
        ledger.setMinorsMode(on);
        minor.set(ledger, on);
      },
  ),
  fc.tuple(fc.constantFrom('live-food', 'live-beauty'), fc.constantFrom(...SESSION_CHOICES)).map(
    ([scene, choice]): Act =>
      (ledger) =>
        choice === 'ended' ? ledger.endSession(scene) : ledger.beginSession(scene, choice),
  ),
  fc.constantFrom(...SCOPES).map(
    (scope): Act =>
      (ledger) =>
        ledger.ask(scope, 'platform'),
  ),
  fc.constantFrom(...SCOPES).map(
    (scope): Act =>
      (ledger) =>
        ledger.withdraw(scope),
  ),
  fc.constant<Act>((ledger) => ledger.optOut('recommendation')),
  fc.constant<Act>((ledger) => ledger.optIn('recommendation')),
  fc.tuple(fc.constantFrom('live-food', 'live-beauty'), fc.boolean()).map(
    ([scene, on]): Act =>
      (ledger) =>
        ledger.setWatchOnly(scene, on),
  ),
  // Forwards and backwards alike.
  fc.integer({ min: -30, max: 30 }).map(
    (days): Act =>
      (_, clock) => {
        clock.time += days * DAY;
      },
  ),
);

describe('consent over any history', () => {
  it('is the same where it was received', async () => {
    const signer = { publicKey: new Uint8Array(32), sign: () => new Uint8Array(64) };
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 25 }), async (acts) => {
        const clock = new TestClock();
        const ledger = newLedger(clock, { schema });
        const received = new ReceivedConsent({
          schema,
          person: 'u1',
          publicKey: signer.publicKey,
          verify: () => true,
          noticeVersion: 3,
          freshFor: 'P999Y',
          clock: () => ledger.now(),
        });
        for (const apply of acts) {
          apply(ledger, clock);
          const shown = await signReceipts(ledger.receipts().slice(-1), ledger.now(), signer);
          if (ledger.revision > 0) await received.accept(shown);
          for (const { kind, scene } of EVENTS) {
            const use = { kind, scene, purpose: 'recommendation', at: ledger.now() } as const;
            expect(received.decide(use)).toEqual(ledger.decide(use));
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is the same after export and restore', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 25 }), (acts) => {
        const clock = new TestClock();
        const ledger = newLedger(clock, { schema });
        for (const apply of acts) apply(ledger, clock);
        const options = { schema, person: 'u1', key: KEY, noticeVersion: 3 };
        const restored = ConsentLedger.restore(
          options,
          JSON.parse(JSON.stringify(ledger.receipts())),
          ledger.head,
        );
        for (const { kind, scene } of EVENTS) {
          const use = { kind, scene, purpose: 'recommendation', at: clock.time } as const;
          expect(restored.decide(use)).toEqual(ledger.decide(use));
        }
      }),
      { numRuns: 150 },
    );
  });

  it('lets the gate admit exactly what the ledger permits, cached or not', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 25 }), (acts) => {
        const clock = new TestClock();
        const ledger = newLedger(clock, { schema });
        grantAll(ledger);
        const gate = new CollectionGate({
          consent: ledger,
          purpose: 'recommendation',
          collect: () => {},
        });
        for (const apply of acts) {
          apply(ledger, clock);
          for (const event of EVENTS) {
            const at = ledger.now();
            const { kind, scene } = event;
            const now = ledger.decide({ kind, scene, purpose: 'recommendation', at });
            const decision = gate.offer({ ...event, time: at });
            if (!now.permitted) expect(decision).toBe(now.reason);
            else if (at < now.since) expect(decision).toBe('before-consent');
            else expect(decision).toBe('admitted');
          }
        }
      }),
      { numRuns: 150 },
    );
  });
});
