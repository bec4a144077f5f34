import { describe, expect, it } from 'vitest';
import { attributeInferenceAttack, linkageAttack } from '../../../src/testing/index.ts';

describe('linkageAttack', () => {
  const released = [
    { city: 'a', age: '30', tag: 'kitchen' },
    { city: 'a', age: '30', tag: 'makeup' },
    { city: 'b', age: '41', tag: 'baby' },
  ];
  const known = [
    { row: { city: 'a', age: '30' }, truth: 0 },
    { row: { city: 'b', age: '41' }, truth: 2 },
    { row: { city: 'c', age: '20' }, truth: null },
  ];

  it('finds whoever is alone in a class, and half of a pair', () => {
    expect(linkageAttack(released, known, ['city', 'age'])).toEqual({
      people: 2,
      unique: 1,
      rate: 0.75,
      smallestClass: 1,
    });
  });

  it('fails on counts of enough people, which have no rows of anybody', () => {
    const classes = Array.from({ length: 50 }, (_, i) => ({ city: i < 25 ? 'a' : 'b' }));
    const people = classes.map((row, truth) => ({ row, truth }));
    const found = linkageAttack(classes, people, ['city']);
    expect(found).toMatchObject({ unique: 0, smallestClass: 25 });
    expect(found.rate).toBeCloseTo(1 / 25, 12);
  });

  it('misses those whose columns were changed, and wants columns', () => {
    const wrong = [{ row: { city: 'z', age: '1' }, truth: 0 }];
    expect(linkageAttack(released, wrong, ['city', 'age']).rate).toBe(0);
    expect(linkageAttack([], [], ['city'])).toEqual({
      people: 0,
      unique: 0,
      rate: 0,
      smallestClass: 0,
    });
    expect(() => linkageAttack(released, known, [])).toThrow(RangeError);
  });
});

describe('attributeInferenceAttack', () => {
  // Two tags that say nothing alone and everything together are beyond naive Bayes; many weak ones are not.
  const person = (i: number, strength: number) => ({
    attribute: i % 2 === 0 ? 'x' : 'y',
    tags: Object.fromEntries(
      Array.from({ length: 9 }, (_, t) => {
        const uniform = ((i * 7919 + t * 104_729 + i * t * 31) % 1009) / 1009;
        const share = 0.5 + (i % 2 === 0 ? strength : -strength);
        return [`tag ${t}`, uniform < share ? 'on' : 'off'];
      }),
    ),
  });
  const people = (strength: number) => Array.from({ length: 2000 }, (_, i) => person(i, strength));

  it('puts weak proxies together', () => {
    const found = attributeInferenceAttack(people(0.2), 'seed');
    expect(found).toMatchObject({ people: 1000, baseline: 0.5 });
    expect(found.balancedAccuracy).toBeGreaterThan(0.75);
  });

  it('is no better than guessing where tags say nothing', () => {
    const found = attributeInferenceAttack(people(0), 'seed');
    expect(Math.abs(found.balancedAccuracy - 0.5)).toBeLessThan(0.08);
  });

  it('is not fooled by a value that is common', () => {
    const rare = people(0).map((p, i) => ({ ...p, attribute: i % 20 === 0 ? 'x' : 'y' }));
    const found = attributeInferenceAttack(rare, 'seed');
    expect(Math.abs(found.balancedAccuracy - 0.5)).toBeLessThan(0.2);
    expect(() => attributeInferenceAttack([], 'seed')).toThrow(RangeError);
  });
});
