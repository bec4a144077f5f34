import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shopCatalogue } from '../src/cli/quickstart/scoring.ts';
import { SecureRandom } from '../src/core/secure-random.ts';
import { createNodeSealProvider, EncryptedScorer, ScoringClient } from '../src/he/index.ts';
import {
  ONLINE_RETAIL_FOLDER,
  openProfileFile,
  readRetailEvents,
  readRetailItems,
} from '../src/node/index.ts';
import {
  CollectionGate,
  ConsentLedger,
  computeProfile,
  MemoryProfileStorage,
  type ProfileEvent,
  type ProfileSchema,
  type ProfileStorage,
  ProfileStore,
  profileVector,
  sqrtShare,
  unitNorm,
  validateSchema,
} from '../src/profile/index.ts';
import { type BenchRow, median, row } from './suite.ts';

const PURPOSE = 'recommendation';
const SCENE = 'midday';
const PERSON = 'bench';
const ASKED_AT = Date.UTC(2010, 10, 30);
const SINGLES = 300;
const GROUP = 500;
const GROUPS = 12;
const JOURNEYS = 120;
const WARM_UP = 20;

const random = new SecureRandom();

function shopSchema(): ProfileSchema {
  return validateSchema(JSON.parse(readFileSync(`${ONLINE_RETAIL_FOLDER}schema.json`, 'utf8')));
}

/** A person who agreed to all of the shop's schema, long enough ago. */
function shopPerson(schema: ProfileSchema, until: number): ConsentLedger {
  let time = ASKED_AT;
  const key = random.bytes(32);
  const clock = (): number => time;
  const consent = new ConsentLedger({ schema, person: PERSON, key, noticeVersion: 1, clock });
  consent.grant({
    scope: { tier: 'enhanced', scene: SCENE },
    purposes: [PURPOSE],
    controller: 'shop',
    expiresAt: Date.UTC(2012, 0, 1),
  });
  time = until;
  return consent;
}

function openStore(consent: ConsentLedger, storage: ProfileStorage): Promise<ProfileStore> {
  return ProfileStore.open({
    ...{ consent, purpose: PURPOSE, storage, secret: random.bytes(32) },
    gate: (collect) => new CollectionGate({ consent, purpose: PURPOSE, collect }),
    ...{ halfLife: 'P30D', decisionRetention: 'P90D' },
  });
}

async function milliseconds(work: () => unknown): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
}

/** Milliseconds of sealing one page, which every durable change costs at least. */
async function sealing(): Promise<number> {
  const { subtle } = globalThis.crypto;
  const key = await subtle.importKey('raw', random.bytes(32), 'AES-GCM', false, ['encrypt']);
  const page = random.bytes(4096);
  const times: number[] = [];
  for (let i = 0; i < SINGLES; i++) {
    times.push(
      await milliseconds(() =>
        subtle.encrypt({ name: 'AES-GCM', iv: random.bytes(12) }, key, page),
      ),
    );
  }
  return median(times);
}

async function observing(events: readonly ProfileEvent[], until: number): Promise<BenchRow[]> {
  const schema = shopSchema();
  const sealed = await sealing();
  const rows: BenchRow[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'velatura-bench-'));
  try {
    const storages: readonly (readonly [string, ProfileStorage])[] = [
      ['memory', new MemoryProfileStorage()],
      ['SQLite', await openProfileFile(join(folder, 'profile.sqlite'))],
    ];
    for (const [name, storage] of storages) {
      const store = await openStore(shopPerson(schema, until), storage);
      const singles: number[] = [];
      for (let i = 0; i < SINGLES; i++) {
        singles.push(await milliseconds(() => store.observe(events[i] as ProfileEvent)));
      }
      const groups: number[] = [];
      for (let group = 0; group < GROUPS; group++) {
        const batch = events.slice(group * GROUP, (group + 1) * GROUP);
        let outcomes: readonly string[] = [];
        groups.push(
          await milliseconds(async () => {
            outcomes = await Promise.all(batch.map((event) => store.observe(event)));
          }),
        );
        if (outcomes.some((outcome) => outcome !== 'kept')) throw new Error('an event was dropped');
      }
      rows.push(
        row(`${name}: one event observed, durable`, median(singles), 'ms', sealed, {
          note: 'baseline: sealing one page with AES-GCM',
        }),
        row(`${name}: events observed, ${GROUP} at a time`, (1000 * GROUP) / median(groups), '1/s'),
      );
      await store.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return rows;
}

/** From an event to the list that it changes: gate, store, tags, encrypted scores, the best hundred. */
async function journeys(events: readonly ProfileEvent[], until: number): Promise<BenchRow[]> {
  const schema = shopSchema();
  const tags = Object.keys(schema.tags);
  const catalogue = shopCatalogue(readRetailItems(), tags);
  const provider = await createNodeSealProvider();
  const scorer = new EncryptedScorer(catalogue);
  const client = new ScoringClient({ provider, catalogue: catalogue.description });
  const consent = shopPerson(schema, until);
  const store = await openStore(consent, new MemoryProfileStorage());
  const scene = store.scene(SCENE);
  const whole: number[] = [];
  const scoring: number[] = [];
  for (const event of events.slice(0, WARM_UP + JOURNEYS)) {
    const started = performance.now();
    if ((await store.observe(event)) !== 'kept') throw new Error('the event was not kept');
    const profile = computeProfile({
      consent,
      model: { version: 'bench', scene: SCENE, tags, predict: (features) => features },
      features: (await scene.counts(tags)).map((counts) => Float32Array.from(sqrtShare(counts))),
      choices: await scene.choices(),
      purpose: PURPOSE,
    });
    const vector = unitNorm(profileVector(profile, tags, new Float32Array(tags.length)));
    const profiled = performance.now();
    const { query, queryId } = client.encryptProfile(Float32Array.from(vector));
    const scores = client.decryptReply(scorer.score(query), queryId);
    if (scores.rank({ topK: 100 }).length !== 100) throw new Error('the list is too short');
    scores.erase();
    const ended = performance.now();
    whole.push(ended - started);
    scoring.push(ended - profiled);
  }
  client.dispose();
  await store.close();
  const name = `event to list: gate, tag, encrypted top 100 of ${catalogue.description.items} items`;
  const note = 'baseline: the encrypted scoring in it';
  return [
    row(
      `${name}, p95`,
      quantile(whole.slice(WARM_UP), 0.95),
      'ms',
      quantile(scoring.slice(WARM_UP), 0.95),
      { note },
    ),
    row(`${name}, p50`, median(whole.slice(WARM_UP)), 'ms', median(scoring.slice(WARM_UP)), {
      note,
    }),
  ];
}

/** What it costs to keep a profile, and what a person waits for who is shown a list from it. */
export async function storing(): Promise<BenchRow[]> {
  const events = readRetailEvents()
    .filter((event) => event.scene === SCENE)
    .sort((a, b) => a.time - b.time)
    .slice(0, GROUP * GROUPS)
    .map((event) => ({ ...event, user: PERSON }));
  const until = Math.max(...events.map((event) => event.time));
  return [...(await observing(events, until)), ...(await journeys(events, until))];
}
