import {
  createCatalogue,
  createNodeSealProvider,
  EncryptedScorer,
  HE_PRESETS,
  type HeParameters,
  measureScoringSpeed,
  planScoring,
  ScoringClient,
  type ScoringProvider,
  type ScoringWorkload,
} from '../src/he/index.ts';
import { type BenchRow, type BenchSuite, row } from './suite.ts';

const PRESETS = ['default', 'fast', 'exact'] as const;

/**
 * The client's part on one thread, the least time of several runs as the planner's speeds are, beside what the
 * planner predicts from speeds measured just before.
 */
export const heClient: BenchSuite = async (log) => {
  const provider = await createNodeSealProvider();
  const rows: BenchRow[] = [];
  const add = (more: readonly BenchRow[]): void => {
    for (const entry of more) log(`${entry.name}: ${entry.value.toPrecision(4)} ${entry.unit}`);
    rows.push(...more);
  };
  for (const preset of PRESETS) add(uploadRows(provider, preset));
  for (const items of [100_000, 1_000_000]) add(downloadRows(provider, HE_PRESETS.default, items));
  for (const preset of PRESETS) add(smallCatalogueRows(provider, preset));
  return rows;
};

/** One encrypted profile of 64 features. */
function uploadRows(provider: ScoringProvider, preset: (typeof PRESETS)[number]): BenchRow[] {
  const workload = { parameters: HE_PRESETS[preset], items: 10, dimensions: 64 };
  const { ask } = service(provider, workload, 1);
  const times: number[] = [];
  let bytes = 0;
  for (let run = 0; run < 21; run++) {
    const started = performance.now();
    bytes = ask().query.length;
    times.push(performance.now() - started);
  }
  const speed = measureScoringSpeed(provider, workload.parameters);
  const plan = planScoring({ ...workload, queriesPerVersion: 1, featuresPerCiphertext: 1, speed });
  expectEqual('query bytes', bytes, plan.queryBytes);
  const whole = bytes + (bytes - 72) * (1 - 64 / ((bytes - 72) / 64));
  return [
    row(`client encrypts 64 features (${preset})`, least(times), 'ms', plan.time.encryptMs, {
      note: 'baseline: what the planner predicts',
    }),
    row(`query of 64 features (${preset})`, bytes, 'bytes', whole, {
      note: 'baseline: with second polynomials in the place of seeds',
    }),
  ];
}

/** Decrypting the reply of a large catalogue and ranking it. Its features do not matter to the client. */
function downloadRows(
  provider: ScoringProvider,
  parameters: HeParameters,
  items: number,
): BenchRow[] {
  const workload = { parameters, items, dimensions: 2 };
  const { scorer, client, ask } = service(provider, workload, 1);
  const decrypt: number[] = [];
  const rank: number[] = [];
  let bytes = 0;
  for (let run = 0; run < 7; run++) {
    const { query, queryId } = ask();
    const reply = scorer.score(query);
    bytes = reply.length;
    const started = performance.now();
    const scores = client.decryptReply(reply, queryId);
    const decrypted = performance.now();
    scores.rank({ topK: 100 });
    decrypt.push(performance.now() - started);
    rank.push(performance.now() - decrypted);
  }
  const { droppedBits } = scorer.description;
  scorer.dispose();
  const speed = measureScoringSpeed(provider, parameters);
  const plan = planScoring({
    ...workload,
    queriesPerVersion: 1,
    featuresPerCiphertext: 1,
    droppedBits,
    speed,
  });
  expectEqual('reply bytes', bytes, plan.replyBytes);
  return [
    row(`client decrypts and ranks 100 of ${items}`, least(decrypt), 'ms', plan.time.decryptMs, {
      note: 'baseline: what the planner predicts of decryption',
    }),
    row(`client ranks 100 of ${items}`, least(rank), 'ms', least(decrypt), {
      note: 'baseline: decrypting and ranking',
    }),
  ];
}

/** 1,000 items of 64 features, packed as the planner says. */
function smallCatalogueRows(
  provider: ScoringProvider,
  preset: (typeof PRESETS)[number],
): BenchRow[] {
  const parameters = HE_PRESETS[preset];
  const workload = { parameters, items: 1000, dimensions: 64 };
  const speed = measureScoringSpeed(provider, parameters);
  const plan = planScoring({ ...workload, queriesPerVersion: 1, speed });
  const { scorer, client, ask } = service(provider, workload, plan.featuresPerCiphertext);
  const times: number[] = [];
  let bytes = 0;
  for (let run = 0; run < 21; run++) {
    const started = performance.now();
    const { query, queryId } = ask();
    const reply = scorer.score(query);
    client.decryptScores(reply, { queryId, topK: 100 });
    times.push(performance.now() - started);
    bytes = query.length + reply.length;
  }
  const { droppedBits } = scorer.description;
  const exact = planScoring({
    ...workload,
    queriesPerVersion: 1,
    featuresPerCiphertext: plan.featuresPerCiphertext,
    droppedBits,
    speed,
  });
  expectEqual('bytes', bytes, exact.encryptedBytes);
  const name = `1000 items × 64, ${plan.featuresPerCiphertext} features a ciphertext (${preset})`;
  return [
    row(`${name}, up and down`, bytes, 'bytes', plan.matrixBytes, {
      note: 'baseline: sending the int8 item matrix to the client instead',
    }),
    row(`${name}, client and server`, least(times), 'ms', plan.time.totalMs, {
      note: 'baseline: what the planner predicts',
    }),
  ];
}

function service(
  provider: ScoringProvider,
  { parameters, items, dimensions }: Omit<ScoringWorkload, 'queriesPerVersion'>,
  featuresPerCiphertext: number,
): {
  readonly scorer: EncryptedScorer;
  readonly client: ScoringClient;
  readonly ask: () => { readonly query: Uint8Array; readonly queryId: string };
} {
  const scorer = new EncryptedScorer(
    createCatalogue({
      parameters,
      items: Float32Array.from({ length: items * dimensions }, () => Math.random() - 0.5),
      dimensions,
      itemNormBound: dimensions,
      profileNormBound: dimensions,
      featuresPerCiphertext,
    }),
  );
  const client = new ScoringClient({ provider, catalogue: scorer.description, maxOpenQueries: 1 });
  const profile = Float32Array.from({ length: dimensions }, () => Math.random());
  const { query, queryId } = client.encryptProfile(profile);
  client.decryptScores(scorer.score(query), { queryId, topK: 1 });
  return { scorer, client, ask: () => client.encryptProfile(profile) };
}

function least(times: readonly number[]): number {
  return Math.min(...times);
}

function expectEqual(what: string, got: number, predicted: number): void {
  if (got !== predicted) throw new Error(`predicted ${predicted} ${what}, got ${got}`);
}
