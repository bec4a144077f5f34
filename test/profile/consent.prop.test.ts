import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CollectionGate, ConsentLedger, type ConsentScope } from '../../src/profile/index.ts';
import {
  DAY,
  grantAll,
  KEY,
  newLedger,
  order,
  START,
  schema,
  TestClock,
  watching,
} from './fixtures.ts';

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

type Act = (ledger: ConsentLedger, clock: TestClock) => void;
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.constantFrom(...SCOPES).map(
    (scope): Act =>
      (ledger) =>
        ledger.grant({
          scope,
          purposes: ['recommendation'],
          controller: 'platform',
          expiresAt: START + 1000 * DAY,
        }),
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
  it('is the same after export and restore', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 25 }), (acts) => {
        const clock = new TestClock();
        const ledger = newLedger(clock);
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
      { numRuns: 60 },
    );
  });

  it('lets the gate admit exactly what the ledger permits, cached or not', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 25 }), (acts) => {
        const clock = new TestClock();
        const ledger = newLedger(clock);
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
      { numRuns: 60 },
    );
  });
});
