import {
  createCatalogue,
  createNodeSealProvider,
  createPlainKernel,
  createScoringKernel,
  EncryptedScorer,
  HE_PRESETS,
  type ScoringCatalogue,
  ScoringClient,
  type ScoringKernel,
  type ScoringProvider,
  scorePlain,
} from '../src/he/index.ts';
import { itemsPerBlock } from '../src/he/packing.ts';
import { type BenchRow, type BenchSuite, median, row } from './suite.ts';

const ITEMS = 10_000;
const DIMENSIONS = 64;
const RUNS = 7;

/** Items and features of the comparison of kernels, with how often each kernel runs. */
const SIZES = [
  { items: 10_000, dimensions: 64, runs: 101 },
  { items: 100_000, dimensions: 64, runs: 31 },
  { items: 1_000_000, dimensions: 16, runs: 15 },
];

const parameters = HE_PRESETS.default;

function randomCatalogue(items: number, dimensions: number): ScoringCatalogue {
  return createCatalogue({
    parameters,
    items: Float32Array.from({ length: items * dimensions }, () => Math.random() - 0.5),
    dimensions,
    itemNormBound: dimensions,
    profileNormBound: dimensions,
  });
}

/** One query, one thread, beside the same scores in the clear, and the kernels beside each other. */
export const he: BenchSuite = async (log) => {
  const provider = await createNodeSealProvider();
  const catalogue = randomCatalogue(ITEMS, DIMENSIONS);
  const scorer = new EncryptedScorer(catalogue);
  const client = new ScoringClient({ provider, catalogue: catalogue.description });
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
  for (const { items, dimensions, runs } of SIZES) {
    rows.push(...compareKernels(provider, randomCatalogue(items, dimensions), runs));
  }
  for (const entry of rows) log(`${entry.name}: ${entry.value.toPrecision(4)} ${entry.unit}`);
  return rows;
};

/** Times of the parts of one query with one kernel, in ms. */
interface KernelTimes {
  /** From the bytes of the query to those of the reply. */
  readonly server: number;
  /** Multiplying, transforming back and packing alone. */
  readonly kernel: number;
  readonly reply: Uint8Array;
}

function compareKernels(
  provider: ScoringProvider,
  catalogue: ScoringCatalogue,
  runs: number,
): BenchRow[] {
  const { items, dimensions } = catalogue.description;
  const client = new ScoringClient({ provider, catalogue: catalogue.description });
  const { query } = client.encryptProfile(new Float32Array(dimensions).fill(0.5));
  client.dispose();
  const fast = createScoringKernel(parameters);
  const plain = kernelTimes(createPlainKernel(parameters), catalogue, query, Math.ceil(runs / 5));
  const times = kernelTimes(fast, catalogue, query, runs);
  if (times.reply.some((byte, i) => byte !== plain.reply[i])) {
    throw new Error('the kernels disagree');
  }
  const name = `${items} items × ${dimensions}, ${fast.name} kernel`;
  const note = 'baseline: the plain kernel';
  const residues =
    Math.ceil(items / itemsPerBlock(parameters)) * parameters.polynomialDegree * dimensions;
  return [
    row(`${name}, server`, times.server, 'ms', plain.server, { note }),
    row(`${name}, scoring alone`, times.kernel, 'ms', plain.kernel, { note }),
    row(
      `${name}, per item and feature`,
      (times.kernel * 1e6) / residues,
      'ns',
      (plain.kernel * 1e6) / residues,
      { note },
    ),
    row(
      `${name}, catalogue read`,
      (4 * residues) / (times.kernel * 1e6),
      'GB/s',
      (4 * residues) / (plain.kernel * 1e6),
      { note },
    ),
  ];
}

function kernelTimes(
  kernel: ScoringKernel,
  catalogue: ScoringCatalogue,
  query: Uint8Array,
  runs: number,
): KernelTimes {
  const server: number[] = [];
  const alone: number[] = [];
  // A scorer takes what the kernel needs; the clock is put between the two.
  const clocked: ScoringKernel = {
    name: kernel.name,
    parameters: kernel.parameters,
    reserve: (...values) => kernel.reserve(...values),
    encodeBlock: (...values) => kernel.encodeBlock(...values),
    encodeQuery: (...values) => kernel.encodeQuery(...values),
    multiplyAccumulate: (...values) => kernel.multiplyAccumulate(...values),
    score: (...values) => {
      const started = performance.now();
      kernel.score(...values);
      alone.push(performance.now() - started);
    },
  };
  const scorer = new EncryptedScorer(catalogue, { kernel: clocked });
  let reply = scorer.score(query); // once for the compiler, not counted
  for (let run = 0; run < runs; run++) {
    const started = performance.now();
    reply = scorer.score(query);
    server.push(performance.now() - started);
  }
  return { server: median(server), kernel: median(alone.slice(1)), reply };
}
