import { SeededRandom } from '../src/core/seeded-random.ts';
import { PlainSum } from '../src/federated/rounds/plain-sum.ts';
import { MemoryRoundJournal } from '../src/federated/rounds/round-journal.ts';
import type { SecureSum } from '../src/federated/rounds/secure-sum.ts';
import { SecAggClient } from '../src/federated/secagg/client.ts';
import type { Bytes, SecAggCrypto } from '../src/federated/secagg/crypto.ts';
import { planGraph } from '../src/federated/secagg/graph-plan.ts';
import { SecAggSum } from '../src/federated/secagg/secagg-sum.ts';
import { SecAggServer } from '../src/federated/secagg/server.ts';
import { WebSecAggCrypto } from '../src/federated/secagg/web-crypto.ts';
import { NodeSecAggCrypto } from '../src/node/secagg-crypto.ts';
import { type BenchRow, type BenchSuite, median, row } from './suite.ts';

const ROUNDS = 7;
/** Milliseconds of one round of the best known library for Python, its simulation and the same threshold. */
const FLOWER = 10_868;
const LARGE = { members: 1000, dimension: 10_000, colluders: 50, drops: 50 };

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

interface LargeRound {
  readonly neighbours: number;
  readonly clientMs: number;
  readonly uploadBytes: number;
  readonly finishMs: number;
}

/** One round of a thousand, of whom one in twenty drops after it gave its shares. */
async function largeRound(crypto: SecAggCrypto): Promise<LargeRound> {
  const { members, dimension, colluders, drops } = LARGE;
  const { neighbours, threshold } = planGraph({ ...LARGE, dishonestServer: false }, 40);
  const serverKey = await crypto.signingKey(crypto.randomBytes(32));
  const identities = [];
  for (let i = 0; i < members; i++) {
    identities.push(await crypto.signingKey(crypto.randomBytes(32)));
  }
  const minimumSurvivors = members - colluders - drops;
  const server = await SecAggServer.open(
    {
      ...{ roundId: 'bench', dimension, modulusBits: 16, contributionBound: 30, neighbours },
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
    ...{ consistency: false, noise: 'none' },
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
  let isExact = false;
  const finishMs = await milliseconds(async () => {
    const { sum } = await server.finish();
    isExact = sum.every((value) => value === members - drops);
  });
  if (!isExact) throw new Error('the sum is not exact');
  const clientMs = median([...spent.subarray(drops)]);
  return { neighbours, clientMs, uploadBytes: Math.max(...sent), finishMs };
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
    ...{ corruptShare: 0, securityBits: 40, consistency: false, noise: 'none' },
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
  const { neighbours, clientMs, uploadBytes, finishMs } = await largeRound(node);
  const setting = `1,000 clients, 10,000 coordinates of 16 bits, ${neighbours} neighbours, 5 % dropped`;
  add(row(`client, ${setting}`, clientMs, 'ms', 60, { note: 'baseline: the goal' }));
  add(row(`upload, ${setting}`, uploadBytes, 'bytes', 2 * LARGE.dimension));
  add(
    row(`server takes off the masks, ${setting}`, finishMs, 'ms', 15_000, {
      note: 'baseline: the goal',
    }),
  );
  return rows;
};
