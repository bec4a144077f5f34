import { bytesToHex } from '@noble/hashes/utils.js';
import { throwIfAborted, VelaturaError } from '../../core/errors.ts';
import { portableSha256, type Sha256 } from '../../core/hash-chain.ts';
import type { RandomSource } from '../../core/random-source.ts';
import type { PrivacyBudgetAccountant } from '../../dp/budget/budget.ts';
import { isInsecure } from '../../dp/plan.ts';
import { createModel } from '../models/model-architecture.ts';
import type { Batch } from '../models/trainable.ts';
import { loadTrainedModel } from '../models/trained-model-file.ts';
import { FederatedClient, localUpdate } from '../rounds/client.ts';
import { DistributedEncoder } from '../rounds/distributed-encoder.ts';
import { distributedFacts, noiseWords } from '../rounds/distributed-noise.ts';
import type { RoundJournal } from '../rounds/round-journal.ts';
import type { UpdateEncoder } from '../rounds/update-encoder.ts';
import { requireDirectory, SecAggClient, type SecAggClientOptions } from '../secagg/client.ts';
import type { Bytes, SecAggCrypto, SigningKey } from '../secagg/crypto.ts';
import type { CheckIn, LiveMessage } from './live-ports.ts';
import { type LiveTask, readTask, taskDigest } from './live-task.ts';
import { writeUpdate } from './plain-update.ts';
import type { Turn } from './round-events.ts';
import { readRoundName } from './round-name.ts';
import { taskPrice, trustedEncoder } from './task-price.ts';

/** The way to a coordinator, as a port: HTTP, or a call in the same process. */
export interface LiveTransport {
  /** The task as it came; the client checks it. */
  task(signal?: AbortSignal): Promise<unknown>;
  checkIn(signal?: AbortSignal): Promise<CheckIn>;
  /** What lies ready for this member and was not answered. */
  read(signal?: AbortSignal): Promise<LiveMessage | null>;
  /** The same answer may come again. */
  answer(roundId: string, turn: Turn, frame: Uint8Array, signal?: AbortSignal): Promise<void>;
  /** The model file of that hexadecimal SHA-256. */
  model(sha256: string, signal?: AbortSignal): Promise<Uint8Array>;
}

/** The least that a client asks of a round; a coordinator cannot talk it into less. */
export interface LiveDemands {
  /** True accepts a task whose server sees single updates. */
  readonly trustedServer: boolean;
  /** Share of a cohort that may work together with the server. */
  readonly corruptShare: number;
  readonly securityBits: number;
  /** Whether the server may lie; then `isMember` is needed. */
  readonly consistency: boolean;
}

/** What a client needs. */
export interface LiveClientOptions {
  readonly transport: LiveTransport;
  /** Account in the client's own budget; it does not leave the device. */
  readonly account: string;
  readonly identity: SigningKey;
  /** Public key of the coordinator, known beforehand. */
  readonly server: Bytes;
  readonly crypto: SecAggCrypto;
  readonly random: RandomSource;
  readonly demands: LiveDemands;
  /**
   * Asked before anything is, in every round: whether the person agreed to this use. The port to the collection
   * gate and the consent of a profile.
   */
  readonly consent: (task: LiveTask) => boolean | Promise<boolean>;
  /** The rows of this person, read only when a round was agreed to. */
  readonly data: (task: LiveTask) => Batch | Promise<Batch>;
  /** The person's own budget, whatever the coordinator's says. */
  readonly budget: PrivacyBudgetAccountant;
  /** Remembers rounds: give it a durable one. */
  readonly journal: RoundJournal;
  /** The directory of identity keys, as of a `SecAggClient`. */
  readonly isMember?: NonNullable<SecAggClientOptions['isMember']>;
  readonly sha256?: Sha256;
}

/** What one call of {@link LiveClient.step} did. */
export type ClientStep =
  | { readonly kind: 'answered'; readonly turn: Turn }
  | { readonly kind: 'checked-in' }
  | { readonly kind: 'waiting' }
  /** The person did not agree, or the person's budget is spent: nothing was sent. */
  | { readonly kind: 'declined'; readonly why: 'consent' | 'budget' }
  | { readonly kind: 'over' };

interface RoundInHand {
  readonly id: string;
  readonly reservation: string;
  /** Null for a plain sum. */
  readonly secagg: SecAggClient | null;
  /** What was answered: a coordinator that did not hear it is told the same again. */
  readonly answers: Map<Turn, Uint8Array>;
}

/**
 * One person's device in a federation, the same in a browser and in Node: checks in, trains on its own rows, clips,
 * adds its noise, masks, and sends.
 *
 * ## Privacy
 * Nothing is sent without the person's consent and a charge on the person's own budget. Rows stay on the device; what
 * leaves it is a clipped integer update, with noise and masked where the server is not trusted. Weaker rounds than
 * demanded are refused, and each round is joined once. The round's id, to which every frame of a secure sum is
 * bound, names the task and the model, so a coordinator cannot give members different ones and still get a sum.
 */
export class LiveClient {
  readonly task: LiveTask;
  readonly #digest: string;
  readonly #options: LiveClientOptions;
  readonly #sha256: Sha256;
  #round: RoundInHand | null = null;

  private constructor(task: LiveTask, options: LiveClientOptions) {
    this.task = task;
    this.#options = options;
    this.#sha256 = options.sha256 ?? portableSha256;
    this.#digest = taskDigest(task, this.#sha256);
  }

  /**
   * Reads the task and holds it against the demands.
   *
   * @throws {VelaturaError} `federated/invalid-task`, `federated/secagg-too-weak`, and what the transport throws
   * @throws {TypeError} for a demand of consistency without a directory
   */
  static async join(options: LiveClientOptions, signal?: AbortSignal): Promise<LiveClient> {
    const { demands } = options;
    requireDirectory(demands, options.isMember);
    const task = readTask(await options.transport.task(signal));
    const { sum } = task;
    if (sum.kind === 'plain' && !demands.trustedServer) {
      throw tooWeak('its server would see single updates');
    }
    if (sum.kind === 'secagg-plus' && demands.consistency && !sum.consistency) {
      throw tooWeak('its server could lie');
    }
    taskPrice(task);
    return new LiveClient(task, options);
  }

  /**
   * Does the next thing there is to do: answers what lies ready, or checks in.
   *
   * @throws {VelaturaError} what a round is refused for; the client has then left it and may go on with the next.
   * `federated/unreachable` from the transport: try again
   */
  async step(signal?: AbortSignal): Promise<ClientStep> {
    throwIfAborted(signal);
    if (!(await this.#options.consent(this.task))) {
      this.#round = null;
      return { kind: 'declined', why: 'consent' };
    }
    const message = await this.#options.transport.read(signal);
    if (message !== null) return this.#answer(message, signal);
    if (!(await this.#canPay())) return { kind: 'declined', why: 'budget' };
    switch (await this.#options.transport.checkIn(signal)) {
      case 'candidate':
        return { kind: 'checked-in' };
      case 'later':
        return { kind: 'waiting' };
      case 'over':
        return { kind: 'over' };
    }
  }

  /** Whether the person's own budget bears one more round. */
  async #canPay(): Promise<boolean> {
    const { budget, account } = this.#options;
    const { plan } = taskPrice(this.task);
    const [rounds = 0] = await budget.forecast(this.task.scene, [account], plan);
    return rounds > 0;
  }

  async #answer(message: LiveMessage, signal: AbortSignal | undefined): Promise<ClientStep> {
    const { roundId, turn } = message;
    const isFirst = turn === 'advertise' || this.task.sum.kind === 'plain';
    if (this.#round?.id !== roundId) {
      // In the middle of a round that this client is not in, or was in before it was restarted.
      if (!isFirst) return { kind: 'waiting' };
      const round = await this.#enter(message);
      if (round === null) return { kind: 'declined', why: 'budget' };
      this.#round = round;
    }
    const round = this.#round;
    try {
      const frame = round.answers.get(turn) ?? (await this.#compute(round, message, signal));
      round.answers.set(turn, frame);
      await this.#options.transport.answer(roundId, turn, frame, signal);
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code !== 'federated/unreachable' && code !== 'core/aborted') this.#round = null;
      throw error;
    }
    return { kind: 'answered', turn };
  }

  /** Pays for a round and joins it; null where the person's budget refuses. */
  async #enter({ roundId, frame }: LiveMessage): Promise<RoundInHand | null> {
    const { account, budget, random } = this.#options;
    const name = readRoundName(roundId);
    if (name.taskId !== this.task.id || name.taskDigest !== this.#digest) {
      throw new VelaturaError('federated/invalid-task', 'the round is of another task');
    }
    const { plan, delta } = taskPrice(this.task);
    const decision = await budget.reserve({
      ...{ scene: this.task.scene, accounts: [account], plan, idempotencyKey: roundId },
      insecure: isInsecure(random),
      ...(delta === 0 ? {} : { delta }),
    });
    if (decision.kind === 'refused') return null;
    const { id: reservation, replayed } = decision.reservation;
    if (replayed) throw joinedBefore();
    try {
      const secagg = await this.#joinSum(roundId, frame);
      return { id: roundId, reservation, secagg, answers: new Map() };
    } catch (error) {
      // Nothing left this device.
      await budget.release(reservation);
      throw error;
    }
  }

  /** The member's side of a secure sum; null for a plain one. */
  async #joinSum(roundId: string, frame: Uint8Array): Promise<SecAggClient | null> {
    const { sum } = this.task;
    const { crypto, identity, server, demands, journal, isMember } = this.#options;
    if (sum.kind === 'plain') {
      if (await journal.begin(`live/${roundId}`)) return null;
      throw joinedBefore();
    }
    const secagg = await SecAggClient.join(frame, {
      ...{ crypto, identity, server, journal },
      ...(isMember === undefined ? {} : { isMember }),
      demands: {
        ...demands,
        minimumSurvivors: sum.noise.honestSurvivors,
        noise: noiseWords(sum.noise),
        dimension: distributedFacts(sum.noise).encodedDimension,
        modulusBits: sum.noise.modulusBits,
        contributionBound: null,
      },
    });
    if (secagg.round.roundId !== roundId) throw joinedBefore();
    return secagg;
  }

  async #compute(
    { id, reservation, secagg }: RoundInHand,
    { turn, frame }: LiveMessage,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    if (secagg === null) {
      const { sum } = this.task;
      if (sum.kind !== 'plain' || turn !== 'input') throw joinedBefore();
      const { parameterCount } = createModel(this.task.model);
      const vector = await this.#contribution(id, trustedEncoder(sum, parameterCount), signal);
      await this.#options.budget.commit(reservation);
      return writeUpdate(vector);
    }
    switch (turn) {
      case 'advertise':
        return secagg.advertise();
      case 'share':
        return secagg.share(frame);
      case 'input': {
        const vector = await this.#contribution(id, this.#hiddenEncoder(id), signal);
        // From here on something of this person is on its way.
        await this.#options.budget.commit(reservation);
        return secagg.mask(frame, vector);
      }
      case 'confirm':
        return secagg.confirm(frame);
      case 'unmask':
        return secagg.unmask(frame);
    }
  }

  #hiddenEncoder(roundId: string): UpdateEncoder {
    const { sum } = this.task;
    if (sum.kind !== 'secagg-plus') throw joinedBefore();
    return new DistributedEncoder(sum.noise, { roundId, random: this.#options.random });
  }

  /** Trains from the model that the round is named after. */
  async #contribution(
    roundId: string,
    encoder: UpdateEncoder,
    signal: AbortSignal | undefined,
  ): Promise<Float64Array> {
    const { model: expected } = readRoundName(roundId);
    const bytes = await this.#options.transport.model(expected, signal);
    if (bytesToHex(this.#sha256(bytes)) !== expected) {
      throw new VelaturaError('federated/invalid-model-file', 'the model is not that of the round');
    }
    const { model: architecture, tags, features, training } = this.task;
    const { parameters } = loadTrainedModel(bytes, { tags, features });
    const model = createModel(architecture);
    if (parameters.length !== model.parameterCount) {
      throw new VelaturaError('federated/invalid-model-file', 'the model is not that of the task');
    }
    const data = await this.#options.data(this.task);
    const client = new FederatedClient(this.#options.account, data);
    const { random } = this.#options;
    return client.contribute(
      (rows) => localUpdate(model, parameters, rows, training, random),
      encoder,
    ).vector;
  }
}

function tooWeak(what: string): VelaturaError {
  return new VelaturaError(
    'federated/secagg-too-weak',
    `the task is weaker than demanded: ${what}`,
  );
}

function joinedBefore(): VelaturaError {
  return new VelaturaError('federated/round-closed', 'this round was joined before, or is another');
}
