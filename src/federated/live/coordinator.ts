import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { readDoubles, writeDoubles } from '../../core/doubles.ts';
import { VelaturaError } from '../../core/errors.ts';
import { portableSha256, type Sha256 } from '../../core/hash-chain.ts';
import { isInsecure } from '../../dp/plan.ts';
import { createModel } from '../models/model-architecture.ts';
import { ModelVersions } from '../models/model-versions.ts';
import { type TrainedModel, trainedModelFormat } from '../models/trained-model-file.ts';
import { drawMembers } from './draw-members.ts';
import { decodeEntry, encodeEvent, encodeRun } from './event-codec.ts';
import type { CheckIn, LiveMessage, LivePorts } from './live-ports.ts';
import { type LiveFrames, type LiveSum, type LiveSums, openLiveSum, turnsOf } from './live-sum.ts';
import { askedMembers, type LiveTask, readTask, taskDigest } from './live-task.ts';
import { fileName, type ModelFiles, ModelStep } from './model-step.ts';
import type { LiveEvent, LiveMember, LiveWork, RoundReport, Turn } from './round-events.ts';
import { initialRun, reduce } from './round-machine.ts';
import {
  outstanding,
  type RoundFacts,
  type RunRules,
  type RunState,
  type Stage,
} from './run-state.ts';
import { LIVE_RELATION, type TaskPrice, taskPrice } from './task-price.ts';

/** Milliseconds until work that did not succeed is tried again. */
const RETRY_AFTER = 2_000;
/** Work that has to succeed in the end: the round cannot be given up any more, or must be cleaned up. */
const MUST_SUCCEED: ReadonlySet<LiveWork['kind']> = new Set([
  'commit',
  'publish',
  'give-back',
  'close',
]);
const NONCE_BYTES = 16;
const SEED_BYTES = 32;

/** What everybody may know of a run. */
export interface LiveStatus {
  readonly stage: Stage['kind'];
  readonly round: number;
  readonly rounds: number;
  /** Of the round in hand; null between rounds. */
  readonly roundId: string | null;
  readonly version: number;
  /** Hexadecimal SHA-256 of the model file that the next round starts from. */
  readonly model: string;
  readonly deadline: number | null;
  readonly reports: readonly RoundReport[];
}

/** What became of a frame. */
export type Receipt = 'taken' | 'known';

/**
 * Runs a federation: feeds the machine of `round-machine.ts` with what happens, notes each event in the journal
 * before anything follows from it, and does the work that the machine asks for.
 *
 * ## Privacy
 * Every account of a cohort is charged before one is asked. A coordinator that is killed anywhere goes on from its
 * journal to the same model; what its budget was told it stays told. Of two coordinators over one journal one is refused.
 */
export class LiveCoordinator {
  readonly task: LiveTask;
  readonly taskDigest: string;
  readonly #ports: LivePorts;
  readonly #sha256: Sha256;
  readonly #rules: RunRules;
  readonly #price: TaskPrice;
  readonly #sums: LiveSums;
  readonly #models: ModelStep;
  readonly #versions: ModelVersions<TrainedModel>;
  #state: RunState;
  #sum: LiveSum | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  #cancel: () => void = () => {};
  /** Set once nothing more may be done here. */
  #stopped: unknown = null;

  private constructor(ports: LivePorts, task: LiveTask) {
    const { crypto, signingKey, random, budget, sha256 = portableSha256 } = ports;
    this.task = task;
    this.taskDigest = taskDigest(task, sha256);
    this.#ports = ports;
    this.#sha256 = sha256;
    this.#price = taskPrice(task);
    this.#rules = {
      ...{ taskId: task.id, taskDigest: this.taskDigest, turns: turnsOf(task) },
      ...{ rounds: task.rounds, asked: askedMembers(task), minimum: task.cohort.minimum },
      corruptShare: task.sum.kind === 'plain' ? null : task.sum.corruptShare,
      ...task.schedule,
    };
    const { parameterCount } = createModel(task.model);
    this.#sums = { task, rules: this.#rules, parameterCount, crypto, signingKey, random };
    this.#models = new ModelStep({ task, taskDigest: this.taskDigest, budget, crypto, random });
    this.#versions = new ModelVersions({
      ...{ store: ports.models, sha256, clock: () => ports.clock.now() },
      format: trainedModelFormat({ tags: task.tags, features: task.features }),
    });
    this.#state = initialRun({ model: '', progress: '' }, 0);
  }

  /**
   * Starts a run, or takes one up where its journal ends.
   *
   * @throws {VelaturaError} `federated/invalid-task`, `federated/state-mismatch` for the journal or models of another
   * task, `dp/relation-mismatch`, and what journal, budget and store throw
   */
  static async open(ports: LivePorts): Promise<LiveCoordinator> {
    const { relation } = ports.budget;
    if (relation !== LIVE_RELATION) {
      throw new VelaturaError(
        'dp/relation-mismatch',
        `who is asked in a round is public: the budget expected "${LIVE_RELATION}", got "${relation}"`,
        { relation },
      );
    }
    const coordinator = new LiveCoordinator(ports, readTask(ports.task));
    await coordinator.#take(await ports.journal.read());
    coordinator.#enqueue(() => coordinator.#settle()).catch(() => {});
    return coordinator;
  }

  get status(): LiveStatus {
    const { stage, round, version, model, deadline, reports } = this.#state;
    const roundId = 'round' in stage ? stage.round.id : null;
    return {
      ...{ stage: stage.kind, round, rounds: this.#rules.rounds, roundId },
      ...{ version, model, deadline, reports },
    };
  }

  /** A member is there and may be asked in the next round. Again, or outside of the window, changes nothing. */
  checkIn({ account, key }: LiveMember): Promise<CheckIn> {
    return this.#enqueue(async () => {
      await this.#happen({ kind: 'checked-in', at: this.#now(), account, key });
      const { stage } = this.#state;
      if (stage.kind === 'finished') return 'over';
      const isIn = stage.kind === 'selecting' && stage.candidates.get(account) === key;
      return isIn ? 'candidate' : 'later';
    });
  }

  /** What lies ready for a member and was not answered yet. */
  read(account: string): LiveMessage | null {
    const { stage } = this.#state;
    if (stage.kind !== 'collecting' || stage.answers.has(account)) return null;
    const frame = stage.expected.has(account) ? this.#ports.mailbox.read(account) : null;
    if (frame === null) return null;
    const { round, turn } = stage;
    return { roundId: round.id, turn, frame, deadline: this.#state.deadline as number };
  }

  /**
   * Takes a member's frame for one step.
   *
   * @returns `known` for the very bytes that were taken before
   * @throws {VelaturaError} `federated/round-closed` for another round or step; `federated/duplicate-contribution` for
   * a second and other answer; what the sum refuses. The round goes on.
   */
  answer(account: string, roundId: string, turn: Turn, frame: Uint8Array): Promise<Receipt> {
    return this.#enqueue(async () => {
      const { stage, move } = this.#state;
      if (stage.kind !== 'collecting' || stage.round.id !== roundId || stage.turn !== turn) {
        throw new VelaturaError('federated/round-closed', 'the round does not wait for this', {
          turn,
        });
      }
      const digest = bytesToHex(this.#sha256(frame));
      const before = stage.answers.get(account);
      if (before === digest) return 'known';
      if (before !== undefined) {
        throw new VelaturaError(
          'federated/duplicate-contribution',
          'the account gave another answer before',
        );
      }
      if (!stage.expected.has(account)) {
        throw new VelaturaError('federated/invalid-contribution', 'the account was not asked');
      }
      const sender = await (this.#sum as LiveSum).receive(account, frame);
      const at = this.#now();
      await this.#happen({ kind: 'answered', at, move, account: sender, digest, frame });
      return 'taken';
    });
  }

  /** Ends the round in hand; what its members were charged they stay charged once they were asked. */
  abort(): Promise<void> {
    return this.#enqueue(() => this.#happen({ kind: 'aborted', at: this.#now() }));
  }

  /** Lets no further round begin. */
  windUp(): Promise<void> {
    return this.#enqueue(() => this.#happen({ kind: 'wound-up', at: this.#now() }));
  }

  /**
   * Stops here, in the middle of a round where there is one; another coordinator may take up at once. Waits for what
   * is being done.
   */
  async stop(): Promise<void> {
    this.#cancel();
    this.#stopped ??= new VelaturaError('core/aborted', 'the coordinator was stopped');
    await this.#queue.catch(() => {});
    this.#cancel();
    await this.#ports.journal.close();
  }

  /** A model file by the hexadecimal SHA-256 of its contents, where it was published; else null. */
  async model(sha256: string): Promise<Uint8Array | null> {
    if (!(await this.versions()).includes(sha256)) return null;
    return this.#ports.models.getFile(hexToBytes(sha256));
  }

  /** Hexadecimal SHA-256 of the model files that were published, the first version first. */
  async versions(): Promise<readonly string[]> {
    return (await this.#versions.list()).map(({ sha256 }) => sha256);
  }

  /** Reads the journal into a state, and builds the sum of a round in hand anew. */
  async #take(entries: readonly Uint8Array[]): Promise<void> {
    const [first, ...rest] = entries.map(decodeEntry);
    if (first === undefined) {
      await this.#begin();
      return;
    }
    if (first.kind !== 'state') throw mismatch('the journal has no beginning');
    if (first.taskDigest !== this.taskDigest) throw mismatch('the journal is of another task');
    this.#state = first.state;
    for (const entry of rest) {
      if (entry.kind !== 'event') throw mismatch('the journal begins twice');
      await this.#repeat(entry.event);
    }
    const { kind } = this.#state.stage;
    if (rest.length > 0 && (kind === 'idle' || kind === 'finished')) await this.#compact();
  }

  /** The first version, once: files by their hash may be put there again. */
  async #begin(): Promise<void> {
    const { model, progress } = await this.#keep(this.#models.first());
    await this.#publish(1, model);
    this.#state = initialRun({ model, progress }, this.#now());
    await this.#compact();
  }

  /** What an event of the journal had changed here beside the state. */
  async #repeat(event: LiveEvent): Promise<void> {
    const { stage } = this.#state;
    if (event.kind === 'opened') {
      this.#deliver((await this.#openSum((stage as InRound).round)).first);
    }
    if (event.kind === 'answered') await this.#sum?.receive(event.account, event.frame);
    if (event.kind === 'advanced') this.#deliver(await (this.#sum as LiveSum).advance());
    this.#apply(event);
    if (event.kind === 'closed') this.#forget();
  }

  /** Runs one thing after the other; after a failure of the journal nothing more. */
  #enqueue<T>(body: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(() => {
      if (this.#stopped !== null) throw this.#stopped;
      return body();
    });
    this.#queue = turn.catch(() => {});
    return turn;
  }

  #now(): number {
    return this.#ports.clock.now();
  }

  /** Notes an event, lets it change the state, and goes on in a later turn of the queue. */
  async #happen(event: LiveEvent): Promise<void> {
    const before = this.#state;
    if (reduce(this.#rules, before, event).state === before) return;
    await this.#append(event);
    this.#apply(event);
    if (this.#state.move !== before.move || this.#state.deadline !== before.deadline) {
      this.#enqueue(() => this.#settle()).catch(() => {});
    }
  }

  async #append(event: LiveEvent): Promise<void> {
    try {
      await this.#ports.journal.append(encodeEvent(event));
    } catch (error) {
      // What was not noted must not have happened: only a journal that is read anew knows.
      this.#stopped ??= error;
      this.#cancel();
      throw error;
    }
  }

  #apply(event: LiveEvent): void {
    const { state, effects } = reduce(this.#rules, this.#state, event);
    this.#state = state;
    for (const effect of effects) {
      if (effect.kind === 'report') this.#ports.onReport?.(effect.report);
    }
  }

  /** Does all the work there is, then waits for the deadline. */
  async #settle(): Promise<void> {
    this.#cancel();
    while (this.#stopped === null) {
      const { move, deadline } = this.#state;
      const work = outstanding(this.#state, this.#rules);
      if (work === null) {
        if (deadline === null) return;
        if (deadline > this.#now()) {
          this.#wakeAt(deadline);
          return;
        }
        await this.#note({ kind: 'woken', at: this.#now(), move });
      } else {
        const event = await this.#attempt(work, move);
        if (event !== null) await this.#note(event);
      }
      if (this.#state.move === move) {
        this.#wakeAt(this.#now() + RETRY_AFTER);
        return;
      }
      const { kind } = this.#state.stage;
      // Between rounds nothing of the last one is kept.
      if (kind === 'idle' || kind === 'finished') await this.#compact();
    }
  }

  async #note(event: LiveEvent): Promise<void> {
    await this.#append(event);
    this.#apply(event);
  }

  #wakeAt(time: number): void {
    this.#cancel = this.#ports.clock.at(time, () => {
      this.#enqueue(() => this.#settle()).catch(() => {});
    });
  }

  /** The answer to the work, or null where it has to be tried again. */
  async #attempt(work: LiveWork, move: number): Promise<LiveEvent | null> {
    try {
      return await this.#perform(work, move);
    } catch (error) {
      this.#ports.onTrouble?.(error);
      const code = error instanceof VelaturaError ? error.code : 'unknown';
      if (MUST_SUCCEED.has(work.kind) || code === 'dp/budget-unavailable') return null;
      return { kind: 'failed', at: this.#now(), move, code };
    }
  }

  async #perform(work: LiveWork, move: number): Promise<LiveEvent> {
    const at = this.#now();
    switch (work.kind) {
      case 'draw': {
        const { random } = this.#ports;
        const { cohort, nonce, graphSeed } = drawMembers(work, random, NONCE_BYTES, SEED_BYTES);
        return { kind: 'drawn', at, move, nonce: bytesToHex(nonce), graphSeed, cohort };
      }
      case 'reserve':
        return this.#reserve(work, at, move);
      case 'open': {
        const sum = await this.#openSum((this.#state.stage as InRound).round);
        this.#deliver(sum.first);
        return { kind: 'opened', at, move, recipients: [...sum.first.keys()] };
      }
      case 'advance': {
        const frames = await (this.#sum as LiveSum).advance();
        this.#deliver(frames);
        return { kind: 'advanced', at, move, recipients: [...frames.keys()] };
      }
      case 'sum': {
        const { sum, survivors } = await (this.#sum as LiveSum).finish();
        return { kind: 'summed', at, move, sum: writeDoubles(sum), survivors };
      }
      case 'step':
        return { kind: 'stepped', at, move, ...(await this.#step(work)) };
      case 'commit': {
        const { budget } = this.#ports;
        await budget.commit(work.reservation);
        const { upper } = await budget.odometer({ scene: this.task.scene });
        return { kind: 'committed', at, move, epsilonSpent: upper };
      }
      case 'publish':
        await this.#publish(work.version, work.model);
        return { kind: 'published', at, move };
      case 'give-back':
        return { kind: 'given-back', at, move, free: await this.#giveBack(work.reservation) };
      case 'close':
        this.#forget();
        return { kind: 'closed', at, move };
    }
  }

  async #reserve(
    { key, accounts }: Extract<LiveWork, { kind: 'reserve' }>,
    at: number,
    move: number,
  ): Promise<LiveEvent> {
    const { plan, delta } = this.#price;
    const decision = await this.#ports.budget.reserve({
      scene: this.task.scene,
      accounts,
      plan,
      idempotencyKey: key,
      insecure: isInsecure(this.#ports.random),
      ...(delta === 0 ? {} : { delta }),
    });
    // A key that was answered before is this round's own, asked for before a crash: it is drawn once, with a nonce, and
    // opened only after the journal has the answer.
    if (decision.kind === 'admitted') {
      return { kind: 'reserved', at, move, reservation: decision.reservation.id };
    }
    const { limit, blocked } = decision.refusal;
    return { kind: 'refused', at, move, limit, blocked: [...blocked] };
  }

  async #step({ sum, survivors }: Extract<LiveWork, { kind: 'step' }>): Promise<{
    readonly model: string;
    readonly progress: string;
    readonly signalToNoise: number;
    readonly clippedShare: number | null;
  }> {
    const { round, progress, stage } = this.#state;
    const before = await this.#ports.models.getFile(hexToBytes(progress));
    if (before === null) throw mismatch('the state behind the model is missing');
    const roundId = (stage as InRound).round.id;
    const after = this.#models.next(before, {
      ...{ roundId, round, survivors },
      sum: readDoubles(sum),
    });
    const { signalToNoise, clippedShare } = after;
    return { ...(await this.#keep(after)), signalToNoise, clippedShare };
  }

  /** Files that nobody hears of before they are published. */
  async #keep({ model, progress }: ModelFiles): Promise<{ model: string; progress: string }> {
    const names = {
      model: fileName(model, this.#sha256),
      progress: fileName(progress, this.#sha256),
    };
    await this.#ports.models.putFile(hexToBytes(names.progress), progress);
    await this.#ports.models.putFile(hexToBytes(names.model), model);
    return names;
  }

  /** Makes a kept file that version; it may have happened before a crash. */
  async #publish(version: number, sha256: string): Promise<void> {
    const versions = await this.#versions.list();
    if (versions.length === version && versions[version - 1]?.sha256 === sha256) return;
    if (versions.length !== version - 1) throw mismatch('the models have a history of their own');
    const bytes = await this.#ports.models.getFile(hexToBytes(sha256));
    if (bytes === null) throw mismatch('a model is missing');
    const { tags, features } = this.task;
    await this.#versions.publish(trainedModelFormat({ tags, features }).decode(bytes));
  }

  async #giveBack(reservation: string): Promise<boolean> {
    try {
      await this.#ports.budget.release(reservation);
      return true;
    } catch (error) {
      if ((error as { code?: string }).code === 'dp/reservation-closed') return false;
      throw error;
    }
  }

  async #openSum(round: RoundFacts): Promise<LiveSum> {
    this.#sum = await openLiveSum(this.#sums, round);
    return this.#sum;
  }

  /** Before the event that says so is noted, so that what the state promises is there. */
  #deliver(frames: LiveFrames): void {
    this.#ports.mailbox.replace(frames);
  }

  #forget(): void {
    this.#sum = null;
    this.#ports.mailbox.replace(new Map());
  }

  async #compact(): Promise<void> {
    try {
      await this.#ports.journal.compact(encodeRun(this.taskDigest, this.#state));
    } catch (error) {
      this.#stopped ??= error;
      throw error;
    }
  }
}

type InRound = Extract<Stage, { readonly round: RoundFacts }>;

function mismatch(what: string): VelaturaError {
  return new VelaturaError('federated/state-mismatch', `the federation cannot go on: ${what}`);
}
