import { describe, expect, it } from 'vitest';
import { VelaturaError } from '../../src/core/errors.ts';
import { authoriseFlow, ConsentLedger, validateSchema } from '../../src/profile/index.ts';
import { forbiddenTerm } from '../../src/profile/vocabulary.ts';
import { HOSTILE_NAMES, KEY, schema, schemaJson } from './fixtures.ts';

type Json = ReturnType<typeof schemaJson>;

function refusal(change: (json: Json) => void): VelaturaError {
  const json = schemaJson();
  change(json);
  try {
    validateSchema(json);
  } catch (error) {
    if (error instanceof VelaturaError) return error;
    throw error;
  }
  throw new Error('the schema was accepted');
}

describe('validateSchema', () => {
  it('returns what the file says, deeply frozen', () => {
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schemaJson());
    expect(Object.isFrozen(schema)).toBe(true);
    expect(Object.isFrozen(schema.tags['kitchen'])).toBe(true);
    expect(Object.isFrozen(schema.flows[0]?.tags)).toBe(true);
  });

  it('is not changed by changing the file afterwards', () => {
    const json = schemaJson();
    const checked = validateSchema(json);
    json.purposes.push('advertising');
    expect(checked.purposes).not.toContain('advertising');
  });

  it('gives records that inherit nothing', () => {
    expect(schema.tags['constructor']).toBeUndefined();
    expect(Object.getPrototypeOf(schema.kinds)).toBeNull();
    expect(schema.scenes['toString']).toBeUndefined();
  });

  const cases: [string, string, (json: Json) => void][] = [
    ['another version', 'version', (j) => Object.assign(j, { version: 2 })],
    ['an unknown member', 'extra', (j) => Object.assign(j, { extra: 1 })],
    ['a missing member', 'flows', (j) => Reflect.deleteProperty(j, 'flows')],
    ['a catch-all purpose', 'purposes[0]', (j) => (j.purposes[0] = 'improve-the-service')],
    ['a repeated purpose', 'purposes', (j) => j.purposes.push('recommendation')],
    ['no purpose', 'purposes', (j) => (j.purposes.length = 0)],
    ['a list for an object', 'tags', (j) => Object.assign(j, { tags: [] })],
    ['an unknown role', 'parties.platform.role', (j) => (j.parties.platform.role = 'owner')],
    [
      'an unknown risk level',
      'scenes.live-food.riskLevel',
      (j) => (j.scenes['live-food'].riskLevel = 'none'),
    ],
    [
      'bought data',
      'kinds.order.source',
      (j) => Object.assign(j.kinds['order']!, { source: 'bought' }),
    ],
    [
      'a fingerprint',
      'kinds.order.source',
      (j) => Object.assign(j.kinds['order']!, { source: 'fingerprint' }),
    ],
    ['an SDK', 'kinds.order.source', (j) => Object.assign(j.kinds['order']!, { source: 'sdk' })],
    [
      'enhanced data under a contract',
      'kinds.watch-time.legalBasis',
      (j) => Object.assign(j.kinds['watch-time']!, { legalBasis: 'contract' }),
    ],
    [
      'restricted data under plain consent',
      'kinds.social-graph.legalBasis',
      (j) => Object.assign(j.kinds['social-graph']!, { legalBasis: 'consent' }),
    ],
    [
      'an unknown tier',
      'kinds.order.tier',
      (j) => Object.assign(j.kinds['order']!, { tier: 'basic' }),
    ],
    [
      'a prohibited kind with a purpose',
      'kinds.face.purposes',
      (j) => Object.assign(j.kinds['face']!, { purposes: ['recommendation'] }),
    ],
    [
      'a purpose of a kind that the schema does not have',
      'kinds.order.purposes',
      (j) => Object.assign(j.kinds['order']!, { purposes: ['recommendation', 'advertising'] }),
    ],
    [
      'a recipient as controller',
      'kinds.order.controller',
      (j) => Object.assign(j.kinds['order']!, { controller: 'merchant' }),
    ],
    [
      'an undeclared recipient',
      'kinds.order.recipients',
      (j) => Object.assign(j.kinds['order']!, { recipients: ['broker'] }),
    ],
    [
      'a retention without end',
      'kinds.order.retention',
      (j) => Object.assign(j.kinds['order']!, { retention: 'forever' }),
    ],
    [
      'a day that does not exist',
      'kinds.order.reviewBy',
      (j) => Object.assign(j.kinds['order']!, { reviewBy: '2027-02-30' }),
    ],
    ['a tag from nothing', 'tags.kitchen.from', (j) => (j.tags['kitchen']!['from'] = [])],
    [
      'a tag from an undeclared kind',
      'tags.kitchen.from[0]',
      (j) => (j.tags['kitchen']!['from'] = ['location']),
    ],
    [
      'a tag from a prohibited kind',
      'tags.kitchen.from[1]',
      (j) => (j.tags['kitchen']!['from'] = ['order', 'face']),
    ],
    [
      'a tag in an undeclared scene',
      'tags.kitchen.scenes',
      (j) => (j.tags['kitchen']!['scenes'] = ['live-cars']),
    ],
    [
      'a tag for a purpose for which its data was not collected',
      'tags.makeup.purposes',
      (j) => (j.tags['makeup']!['purposes'] = ['fraud-prevention']),
    ],
    [
      'a tag of forbidden vocabulary',
      'tags.religion',
      (j) => (j.tags['religion'] = j.tags['kitchen']!),
    ],
    [
      'a forbidden level',
      'tags.spend-level',
      (j) => (j.tags['spend-level']!['values'] = ['low', 'pregnant']),
    ],
    [
      'a single level',
      'tags.spend-level.values',
      (j) => (j.tags['spend-level']!['values'] = ['low']),
    ],
    ['a flow into its own scene', 'flows[0]', (j) => (j.flows[0]!.to = 'live-food')],
    ['a flow from nowhere', 'flows[0].from', (j) => (j.flows[0]!.from = 'live-cars')],
    ['a flow of an undeclared tag', 'flows[0].tags', (j) => (j.flows[0]!.tags = ['sport'])],
    [
      'a flow of a tag that its scene does not have',
      'flows[0].tags[0]',
      (j) => (j.flows[0]!.tags = ['makeup']),
    ],
    [
      'a flow for a purpose that its tag does not have',
      'flows[0].purposes',
      (j) => (j.flows[0]!.purposes = ['fraud-prevention']),
    ],
    [
      'flows that complete a sensitive combination together',
      'flows[2].tags',
      (j) => {
        const flow = j.flows[0]!;
        j.flows.push({ ...flow, tags: ['baby'] }, { ...flow, tags: ['health-food'] });
      },
    ],
    [
      'a combination of one tag',
      'sensitiveCombinations[0].tags',
      (j) => (j.sensitiveCombinations[0]!.tags = ['baby']),
    ],
    [
      'a combination of an undeclared tag',
      'sensitiveCombinations[0].tags',
      (j) => (j.sensitiveCombinations[0]!.tags = ['baby', 'sport']),
    ],
    ['NaN', 'version', (j) => Object.assign(j, { version: Number.NaN })],
    ['a function', 'purposes', (j) => Object.assign(j, { purposes: () => [] })],
    ['a class instance', 'tags', (j) => Object.assign(j, { tags: new Map() })],
  ];
  it.each(cases)('refuses %s and names the path', (_, path, change) => {
    const error = refusal(change);
    expect(error.code).toBe('profile/invalid-schema');
    expect(error.details['path']).toBe(path);
  });

  it.each([null, 1, 'schema', [], undefined, {}])('refuses %j', (json) => {
    expect(() => validateSchema(json)).toThrow(
      expect.objectContaining({ code: 'profile/invalid-schema' }),
    );
  });

  it('refuses hostile names of tags, scenes and kinds with a short message', () => {
    for (const name of HOSTILE_NAMES) {
      for (const table of ['tags', 'scenes', 'kinds'] as const) {
        const json = schemaJson();
        const entry = Object.values(json[table])[0];
        // As JSON.parse does: an own member, even for __proto__.
        Object.defineProperty(json[table], name, { value: entry, enumerable: true });
        let message = '';
        try {
          validateSchema(json);
        } catch (error) {
          expect((error as VelaturaError).code).toBe('profile/invalid-schema');
          message = (error as Error).message;
        }
        expect(message).not.toBe('');
        expect(message.length).toBeLessThan(500);
        expect(message).not.toContain('\u0000');
        expect(message).not.toContain('\u202E');
      }
    }
    expect(({} as Record<string, unknown>)['tier']).toBeUndefined();
  });

  it('refuses a document nested without end, and one that refers to itself', () => {
    const loop: Record<string, unknown> = {};
    loop['loop'] = loop;
    expect(() => validateSchema(loop)).toThrow(/at most 16 levels/);
  });

  it('accepts names of any script', () => {
    const json = schemaJson();
    json.tags['厨房用品'] = json.tags['kitchen']!;
    json.tags['кухня'] = json.tags['kitchen']!;
    expect(Object.keys(validateSchema(json).tags)).toContain('厨房用品');
  });
});

describe('a schema that was not validated', () => {
  it('is accepted nowhere', () => {
    const json = schemaJson() as unknown as typeof schema;
    expect(() => authoriseFlow(json, { from: 'a', to: 'b', purpose: 'search', tags: [] })).toThrow(
      TypeError,
    );
    expect(
      () => new ConsentLedger({ schema: json, person: 'u1', key: KEY, noticeVersion: 1 }),
    ).toThrow(TypeError);
  });
});

describe('forbidden vocabulary', () => {
  it.each([
    'religion',
    'Religious_Views',
    'health',
    'health-status',
    'is-pregnant',
    'likelyPregnant',
    'ethnicity',
    'sexual-orientation',
    'political-view',
    'PREGNANT',
    'ｐｒｅｇｎａｎｔ',
    'muslims',
    '宗教信仰',
    '孕妇用品',
    '抑郁症',
    'gullible',
    'infertility-treatment',
    'indebted',
    'race',
  ])('has %s', (name) => {
    expect(forbiddenTerm(name)).not.toBeNull();
  });

  it.each([
    'health-food',
    'race-bike',
    'kitchen',
    'party',
    'toys_kids',
    'garden',
    'jewellery',
    '厨房',
  ])('leaves %s alone', (name) => {
    expect(forbiddenTerm(name)).toBeNull();
  });
});
