import { describe, expect, it } from 'vitest';
import {
  AuthorisedFlow,
  authoriseFlow,
  carryTags,
  joinScenes,
  SceneData,
} from '../../src/profile/index.ts';
import { HOSTILE_NAMES, schema } from './fixtures.ts';

const UNAUTHORISED = expect.objectContaining({ code: 'profile/flow-unauthorised' });
const food = new SceneData(
  'live-food',
  new Map([
    ['kitchen', 0.7],
    ['baby', 0.1],
  ]) as ReadonlyMap<string, number>,
);
const beauty = new SceneData(
  'live-beauty',
  new Map([['makeup', 0.4]]) as ReadonlyMap<string, number>,
);

function merge(
  a: ReadonlyMap<string, number>,
  b: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  return new Map([...a, ...b]);
}

describe('SceneData', () => {
  it('is read by whoever names its scene', () => {
    expect(food.read('live-food').get('kitchen')).toBe(0.7);
    expect(food.map((tags) => tags.size).read('live-food')).toBe(2);
  });

  it('does not compile for another scene, and fails at run time', () => {
    // @ts-expect-error another scene
    expect(() => food.read('live-beauty')).toThrow(UNAUTHORISED);
  });

  it('hides its data from JSON and from enumeration', () => {
    expect(JSON.stringify(new SceneData('live-food', { secret: 'value' }))).not.toContain('value');
  });

  it('wants a scene that is a string', () => {
    expect(() => new SceneData(1 as unknown as string, null)).toThrow(TypeError);
  });
});

describe('joinScenes', () => {
  it('joins data of one scene', () => {
    const more = new SceneData(
      'live-food',
      new Map([['spend-level', 1]]) as ReadonlyMap<string, number>,
    );
    expect([...joinScenes(food, more, merge).read('live-food').keys()]).toEqual([
      'kitchen',
      'baby',
      'spend-level',
    ]);
  });

  it('does not compile for two scenes, and fails at run time', () => {
    // @ts-expect-error two scenes
    expect(() => joinScenes(food, beauty, merge)).toThrow(UNAUTHORISED);
    // @ts-expect-error an either-or scene is no scene
    expect(() => joinScenes<'live-food' | 'live-beauty', 1, 1, 1>(food, beauty, () => 1)).toThrow(
      UNAUTHORISED,
    );
  });

  it('fails at run time where the compiler does not know the scenes', () => {
    const loose = (scene: string): SceneData<string, number> => new SceneData(scene, 1);
    expect(() => joinScenes(loose('live-food'), loose('live-beauty'), (a, b) => a + b)).toThrow(
      UNAUTHORISED,
    );
  });
});

describe('an authorised flow', () => {
  const request = {
    from: 'live-food',
    to: 'live-beauty',
    purpose: 'recommendation',
    tags: ['kitchen'],
  } as const;

  it('carries the tags it names, and no other', () => {
    const carried = carryTags(authoriseFlow(schema, request), food);
    expect([...carried.read('live-beauty', 'recommendation')]).toEqual([['kitchen', 0.7]]);
    const joined = joinScenes(carried, beauty, merge);
    expect([...joined.read('live-beauty', 'recommendation').keys()]).toEqual(['kitchen', 'makeup']);
  });

  it('binds what it carries to its purpose, through changes and joins', () => {
    const carried = carryTags(authoriseFlow(schema, request), food);
    const descendants = [
      carried,
      carried.map((tags) => tags.size),
      joinScenes(beauty, carried, merge),
      joinScenes(carried, carried, merge),
    ];
    for (const data of descendants) {
      expect(() => data.read('live-beauty', 'recommendation')).not.toThrow();
      expect(() => data.read('live-beauty')).toThrow(UNAUTHORISED);
      expect(() => data.read('live-beauty', 'advertising')).toThrow(UNAUTHORISED);
    }
  });

  it('does not carry on what it may not use itself', () => {
    const onward = new SceneData('live-food', food.read('live-food'), ['search']);
    expect(() => carryTags(authoriseFlow(schema, request), onward)).toThrow(UNAUTHORISED);
  });

  it('joins nothing that has no purpose in common', () => {
    const search = new SceneData('live-beauty', new Map<string, number>(), ['search']);
    const carried = carryTags(authoriseFlow(schema, request), food);
    expect(() => joinScenes(carried, search, merge)).toThrow(UNAUTHORISED);
  });

  it('is refused in the other direction, for another purpose, for more tags and for none', () => {
    const refused = [
      { ...request, from: 'live-beauty', to: 'live-food' },
      { ...request, purpose: 'order-fulfilment' },
      { ...request, tags: ['kitchen', 'baby'] },
      { ...request, tags: [] },
      { ...request, to: 'live-food' },
    ] as const;
    for (const other of refused) expect(() => authoriseFlow(schema, other)).toThrow(UNAUTHORISED);
  });

  it('is refused for what nobody declared, hostile names included', () => {
    for (const name of HOSTILE_NAMES) {
      expect(() => authoriseFlow(schema, { ...request, from: name })).toThrow(
        expect.objectContaining({ code: 'data/unknown-scene' }),
      );
      expect(() => authoriseFlow(schema, { ...request, tags: [name] })).toThrow(
        expect.objectContaining({ code: 'profile/unknown-tag' }),
      );
    }
  });

  it('does not start elsewhere', () => {
    const flow = authoriseFlow(schema, request);
    // @ts-expect-error the data is of the target scene
    expect(() => carryTags(flow, beauty)).toThrow(UNAUTHORISED);
  });

  it('cannot be forged', () => {
    const real = authoriseFlow(schema, request);
    const copy = { ...real };
    // @ts-expect-error the same shape is not enough
    expect(() => carryTags(copy, food)).toThrow(UNAUTHORISED);
    expect(() => new AuthorisedFlow(Symbol('authorise'), request)).toThrow(TypeError);
    expect(() => Object.assign(real, { tags: ['baby'] })).toThrow(TypeError);
    expect(() => (real.tags as string[]).push('baby')).toThrow(TypeError);
  });

  it('is not widened by changing the request afterwards', () => {
    const tags = ['kitchen'];
    const flow = authoriseFlow(schema, { ...request, tags });
    tags.push('baby');
    expect(carryTags(flow, food).read('live-beauty', 'recommendation').has('baby')).toBe(false);
  });
});
