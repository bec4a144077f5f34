import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ADVERTISING_MODES,
  OBLIGATIONS,
  OVERDUE_REVIEW_POLICIES,
  PARTY_ROLES,
  PARTY_TYPES,
  PURPOSES,
  RISK_LEVELS,
  validateSchema,
} from '../../src/profile/index.ts';
import { copyPlainJson } from '../../src/profile/plain-json.ts';
import { findShapeProblem } from '../../src/profile/schema-shape.ts';
import { HOSTILE_NAMES, richSchemaJson, schemaJson } from './fixtures.ts';

const published = JSON.parse(
  readFileSync(new URL('../../src/profile/profile-schema.json', import.meta.url), 'utf8'),
);
const retail = JSON.parse(
  readFileSync(new URL('../../data/online-retail/schema.json', import.meta.url), 'utf8'),
);
const fitsPublished = new Ajv2020().compile(published);

/** What the validator says about the shape alone. */
function fitsValidator(json: unknown): boolean {
  const copy = copyPlainJson(json);
  return copy.ok && findShapeProblem(copy.value) === null;
}

/** Values at and beyond the edges of every member. Names in NFC only, which JSON Schema cannot ask for. */
const VALUES: readonly unknown[] = [
  ...[null, true, false, 0, 1, 2, -1, 0.5, 2 ** 53, Number.MAX_SAFE_INTEGER],
  ...['', 'P90D', 'P0D', 'P', 'P1Y2M', 'P00W01D', 'PT1H', 'P1D1Y', 'P123456D', 'P9999Y'],
  ...[
    '2027-05-31',
    '2027-02-29',
    '2024-02-29',
    '1900-02-29',
    '2000-02-29',
    '0099-01-01',
    '2027-13-01',
  ],
  ...['2027-04-31', '2027-1-1', '2027-05-31Z', 'first-party', 'bought', 'contract', 'consent'],
  ...['explicit-consent', 'essential', 'enhanced', 'restricted', 'prohibited', 'text', 'coarse'],
  ...[
    'plugin',
    'platform',
    'refuse',
    'warn',
    'session-consent',
    'coarse-only',
    'improve-the-service',
  ],
  ...['order', '厨房', 'a'.repeat(64), 'a'.repeat(65), 'x'.repeat(256), 'x'.repeat(257), 'valueOf'],
  ...PURPOSES,
  ...HOSTILE_NAMES.filter((name) => name.length < 100 && name.normalize('NFC') === name),
  ...[
    [],
    ['order'],
    ['order', 'order'],
    ['a', 'b'],
    ['a', 1],
    {},
    { max: 1, step: 2 },
    { max: 0, step: 1 },
  ],
  ...[{ tier: 'prohibited' }, { tier: 'prohibited', source: 'first-party' }, { role: 'recipient' }],
];
const value = fc.constantFrom(...VALUES);
const key = fc.constantFrom(
  ...[
    'tier',
    'extra',
    'value',
    'place',
    'derivedFrom',
    'reviewedOn',
    'assessedOn',
    'abroad',
    'type',
  ],
  ...[
    'riskRules',
    'overdueReview',
    '$schema',
    'values',
    'obligations',
    'constructor',
    'a b',
    'новое',
  ],
);

type Container = Record<string, unknown> | unknown[];

/** Every object and list in a document. */
function containers(json: unknown): Container[] {
  if (typeof json !== 'object' || json === null) return [];
  return [json as Container, ...Object.values(json).flatMap(containers)];
}

interface Mutation {
  readonly how: 'replace' | 'remove' | 'add' | 'repeat';
  readonly where: number;
  readonly which: number;
  readonly key: string;
  readonly value: unknown;
}
const mutation: fc.Arbitrary<Mutation> = fc.record({
  how: fc.constantFrom('replace', 'remove', 'add', 'repeat'),
  where: fc.nat(1000),
  which: fc.nat(1000),
  key,
  value,
});

function mutate(json: unknown, { how, where, which, key: added, value }: Mutation): void {
  const put: unknown = structuredClone(value);
  const all = containers(json);
  const container = all[where % all.length] as Container;
  const keys = Object.keys(container);
  const member = keys[which % Math.max(1, keys.length)];
  if (how === 'add' || member === undefined) {
    if (Array.isArray(container)) container.push(put);
    else container[added] = put;
  } else if (how === 'replace') (container as Record<string, unknown>)[member] = put;
  else if (how === 'repeat' && Array.isArray(container)) container.push(container[Number(member)]);
  else if (Array.isArray(container)) container.splice(Number(member), 1);
  else Reflect.deleteProperty(container, member);
}

describe('the published JSON Schema', () => {
  it('accepts what the validator accepts, with every optional member', () => {
    for (const json of [schemaJson(), richSchemaJson(), retail]) {
      expect(fitsPublished(json), JSON.stringify(fitsPublished.errors)).toBe(true);
      expect(() => validateSchema(json)).not.toThrow();
    }
  });

  it('has the closed lists of the code', () => {
    const { parties, scenes, riskRules, overdueReview } = published.properties;
    expect(published.$defs.purposes.items.enum).toEqual(PURPOSES);
    expect(parties.additionalProperties.properties.role.enum).toEqual(PARTY_ROLES);
    expect(parties.additionalProperties.properties.type.enum).toEqual(PARTY_TYPES);
    expect(scenes.additionalProperties.properties.riskLevel.enum).toEqual(RISK_LEVELS);
    expect(scenes.additionalProperties.properties.advertising.enum).toEqual(ADVERTISING_MODES);
    expect(riskRules.items.properties.obligations.items.enum).toEqual(OBLIGATIONS);
    expect(overdueReview.enum).toEqual(OVERDUE_REVIEW_POLICIES);
  });

  it('agrees with the validator on documents near the edge', () => {
    const seen = { fits: 0, fails: 0 };
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
        const json = structuredClone(richSchemaJson());
        for (const one of mutations) mutate(json, one);
        const fits = fitsValidator(json);
        seen[fits ? 'fits' : 'fails'] += 1;
        expect(fitsPublished(json), JSON.stringify(fitsPublished.errors)).toBe(fits);
      }),
      { numRuns: 800 },
    );
    // Neither verdict may be so rare that agreeing on it means nothing.
    expect(Math.min(seen.fits, seen.fails)).toBeGreaterThan(20);
  });
});
