import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { VelaturaError } from '../../../src/core/errors.ts';
import type { RandomSource } from '../../../src/core/random-source.ts';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import {
  type BudgetPolicy,
  MemoryBudgetStore,
  openBudget,
  type PrivacyBudgetAccountant,
} from '../../../src/dp/index.ts';
import type { LiveCoordinator } from '../../../src/federated/live/coordinator.ts';
import {
  LiveClient,
  type LiveClientOptions,
  type LiveTransport,
} from '../../../src/federated/live/live-client.ts';
import { MemoryLiveJournal } from '../../../src/federated/live/live-journal.ts';
import {
  type LiveClock,
  type LivePorts,
  MemoryMailbox,
} from '../../../src/federated/live/live-ports.ts';
import type { LiveTask } from '../../../src/federated/live/live-task.ts';
import { taskPrice } from '../../../src/federated/live/task-price.ts';
import { MemoryModelStore } from '../../../src/federated/models/model-store.ts';
import { planDistributedNoise } from '../../../src/federated/rounds/plan-distributed-noise.ts';
import { MemoryRoundJournal } from '../../../src/federated/rounds/round-journal.ts';
import type { SecAggCrypto, SigningKey } from '../../../src/federated/secagg/crypto.ts';
import { NodeSecAggCrypto } from '../../../src/node/secagg-crypto.ts';

export const CRYPTO: SecAggCrypto = new NodeSecAggCrypto();
const FEATURES = ['one', 'price', 'age'];

/** A task over three features and two tags; the server is trusted. */
export const PLAIN_TASK: LiveTask = {
  id: 'tags',
  scene: 'live-food',
  model: { kind: 'logistic', inputDimension: 3, outputDimension: 2 },
  tags: ['sweet', 'sour'],
  features: FEATURES,
  training: { localEpochs: 1, localLearningRate: 0.5 },
  sum: {
    kind: 'plain',
    clippingNorm: 1,
    integerNorm: 4096,
    clippingFlagWeight: 0,
    noiseMultiplier: 1,
  },
  rounds: 1,
  delta: 1e-5,
  population: 1000,
  cohort: { target: 5, overSelection: 1, minimum: 3 },
  server: { optimiser: { kind: 'plain' }, learningRate: 1, normaliser: 4 },
  schedule: { checkIn: 1000, step: 1000, coolDown: 1000 },
};

/** The same, with noise of three honest clients behind a secure sum: of five one may collude, and one vanish. */
export function hiddenTask(consistency: boolean): LiveTask {
  const { noise } = planDistributedNoise({
    ...{ dimension: PARAMETERS, clippingNorm: 1, cohort: 5, honestSurvivors: 3 },
    ...{ rounds: 1, epsilon: 5, delta: 1e-6 },
  });
  return {
    ...PLAIN_TASK,
    sum: { kind: 'secagg-plus', noise, corruptShare: 0, securityBits: 20, consistency },
  };
}

/** Parameters of the model of these tasks. */
export const PARAMETERS = 6;

/** Time that stands still until it is moved. */
export class TestClock implements LiveClock {
  #now = 1_000_000;
  readonly #waiting = new Map<() => void, number>();

  now(): number {
    return this.#now;
  }

  at(time: number, callback: () => void): () => void {
    this.#waiting.set(callback, time);
    return () => this.#waiting.delete(callback);
  }

  /** Moves to the next time that somebody waits for. */
  skip(): void {
    if (this.#waiting.size === 0) return;
    this.#now = Math.max(this.#now, Math.min(...this.#waiting.values()));
    for (const [callback, time] of [...this.#waiting]) {
      if (time > this.#now) continue;
      this.#waiting.delete(callback);
      callback();
    }
  }
}

/** Randomness that depends on how far a journal has come, so that a restart there draws the same. */
export class ReplayedRandom implements RandomSource {
  #inner: RandomSource = new SeededRandom('start');

  restartAt(place: string): void {
    this.#inner = new SeededRandom(place);
  }

  uint32(): number {
    return this.#inner.uint32();
  }

  fillUint32(target: Uint32Array): void {
    this.#inner.fillUint32(target);
  }
}

/** Room for many rounds of one task. */
export function testPolicy(task: LiveTask): BudgetPolicy {
  const { event } = taskPrice(task).plan;
  return {
    ...{ version: 1, delta: 1e-5, additiveDelta: 9e-6, user: { epsilon: 100 } },
    ...{ scenes: { 'live-food': {} }, reservationLease: 'PT1M' },
    ...(task.sum.kind === 'plain'
      ? { currency: 'gdp' }
      : { currency: 'rdp', plannedRun: { kind: 'repeated', count: 4, event } }),
  };
}

/** A budget in memory for one task. */
export function openTestBudget(
  task: LiveTask,
  change: Partial<BudgetPolicy> = {},
): Promise<PrivacyBudgetAccountant> {
  return openBudget({
    policy: { ...testPolicy(task), ...change },
    ...{ unit: 'user', relation: 'zero-out-one-user' },
    store: new MemoryBudgetStore(),
    secrets: [new Uint8Array(32).fill(7)],
  });
}

export function signingKeyOf(name: string): Promise<SigningKey> {
  return CRYPTO.signingKey(Uint8Array.from(sha256(utf8ToBytes(name))));
}

/** What outlives a coordinator that is killed. */
export interface Remains {
  readonly entries: { entries: Uint8Array[]; owner: object | null };
  readonly budget: PrivacyBudgetAccountant;
  readonly models: MemoryModelStore;
  readonly clock: TestClock;
}

export async function freshRemains(
  task: LiveTask,
  policy: Partial<BudgetPolicy> = {},
): Promise<Remains> {
  return {
    entries: { entries: [], owner: null },
    budget: await openTestBudget(task, policy),
    models: new MemoryModelStore(),
    clock: new TestClock(),
  };
}

export async function portsOver(
  remains: Remains,
  task: LiveTask,
  change: Partial<LivePorts> = {},
): Promise<LivePorts> {
  return {
    task,
    journal: new MemoryLiveJournal(remains.entries),
    mailbox: new MemoryMailbox(),
    clock: remains.clock,
    budget: remains.budget,
    models: remains.models,
    crypto: CRYPTO,
    signingKey: await signingKeyOf('server'),
    random: new ReplayedRandom(),
    ...change,
  };
}

/** The way to whichever coordinator runs now, by calls. */
export class DirectTransport implements LiveTransport {
  readonly #member: { readonly account: string; readonly key: string };
  readonly #coordinator: () => LiveCoordinator;

  constructor(account: string, key: Uint8Array, coordinator: () => LiveCoordinator) {
    this.#member = { account, key: bytesToHex(key) };
    this.#coordinator = coordinator;
  }

  async task(): Promise<unknown> {
    return JSON.parse(JSON.stringify(this.#coordinator().task));
  }

  checkIn(): ReturnType<LiveTransport['checkIn']> {
    return this.#call((coordinator) => coordinator.checkIn(this.#member));
  }

  read(): ReturnType<LiveTransport['read']> {
    return this.#call(async (coordinator) => coordinator.read(this.#member.account));
  }

  async answer(...[roundId, turn, frame]: Parameters<LiveTransport['answer']>): Promise<void> {
    const { account } = this.#member;
    await this.#call((coordinator) => coordinator.answer(account, roundId, turn, frame));
  }

  async model(sha256Hex: string): Promise<Uint8Array> {
    const bytes = await this.#call((coordinator) => coordinator.model(sha256Hex));
    if (bytes === null) throw new Error('no such model');
    return bytes;
  }

  /** A coordinator that is gone gives no answer. */
  async #call<T>(call: (coordinator: LiveCoordinator) => Promise<T>): Promise<T> {
    try {
      return await call(this.#coordinator());
    } catch (cause) {
      if (cause instanceof VelaturaError && cause.code !== 'core/aborted') throw cause;
      throw new VelaturaError('federated/unreachable', 'no coordinator', {}, { cause });
    }
  }
}

/** A budget that several members share as if each had its own. */
export function partOf(budget: PrivacyBudgetAccountant, name: string): PrivacyBudgetAccountant {
  return new Proxy(budget, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      if (property !== 'reserve') return value.bind(target);
      const reserve: PrivacyBudgetAccountant['reserve'] = (request) =>
        target.reserve({ ...request, idempotencyKey: `${name}/${request.idempotencyKey}` });
      return reserve;
    },
  });
}

/** One member whose rows and randomness depend on its name alone. */
export async function memberOf(
  name: string,
  coordinator: () => LiveCoordinator,
  change: Partial<LiveClientOptions> = {},
): Promise<LiveClient> {
  const identity = await signingKeyOf(name);
  const random = new ReplayedRandom();
  random.restartAt(name);
  const rows = new SeededRandom(`rows of ${name}`);
  const uniform = (): number => rows.uint32() / 2 ** 32;
  return LiveClient.join({
    transport: new DirectTransport(name, identity.publicKey, coordinator),
    account: name,
    identity,
    server: (await signingKeyOf('server')).publicKey,
    crypto: CRYPTO,
    random,
    demands: { trustedServer: true, corruptShare: 0, securityBits: 20, consistency: false },
    consent: () => true,
    data: () => ({
      rows: 2,
      features: Float32Array.from([1, uniform(), uniform(), 1, uniform(), uniform()]),
      labels: Float32Array.of(1, 0, 0, 1),
    }),
    budget: change.budget ?? (await openTestBudget(coordinator().task)),
    journal: new MemoryRoundJournal(),
    ...change,
  });
}

const WAITING: ReadonlySet<string> = new Set(['idle', 'selecting', 'collecting', 'finished']);

/** Lets a coordinator do what it has to do. */
export async function settled(coordinator: LiveCoordinator): Promise<void> {
  for (let calm = 0, tries = 0; calm < 3 && tries < 10_000; tries++) {
    await new Promise((resolve) => setImmediate(resolve));
    calm = WAITING.has(coordinator.status.stage) ? calm + 1 : 0;
  }
}

/** The hash of the newest model, and how many versions there are. */
export async function newestModel({ status }: LiveCoordinator): Promise<string> {
  return `${status.version}:${status.model}`;
}
