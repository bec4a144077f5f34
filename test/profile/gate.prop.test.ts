import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CollectedEvent,
  CollectionGate,
  GATE_REFUSALS,
  type OfferedEvent,
  type OfferedText,
  TextCounter,
} from '../../src/profile/index.ts';
import { DAY, grantAll, newLedger, START, schema, TestClock } from './fixtures.ts';

const DECISIONS: ReadonlySet<string> = new Set(['admitted', ...GATE_REFUSALS]);

/** Now and then the right value, so that some events get far. */
function field(...right: unknown[]): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...right) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
    { weight: 1, arbitrary: fc.anything({ withBigInt: true, withDate: true, withMap: true }) },
  );
}
const event = fc.record({
  user: field('u1'),
  time: field(START + DAY, START + DAY + 1),
  scene: field('live-food', 'live-food', 'live-beauty'),
  kind: field('order', 'order', 'order', 'watch-time', 'social-graph', 'face'),
  tag: field('kitchen', 'kitchen', 'baby', 'makeup', 'friends'),
  value: field(0, 1, 2.5),
  latitude: field(10),
  text: field('pan'),
  ip: fc.constant('192.0.2.7'),
});

/** The same object, but reading one of its members throws. */
function withTrap(object: object, trap: string): object {
  return new Proxy(object, {
    get(target, key) {
      if (key === trap) throw new Error('no');
      return Reflect.get(target, key);
    },
  });
}
const offered = fc.oneof(
  { weight: 8, arbitrary: event },
  { weight: 1, arbitrary: fc.anything({ withNullPrototype: true }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(event, fc.constantFrom('user', 'kind', 'value', 'latitude', 'text'))
      .map(([object, trap]) => withTrap(object, trap)),
  },
);

describe('a gate, whatever it is offered', () => {
  it('decides, and passes six declared fields or nothing', () => {
    let passed = 0;
    fc.assert(
      fc.property(fc.array(offered, { maxLength: 8 }), (list) => {
        const clock = new TestClock();
        const consent = newLedger(clock);
        grantAll(consent);
        clock.time = START + 2 * DAY;
        const collected: CollectedEvent[] = [];
        const gate = new CollectionGate({
          consent,
          purpose: 'recommendation',
          collect: (one) => collected.push(one),
          text: new TextCounter({ kitchen: ['pan'] }, 1),
          deIdentify: {
            pseudonym: () => 'name',
            timeStepMs: 60_000,
            placeStepDegrees: 1,
            isCommon: () => true,
          },
        });
        let decided = 0;
        for (const one of list) {
          expect(DECISIONS).toContain(gate.offer(one as OfferedEvent));
          expect(DECISIONS).toContain(gate.offerText(one as OfferedText));
          decided += 2;
        }
        const dropped = [...gate.refusals().values()].reduce((sum, count) => sum + count, 0);
        expect(gate.admitted + dropped).toBe(decided);
        expect(gate.admitted).toBe(collected.length);
        passed += collected.length;
        for (const one of collected) {
          expect(Object.keys(one)).toEqual(['user', 'time', 'scene', 'kind', 'tag', 'value']);
          expect(one.user).toBe('name');
          const tag = schema.tags[one.tag];
          expect(tag?.from).toContain(one.kind);
          expect(tag?.scenes).toContain(one.scene);
          expect(one.time % 60_000).toBe(0);
        }
      }),
      { numRuns: 300 },
    );
    // About 100: too few would mean that nothing was tried.
    expect(passed).toBeGreaterThan(5);
  });
});
