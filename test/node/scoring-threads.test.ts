import type { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, it, vi } from 'vitest';
import {
  addItems,
  collectReply,
  createCatalogue,
  createNodeSealProvider,
  EncryptedScorer,
  HE_PRESETS,
  removeItems,
  type ScoringCatalogue,
  ScoringClient,
  ShardedScorer,
} from '../../src/he/index.ts';
import { ScoringThreads } from '../../src/node/index.ts';
import { shardCrewConformance } from '../../src/testing/index.ts';
import { unitVectors } from '../he/fixtures.ts';

/** What is done to a request on its way to a thread; by default nothing. */
let tamper = <T>(request: T): T => request;

/** All threads that were started, in order, so that a test can end one. */
const started: Worker[] = [];
vi.mock('../../src/node/worker-thread.ts', async (original) => {
  const module = await original<typeof import('../../src/node/worker-thread.ts')>();
  return {
    ...module,
    startWorker: (beside: string, name: string) => {
      const worker = module.startWorker(beside, name);
      started.push(worker);
      const post = worker.postMessage.bind(worker);
      worker.postMessage = (request, transfer) => post(tamper(request), transfer as never);
      return worker;
    },
  };
});

const provider = await createNodeSealProvider();
const DIMENSIONS = 3;

function catalogueOf(items: number): ScoringCatalogue {
  return createCatalogue({
    parameters: HE_PRESETS.insecureToy,
    items: unitVectors('threads', items, DIMENSIONS),
    dimensions: DIMENSIONS,
    itemNormBound: 1,
    profileNormBound: 1,
    coefficientBound: 1,
  });
}

function queryTo({ description }: ScoringCatalogue, seed = 'somebody'): Uint8Array {
  const client = new ScoringClient({ provider, catalogue: description, allowInsecure: true });
  const { query } = client.encryptProfile(unitVectors(seed, 1, DIMENSIONS));
  client.dispose();
  return query;
}

function replyOf(catalogue: ScoringCatalogue, query: Uint8Array): Uint8Array {
  return new EncryptedScorer(catalogue, { allowInsecure: true }).score(query);
}

/** Two threads for all tests: starting them takes longest. */
const crew = new ScoringThreads(2);
function sharded(catalogue: ScoringCatalogue): Promise<ShardedScorer> {
  return ShardedScorer.create(catalogue, crew, { allowInsecure: true });
}
afterAll(() => crew.close());

describe('scoring on threads', () => {
  const three = new ScoringThreads(3);
  for (const { name, run } of shardCrewConformance(three)) it(name, run);

  it('sends the shards one after the other', async () => {
    const catalogue = catalogueOf(9000); // 143 blocks: at most 32 to a shard, as many for each thread
    const scorer = await sharded(catalogue);
    const { pieces, bytes } = await scorer.score(queryTo(catalogue));
    const sizes: number[] = [];
    for await (const piece of pieces) sizes.push(piece.length);
    expect(sizes).toHaveLength(1 + 6);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(bytes);
  });

  it('reads a query at once: the buffer may be used again', async () => {
    const catalogue = catalogueOf(1000);
    const scorer = await sharded(catalogue);
    const queries = ['a', 'b'].map((seed) => queryTo(catalogue, seed));
    const buffer = new Uint8Array(scorer.queryBytes);
    const replies = queries.map((query) => {
      buffer.set(query);
      return scorer.score(buffer).then(collectReply);
    });
    expect(await Promise.all(replies)).toEqual(queries.map((query) => replyOf(catalogue, query)));
  });

  it('refuses queries to the catalogue of before', async () => {
    const catalogue = catalogueOf(1000);
    const scorer = await sharded(catalogue);
    const before = queryTo(catalogue);
    const { catalogue: fewer } = removeItems(catalogue, [0, 17, 999]);
    await scorer.update(fewer);
    expect(scorer.description).toBe(fewer.description);
    await expect(scorer.score(before)).rejects.toMatchObject({ code: 'he/wrong-catalogue' });
  });

  it('never scores old blocks as those of a catalogue that could not be loaded', async () => {
    const catalogue = catalogueOf(5000);
    const own = new ScoringThreads(2);
    const scorer = await ShardedScorer.create(catalogue, own, { allowInsecure: true });
    const before = queryTo(catalogue);
    const changed = addItems(catalogue, unitVectors('more', 10, DIMENSIONS));
    // One of the threads gets a block that is none, once.
    let failures = 0;
    tamper = (request) => {
      const { kind, changed: shards } = request as {
        kind?: string;
        changed?: { blocks: unknown[] }[];
      };
      if (kind !== 'load' || shards?.length === 0 || failures++ > 0) return request;
      return { ...request, changed: shards?.map((each) => ({ ...each, blocks: [null] })) };
    };
    try {
      const update = scorer.update(changed);
      const meanwhile = scorer.score(queryTo(changed)).then(collectReply);
      const refused = expect(meanwhile).rejects.toMatchObject({ code: 'he/worker-failed' });
      await expect(update).rejects.toMatchObject({ code: 'he/worker-failed' });
      await refused;
      expect(failures).toBe(1);
    } finally {
      tamper = (request) => request;
    }
    // It goes on with the catalogue of before, and takes the next one.
    expect(scorer.description).toBe(catalogue.description);
    await expect(scorer.score(queryTo(changed))).rejects.toMatchObject({
      code: 'he/wrong-catalogue',
    });
    expect(await collectReply(await scorer.score(before))).toEqual(replyOf(catalogue, before));
    await scorer.update(changed);
    const next = queryTo(changed);
    expect(await collectReply(await scorer.score(next))).toEqual(replyOf(changed, next));
    await scorer.close();
  });

  it('refuses malformed queries before anything is sent', async () => {
    const catalogue = catalogueOf(5000);
    const scorer = await sharded(catalogue);
    const query = queryTo(catalogue);
    const full = query.slice();
    full.fill(0xff, query.length - 8);
    for (const bad of [query.subarray(1), query.subarray(0, query.length - 1), full]) {
      await expect(scorer.score(bad)).rejects.toMatchObject({ code: 'he/malformed-message' });
    }
    expect(await collectReply(await scorer.score(query))).toEqual(replyOf(catalogue, query));
  });

  it('refuses parameters that protect nobody', async () => {
    await expect(ShardedScorer.create(catalogueOf(10), crew)).rejects.toMatchObject({
      code: 'he/insecure-parameters',
    });
  });

  it('says when a thread has died, and has a new one for the next query', async () => {
    const catalogue = catalogueOf(5000);
    const scorer = await sharded(catalogue);
    const query = queryTo(catalogue);
    let victim = started[1] as Worker; // the second of the first crew
    for (let death = 0; death < 2; death++) {
      const ended = victim.terminate(); // and the query comes before anybody has noticed
      const lost = scorer.score(query).then(collectReply);
      await expect(lost).rejects.toMatchObject({ code: 'he/worker-failed' });
      await ended;
      expect(await collectReply(await scorer.score(query))).toEqual(replyOf(catalogue, query));
      victim = started.at(-1) as Worker;
    }
    await victim.terminate();
    const more = addItems(catalogue, unitVectors('after', 10, DIMENSIONS));
    await scorer.update(more);
    const next = queryTo(more);
    expect(await collectReply(await scorer.score(next))).toEqual(replyOf(more, next));
    await scorer.close();
    await expect(scorer.score(next)).rejects.toMatchObject({ code: 'he/worker-failed' });
    await expect(scorer.update(catalogue)).rejects.toMatchObject({ code: 'he/worker-failed' });
  });

  it('expects at least one thread', () => {
    expect(() => new ScoringThreads(0)).toThrow(RangeError);
  });
});
