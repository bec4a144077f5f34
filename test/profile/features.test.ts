import { describe, expect, it } from 'vitest';
import {
  boundOf,
  FeatureBuilder,
  LabelBuilder,
  matchesGlob,
  parseBounds,
} from '../../src/profile/index.ts';

const BOUNDS = {
  features: {
    'n_*': { min: 0, max: 2000, map: 'share' },
    invoices: { min: 0, max: 100, map: 'log1p' },
    '*': { drop: true },
  },
  labels: { 'tag_*': { min: 0, max: 1, center: 0.25 } },
};
const COLUMNS = ['user', 'invoices', 'n_bag', 'n_party', 'spend'];
const INVALID = expect.objectContaining({ code: 'data/invalid-value' });

describe('parseBounds', () => {
  it('reads features and labels', () => {
    const bounds = parseBounds(BOUNDS);
    expect(bounds.features).toContainEqual({
      pattern: 'n_*',
      drop: false,
      min: 0,
      max: 2000,
      map: 'share',
    });
    expect(bounds.labels).toEqual([{ pattern: 'tag_*', min: 0, max: 1, center: 0.25 }]);
  });

  it('maps linearly where nothing is said, and needs no labels', () => {
    const bounds = parseBounds({ features: { age: { min: 18, max: 90 } } });
    expect(bounds.features[0]?.map).toBe('linear');
    expect(bounds.labels).toEqual([]);
  });

  it.each([
    ['features.n_*', { features: { 'n_*': { min: 5, max: 5 } } }],
    ['features.n_*', { features: { 'n_*': { min: -1, max: 5, map: 'share' } } }],
    ['features.n_*', { features: { 'n_*': { min: 0, map: 'share' } } }],
    ['features.n_*', { features: { 'n_*': { drop: true, min: 0 } } }],
    ['features.n_*', { features: { 'n_*': { min: 0, max: 1, map: 'cube' } } }],
    ['features.n_*.max', { features: { 'n_*': { min: 0, max: Number.NaN } } }],
    ['features.n_*', { features: { 'n_*': { min: 0, max: 1e300 } } }],
    ['features', { features: [] }],
    ['labels.t.max', { features: {}, labels: { t: { min: 0, max: '1', center: 0 } } }],
    ['labels.t', { features: {}, labels: { t: { min: 0, max: 1, center: 2 } } }],
    ['features', { labels: {} }],
    ['other', { features: {}, other: 1 }],
    ['features', JSON.parse('{"features": {"__proto__": {"drop": true}}}')],
    ['', null],
  ])('refuses a fault at "%s"', (path, json) => {
    let details: unknown;
    try {
      parseBounds(json);
    } catch (error) {
      expect(error).toEqual(INVALID);
      details = (error as { details: unknown }).details;
    }
    expect(details).toMatchObject({
      path: expect.stringMatching(new RegExp(`^${path.replace('*', '\\*')}`)),
    });
  });
});

describe('the most specific pattern', () => {
  const bounds = ['*', 'n_*', 'n_bag*', 'n_bag', '*_age'].map((pattern) => ({ pattern }));
  it.each([
    ['n_bag', 'n_bag'],
    ['n_bags', 'n_bag*'],
    ['n_party', 'n_*'],
    ['spend', '*'],
    ['old_age', '*_age'],
  ])('of %s is %s', (column, pattern) => {
    expect(boundOf(bounds, column).pattern).toBe(pattern);
  });

  it('must exist and be one', () => {
    expect(() => boundOf([{ pattern: 'n_*' }], 'spend')).toThrow(INVALID);
    expect(() => boundOf([{ pattern: 'n_*' }, { pattern: '*_n' }], 'n_n')).toThrow(/equally well/);
  });
});

describe('matchesGlob', () => {
  it.each([
    ['*', '', true],
    ['*', 'anything', true],
    ['', '', true],
    ['', 'a', false],
    ['a*b', 'ab', true],
    ['a*b', 'aXb', true],
    ['a*a', 'a', false],
    ['a*b*c', 'abc', true],
    ['a*b*c', 'acb', false],
    ['*b*', 'abc', true],
    ['a**c', 'abc', true],
    ['a*bc*c', 'abc', false],
    ['a.c', 'abc', false],
    ['a*', 'A', false],
  ])('"%s" and "%s": %s', (pattern, name, fits) => {
    expect(matchesGlob(pattern, name)).toBe(fits);
  });

  it('takes a hostile pattern in its stride', () => {
    expect(matchesGlob(`${'a*'.repeat(5_000)}b`, 'a'.repeat(20_000))).toBe(false);
  });
});

describe('FeatureBuilder', () => {
  const bounds = parseBounds(BOUNDS);

  it('maps, drops and bounds', () => {
    const builder = new FeatureBuilder(bounds, COLUMNS);
    expect(builder.names).toEqual(['invoices', 'n_bag', 'n_party']);
    expect(builder.normBound).toBeCloseTo(Math.SQRT2, 15);
    const features = builder.build([17, 100, 3, 1, 999], 1);
    expect([...features]).toEqual([1, 0.75, 0.25]);
    expect(builder.clippedValues).toBe(0);
  });

  it('clips and counts what is beyond the bounds', () => {
    const builder = new FeatureBuilder(bounds, COLUMNS);
    const features = builder.build([0, 1e9, 6000, 2000, 0], 1);
    expect([...features]).toEqual([1, 0.5, 0.5]);
    expect(builder.clippedValues).toBe(2);
  });

  it('has all maps', () => {
    const builder = new FeatureBuilder(
      parseBounds({
        features: {
          linear: { min: -10, max: 10 },
          log: { min: 0, max: Math.E - 1, map: 'log1p' },
          seen: { min: 0, max: 5, map: 'indicator' },
          's_*': { min: 0, max: 9, map: 'smoothed-share' },
          'r_*': { min: 0, max: 9, map: 'sqrt-share' },
        },
      }),
      ['linear', 'log', 'seen', 's_a', 's_b', 'r_a', 'r_b'],
    );
    const features = builder.build([5, Math.E - 1, 0.1, 2, 1, 8, 0], 0);
    const expected = [0.75, 1, 1, 3 / 5, 2 / 5, Math.sqrt(8.5 / 9), Math.sqrt(0.5 / 9)];
    features.forEach((feature, i) => {
      expect(feature).toBeCloseTo(expected[i] as number, 14);
    });
    expect(builder.normBound).toBeCloseTo(Math.sqrt(5), 14);
  });

  it('scales rows to norm 1 when asked', () => {
    const builder = new FeatureBuilder(bounds, COLUMNS, { unitNorm: true });
    expect(builder.normBound).toBe(1);
    expect(Math.hypot(...builder.build([0, 3, 4, 5, 0], 0))).toBeCloseTo(1, 14);
    expect([...builder.build([0, 0, 0, 0, 0], 0)]).toEqual([0, 0, 0]);
  });

  it.each([
    [Number.NaN, 'n_bag'],
    [Number.POSITIVE_INFINITY, 'n_bag'],
    [-1, 'n_bag'],
  ])('refuses %d and names row and column', (value, column) => {
    const builder = new FeatureBuilder(bounds, COLUMNS);
    expect(() => builder.build([0, 1, value, 1, 0], 42)).toThrow(
      expect.objectContaining({ code: 'data/invalid-value', details: { row: 42, column } }),
    );
  });

  it('does not look at columns that are dropped', () => {
    const builder = new FeatureBuilder(bounds, COLUMNS);
    expect([...builder.build([Number.NaN, 0, 1, 0, -7], 0)]).toEqual([0, 1, 0]);
  });

  it('refuses rows of another length and tables without features', () => {
    expect(() => new FeatureBuilder(bounds, COLUMNS).build([1, 2], 0)).toThrow(RangeError);
    expect(() => new FeatureBuilder(bounds, ['spend'])).toThrow(
      expect.objectContaining({ code: 'data/empty' }),
    );
  });

  it('treats hostile column names as names', () => {
    const builder = new FeatureBuilder(parseBounds({ features: { '*': { min: 0, max: 1 } } }), [
      '__proto__',
      'constructor',
    ]);
    expect([...builder.build([0.5, 1], 0)]).toEqual([0.5, 1]);
  });
});

describe('LabelBuilder', () => {
  const builder = new LabelBuilder(
    parseBounds({
      features: {},
      labels: { 'tag_*': { min: 0, max: 1, center: 0.25 }, churn: { min: -1, max: 1, center: 0 } },
    }),
    ['tag_bag', 'churn'],
  );

  it('gives 0 and 1, and public means', () => {
    expect([...builder.build([1, -1], 0)]).toEqual([1, 0]);
    expect([...builder.centers]).toEqual([0.25, 0.5]);
  });

  it.each([0.5, 2, -1, Number.NaN])('refuses the label %d', (value) => {
    expect(() => builder.build([value, 1], 3)).toThrow(
      expect.objectContaining({
        code: 'data/invalid-value',
        details: { row: 3, column: 'tag_bag' },
      }),
    );
  });

  it('refuses rows of another length and labels without bounds', () => {
    expect(() => builder.build([1], 0)).toThrow(RangeError);
    expect(() => new LabelBuilder(parseBounds(BOUNDS), ['churn'])).toThrow(INVALID);
  });
});
