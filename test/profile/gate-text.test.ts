import { describe, expect, it } from 'vitest';
import {
  type CollectedEvent,
  CollectionGate,
  type OfferedText,
  TextCounter,
  validateSchema,
} from '../../src/profile/index.ts';
import {
  DAY,
  HOSTILE_NAMES,
  newLedger,
  order,
  richSchemaJson,
  START,
  TestClock,
} from './fixtures.ts';

const LEXICON = { makeup: ['lipstick', 'eye shadow', '口红'], kitchen: ['pan', 'wok'] };

function setting() {
  const json = structuredClone(richSchemaJson());
  json.tags['makeup']!['scenes'] = ['live-beauty'];
  json.riskRules.length = 0;
  const clock = new TestClock();
  const consent = newLedger(clock, { schema: validateSchema(json) });
  consent.grant({
    scope: { tier: 'enhanced', scene: 'live-beauty' },
    purposes: ['recommendation'],
    controller: 'platform',
    expiresAt: START + 100 * DAY,
  });
  clock.time = START + 2 * DAY;
  const collected: CollectedEvent[] = [];
  const gate = new CollectionGate({
    consent,
    purpose: 'recommendation',
    collect: (event) => collected.push(event),
    text: new TextCounter(LEXICON, 3),
  });
  return { gate, consent, collected };
}

function comment(text: string, change: Partial<OfferedText> = {}): OfferedText {
  return { user: 'u1', time: START + DAY, scene: 'live-beauty', kind: 'comment', text, ...change };
}

describe('text at the gate', () => {
  it('passes as counts of declared tags, and never as text', () => {
    const { gate, collected } = setting();
    const said = 'That Lipstick! My address is 5 Elm St, this LIPSTICK, and the pan?';
    expect(gate.offerText(comment(said))).toBe('admitted');
    expect(collected).toEqual([
      {
        user: 'u1',
        time: START + DAY,
        scene: 'live-beauty',
        kind: 'comment',
        tag: 'makeup',
        value: 2,
      },
    ]);
    expect([...gate.refusals()]).toEqual([['tag-not-allowed', 1]]);
    expect(JSON.stringify(collected)).not.toMatch(/Elm|address|That/);
  });

  it('is not looked at without consent', () => {
    const { gate, consent, collected } = setting();
    consent.withdraw({ tier: 'enhanced', scene: 'live-beauty' });
    let looked = false;
    const counter = new TextCounter(LEXICON, 3);
    counter.count = (): ReadonlyMap<string, number> => {
      looked = true;
      return new Map();
    };
    const watching = new CollectionGate({
      consent,
      purpose: 'recommendation',
      collect: () => {},
      text: counter,
    });
    expect(gate.offerText(comment('lipstick'))).toBe('consent-withdrawn');
    expect(watching.offerText(comment('lipstick'))).toBe('consent-withdrawn');
    expect(looked).toBe(false);
    expect(collected).toEqual([]);
  });

  it('passes no other way: not as an event, not for another kind, not without a counter', () => {
    const { gate, consent, collected } = setting();
    const event = order({ scene: 'live-beauty', kind: 'comment', tag: 'makeup' });
    expect(gate.offer(event)).toBe('raw-text');
    expect(gate.offer({ ...event, text: 'lipstick' } as typeof event)).toBe('raw-text');
    expect(gate.offerText(comment('lipstick', { kind: 'watch-time' }))).toBe('raw-text');
    const deaf = new CollectionGate({ consent, purpose: 'recommendation', collect: () => {} });
    expect(deaf.offerText(comment('lipstick'))).toBe('raw-text');
    expect(collected).toEqual([]);
  });

  it.each([
    null,
    'lipstick',
    {},
    comment(7 as unknown as string),
    comment('lipstick', { time: Number.NaN }),
    comment('lipstick', { kind: 'k'.repeat(1_000_000) }),
  ])('is dropped as malformed when it is no offer of text', (offer) => {
    const { gate } = setting();
    expect(gate.offerText(offer as OfferedText)).toBe('malformed');
  });

  it('survives hostile text and names', () => {
    const { gate, collected } = setting();
    for (const text of [...HOSTILE_NAMES, '\uDC00lipstic', 'ﷺ'.repeat(5000), '*'.repeat(99)]) {
      expect(gate.offerText(comment(text))).toBe('nothing-counted');
    }
    for (const name of HOSTILE_NAMES) {
      expect(gate.offerText(comment('lipstick', { scene: name }))).not.toBe('admitted');
    }
    expect(collected).toEqual([]);
  });
});

describe('TextCounter', () => {
  const counter = new TextCounter(LEXICON, 3);
  const counted = (text: string): Record<string, number> => Object.fromEntries(counter.count(text));

  it('counts whole words, folded, up to the maximum', () => {
    expect(counted('LIPSTICK lipstick, ｌｉｐｓｔｉｃｋ; lipstick')).toEqual({ makeup: 3 });
    expect(counted('lipstick, lipstick, eye shadow, eye shadow')).toEqual({ makeup: 3 });
    expect(counted('eye shadow in a pan')).toEqual({ makeup: 1, kitchen: 1 });
    expect(counted('lipsticks expand japan')).toEqual({});
  });

  it('counts words of scripts without spaces anywhere', () => {
    expect(counted('这个口红真好看')).toEqual({ makeup: 1 });
  });

  it('looks at the beginning of a long text only', () => {
    expect(counted(`${' '.repeat(4096)}lipstick`)).toEqual({});
  });

  it('refuses empty words and a maximum below 1', () => {
    expect(() => new TextCounter({ makeup: [''] }, 1)).toThrow(RangeError);
    expect(() => new TextCounter(LEXICON, 0)).toThrow(RangeError);
  });
});
