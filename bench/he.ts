import {
  collectReply,
  createCatalogue,
  createNodeSealProvider,
  createScoringKernel,
  EncryptedScorer,
  HE_PRESETS,
  type HeParameters,
  type ScoringCatalogue,
  ScoringClient,
  type ScoringProvider,
  ShardedScorer,
  scorePlain,
} from '../src/he/index.ts';
import { itemsPerBlock } from '../src/he/packing.ts';
import { topK } from '../src/he/top-k.ts';
import { ScoringThreads } from '../src/node/index.ts';
import { type NodeSealTimes, nodeSealTimes } from './he-node-seal.ts';
import { type BenchRow, type BenchSuite, median, row } from './suite.ts';

const DIMENSIONS = 64;
/** Catalogues with how often each is scored. */
const SIZES = [
  { items: 10_000, runs: 41 },
  { items: 100_000, runs: 21 },
  { items: 1_000_000, runs: 9 },
];
/** People of the recall. */
const PEOPLE = 5;
const TOP = 100;

/** One query at a time: server on one thread and two, beside node-seal and the same scores in the clear. */
export const he: BenchSuite = async (log) => {
  const provider = await createNodeSealProvider();
  const seal = await nodeSealTimes(DIMENSIONS);
  const rows: BenchRow[] = [];
  const add = (...more: BenchRow[]): void => {
    for (const entry of more) {
      const ratio = entry.ratio === null ? '' : ` (${entry.ratio.toPrecision(3)} of the baseline)`;
      log(`${entry.name}: ${entry.value.toPrecision(4)} ${entry.unit}${ratio}`);
    }
    rows.push(...more);
  };
  for (const { items, runs } of SIZES) {
    const vectors = unitVectors(items);
    const catalogue = catalogueOf(vectors, HE_PRESETS.default);
    const server = serverRows(provider, catalogue, runs, seal);
    add(...server);
    if (items === 100_000) add(...recallRows(provider, catalogue, vectors));
    if (items === 1_000_000) {
      add(...(await threadRows(provider, catalogue, runs)));
      const exact = catalogueOf(vectors.subarray(0, items * DIMENSIONS), HE_PRESETS.exact);
      add(...replyRows(provider, exact, 'exact'));
    }
  }
  return rows;
};

/** Rows of norm 1, uniform on the sphere. */
function unitVectors(count: number): Float32Array {
  const vectors = new Float32Array(count * DIMENSIONS);
  for (let at = 0; at < vectors.length; at += DIMENSIONS) {
    let squares = 0;
    for (let i = at; i < at + DIMENSIONS; i++) {
      const value = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(6.283 * Math.random());
      vectors[i] = value;
      squares += value * value;
    }
    const norm = Math.sqrt(squares);
    for (let i = at; i < at + DIMENSIONS; i++) vectors[i] = (vectors[i] as number) / norm;
  }
  return vectors;
}

function catalogueOf(items: Float32Array, parameters: HeParameters): ScoringCatalogue {
  return createCatalogue({
    parameters,
    items,
    dimensions: DIMENSIONS,
    itemNormBound: 1,
    profileNormBound: 1,
  });
}

function nameOf({ description }: ScoringCatalogue): string {
  return `${description.items} items × ${description.dimensions}`;
}

function timed(runs: number, body: () => void): number {
  body(); // once for the compiler, not counted
  const times = Array.from({ length: runs }, () => {
    const started = performance.now();
    body();
    return performance.now() - started;
  });
  return median(times);
}

function serverRows(
  provider: ScoringProvider,
  catalogue: ScoringCatalogue,
  runs: number,
  seal: NodeSealTimes,
): BenchRow[] {
  const { items, dimensions } = catalogue.description;
  const { parameters } = catalogue;
  const client = new ScoringClient({ provider, catalogue: catalogue.description });
  const profile = unitVectors(1);
  const { query } = client.encryptProfile(profile);
  const kernel = createScoringKernel(parameters);
  const alone: number[] = [];
  // A scorer takes what the kernel needs; the clock is put between the two.
  const scorer = new EncryptedScorer(catalogue, {
    kernel: {
      name: kernel.name,
      parameters,
      reserve: (...values) => kernel.reserve(...values),
      encodeBlock: (...values) => kernel.encodeBlock(...values),
      encodeQuery: (...values) => kernel.encodeQuery(...values),
      multiplyAccumulate: (...values) => kernel.multiplyAccumulate(...values),
      score: (...values) => {
        const started = performance.now();
        kernel.score(...values);
        alone.push(performance.now() - started);
      },
    },
  });
  const server = timed(runs, () => scorer.score(query));
  const reply = scorer.score(query);
  const plain = timed(Math.min(runs, 7), () => scorePlain(catalogue, profile));
  const encrypt = timed(Math.min(runs, 7), () => client.encryptProfile(profile));
  const decrypt: number[] = [];
  for (let run = 0; run < 5; run++) {
    const { query: asked, queryId } = client.encryptProfile(profile);
    const next = scorer.score(asked);
    const started = performance.now();
    client.decryptScores(next, { queryId, topK: TOP });
    decrypt.push(performance.now() - started);
  }
  client.dispose();
  scorer.dispose();
  const residues = Math.ceil(items / itemsPerBlock(parameters)) * parameters.polynomialDegree;
  const perPair = (median(alone.slice(1)) * 1e6) / (residues * dimensions);
  const name = nameOf(catalogue);
  return [
    row(`${name}, server`, server, 'ms', plain, {
      note: 'all in, from the bytes of the query to those of the reply; baseline: the same int8 scores in the clear',
    }),
    row(`${name}, server against rotations`, server, 'ms', seal.rotateAndSum * items, {
      note: 'baseline: rotate and sum on node-seal, 20 items measured, in proportion',
    }),
    row(`${name}, kernel per item and feature`, perPair, 'ns', seal.columnPacking, {
      note: 'baseline: the same packing on node-seal, N = 2048',
    }),
    row(`${name}, catalogue read`, 4 / perPair, 'GB/s'),
    row(`${name}, client encrypts`, encrypt, 'ms'),
    row(`${name}, client decrypts and ranks ${TOP}`, median(decrypt), 'ms'),
    row(`${name}, up`, query.length, 'bytes', items * dimensions, {
      note: 'baseline: sending the int8 item matrix to the client instead',
    }),
    row(`${name}, down`, reply.length / items, 'bytes per item'),
  ];
}

/** How much of the best 100 in the clear are among the best 100 that come back. */
function recallRows(
  provider: ScoringProvider,
  catalogue: ScoringCatalogue,
  vectors: Float32Array,
): BenchRow[] {
  const scorer = new EncryptedScorer(catalogue);
  const client = new ScoringClient({ provider, catalogue: catalogue.description });
  const found = { int8: 0, float: 0 };
  for (let person = 0; person < PEOPLE; person++) {
    const profile = unitVectors(1);
    const { query, queryId } = client.encryptProfile(profile);
    const best = client.decryptScores(scorer.score(query), { queryId, topK: TOP });
    const ranked = new Set(best.map(({ item }) => item));
    const count = (scores: Float64Array): number =>
      topK(scores, TOP).filter((item) => ranked.has(item)).length;
    found.int8 += count(scorePlain(catalogue, profile));
    found.float += count(floatScores(vectors, profile));
  }
  client.dispose();
  scorer.dispose();
  const name = nameOf(catalogue);
  return [
    row(`${name}, recall of the best ${TOP} of int8 in the clear`, found.int8 / (PEOPLE * TOP), ''),
    row(
      `${name}, recall of the best ${TOP} of floats in the clear`,
      found.float / (PEOPLE * TOP),
      '',
    ),
  ];
}

function floatScores(vectors: Float32Array, profile: Float32Array): Float64Array {
  const scores = new Float64Array(vectors.length / DIMENSIONS);
  for (let item = 0; item < scores.length; item++) {
    let score = 0;
    for (let i = 0; i < DIMENSIONS; i++) {
      score += (vectors[item * DIMENSIONS + i] as number) * (profile[i] as number);
    }
    scores[item] = score;
  }
  return scores;
}

/** Two threads against one, both behind the same port. */
async function threadRows(
  provider: ScoringProvider,
  catalogue: ScoringCatalogue,
  runs: number,
): Promise<BenchRow[]> {
  const client = new ScoringClient({ provider, catalogue: catalogue.description });
  const { query } = client.encryptProfile(unitVectors(1));
  client.dispose();
  const times: number[] = [];
  for (const threads of [1, 2]) {
    const scorer = await ShardedScorer.create(catalogue, new ScoringThreads(threads));
    const measured: number[] = [];
    for (let run = 0; run <= runs; run++) {
      const started = performance.now();
      await collectReply(await scorer.score(query));
      measured.push(performance.now() - started);
    }
    await scorer.close();
    times.push(median(measured.slice(1)));
  }
  const [one, two] = times as [number, number];
  return [
    row(`${nameOf(catalogue)}, 2 threads`, two, 'ms', one, { note: 'baseline: one thread' }),
    row(`${nameOf(catalogue)}, speed-up by a second thread`, one / two, 'times'),
  ];
}

function replyRows(
  provider: ScoringProvider,
  catalogue: ScoringCatalogue,
  preset: string,
): BenchRow[] {
  const { description } = catalogue;
  const client = new ScoringClient({ provider, catalogue: description });
  const scorer = new EncryptedScorer(catalogue);
  const reply = scorer.score(client.encryptProfile(unitVectors(1)).query);
  client.dispose();
  scorer.dispose();
  const name = `${nameOf(catalogue)}, ${preset}`;
  return [row(`${name}, down`, reply.length / description.items, 'bytes per item')];
}
