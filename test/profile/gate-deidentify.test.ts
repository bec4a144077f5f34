import { describe, expect, it } from 'vitest';
import {
  type CollectedEvent,
  CollectionGate,
  type CollectionGateOptions,
  type ConsentLedger,
  type DeIdentification,
  RareValues,
  validateSchema,
} from '../../src/profile/index.ts';
import { ScenePseudonyms } from '../../src/profile/pseudonym.ts';
import {
  DAY,
  newLedger,
  order,
  richSchema,
  richSchemaJson,
  START,
  TestClock,
  watching,
} from './fixtures.ts';

const HOUR = 3_600_000;
const BEAUTY = {
  tier: 'restricted',
  scene: 'live-beauty',
  kind: 'watch-time',
  explicit: true,
} as const;
const TERMS = {
  purposes: ['recommendation'],
  controller: 'platform',
  expiresAt: START + 100 * DAY,
} as const;
const secret = new Uint8Array(32).fill(9);
const names = new Map(
  Object.keys(richSchema.scenes).map((scene) => [
    scene,
    new ScenePseudonyms({ secret, scene, rotation: 'P7D' }),
  ]),
);
const COARSE: DeIdentification = {
  pseudonym: (account, scene, at) => names.get(scene)!.of(account, at).read(scene),
  timeStepMs: HOUR,
  placeStepDegrees: 0.5,
  isCommon: () => true,
};

interface Setting {
  readonly gate: CollectionGate;
  readonly consent: ConsentLedger;
  readonly clock: TestClock;
  readonly collected: CollectedEvent[];
}

function setting(
  options: Partial<CollectionGateOptions> = {},
  schema = richSchema,
  person = 'u1',
): Setting {
  const clock = new TestClock();
  const consent = newLedger(clock, { schema, person });
  consent.grant({ scope: { tier: 'essential' }, ...TERMS });
  consent.grant({ scope: BEAUTY, ...TERMS, recipients: ['merchant'] });
  consent.grant({ scope: { tier: 'enhanced', scene: 'live-food' }, ...TERMS });
  clock.time = START + DAY;
  consent.beginSession('live-beauty', 'as-agreed');
  clock.time = START + 2 * DAY - HOUR;
  const collected: CollectedEvent[] = [];
  const collect = (event: CollectedEvent): unknown => collected.push(event);
  const gate = new CollectionGate({ consent, purpose: 'recommendation', collect, ...options });
  return { gate, consent, clock, collected };
}

describe('a gate that de-identifies', () => {
  it('passes a name of the scene, a coarse time, place and value, and nothing else', () => {
    const { gate, collected } = setting({ deIdentify: COARSE });
    const event = {
      ...watching({ time: START + DAY + 1234, value: 341 }),
      latitude: 48.7,
      longitude: -9.1,
      ip: '192.0.2.7',
      deviceId: 'a1b2c3',
      userAgent: 'Mozilla',
    };
    expect(gate.offer(event)).toBe('admitted');
    expect(collected).toEqual([
      {
        user: names
          .get('live-beauty')!
          .of('u1', START + DAY)
          .read('live-beauty'),
        time: START + DAY,
        scene: 'live-beauty',
        kind: 'watch-time',
        tag: 'makeup',
        value: 300,
        place: '48.500,-9.500',
      },
    ]);
    expect(JSON.stringify(collected)).not.toMatch(/u1|192|a1b2|Mozilla|48\.7/);
  });

  it('knows a person by another name in every scene, and by a new one in every period', () => {
    const { gate, collected, clock } = setting({ deIdentify: COARSE });
    gate.offer(order());
    gate.offer(watching());
    gate.offer(order({ time: START + 2 * DAY - HOUR }));
    clock.time = START + 9 * DAY;
    gate.offer(order({ time: START + 9 * DAY }));
    const [food, beauty, again, later] = collected.map((event) => event.user);
    expect(food).not.toBe(beauty);
    expect(later).not.toBe(food);
    // 1 May 2026 and the two days after it lie in one period of seven days.
    expect(again).toBe(food);
  });

  it('asks for one name a step, however many events', () => {
    let asked = 0;
    const pseudonym = (): string => {
      asked += 1;
      return `name ${asked}`;
    };
    const { gate, collected } = setting({ deIdentify: { ...COARSE, pseudonym } });
    for (let i = 0; i < 5; i++) gate.offer(order({ time: START + DAY + i }));
    gate.offer(order({ time: START + DAY + HOUR }));
    gate.offer(order({ time: START + DAY }));
    expect(collected.map((event) => event.user)).toEqual([
      ...new Array(5).fill('name 1'),
      'name 2',
      'name 3',
    ]);
  });

  it.each([
    [{ latitude: 91, longitude: 0 }],
    [{ latitude: 10, longitude: 181 }],
    [{ latitude: Number.NaN, longitude: 0 }],
    [{ latitude: 10 }],
    [{ latitude: '10' as unknown as number, longitude: 10 }],
    [{}],
  ])('leaves out a place that is none: %j', (place) => {
    const { gate, collected } = setting({ deIdentify: COARSE });
    expect(gate.offer({ ...watching(), ...place })).toBe('admitted');
    expect(collected[0]).not.toHaveProperty('place');
  });

  it('leaves out the place of kinds that may not carry one, and where no grid is given', () => {
    const place = { latitude: 10, longitude: 10 };
    const { placeStepDegrees: _, ...gridless } = COARSE;
    const first = setting({ deIdentify: COARSE });
    expect(first.gate.offer({ ...order(), ...place })).toBe('admitted');
    const second = setting({ deIdentify: gridless });
    expect(second.gate.offer({ ...watching(), ...place })).toBe('admitted');
    for (const event of [...first.collected, ...second.collected]) {
      expect(event).not.toHaveProperty('place');
    }
  });

  it('writes the corner at the equator one way only', () => {
    const { gate, collected } = setting({ deIdentify: COARSE });
    gate.offer({ ...watching(), latitude: -0, longitude: 0.1 });
    expect(collected[0]?.place).toBe('0.000,0.000');
  });

  it('drops rare tags and leaves out rare places', () => {
    const isCommon: DeIdentification['isCommon'] = ({ field, value }) =>
      field === 'tag' ? value !== 'baby' : value === '48.500,9.000';
    const { gate, collected } = setting({ deIdentify: { ...COARSE, isCommon } });
    expect(gate.offer(order({ tag: 'baby' }))).toBe('rare-value');
    gate.offer({ ...watching(), latitude: 48.6, longitude: 9.2 });
    gate.offer({ ...watching(), latitude: 48.6, longitude: 9.6 });
    expect(collected.map((event) => event.place)).toEqual(['48.500,9.000', undefined]);
    expect([...gate.refusals()]).toEqual([['rare-value', 1]]);
  });

  it.each([
    { timeStepMs: 59_999 },
    { timeStepMs: 1e5 + 0.5 },
    { placeStepDegrees: 0.05 },
    { placeStepDegrees: 91 },
    { placeStepDegrees: Number.NaN },
  ])('refuses %j', (change) => {
    expect(() => setting({ deIdentify: { ...COARSE, ...change } })).toThrow(RangeError);
  });
});

describe('what may leave the device', () => {
  it('is coarse where a rule asks for it, or it does not pass', () => {
    expect(setting().gate.offer(watching())).toBe('not-de-identified');
    expect(setting().gate.offer(order())).toBe('admitted');
    expect(setting({ deIdentify: COARSE }).gate.offer(watching())).toBe('admitted');
  });

  it('is not what must stay there', () => {
    const event = watching({ kind: 'social-graph', tag: 'friends' });
    const scope = { ...BEAUTY, kind: 'social-graph' } as const;
    for (const [options, expected] of [
      [{}, 'admitted'],
      [{ deIdentify: COARSE }, 'on-device-only'],
    ] as const) {
      const { gate, consent, clock } = setting(options);
      consent.grant({ scope, ...TERMS });
      clock.time = START + 3 * DAY;
      expect(gate.offer({ ...event, time: clock.time })).toBe(expected);
    }
  });

  it('goes to a recipient only when de-identified, declared and agreed to', () => {
    const to = (recipient: string): CollectionGate =>
      setting({ deIdentify: COARSE, recipient }).gate;
    expect(() => setting({ recipient: 'merchant' })).toThrow(RangeError);
    expect(to('merchant').offer(watching())).toBe('admitted');
    expect(to('agency').offer(watching())).toBe('recipient-not-declared');
    expect(to('widget').offer(watching())).toBe('consent-missing');
    expect(to('merchant').offer(order())).toBe('recipient-not-agreed');
    const { gate, consent, clock } = setting({ deIdentify: COARSE, recipient: 'widget' });
    consent.grant({ scope: { ...BEAUTY, recipient: 'widget' }, ...TERMS });
    expect(gate.offer(watching())).toBe('before-consent');
    expect(gate.offer(watching({ time: clock.time }))).toBe('admitted');
    consent.withdraw({ ...BEAUTY, recipient: 'widget' });
    expect(gate.offer(watching({ time: clock.time }))).toBe('consent-withdrawn');
  });

  it('waits for the session where a rule asks for it', () => {
    const { gate, consent, clock } = setting({ deIdentify: COARSE });
    consent.endSession('live-beauty');
    expect(gate.offer(watching())).toBe('session-not-begun');
    consent.beginSession('live-beauty', 'as-agreed');
    expect(gate.offer(watching())).toBe('before-consent');
    expect(gate.offer(watching({ time: clock.time }))).toBe('admitted');
  });

  it('is a value no finer and no larger than declared', () => {
    const json = structuredClone(richSchemaJson());
    Object.assign(json.kinds['order']!, { value: { max: 2, step: 0.1 } });
    const { gate, collected } = setting({}, validateSchema(json));
    for (const value of [0.3, 0.39, 1e9, 2, 0, 0.05]) gate.offer(order({ value }));
    const values = collected.map((event) => event.value);
    expect(values.map((value) => Math.round(value * 1e6) / 1e6)).toEqual([0.3, 0.3, 2, 2, 0, 0]);
  });
});

describe('rare values', () => {
  it('become common with the last of enough different persons', () => {
    const rare = new RareValues(3);
    const shown = (person: string, scene = 'live-food'): boolean =>
      rare.isCommon({ person, scene, field: 'tag', value: 'kitchen' });
    expect([shown('a'), shown('a'), shown('b'), shown('a'), shown('c'), shown('a')]).toEqual([
      ...[false, false, false, false],
      ...[true, true],
    ]);
    expect(shown('c', 'live-beauty')).toBe(false);
    expect(() => new RareValues(1)).toThrow(RangeError);
  });

  it('of one field are not those of another', () => {
    const rare = new RareValues(2);
    const candidate = { scene: 'live-food', value: '1.0,1.0' } as const;
    rare.isCommon({ ...candidate, person: 'a', field: 'tag' });
    expect(rare.isCommon({ ...candidate, person: 'b', field: 'place' })).toBe(false);
  });

  it('do not fill the memory: beyond a bound every new one stays rare', () => {
    const rare = new RareValues(2);
    const show = (i: number, person: string): boolean =>
      rare.isCommon({ person, scene: 's', field: 'place', value: String(i) });
    for (let i = 0; i < 65_536; i++) show(i, `a${i >> 8}`);
    expect(show(65_536, 'b')).toBe(false);
    expect(show(65_536, 'c')).toBe(false);
    expect(show(0, 'b')).toBe(true);
    // Places never crowd out tags.
    const tag = { scene: 's', field: 'tag', value: 'kitchen' } as const;
    expect(rare.isCommon({ ...tag, person: 'b' })).toBe(false);
    expect(rare.isCommon({ ...tag, person: 'c' })).toBe(true);
  });

  it('of one person do not keep those of others out', () => {
    const rare = new RareValues(2);
    const show = (value: string, person: string): boolean =>
      rare.isCommon({ person, scene: 's', field: 'place', value });
    for (let i = 0; i < 70_000; i++) show(String(i), 'flood');
    expect(show('256', 'a')).toBe(false);
    expect(show('256', 'flood')).toBe(true);
    // A value that others took up makes room for one more.
    show('new', 'flood');
    expect(show('new', 'b')).toBe(false);
    expect(show('255', 'a')).toBe(true);
    show('newer', 'flood');
    expect(show('newer', 'b')).toBe(true);
  });
});
