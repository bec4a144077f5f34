import { describe, expect, it } from 'vitest';
import {
  kindRisk,
  type ProfileSchema,
  reviewFindings,
  validateSchema,
} from '../../src/profile/index.ts';
import { endOfDay, halfYearAfter } from '../../src/profile/period.ts';
import { richSchemaJson } from './fixtures.ts';

type Json = ReturnType<typeof richSchemaJson>;

function rich(change: (json: Json) => void = () => {}): ProfileSchema {
  const json = structuredClone(richSchemaJson());
  change(json);
  return validateSchema(json);
}

function risk(schema: ProfileSchema, kind: string, scene: string) {
  const found = kindRisk(schema, kind, scene);
  return found === null ? null : { tier: found.tier, obligations: [...found.obligations].sort() };
}

describe('what the validator compares', () => {
  const cases: [string, string, (json: Json) => void][] = [
    [
      'a recipient of which nobody says what it does',
      'parties.broker.type',
      (j) => Object.assign(j.parties, { broker: { role: 'recipient' } }),
    ],
    [
      'a step above the maximum',
      'kinds.watch-time.value.step',
      (j) => Object.assign(j.kinds['watch-time']!, { value: { max: 1, step: 2 } }),
    ],
    [
      'a place without consent',
      'kinds.order.place',
      (j) => Object.assign(j.kinds['order']!, { place: 'coarse' }),
    ],
    [
      'a review put off for longer than half a year',
      'kinds.order.reviewBy',
      (j) => Object.assign(j.kinds['order']!, { reviewedOn: '2026-11-22', reviewBy: '2027-05-23' }),
    ],
    [
      'a review before the last one',
      'tags.kitchen.reviewBy',
      (j) =>
        Object.assign(j.tags['kitchen']!, { reviewedOn: '2026-11-22', reviewBy: '2026-11-21' }),
    ],
    [
      'a sensitive tag from data that is not restricted',
      'tags.kitchen.from[0]',
      (j) => (j.tags['kitchen']!['sensitivity'] = 'sensitive'),
    ],
    [
      'a sensitive tag in one scene too many',
      'tags.makeup.from[1]',
      // Watch-time is restricted in both scenes; comments only where the risk is high.
      (j) => (j.tags['makeup']!['sensitivity'] = 'sensitive'),
    ],
    [
      'a flow that completes a sensitive combination',
      'flows[0].tags',
      (j) => {
        j.tags['baby']!['scenes'] = ['live-beauty'];
        j.flows[0]!.tags = ['kitchen', 'health-food'];
      },
    ],
    [
      'a rule of an undeclared kind',
      'riskRules[0].kinds',
      (j) => (j.riskRules[0]!['kinds'] = ['x']),
    ],
    [
      'a rule of an undeclared scene',
      'riskRules[0].scenes',
      (j) => (j.riskRules[0]!['scenes'] = ['live-cars']),
    ],
    [
      'a rule that asks for less than the kind does',
      'riskRules[1].tier',
      (j) => (j.riskRules[1]!['tier'] = 'enhanced'),
    ],
    [
      'coarse data of which nobody says how coarse',
      'riskRules[0].obligations',
      (j) => Reflect.deleteProperty(j.kinds['watch-time']!, 'value'),
    ],
    [
      'an assessment that was not made',
      'riskRules[0].assessedOn',
      (j) => Reflect.deleteProperty(j.riskRules[0]!, 'assessedOn'),
    ],
    [
      'an assessment that nothing asks for',
      'riskRules[1].assessedOn',
      (j) => (j.riskRules[1]!['assessedOn'] = '2026-11-01'),
    ],
  ];
  it.each(cases)('refuses %s', (_, path, change) => {
    expect(() => rich(change)).toThrow(
      expect.objectContaining({
        code: 'profile/invalid-schema',
        details: expect.objectContaining({ path }),
      }),
    );
  });

  it('accepts a sensitive tag from data that is restricted where the tag is', () => {
    const change = (j: Json): unknown =>
      Object.assign(j.tags['makeup']!, { from: ['watch-time'], sensitivity: 'sensitive' });
    expect(rich(change).tags['makeup']?.sensitivity).toBe('sensitive');
  });

  it('accepts a review of exactly half a year', () => {
    const change = (j: Json): unknown =>
      Object.assign(j.kinds['order']!, { reviewedOn: '2026-11-22', reviewBy: '2027-05-22' });
    expect(() => rich(change)).not.toThrow();
  });
});

describe('risk of a kind in a scene', () => {
  it('is the tier of the kind where nothing else is said', () => {
    expect(risk(rich(), 'watch-time', 'live-food')).toEqual({ tier: 'enhanced', obligations: [] });
    expect(risk(rich(), 'order', 'live-beauty')).toEqual({ tier: 'essential', obligations: [] });
    expect(risk(rich(), 'face', 'live-food')).toEqual({ tier: 'prohibited', obligations: [] });
  });

  it('is raised by rules, with the obligations of all that apply', () => {
    const schema = rich((j) =>
      j.riskRules.push({
        kinds: ['order', 'watch-time'],
        scenes: ['live-beauty', 'live-food'],
        tier: 'enhanced',
        obligations: ['no-advertising'],
      }),
    );
    expect(risk(schema, 'watch-time', 'live-beauty')).toEqual({
      tier: 'restricted',
      obligations: ['coarse-only', 'impact-assessment', 'no-advertising', 'session-consent'],
    });
    expect(risk(schema, 'order', 'live-food')).toEqual({
      tier: 'enhanced',
      obligations: ['no-advertising'],
    });
  });

  it('is raised by a scene of high risk', () => {
    expect(risk(rich(), 'watch-time', 'live-jewels')).toEqual({
      tier: 'restricted',
      obligations: ['session-consent'],
    });
    expect(risk(rich(), 'order', 'live-jewels')).toEqual({ tier: 'essential', obligations: [] });
  });

  it('is null for what is not declared', () => {
    expect(risk(rich(), 'constructor', 'live-food')).toBeNull();
    expect(risk(rich(), 'order', '__proto__')).toBeNull();
  });
});

describe('reviews', () => {
  const at = (day: string): number => (endOfDay(day) as number) - 1;

  it('are found overdue the day after, and too far ahead before', () => {
    const schema = rich((j) => {
      for (const declared of [...Object.values(j.kinds), ...Object.values(j.tags)]) {
        if (declared['tier'] !== 'prohibited') declared['reviewBy'] = '2027-03-31';
        Reflect.deleteProperty(declared, 'reviewedOn');
      }
      j.kinds['order']!['reviewBy'] = '2026-12-31';
      j.tags['makeup']!['reviewBy'] = '2027-10-01';
    });
    expect(reviewFindings(schema, at('2026-12-31'))).toEqual([
      { path: 'tags.makeup', finding: 'too-far', reviewBy: '2027-10-01' },
    ]);
    expect(reviewFindings(schema, at('2026-12-31') + 1)).toContainEqual({
      path: 'kinds.order',
      finding: 'overdue',
      reviewBy: '2026-12-31',
    });
    expect(() => reviewFindings(schema, Number.NaN)).toThrow(RangeError);
  });

  it.each([
    ['2026-11-22', '2027-05-22'],
    ['2026-08-31', '2027-02-28'],
    ['2027-08-31', '2028-02-29'],
    ['2026-12-31', '2027-06-30'],
    ['2027-01-31', '2027-07-31'],
  ])('hold for half a year: %s to %s', (from, to) => {
    expect(halfYearAfter(from)).toBe(to);
  });

  it('know no half year after a day that is none', () => {
    expect(halfYearAfter('2027-02-29')).toBeNull();
  });
});
