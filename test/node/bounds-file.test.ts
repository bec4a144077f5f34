import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseTrainingBounds, readBoundsFile, ruleOf } from '../../src/node/bounds-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-bounds-'));
afterAll(() => rmSync(folder, { recursive: true }));

const count = { min: 0, max: 10, map: 'share' };

describe('parseTrainingBounds', () => {
  it('reads every kind of rule, and the most specific pattern wins', () => {
    const bounds = parseTrainingBounds({
      features: {
        'n_*': count,
        n_bag: { min: 0, max: 9, map: 'sqrt', weight: 2 },
        month: { map: 'one-hot', categories: ['Jan', 'Feb'] },
        age: { map: 'one-hot', edges: [20, 40] },
        '*': { drop: true },
      },
      labels: { 'tag_*': { min: 0, max: 1, center: 0.25 } },
      norm: 'clip',
      persistence: 0,
    });
    expect(ruleOf(bounds, 'n_bag')).toMatchObject({ map: 'sqrt', max: 9, weight: 2 });
    expect(ruleOf(bounds, 'n_hat')).toMatchObject({ map: 'share', weight: 1 });
    expect(ruleOf(bounds, 'month')).toMatchObject({ categories: ['Jan', 'Feb'], edges: null });
    expect(ruleOf(bounds, 'anything')).toMatchObject({ map: 'drop' });
    expect(bounds).toMatchObject({ norm: 'clip', persistence: 0 });
  });

  it('fills in what is public anyway', () => {
    expect(parseTrainingBounds({ features: { '*': count } })).toMatchObject({
      labels: [{ pattern: '*', min: 0, max: 1, center: 0.25 }],
      norm: 'auto',
      persistence: 6,
    });
  });

  it.each([
    [null, ''],
    [[], ''],
    [{}, 'features'],
    [{ features: {} }, 'features'],
    [{ features: { a: 5 } }, 'features.a'],
    [{ features: { a: count }, extra: 1 }, 'extra'],
    [{ features: { a: count }, norm: 'huge' }, 'norm'],
    [{ features: { a: count }, persistence: -1 }, 'persistence'],
    [{ features: { a: { ...count, weight: 0 } } }, 'features.a.weight'],
    [{ features: { a: { drop: true, weight: 2 } } }, 'features.a'],
    [{ features: { a: { min: 5, max: 5, map: 'sqrt' } } }, 'features.a'],
    [{ features: { a: { min: -1, max: 5, map: 'sqrt' } } }, 'features.a'],
    [{ features: { a: { min: 0, max: 5, map: 'magic' } } }, 'features.a'],
    [{ features: { a: { map: 'one-hot' } } }, 'features.a'],
    [{ features: { a: { map: 'one-hot', edges: [1], categories: ['x'] } } }, 'features.a'],
    [{ features: { a: { map: 'one-hot', edges: [2, 1] } } }, 'features.a'],
    [{ features: { a: { map: 'one-hot', edges: [] } } }, 'features.a.edges'],
    [{ features: { a: { map: 'one-hot', categories: ['x', 'x'] } } }, 'features.a'],
    [{ features: { a: { map: 'one-hot', edges: [1], min: 0 } } }, 'features.a.min'],
    [{ features: { a: count }, labels: { t: { min: 0, max: 1, center: 0 } } }, 'labels.t'],
    [{ features: { a: count }, labels: { t: { min: 0, max: 1, center: 2 } } }, 'labels.t'],
  ])('refuses %j and says where', (json, path) => {
    let thrown: unknown;
    try {
      parseTrainingBounds(json);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({
      code: 'data/invalid-value',
      details: { path: expect.stringContaining(path) },
    });
  });

  it('refuses two patterns that fit equally well', () => {
    const bounds = parseTrainingBounds({ features: { 'a*': count, '*a': count } });
    expect(() => ruleOf(bounds, 'aa')).toThrow('equally well');
    expect(() => ruleOf(parseTrainingBounds({ features: { b: count } }), 'a')).toThrow('no bound');
  });
});

describe('readBoundsFile', () => {
  it('refuses what is missing or not JSON', () => {
    expect(() => readBoundsFile(join(folder, 'none.json'))).toThrow('does not exist');
    const path = join(folder, 'bad.json');
    writeFileSync(path, '{');
    expect(() => readBoundsFile(path)).toThrow('no bounds file');
  });
});
