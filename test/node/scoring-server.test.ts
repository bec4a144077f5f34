import { request } from 'node:http';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createCatalogue,
  createNodeSealProvider,
  EncryptedScorer,
  HE_PRESETS,
  parseCatalogueDescription,
  replaceItems,
  ScoringClient,
  ShardedScorer,
} from '../../src/he/index.ts';
import { callerOfAddress } from '../../src/node/caller-address.ts';
import {
  type ScoringLimits,
  type ScoringServer,
  ScoringThreads,
  scoringOpenApi,
  scoringRoutes,
  startScoringServer,
} from '../../src/node/index.ts';
import { ScoringGate } from '../../src/node/scoring-limits.ts';
import { unitVectors } from '../he/fixtures.ts';

const DIMENSIONS = 4;
const catalogue = createCatalogue({
  parameters: HE_PRESETS.default,
  items: unitVectors('served', 5000, DIMENSIONS),
  dimensions: DIMENSIONS,
  itemNormBound: 1,
  profileNormBound: 1,
});
const profile = unitVectors('asking', 1, DIMENSIONS);
const provider = await createNodeSealProvider();
const client = new ScoringClient({ provider, catalogue: catalogue.description });
const alone = new EncryptedScorer(catalogue);
const LIMITS: ScoringLimits = {
  burst: 1000,
  queriesPerSecond: 1,
  concurrentQueries: 16,
  queryMilliseconds: 20_000,
};

let scorer: ShardedScorer;
let server: ScoringServer;
beforeAll(async () => {
  scorer = await ShardedScorer.create(catalogue, new ScoringThreads(2));
  server = await startScoringServer({ scorer, port: 0, limits: LIMITS });
});
afterAll(async () => {
  client.dispose();
  await server.close();
  await scorer.close();
});

function post(body: Uint8Array<ArrayBuffer>, type = 'application/octet-stream'): Promise<Response> {
  return fetch(`${server.url}/v1/scores`, {
    method: 'POST',
    headers: { 'Content-Type': type },
    body,
  });
}

const ajv = new Ajv2020({ strict: false });
ajv.addSchema(scoringOpenApi(), 'api');
function expectSchema(name: string, value: unknown): void {
  const valid = ajv.validate({ $ref: `api#/components/schemas/${name}` }, value);
  expect(ajv.errors ?? []).toEqual([]);
  expect(valid).toBe(true);
}

async function expectProblem(response: Response, status: number, code: string): Promise<void> {
  expect(response.status).toBe(status);
  expect(response.headers.get('Content-Type')).toBe('application/problem+json');
  const problem = await response.json();
  expectSchema('Problem', problem);
  expect(problem).toMatchObject({ status, code });
}

describe('scoring server', () => {
  it('takes a query over loopback and streams the reply', async () => {
    const described = await fetch(`${server.url}/v1/catalogue`);
    const description = await described.json();
    expectSchema('CatalogueDescription', description);
    expect(parseCatalogueDescription(description)).toEqual(catalogue.description);
    const { query, queryId } = client.encryptProfile(profile);
    const response = await post(query);
    expect(response.status).toBe(200);
    expect(response.headers.get('Velatura-Catalogue-Version')).toBe(catalogue.description.version);
    const reply = new Uint8Array(await response.arrayBuffer());
    expect(String(reply.length)).toBe(response.headers.get('Content-Length'));
    expect(reply).toEqual(alone.score(query));
    const top = client.decryptScores(reply, { queryId, topK: 3 });
    expect(top).toHaveLength(3);
  });

  it('says by its ETag that the catalogue is the one of before', async () => {
    const first = await fetch(`${server.url}/v1/catalogue`);
    const etag = first.headers.get('ETag') as string;
    await first.arrayBuffer();
    const again = await fetch(`${server.url}/v1/catalogue`, { headers: { 'If-None-Match': etag } });
    expect(again.status).toBe(304);
  });

  it('answers errors as problems', async () => {
    const { query } = client.encryptProfile(profile);
    const changed = (at: number): Uint8Array<ArrayBuffer> => {
      const bytes = query.slice();
      bytes[at] = (bytes[at] as number) ^ 1;
      return bytes;
    };
    const full = query.slice();
    full.fill(0xff, query.length - 64);
    await expectProblem(await post(query.slice(1)), 400, 'he/malformed-message');
    await expectProblem(await post(changed(0)), 400, 'he/malformed-message');
    await expectProblem(await post(full), 400, 'he/malformed-message');
    await expectProblem(await post(changed(40)), 409, 'he/wrong-catalogue');
    await expectProblem(await post(query, 'text/plain'), 415, 'unsupported-media-type');
    await expectProblem(await fetch(`${server.url}/v1/scores`), 405, 'method-not-allowed');
    await expectProblem(await fetch(`${server.url}/v2`), 404, 'not-found');
    expect((await post(query)).status).toBe(200);
  });

  it('stops reading a body that goes on behind its length', async () => {
    const status = await new Promise((resolve, reject) => {
      const sent = request(
        `${server.url}/v1/scores`,
        { method: 'POST', headers: { 'Content-Type': 'application/octet-stream' } },
        (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode));
        },
      );
      sent.on('error', reject);
      // Chunked, so nothing announces the length.
      sent.write(new Uint8Array(scorer.queryBytes));
      sent.end(new Uint8Array(10));
    });
    expect(status).toBe(400);
  });

  it('refuses queries to the version of before when items have changed', async () => {
    const { query } = client.encryptProfile(profile);
    const changed = replaceItems(
      catalogue,
      [7],
      unitVectors('another', 1, DIMENSIONS).map((x) => x / 2),
    );
    await scorer.update(changed);
    try {
      await expectProblem(await post(query), 409, 'he/wrong-catalogue');
      const next = new ScoringClient({ provider, catalogue: changed.description });
      expect((await post(next.encryptProfile(profile).query)).status).toBe(200);
      next.dispose();
    } finally {
      await scorer.update(catalogue);
    }
  });

  it('has every route in its OpenAPI document, and no other', async () => {
    const document = await (await fetch(`${server.url}/v1/openapi.json`)).json();
    expect(document).toEqual(JSON.parse(JSON.stringify(scoringOpenApi())));
    const routes = scoringRoutes({ scorer, callerOf: () => '' })
      .routes.filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method.toLowerCase()} ${path}`);
    const paths = document.paths as Record<string, Record<string, unknown>>;
    const documented = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(documented.sort()).toEqual([...new Set(routes)].sort());
  });
});

describe('limits of a scoring server', () => {
  const routes = (limits: Partial<ScoringLimits>) =>
    scoringRoutes({
      scorer,
      limits: { ...LIMITS, ...limits },
      callerOf: (context) => context.req.header('X-Account') ?? '',
    });
  const ask = (query: BodyInit | null, account = 'a'): Request =>
    new Request('http://local/v1/scores', {
      method: 'POST',
      headers: { 'Content-Type': 'application/octet-stream', 'X-Account': account },
      body: query,
      ...({ duplex: 'half' } as object),
    });

  it('holds each caller to its rate', async () => {
    const app = routes({ burst: 2, queriesPerSecond: 0.01 });
    const { query } = client.encryptProfile(profile);
    for (let i = 0; i < 2; i++) expect((await app.request(ask(query))).status).toBe(200);
    const refused = await app.request(ask(query));
    expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(90);
    await expectProblem(refused, 429, 'he/too-many-queries');
    expect((await app.request(ask(query, 'b'))).status).toBe(200);
  });

  it('answers so many queries at the same time, and places come back', async () => {
    const app = routes({ concurrentQueries: 1 });
    const { query } = client.encryptProfile(profile);
    const first = await app.request(ask(query));
    await expectProblem(await app.request(ask(query)), 503, 'he/too-many-queries');
    await first.arrayBuffer();
    const second = await app.request(ask(query));
    expect(second.status).toBe(200);
    await second.body?.cancel();
    await expectProblem(await app.request(ask(query.slice(1))), 400, 'he/malformed-message');
    expect((await app.request(ask(query))).status).toBe(200);
  });

  it('gives up a query that does not arrive, and a reply that nobody reads', async () => {
    const app = routes({ concurrentQueries: 1, queryMilliseconds: 150 });
    const never = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => undefined) });
    await expectProblem(await app.request(ask(never)), 408, 'timeout');
    const { query } = client.encryptProfile(profile);
    const unread = await app.request(ask(query));
    expect(unread.status).toBe(200);
    await expect
      .poll(async () => (await app.request(ask(query))).status, { timeout: 5000, interval: 50 })
      .toBe(200);
  });

  it('gives the place back when the deadline passes while a query is scored', async () => {
    let slow = true;
    const block = alone.score(client.encryptProfile(profile).query);
    const late = await ShardedScorer.create(catalogue, {
      shards: 1,
      load: async () => undefined,
      score: async () => {
        await new Promise((resolve) => setTimeout(resolve, slow ? 400 : 0));
        return block;
      },
      close: async () => undefined,
    });
    const app = scoringRoutes({
      scorer: late,
      limits: { ...LIMITS, concurrentQueries: 1, queryMilliseconds: 150 },
      callerOf: () => 'a',
    });
    const { query } = client.encryptProfile(profile);
    await expectProblem(await app.request(ask(query)), 408, 'timeout');
    slow = false;
    const next = await app.request(ask(query));
    expect(next.status).toBe(200);
    await next.body?.cancel();
  });

  it('gives one caller a quarter of the places, at least one', () => {
    for (const [concurrentQueries, each] of [
      [1, 1],
      [8, 2],
      [15, 3],
    ] as const) {
      const gate = new ScoringGate({ ...LIMITS, concurrentQueries });
      const places = Array.from({ length: each }, () => gate.enter('greedy'));
      expect(() => gate.enter('greedy')).toThrow(/places|under way|as many queries/);
      if (concurrentQueries > 1) gate.enter('other')();
      for (const leave of [...places, ...places]) leave();
      gate.enter('greedy')();
      expect(gate.underWay).toBe(0);
    }
  });

  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['1:2:3:4:5:6:192.0.2.7', '1:2:3:4::/64'],
    ['unknown', 'unknown'],
  ])('counts %s as the caller %s', (address, caller) => {
    expect(callerOfAddress(address)).toBe(caller);
  });

  it('says nothing of what went wrong inside', async () => {
    const crew = new ScoringThreads(1);
    const broken = await ShardedScorer.create(catalogue, crew);
    await crew.close();
    const app = scoringRoutes({ scorer: broken, callerOf: () => '' });
    const { query } = client.encryptProfile(profile);
    const response = await app.request(ask(query));
    expect(await response.clone().text()).not.toMatch(/thread|closed/);
    await expectProblem(response, 503, 'he/worker-failed');
  });

  it('fills buckets again with time', () => {
    let now = 0;
    const gate = new ScoringGate({ ...LIMITS, burst: 2, queriesPerSecond: 0.5 }, () => now);
    const enter = (): boolean => {
      try {
        gate.enter('somebody')();
        return true;
      } catch {
        return false;
      }
    };
    expect([enter(), enter(), enter()]).toEqual([true, true, false]);
    now = 1999;
    expect(enter()).toBe(false);
    now = 2000;
    expect([enter(), enter()]).toEqual([true, false]);
    now = 100_000;
    expect([enter(), enter(), enter()]).toEqual([true, true, false]);
    expect(gate.underWay).toBe(0);
  });

  it('expects limits that can be kept', () => {
    for (const limits of [{ burst: 0 }, { queriesPerSecond: -1 }, { concurrentQueries: 0.5 }]) {
      expect(() => routes(limits)).toThrow(RangeError);
    }
  });
});
