import { describe, expect, it } from 'vitest';
import {
  CollectionGate,
  GateTally,
  type ProfileEvent,
  reviewFindings,
  validateSchema,
} from '../../src/profile/index.ts';
import {
  DAY,
  grantAll,
  HOSTILE_NAMES,
  newGate,
  newLedger,
  order,
  START,
  schemaJson,
  TestClock,
  watching,
} from './fixtures.ts';

function openGate(): ReturnType<typeof newGate> {
  const all = newGate();
  grantAll(all.ledger);
  all.clock.time = START + 2 * DAY;
  return all;
}

describe('CollectionGate', () => {
  it('admits nothing before anything was agreed to', () => {
    const { gate, collected, clock } = newGate();
    clock.time = START + 2 * DAY;
    expect(gate.offer(order())).toBe('consent-missing');
    expect(gate.offer(watching())).toBe('consent-missing');
    expect(collected).toEqual([]);
    expect(gate.admitted).toBe(0);
  });

  it('admits what is declared and agreed to', () => {
    const { gate, collected } = openGate();
    expect(gate.offer(order())).toBe('admitted');
    expect(gate.offer(watching())).toBe('admitted');
    expect(collected).toEqual([order(), watching()]);
    expect(gate.admitted).toBe(2);
    expect(gate.refusals().size).toBe(0);
  });

  it('passes the six fields and nothing that hangs on them', () => {
    const { gate, collected } = openGate();
    const rich = { ...order(), ip: '192.0.2.7', text: 'my address is …' };
    gate.offer(rich);
    expect(collected).toEqual([order()]);
    expect(collected[0]).not.toBe(rich);
  });

  const refused: [string, ProfileEvent][] = [
    ['other-person', order({ user: 'u2' })],
    ['undeclared-kind', order({ kind: 'location' })],
    ['prohibited-kind', order({ kind: 'face' })],
    ['undeclared-scene', order({ scene: 'live-cars' })],
    ['tag-not-allowed', order({ tag: 'sport' })],
    ['tag-not-allowed', order({ tag: 'makeup' })],
    ['tag-not-allowed', order({ scene: 'live-beauty' })],
    ['in-the-future', order({ time: START + 3 * DAY })],
    ['before-consent', order({ time: START - 1 })],
    ['malformed', order({ value: Number.NaN })],
    ['malformed', order({ value: Number.POSITIVE_INFINITY })],
    ['malformed', order({ value: -1 })],
    ['malformed', order({ time: Number.NaN })],
    ['malformed', order({ time: 1.5 })],
    ['malformed', order({ value: '3' as unknown as number })],
    ['malformed', order({ tag: ['kitchen'] as unknown as string })],
    ['malformed', null as unknown as ProfileEvent],
    ['malformed', 'event' as unknown as ProfileEvent],
    ['malformed', {} as ProfileEvent],
  ];
  it.each(refused)('drops as %s', (reason, event) => {
    const { gate, collected } = openGate();
    expect(gate.offer(event)).toBe(reason);
    expect(collected).toEqual([]);
    expect([...gate.refusals()]).toEqual([[reason, 1]]);
  });

  it('drops hostile names without keeping them', () => {
    const { gate, collected } = openGate();
    for (const name of HOSTILE_NAMES) {
      for (const field of ['kind', 'scene', 'tag', 'user'] as const) {
        expect(gate.offer(order({ [field]: name }))).not.toBe('admitted');
      }
    }
    expect(collected).toEqual([]);
    expect(JSON.stringify([...gate.refusals()])).not.toMatch(/proto|script|kkk/);
  });

  it('reads each field once', () => {
    const { gate, collected } = openGate();
    let reads = 0;
    const twoFaced = {
      ...order(),
      get scene() {
        reads += 1;
        return reads === 1 ? 'live-food' : 'live-beauty';
      },
    };
    expect(gate.offer(twoFaced)).toBe('admitted');
    expect(collected[0]?.scene).toBe('live-food');
    expect(reads).toBe(1);
  });

  it('collects for its own purpose only', () => {
    const { ledger } = openGate();
    const open = (purpose: 'order-fulfilment' | 'fraud-prevention'): CollectionGate =>
      new CollectionGate({
        consent: ledger,
        purpose,
        collect: () => {},
      });
    expect(open('fraud-prevention').offer(order())).toBe('purpose-not-declared');
    expect(open('order-fulfilment').offer(order())).toBe('purpose-not-agreed');
    expect(
      () => new CollectionGate({ consent: ledger, purpose: 'search', collect: () => {} }),
    ).toThrow(RangeError);
  });

  it('counts only what the collector took', () => {
    const { ledger } = openGate();
    const gate = new CollectionGate({
      consent: ledger,
      purpose: 'recommendation',
      collect: () => {
        throw new Error('the store is full');
      },
    });
    expect(() => gate.offer(order())).toThrow('the store is full');
    expect(gate.admitted).toBe(0);
  });
});

describe('the log of what was dropped', () => {
  it('tells the reason, and nothing of the event', () => {
    const { ledger } = openGate();
    const told: unknown[][] = [];
    const gate = new CollectionGate({
      consent: ledger,
      purpose: 'recommendation',
      collect: () => {},
      onRefusal: (...parts) => told.push(parts),
    });
    gate.offer(order());
    gate.offer(order({ kind: 'face' }));
    gate.offer(order({ tag: 'my-secret' }));
    expect(told).toEqual([['prohibited-kind'], ['tag-not-allowed']]);
  });

  it('is shared by gates that share a tally, one person each', () => {
    const tally = new GateTally();
    const open = (person: string): CollectionGate => {
      const ledger = newLedger(new TestClock(), { person });
      return new CollectionGate({
        consent: ledger,
        purpose: 'recommendation',
        collect: () => {},
        tally,
      });
    };
    const [first, second] = [open('u1'), open('u2')];
    expect(tally.persons).toBe(0);
    first.offer(order());
    first.offer(order());
    second.offer(order());
    expect([tally.persons, tally.admitted]).toEqual([2, 0]);
    expect([...tally.refusals()]).toEqual([
      ['other-person', 1],
      ['consent-missing', 2],
    ]);
    tally.reset();
    first.offer(order());
    expect([tally.persons, [...tally.refusals()]]).toEqual([1, [['consent-missing', 1]]]);
    expect([...first.refusals()]).toEqual([['consent-missing', 3]]);
  });
});

describe('changes of mind act on the next event', () => {
  it('opting out stops collection', () => {
    const { gate, ledger, collected } = openGate();
    gate.offer(order());
    ledger.optOut('recommendation');
    expect(gate.offer(order())).toBe('opted-out');
    expect(collected).toHaveLength(1);
  });

  it('what happened during the opt-out is not collected after it', () => {
    const { gate, ledger, clock } = openGate();
    ledger.optOut('recommendation');
    clock.time = START + 4 * DAY;
    ledger.optIn('recommendation');
    expect(gate.offer(order({ time: START + 3 * DAY }))).toBe('before-consent');
    expect(gate.offer(order({ time: START + 4 * DAY }))).toBe('admitted');
  });

  it('withdrawing stops one scope', () => {
    const { gate, ledger } = openGate();
    expect(gate.offer(watching())).toBe('admitted');
    ledger.withdraw({ tier: 'enhanced', scene: 'live-beauty' });
    expect(gate.offer(watching())).toBe('consent-withdrawn');
    expect(gate.offer(order())).toBe('admitted');
  });

  it('watching only stops a scene', () => {
    const { gate, ledger } = openGate();
    ledger.setWatchOnly('live-beauty', true);
    expect(gate.offer(watching())).toBe('watch-only');
    expect(gate.offer(order())).toBe('admitted');
  });

  it('a later consent opens the gate', () => {
    const { gate, ledger, clock } = newGate();
    clock.time = START + DAY;
    expect(gate.offer(order())).toBe('consent-missing');
    grantAll(ledger);
    expect(gate.offer(order())).toBe('admitted');
  });
});

describe('time', () => {
  it('expires a consent between two events', () => {
    const { gate, clock } = openGate();
    const end = START + 365 * DAY;
    clock.time = end - 1;
    expect(gate.offer(order({ time: end - 1 }))).toBe('admitted');
    clock.time = end;
    expect(gate.offer(order({ time: end - 1 }))).toBe('consent-expired');
  });

  it('does not come back when the clock is set back', () => {
    const { gate, ledger, clock } = openGate();
    clock.time = START + 365 * DAY;
    expect(gate.offer(order({ time: clock.time }))).toBe('consent-expired');
    clock.time = START + 2 * DAY;
    expect(gate.offer(order())).toBe('consent-expired');
    expect(gate.offer(order())).toBe('consent-expired');
    expect(ledger.clockSetbacks).toBe(1);
  });

  it('refuses a clock that tells no time', () => {
    const { gate, clock } = openGate();
    clock.time = Number.NaN;
    expect(() => gate.offer(order())).toThrow(RangeError);
  });

  it('drops what is older than its retention', () => {
    const { gate, clock } = openGate();
    clock.time = START + 100 * DAY;
    expect(gate.offer(watching({ time: clock.time - 90 * DAY }))).toBe('admitted');
    expect(gate.offer(watching({ time: clock.time - 90 * DAY - 1 }))).toBe('past-retention');
  });

  it('lets a clock be a little ahead', () => {
    const { gate, clock } = openGate();
    expect(gate.offer(order({ time: clock.time + 5 * 60_000 }))).toBe('admitted');
    expect(gate.offer(order({ time: clock.time + 5 * 60_000 + 1 }))).toBe('in-the-future');
  });

  it('drops kinds and tags whose review is overdue', () => {
    const json = schemaJson();
    json.kinds['order']!['reviewBy'] = '2026-06-30';
    json.tags['makeup']!['reviewBy'] = '2026-05-31';
    const clock = new TestClock();
    const ledger = newLedger(clock, { schema: validateSchema(json) });
    grantAll(ledger);
    const gate = new CollectionGate({
      consent: ledger,
      purpose: 'recommendation',
      collect: () => {},
    });
    const at = (time: number): string[] => {
      clock.time = time;
      return [gate.offer(order({ time })), gate.offer(watching({ time }))];
    };
    expect(at(Date.UTC(2026, 5, 1) - 1)).toEqual(['admitted', 'admitted']);
    expect(at(Date.UTC(2026, 5, 1))).toEqual(['admitted', 'review-overdue']);
    expect(at(Date.UTC(2026, 6, 1))).toEqual(['review-overdue', 'review-overdue']);
  });

  it('admits them where the policy is to warn, and the warning is there', () => {
    const json = { ...schemaJson(), overdueReview: 'warn' };
    json.kinds['order']!['reviewBy'] = '2026-05-31';
    const clock = new TestClock();
    const lax = validateSchema(json);
    const ledger = newLedger(clock, { schema: lax });
    grantAll(ledger);
    const gate = new CollectionGate({
      consent: ledger,
      purpose: 'recommendation',
      collect: () => {},
    });
    clock.time = Date.UTC(2026, 5, 1);
    expect(gate.offer(order({ time: clock.time }))).toBe('admitted');
    expect(reviewFindings(lax, clock.time)).toContainEqual({
      path: 'kinds.order',
      finding: 'overdue',
      reviewBy: '2026-05-31',
    });
  });
});
