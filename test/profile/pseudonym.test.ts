import { describe, expect, it } from 'vitest';
import { KeyRing } from '../../src/dp/budget/account-key.ts';
import { joinScenes, ScenePseudonyms } from '../../src/profile/index.ts';
import { DAY, START } from './fixtures.ts';

const secret = new Uint8Array(32).fill(5);

function names<S extends string>(scene: S, key: Uint8Array = secret): ScenePseudonyms<S> {
  return new ScenePseudonyms({ secret: key, scene, rotation: 'P30D' });
}

function name(scene: string, account: string, at = START, key = secret): string {
  return names(scene, key).of(account, at).read(scene);
}

describe('a scene pseudonym', () => {
  it('is the same within a period and new after it', () => {
    const food = names('live-food');
    const start = food.periodOf(START) * food.rotationMs;
    const first = food.of('u1', start).read('live-food');
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect(food.of('u1', start + 30 * DAY - 1).read('live-food')).toBe(first);
    expect(food.of('u1', start + 30 * DAY).read('live-food')).not.toBe(first);
  });

  it('differs by account, scene, secret and period', () => {
    const all = ['live-food', 'live-beauty'].flatMap((scene) =>
      ['u1', 'u2', 'u1 '].flatMap((account) =>
        [START, START + 90 * DAY].flatMap((at) =>
          [secret, new Uint8Array(32).fill(6)].map((key) => name(scene, account, at, key)),
        ),
      ),
    );
    expect(new Set(all).size).toBe(24);
  });

  it('is not the same when scene and account share their letters', () => {
    expect(name('ab', 'c')).not.toBe(name('a', 'bc'));
  });

  it('is not what a budget books under, even with one secret for both', () => {
    const key = new KeyRing([secret]).keysOf(['u1']);
    const hex = Buffer.from(key).toString('hex');
    expect(name('live-food', 'u1')).not.toBe(hex);
  });

  it('does not compile as a name of another scene, and fails at run time', () => {
    const food = names('live-food').of('u1', START);
    const beauty = names('live-beauty').of('u1', START);
    const unauthorised = expect.objectContaining({ code: 'profile/flow-unauthorised' });
    // @ts-expect-error names of two scenes
    expect(() => joinScenes(food, beauty, (a, b) => a === b)).toThrow(unauthorised);
    // @ts-expect-error the other scene
    expect(() => food.read('live-beauty')).toThrow(unauthorised);
    expect(JSON.stringify(food)).not.toContain(food.read('live-food'));
  });

  it('refuses short secrets, malformed periods, accounts and times', () => {
    expect(() => names('a', new Uint8Array(31))).toThrow(RangeError);
    for (const rotation of ['', 'P0D', 'monthly']) {
      expect(() => new ScenePseudonyms({ secret, scene: 'a', rotation })).toThrow(RangeError);
    }
    for (const account of ['', '\uD800']) expect(() => name('a', account)).toThrow(TypeError);
    for (const at of [Number.NaN, 0.5]) expect(() => name('a', 'u1', at)).toThrow(RangeError);
  });
});
