import { SecureRandom } from '../src/core/secure-random.ts';
import { SeededRandom } from '../src/core/seeded-random.ts';
import { calibrateGaussian, calibrateNoise } from '../src/dp/index.ts';
import { DistributedEncoder } from '../src/federated/rounds/distributed-encoder.ts';
import type { DistributedNoise } from '../src/federated/rounds/distributed-noise.ts';
import { PlainSum } from '../src/federated/rounds/plain-sum.ts';
import { planDistributedNoise } from '../src/federated/rounds/plan-distributed-noise.ts';
import { MemoryRoundJournal } from '../src/federated/rounds/round-journal.ts';
import type { SecureSum } from '../src/federated/rounds/secure-sum.ts';
import { centredResidue } from '../src/federated/rounds/sum-checks.ts';
import { UpdateEncoder } from '../src/federated/rounds/update-encoder.ts';
import { SecAggClient } from '../src/federated/secagg/client.ts';
import type { Bytes, SecAggCrypto } from '../src/federated/secagg/crypto.ts';
import {
  type GraphAssumptions,
  type GraphShape,
  graphBounds,
  planGraph,
} from '../src/federated/secagg/graph-plan.ts';
import { SecAggSum } from '../src/federated/secagg/secagg-sum.ts';
import { SecAggServer } from '../src/federated/secagg/server.ts';
import { unmaskerOf } from '../src/federated/secagg/unmasking.ts';
import { WebSecAggCrypto } from '../src/federated/secagg/web-crypto.ts';
import { NodeSecAggCrypto } from '../src/node/secagg-crypto.ts';
import { UnmaskingThreads } from '../src/node/unmasking-threads.ts';
import { type BenchRow, type BenchSuite, median, row } from './suite.ts';

const ROUNDS = 7;
/** Milliseconds of one round of the best known library for Python, its simulation and the same threshold. */
const FLOWER = 10_868;
/** Bits of a coordinate in the rounds below. */
const BITS = 16;

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The best of some rounds with everybody and the server in this thread. */
async function smallRound(create: () => SecureSum): Promise<number> {
  const cohort = Array.from({ length: 100 }, (_, i) => `account-${i}`);
  const random = new SeededRandom('secagg');
  const vector = Float64Array.from(
    { length: 8192 },
    () => Math.floor(random.uniform() * 200) - 100,
  );
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < ROUNDS; i++) {
    const spent = await milliseconds(async () => {
      const session = await create().open({
        roundId: `bench/${i}`,
        dimension: vector.length,
        modulusBits: 16,
        contributionBound: 100,
        cohort,
        minimumSurvivors: 91,
      });
      for (const account of cohort) await session.contribute(account, vector);
      await session.close();
    });
    best = Math.min(best, spent);
  }
  return best;
}

/** A cohort of whom one in twenty may collude and one in twenty drops. */
interface Cohort {
  readonly members: number;
  readonly dimension: number;
  /** Default: the fewest that do. */
  readonly neighbours?: number;
}

interface RoundCost {
  readonly neighbours: number;
  readonly clientMs: number;
  readonly uploadBytes: number;
  readonly finishMs: number;
  /** The same by threads. */
  readonly threadsMs: number;
}

function shapeOf(assumptions: GraphAssumptions, neighbours: number | undefined): GraphShape {
  if (neighbours === undefined) return planGraph(assumptions, 40);
  let threshold = neighbours;
  while (graphBounds(assumptions, { neighbours, threshold }).failure > 2 ** -40) threshold--;
  return { neighbours, threshold };
}

/** One round frame by frame; the members that drop do so after they gave their shares. */
async function roundCost(
  crypto: SecAggCrypto,
  { members, dimension, ...asked }: Cohort,
  threads: UnmaskingThreads,
): Promise<RoundCost> {
  const colluders = members / 20;
  const drops = members / 20;
  const assumptions = { members, colluders, drops, dishonestServer: false };
  const { neighbours, threshold } = shapeOf(assumptions, asked.neighbours);
  const serverKey = await crypto.signingKey(crypto.randomBytes(32));
  const identities = [];
  for (let i = 0; i < members; i++) {
    identities.push(await crypto.signingKey(crypto.randomBytes(32)));
  }
  const minimumSurvivors = members - colluders - drops;
  const server = await SecAggServer.open(
    {
      ...{ roundId: 'bench', dimension, modulusBits: BITS, contributionBound: 30, neighbours },
      ...{ threshold, minimumSurvivors, colluders, consistency: false, noise: 'none' },
      cohort: identities.map(({ publicKey }) => publicKey),
      graphSeed: crypto.randomBytes(32),
    },
    crypto,
    serverKey,
  );
  const spent = new Float64Array(members);
  const sent = new Float64Array(members);
  const clients: SecAggClient[] = [];
  const answer = async (place: number, work: () => Promise<Bytes>): Promise<void> => {
    const start = performance.now();
    const frame = await work();
    spent[place] = (spent[place] as number) + performance.now() - start;
    sent[place] = (sent[place] as number) + frame.length;
    await server.receive(frame);
  };
  const demands = {
    ...{ corruptShare: colluders / members, securityBits: 40, minimumSurvivors },
    ...{ consistency: false, noise: 'none', dimension, modulusBits: BITS, contributionBound: 30 },
  };
  for (const [place, identity] of identities.entries()) {
    await answer(place, async () => {
      const client = await SecAggClient.join(server.announcement, {
        ...{ crypto, identity, server: serverKey.publicKey, demands },
        journal: new MemoryRoundJournal(),
      });
      clients.push(client);
      return client.advertise();
    });
  }
  const client = (place: number): SecAggClient => clients[place] as SecAggClient;
  for (const [place, frame] of await server.advance()) {
    await answer(place, () => client(place).share(frame));
  }
  const vector = new Float64Array(dimension).fill(1);
  for (const [place, frame] of await server.advance()) {
    if (place >= drops) await answer(place, () => client(place).mask(frame, vector));
  }
  for (const [place, frame] of await server.advance()) {
    await answer(place, () => client(place).unmask(frame));
  }
  const here = unmaskerOf(crypto);
  let [finishMs, threadsMs] = [0, 0];
  const { sum } = await server.finish(async (terms, tasks) => {
    finishMs = await milliseconds(() => here(terms, tasks));
    const start = performance.now();
    const masks = await threads.unmask(terms, tasks);
    threadsMs = performance.now() - start;
    return masks;
  });
  if (!sum.every((value) => value === members - drops)) throw new Error('the sum is not exact');
  const clientMs = median([...spent.subarray(drops)]);
  return { neighbours, clientMs, uploadBytes: Math.max(...sent), finishMs, threadsMs };
}

/** Secure aggregation: what a round costs all together, one client and the server. */
export const secagg: BenchSuite = async (log) => {
  const rows: BenchRow[] = [];
  const add = (entry: BenchRow): void => {
    rows.push(entry);
    log(`${entry.name}: ${entry.value.toPrecision(4)} ${entry.unit}`);
  };
  const node = new NodeSecAggCrypto();
  const options = {
    ...{ corruptShare: 0, securityBits: 40, consistency: false },
    graph: { neighbours: 10, threshold: 7 },
  };
  const plain = await smallRound(() => new PlainSum());
  const small = await smallRound(() => new SecAggSum({ ...options, crypto: node }));
  const name = 'round of 100 clients, 8,192 coordinates, 10 neighbours';
  const recorded = {
    recorded: 'Flower SecAgg+ with simulation, 11 shares of which 7, same machine',
  };
  add(row(`${name}, all in one thread`, small, 'ms', FLOWER, recorded));
  add(row(`${name}, against a plain sum`, small, 'ms', plain));
  const web = await smallRound(() => new SecAggSum({ ...options, crypto: new WebSecAggCrypto() }));
  add(row(`${name}, WebCrypto against node:crypto`, web, 'ms', small));
  const threads = new UnmaskingThreads();
  try {
    for (const cohort of COHORTS) {
      const cost = await roundCost(node, cohort, threads);
      const { members, dimension } = cohort;
      const setting = `${members.toLocaleString('en')} clients, ${dimension.toLocaleString('en')} coordinates of ${BITS} bits, ${cost.neighbours} neighbours, 5 % dropped`;
      const vector = (dimension * BITS) / 8;
      const goal = { note: 'baseline: the goal' };
      add(row(`client, ${setting}`, cost.clientMs, 'ms', 60, goal));
      add(row(`upload, ${setting}`, cost.uploadBytes, 'bytes', 1.02 * vector + 15_000, goal));
      add(row(`server takes off the masks, ${setting}`, cost.finishMs, 'ms', 15_000, goal));
      add(row(`the same by threads, ${setting}`, cost.threadsMs, 'ms', cost.finishMs));
    }
  } finally {
    await threads.close();
  }
  for (const epsilon of [1, 4]) for (const entry of distributedRows(epsilon)) add(entry);
  add(encodingRow());
  return rows;
};

const COHORTS: readonly Cohort[] = [
  { members: 1000, dimension: 10_000 },
  { members: 200, dimension: 10_000, neighbours: 100 },
];

/** Survivors as many as are priced; everybody sends the same vector, which is the worst for the modulus. */
const NOISY = { dimension: 10_000, clippingNorm: 1, cohort: 100, honestSurvivors: 100, rounds: 1 };

/** What a sum of noisy updates is off by, against central Gaussian noise of the same price. */
function distributedRows(epsilon: number): readonly BenchRow[] {
  const target = { epsilon, delta: 1e-5 };
  const rows: BenchRow[] = [];
  const renyi = calibrateNoise(
    { ...target, relation: 'zero-out-one-user', accountant: 'rdp' },
    (noiseMultiplier) => ({ kind: 'gaussian', noiseMultiplier }),
  ).noiseMultiplier;
  const exact = calibrateGaussian(target);
  for (const modulusBits of [BITS, undefined]) {
    const { noise, vectorBytes } = planDistributedNoise({
      ...{ ...NOISY, ...target },
      ...(modulusBits === undefined ? {} : { modulusBits }),
    });
    const error = measuredError(noise);
    const name = `error of 100 noisy updates of 10,000 coordinates, epsilon ${epsilon}, ${noise.modulusBits} bits, ${vectorBytes} bytes`;
    rows.push(
      row(`${name}, against a Gaussian of the same Rényi price`, error, 'clipping norms', renyi, {
        note: 'goal: a ratio of 1.05',
      }),
      row(`${name}, against a Gaussian of the exact price`, error, 'clipping norms', exact),
    );
  }
  return rows;
}

function measuredError(noise: DistributedNoise): number {
  const random = new SecureRandom();
  const encoder = new DistributedEncoder(noise, { roundId: 'bench', random });
  const update = new Float64Array(noise.dimension).fill(1 / Math.sqrt(noise.dimension));
  const sum = new Float64Array(encoder.encodedDimension);
  for (let member = 0; member < noise.honestSurvivors; member++) {
    encoder.encode(update).vector.forEach((value, i) => {
      sum[i] = centredResidue((sum[i] as number) + value, 2 ** noise.modulusBits);
    });
  }
  const expected = noise.honestSurvivors / Math.sqrt(noise.dimension);
  const decoded = encoder.decodeSum(sum).sum;
  const squares = decoded.reduce((total, value) => total + (value - expected) ** 2, 0);
  return Math.sqrt(squares / noise.dimension);
}

/** What a client computes to encode one update with noise, beside one without. */
function encodingRow(): BenchRow {
  const { noise } = planDistributedNoise({ ...NOISY, epsilon: 4, delta: 1e-5 });
  const update = new Float64Array(noise.dimension).fill(1 / Math.sqrt(noise.dimension));
  const encoders = [
    new DistributedEncoder(noise, { roundId: 'bench', random: new SecureRandom() }),
    new UpdateEncoder({ dimension: noise.dimension, clippingNorm: 1 }),
  ];
  const [noisy, plain] = encoders.map((encoder) => {
    const times = Array.from({ length: 50 }, () => {
      const start = performance.now();
      encoder.encode(update);
      return performance.now() - start;
    });
    return Math.min(...times);
  }) as [number, number];
  return row('encoding 10,000 coordinates with noise, against without', noisy, 'ms', plain);
}
