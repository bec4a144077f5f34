import {
  CollectionGate,
  type CollectionGateOptions,
  ConsentLedger,
  type DeIdentification,
  type OfferedEvent,
  type ProfileSchema,
  RareValues,
  validateSchema,
} from '../src/profile/index.ts';
import { ScenePseudonyms } from '../src/profile/pseudonym.ts';
import { type BenchRow, median, row } from './suite.ts';

const RUNS = 9;
const EVENTS = 200_000;
const PERSONS = 1000;
const NOW = Date.UTC(2026, 10, 22);
const DAY_MS = 86_400_000;
const SCENES = ['live-beauty', 'live-food'];

function makeSchema(): ProfileSchema {
  const declared = {
    source: 'first-party',
    purposes: ['recommendation'],
    retention: 'P90D',
    reviewBy: '2027-05-22',
    controller: 'platform',
    recipients: [],
  };
  const kinds = Object.fromEntries(
    ['watch-time', 'click', 'gift', 'share'].map((kind) => [
      kind,
      { ...declared, tier: 'enhanced', legalBasis: 'consent', value: { max: 3600, step: 10 } },
    ]),
  );
  const tags = Object.fromEntries(
    Array.from({ length: 30 }, (_, i) => [
      `tag-${i}`,
      {
        kind: 'predictive',
        from: Object.keys(kinds),
        scenes: SCENES,
        purposes: ['recommendation'],
        retention: 'P90D',
        sensitivity: 'normal',
        reviewBy: '2027-05-22',
      },
    ]),
  );
  return validateSchema({
    version: 1,
    parties: { platform: { role: 'controller' } },
    purposes: ['recommendation'],
    scenes: Object.fromEntries(
      SCENES.map((scene) => [scene, { riskLevel: 'normal', advertising: 'none' }]),
    ),
    flows: [],
    kinds: { ...kinds, face: { tier: 'prohibited' } },
    tags,
    sensitiveCombinations: [],
  });
}

/** A stream as it comes: one event in eight is to be dropped, and every one brings more than it should. */
function makeEvents(persons: number): readonly OfferedEvent[] {
  return Array.from({ length: EVENTS }, (_, i) => ({
    user: `person-${i % persons}`,
    time: NOW - DAY_MS + i * 100,
    scene: SCENES[i % 2] as string,
    kind: i % 8 === 0 ? 'face' : (['watch-time', 'click', 'gift', 'share'][i % 4] as string),
    tag: `tag-${i % 30}`,
    value: i % 500,
    ip: '192.0.2.7',
    device: 'a1b2c3',
  }));
}

function makeGate(
  schema: ProfileSchema,
  person: string,
  options: Pick<CollectionGateOptions, 'collect' | 'deIdentify'>,
): CollectionGate {
  let now = NOW - 2 * DAY_MS;
  const consent = new ConsentLedger({
    schema,
    person,
    key: new Uint8Array(32).fill(1),
    noticeVersion: 1,
    // The platform's clock belongs to the cost; its answer does not matter here.
    clock: () => Math.min(Date.now(), now),
  });
  for (const scene of SCENES) {
    consent.grant({
      scope: { tier: 'enhanced', scene },
      purposes: ['recommendation'],
      controller: 'platform',
      expiresAt: NOW + DAY_MS,
    });
  }
  now = NOW;
  return new CollectionGate({ consent, purpose: 'recommendation', ...options });
}

/** Events a second: the median of several runs after one to warm up. */
function perSecond(body: () => void): number {
  const rates: number[] = [];
  for (let run = 0; run <= RUNS; run++) {
    const started = performance.now();
    body();
    rates.push((EVENTS / (performance.now() - started)) * 1000);
  }
  return median(rates.slice(1));
}

/** How fast a gate decides, on one core. */
export function gating(): readonly BenchRow[] {
  const schema = makeSchema();
  const names = new Map(
    SCENES.map((scene) => [
      scene,
      new ScenePseudonyms({ secret: new Uint8Array(32).fill(2), scene, rotation: 'P7D' }),
    ]),
  );
  const deIdentify = (): DeIdentification => ({
    pseudonym: (account, scene, at) => names.get(scene)?.of(account, at).read(scene) as string,
    timeStepMs: 3_600_000,
    isCommon: new RareValues(20).isCommon,
  });
  let sink = 0;
  const collect = (event: { readonly value: number }): void => {
    sink += event.value;
  };

  const own = makeEvents(1);
  const bare = perSecond(() => {
    for (const { user, time, scene, kind, tag, value } of own) {
      collect({ user, time, scene, kind, tag, value } as OfferedEvent);
    }
  });
  const gate = makeGate(schema, 'person-0', { collect });
  const single = perSecond(() => {
    for (const event of own) gate.offer(event);
  });
  const common = { ...deIdentify(), isCommon: () => true };
  const coarse = makeGate(schema, 'person-0', { collect, deIdentify: common });
  const coarsened = perSecond(() => {
    for (const event of own) coarse.offer(event);
  });

  const many = makeEvents(PERSONS);
  const shared = deIdentify();
  const gates = new Map(
    Array.from({ length: PERSONS }, (_, i) => {
      const person = `person-${i}`;
      return [person, makeGate(schema, person, { collect, deIdentify: shared })];
    }),
  );
  const edge = perSecond(() => {
    for (const event of many) gates.get(event.user)?.offer(event);
  });
  const share = gate.admitted / (EVENTS * (RUNS + 1));
  if (!(sink > 0 && share > 0.8 && share < 0.9)) throw new Error('the gate did not do its work');
  const note = 'one core; baseline: copying the six fields; goal: at least 300,000';
  return [
    row('gate of one person', single, 'events/s', bare, { note }),
    row('gate of one person, de-identifying', coarsened, 'events/s', bare, { note }),
    row(`gates of ${PERSONS} persons, de-identifying`, edge, 'events/s', bare, { note }),
  ];
}
