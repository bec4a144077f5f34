import {
  createCatalogue,
  createNodeSealProvider,
  EncryptedScorer,
  HE_PRESETS,
  ScoringClient,
  scorePlain,
} from '../src/he/index.ts';
import { type BenchRow, type BenchSuite, median, row } from './suite.ts';

const ITEMS = 10_000;
const DIMENSIONS = 64;
const RUNS = 7;

/** One query against 10,000 × 64 items, one thread, beside the same scores in the clear. */
export const he: BenchSuite = async (log) => {
  const catalogue = createCatalogue({
    parameters: HE_PRESETS.default,
    items: Float32Array.from({ length: ITEMS * DIMENSIONS }, () => Math.random() - 0.5),
    dimensions: DIMENSIONS,
    itemNormBound: DIMENSIONS,
    profileNormBound: DIMENSIONS,
  });
  const scorer = new EncryptedScorer(catalogue);
  const client = new ScoringClient({
    provider: await createNodeSealProvider(),
    catalogue: catalogue.description,
  });
  const profile = Float32Array.from({ length: DIMENSIONS }, () => Math.random());
  const times = { encrypt: [], server: [], decrypt: [], plain: [] } as Record<string, number[]>;
  let up = 0;
  let down = 0;
  const timed = <T>(name: string, body: () => T): T => {
    const started = performance.now();
    const result = body();
    times[name]?.push(performance.now() - started);
    return result;
  };
  for (let run = 0; run < RUNS; run++) {
    const { query } = timed('encrypt', () => client.encryptProfile(profile));
    const reply = timed('server', () => scorer.score(query));
    timed('decrypt', () => client.decryptScores(reply, { topK: 100 }));
    timed('plain', () => scorePlain(catalogue, profile));
    up = query.length;
    down = reply.length;
  }
  client.dispose();
  const plain = median(times['plain'] ?? []);
  const name = `${ITEMS} items × ${DIMENSIONS}`;
  const rows: BenchRow[] = [
    row(`${name}, server`, median(times['server'] ?? []), 'ms', plain, {
      note: 'baseline: the same integer scores in the clear',
    }),
    row(`${name}, client encrypts`, median(times['encrypt'] ?? []), 'ms'),
    row(`${name}, client decrypts and ranks 100`, median(times['decrypt'] ?? []), 'ms'),
    row(`${name}, up`, up, 'bytes', ITEMS * DIMENSIONS, {
      note: 'baseline: sending the int8 item matrix to the client instead',
    }),
    row(`${name}, down`, down, 'bytes'),
  ];
  for (const entry of rows) log(`${entry.name}: ${entry.value.toPrecision(4)} ${entry.unit}`);
  return rows;
};
