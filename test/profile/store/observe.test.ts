import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  authoriseFlow,
  carryTags,
  FeatureBuilder,
  joinScenes,
  type ProfileEvent,
  parseBounds,
  type TagState,
} from '../../../src/profile/index.ts';
import { DAY, HOSTILE_NAMES, order, START, schema, watching } from '../fixtures.ts';
import { evidenceOf, newDevice, newStore, openStore, PURPOSE, tagOf } from './fixtures.ts';

describe('observing', () => {
  it('keeps what the gate admits, and says what became of the rest', async () => {
    const { store, clock, consent } = await newStore();
    clock.time = START + DAY;
    expect(await store.observe(order())).toBe('kept');
    expect(await store.observe(order({ kind: 'face' }))).toBe('prohibited-kind');
    expect(await store.observe(order({ user: 'u2' }))).toBe('other-person');
    consent.optOut(PURPOSE);
    expect(await store.observe(order())).toBe('opted-out');
    consent.optIn(PURPOSE);
    expect(await evidenceOf(store, 'kitchen')).toBe(2);
  });

  it('halves with every half-life', async () => {
    const { store, clock } = await newStore();
    clock.time = START + DAY;
    await store.observe(order({ value: 8 }));
    for (const [days, expected] of [
      [0, 8],
      [30, 4],
      [60, 2],
      [75, 2 ** 0.5],
    ] as const) {
      clock.time = START + (1 + days) * DAY;
      expect(await evidenceOf(store, 'kitchen')).toBeCloseTo(expected, 12);
    }
  });

  it('tells estimate, confidence, coverage and staleness', async () => {
    const { store, clock } = await newStore();
    const food = store.scene('live-food');
    // Four tags of the scene may be made from orders: the estimate starts even, and nobody is sure of it.
    expect(await tagOf(food, 'kitchen')).toEqual({
      tag: 'kitchen',
      correction: null,
      optedOut: false,
      evidence: 0,
      events: 0,
      estimate: 0.25,
      confidence: 0,
      coverage: 0,
      staleness: null,
    });
    clock.time = START + 2 * DAY;
    await store.observe(order({ time: START + 2 * DAY, value: 5 }));
    await store.observe(order({ time: START + 2 * DAY - 60_000, value: 0 }));
    await store.observe(order({ time: START + 2 * DAY, tag: 'baby', value: 1 }));
    clock.time += 3_600_000;
    expect(await tagOf(food, 'kitchen')).toMatchObject({
      evidence: 5,
      events: 2,
      estimate: 6 / 10,
      confidence: 6 / 10,
      coverage: 1,
      staleness: 3_600_000,
    });
    expect((await tagOf(food, 'baby')).estimate).toBe(2 / 10);
    expect((await tagOf(food, 'health-food')).estimate).toBe(1 / 10);
  });

  it('counts pieces in the unit of their kind', async () => {
    const { store, clock } = await newStore({ evidenceUnits: { 'watch-time': 60 } });
    clock.time = START + DAY;
    await store.observe(watching({ value: 90 }));
    const beauty = store.scene('live-beauty');
    expect((await tagOf(beauty, 'makeup')).evidence).toBe(1.5);
    const counts = (await beauty.counts(['makeup', 'spend-level'])).read('live-beauty', PURPOSE);
    expect([...counts]).toEqual([90, 0]);
  });

  it('gives features what it counted', async () => {
    const { store, clock } = await newStore();
    clock.time = START + DAY;
    await store.observe(order({ value: 3 }));
    await store.observe(order({ value: 1, tag: 'baby' }));
    const bounds = parseBounds({ features: { '*': { min: 0, max: 100, map: 'share' } } });
    const builder = new FeatureBuilder(bounds, ['kitchen', 'baby']);
    const counts = await store.scene('live-food').counts(['kitchen', 'baby']);
    const features = counts.map((values) => builder.build(values, 0));
    expect([...features.read('live-food', PURPOSE)]).toEqual([0.75, 0.25]);
  });

  it('comes to the same whatever the order and the batches', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            time: fc.integer({ min: START, max: START + 80 * DAY }),
            tag: fc.constantFrom('kitchen', 'baby', 'health-food'),
            value: fc.integer({ min: 0, max: 1000 }),
          }),
          { minLength: 1, maxLength: 12 },
        ),
        fc.integer(),
        async (changes, seed) => {
          const events = changes.map((change) => order(change));
          const mixed = fc.sample(fc.shuffledSubarray(events, { minLength: events.length }), {
            numRuns: 1,
            seed,
          })[0] as ProfileEvent[];
          const states = [];
          for (const [list, together] of [
            [events, true],
            [mixed, false],
          ] as const) {
            const { store, clock } = await newStore();
            clock.time = START + 80 * DAY;
            if (together) await Promise.all(list.map((event) => store.observe(event)));
            else for (const event of list) await store.observe(event);
            states.push((await store.scene('live-food').tags()).read('live-food', PURPOSE));
          }
          const [first, second] = states;
          first?.forEach((state, i) => {
            const other = second?.[i];
            expect(other?.evidence).toBeCloseTo(state.evidence, 6);
            expect({ ...other, evidence: 0, estimate: 0, confidence: 0 }).toEqual({
              ...{ ...state, evidence: 0, estimate: 0, confidence: 0 },
            });
          });
        },
      ),
      { numRuns: 25 },
    );
  });

  it('writes events that come together in few records', async () => {
    const { store, clock, storage } = await newStore();
    clock.time = START + DAY;
    let writes = 0;
    storage.beforeWrite = () => {
      writes += 1;
    };
    const outcomes = await Promise.all(Array.from({ length: 500 }, () => store.observe(order())));
    expect(new Set(outcomes)).toEqual(new Set(['kept']));
    expect(writes).toBeLessThan(5);
    expect(await evidenceOf(store, 'kitchen')).toBe(1000);
  });

  it('keeps what was acknowledged for the next time it is opened', async () => {
    const device = newDevice();
    device.clock.time = START + DAY;
    const first = await openStore(device);
    await first.observe(order());
    await first.observe(watching());
    await first.close();
    const second = await openStore(device);
    expect(await evidenceOf(second, 'kitchen')).toBe(2);
    expect((await tagOf(second.scene('live-beauty'), 'makeup')).events).toBe(1);
  });

  it('stays finite for values that are not', async () => {
    const { store, clock } = await newStore();
    clock.time = START + DAY;
    for (let i = 0; i < 3; i++) await store.observe(order({ value: Number.MAX_VALUE }));
    const states = (await store.scene('live-food').tags()).read('live-food', PURPOSE);
    for (const state of states) {
      for (const value of [state.evidence, state.estimate, state.confidence]) {
        expect(Number.isFinite(value)).toBe(true);
      }
    }
  });

  it('drops hostile names and keeps its own order', async () => {
    const { store } = await newStore();
    for (const name of HOSTILE_NAMES) {
      expect(await store.observe(order({ tag: name }))).not.toBe('kept');
      expect(await store.observe(order({ scene: name }))).not.toBe('kept');
      expect(await store.observe(order({ kind: name }))).not.toBe('kept');
      expect(() => store.scene(name)).toThrow(
        expect.objectContaining({ code: 'data/unknown-scene' }),
      );
    }
  });

  it('does not take in what the person ended between the gate and the record', async () => {
    const { store, clock, consent, storage } = await newStore();
    clock.time = START + DAY;
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    storage.beforeWrite = () => gate;
    const first = store.observe(order());
    await new Promise((resolve) => setTimeout(resolve, 5));
    const second = store.observe(order());
    consent.withdraw({ tier: 'essential' });
    release();
    await first;
    expect(await second).toBe('consent-ended');
    expect(await evidenceOf(store, 'kitchen')).toBe(0);
  });

  it('hears of a storage that fails, and goes on when it is back', async () => {
    const { store, clock, storage } = await newStore();
    clock.time = START + DAY;
    storage.beforeWrite = () => {
      throw new Error('disk full');
    };
    await expect(store.observe(order())).rejects.toThrow('disk full');
    storage.beforeWrite = () => {};
    expect(await store.observe(order())).toBe('kept');
    expect(await evidenceOf(store, 'kitchen')).toBe(2);
  });
});

describe('scenes of a store', () => {
  it('are apart as types and at run time', async () => {
    const { store, clock } = await newStore();
    clock.time = START + DAY;
    await store.observe(order());
    const tags = await store.scene('live-food').tags();
    const unauthorised = expect.objectContaining({ code: 'profile/flow-unauthorised' });
    // @ts-expect-error tags of the other scene
    expect(() => tags.read('live-beauty', PURPOSE)).toThrow(unauthorised);
    expect(() => tags.read('live-food', 'advertising')).toThrow(unauthorised);
    expect(() => tags.read('live-food')).toThrow(unauthorised);
    const beauty = (await store.scene('live-beauty').tags()).read('live-beauty', PURPOSE);
    expect(beauty.every((state) => state.events === 0)).toBe(true);
    await expect(store.scene('live-beauty').counts(['kitchen'])).rejects.toEqual(unauthorised);
  });

  it('meet only along an authorised flow, tag by tag and for its purpose', async () => {
    const { store, clock } = await newStore();
    clock.time = START + DAY;
    for (const tag of ['kitchen', 'baby']) await store.observe(order({ tag }));
    await store.observe(watching());
    const asMap = (states: readonly TagState[]): ReadonlyMap<string, number> =>
      new Map(states.filter((s) => s.events > 0).map((s) => [s.tag, s.estimate]));
    const food = (await store.scene('live-food').tags()).map(asMap);
    const beauty = (await store.scene('live-beauty').tags()).map(asMap);
    const merge = (
      a: ReadonlyMap<string, number>,
      b: ReadonlyMap<string, number>,
    ): readonly string[] => [...a.keys(), ...b.keys()];
    const unauthorised = expect.objectContaining({ code: 'profile/flow-unauthorised' });
    // @ts-expect-error two scenes
    expect(() => joinScenes(food, beauty, merge)).toThrow(unauthorised);
    const edge = { from: 'live-food', to: 'live-beauty', purpose: PURPOSE } as const;
    const flow = authoriseFlow(schema, { ...edge, tags: ['kitchen'] });
    const joined = joinScenes(carryTags(flow, food), beauty, merge);
    expect(joined.read('live-beauty', PURPOSE)).toEqual(['kitchen', 'makeup']);
    expect(() => joined.read('live-beauty', 'advertising')).toThrow(unauthorised);
    expect(() => authoriseFlow(schema, { ...edge, tags: ['baby'] })).toThrow(unauthorised);
  });

  it('are apart by purpose too, on one storage', async () => {
    const device = newDevice();
    const purpose = 'order-fulfilment';
    const [one, two] = await Promise.all([openStore(device), openStore(device, { purpose })]);
    await one.scene('live-food').correct('baby', false);
    const choices = (await two.scene('live-food').choices()).read('live-food', purpose);
    expect(choices.corrections.size).toBe(0);
    expect((await two.scene('live-food').tags()).read('live-food', purpose)).toEqual([]);
  });
});
