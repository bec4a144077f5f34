import { hexToBytes } from '@noble/hashes/utils.js';
import { VelaturaError } from '../../core/errors.ts';
import type { RandomSource } from '../../core/random-source.ts';
import { fillRoundedGaussian } from '../../dp/noise/index.ts';
import { distributedFacts, noiseWords } from '../rounds/distributed-noise.ts';
import { NormBoundedSum } from '../rounds/norm-bound.ts';
import { PlainSum } from '../rounds/plain-sum.ts';
import type { SumResult, SumSession } from '../rounds/secure-sum.ts';
import type { Bytes, SecAggCrypto, SigningKey } from '../secagg/crypto.ts';
import { planGraph } from '../secagg/graph-plan.ts';
import { SecAggServer } from '../secagg/server.ts';
import type { HiddenSum, LiveTask, TrustedSum } from './live-task.ts';
import { readUpdate } from './plain-update.ts';
import type { Turn } from './round-events.ts';
import { neededAnswers, type RoundFacts, type RunRules } from './run-state.ts';
import { trustedEncoder, trustedStddev } from './task-price.ts';

/** Bits in which a sum of plain updates is kept. */
const PLAIN_BITS = 52;

/** Frames by the account they are for. */
export type LiveFrames = ReadonlyMap<string, Uint8Array>;

/**
 * The sum of one round on the server, whatever kind it is: the same frames in the same order come to the same, so it
 * is built again from a journal after a crash.
 */
export interface LiveSum {
  /** The first frames. */
  readonly first: LiveFrames;
  /**
   * Takes a frame.
   *
   * @returns the account that it is from
   * @throws {VelaturaError} when it is refused, which changes nothing
   */
  receive(account: string, frame: Uint8Array): Promise<string>;
  /**
   * Ends a step and gives the frames of the next.
   *
   * @throws {VelaturaError} when the round cannot go on
   */
  advance(): Promise<LiveFrames>;
  /** The noisy sum; a central noise is drawn at each call, so what it gave must be noted before it is shown. */
  finish(): Promise<SumResult>;
}

/** The steps of a round of this task. */
export function turnsOf({ sum }: LiveTask): readonly Turn[] {
  if (sum.kind === 'plain') return ['input'];
  const last: readonly Turn[] = sum.consistency ? ['confirm', 'unmask'] : ['unmask'];
  return ['advertise', 'share', 'input', ...last];
}

/** What it takes to open the sums of a run. */
export interface LiveSums {
  readonly task: LiveTask;
  readonly rules: RunRules;
  readonly parameterCount: number;
  readonly crypto: SecAggCrypto;
  /** Signs what the server sends in a secure sum. */
  readonly signingKey: SigningKey;
  readonly random: RandomSource;
}

/** @throws {VelaturaError} `federated/secagg-too-weak`, `federated/wrap-around`, `federated/cohort-too-small` */
export function openLiveSum(sums: LiveSums, round: RoundFacts): Promise<LiveSum> {
  const { sum } = sums.task;
  return sum.kind === 'plain' ? openPlain(sums, sum, round) : openHidden(sums, sum, round);
}

async function openPlain(
  { parameterCount, rules, random }: LiveSums,
  terms: TrustedSum,
  round: RoundFacts,
): Promise<LiveSum> {
  const encoder = trustedEncoder(terms, parameterCount);
  const cohort = round.cohort.map(({ account }) => account);
  const session = await new NormBoundedSum(new PlainSum()).open({
    roundId: round.id,
    dimension: encoder.encodedDimension,
    modulusBits: PLAIN_BITS,
    contributionBound: encoder.integerSensitivity,
    cohort,
    minimumSurvivors: neededAnswers(rules, cohort.length),
  });
  const first = new Map(cohort.map((account) => [account, new Uint8Array(0)]));
  return new PlainLiveSum(session, first, trustedStddev(terms, encoder), random);
}

class PlainLiveSum implements LiveSum {
  readonly first: LiveFrames;
  readonly #session: SumSession;
  readonly #noiseStddev: number;
  readonly #random: RandomSource;

  constructor(session: SumSession, first: LiveFrames, noiseStddev: number, random: RandomSource) {
    this.first = first;
    this.#session = session;
    this.#noiseStddev = noiseStddev;
    this.#random = random;
  }

  async receive(account: string, frame: Uint8Array): Promise<string> {
    await this.#session.contribute(account, readUpdate(frame, this.#session.parameters.dimension));
    return account;
  }

  async advance(): Promise<LiveFrames> {
    throw new VelaturaError('federated/round-closed', 'a plain sum has one step');
  }

  async finish(): Promise<SumResult> {
    const { sum, survivors } = await this.#session.close();
    const noise = new Float64Array(sum.length);
    fillRoundedGaussian(noise, this.#noiseStddev, this.#random);
    return { sum: sum.map((value, i) => value + (noise[i] as number)), survivors };
  }
}

async function openHidden(
  { task, rules, crypto, signingKey }: LiveSums,
  { noise, consistency, securityBits }: HiddenSum,
  { id, cohort, graphSeed }: RoundFacts,
): Promise<LiveSum> {
  const members = cohort.length;
  const { minimum } = task.cohort;
  const colluders = neededAnswers(rules, members) - minimum;
  const drops = members - minimum - colluders;
  if (drops < 0) {
    throw new VelaturaError('federated/cohort-too-small', 'too few members for the noise', {
      members,
      minimum: minimum + colluders,
    });
  }
  const assumptions = { members, colluders, drops, dishonestServer: consistency };
  const { neighbours, threshold } = planGraph(assumptions, securityBits);
  const { encodedDimension } = distributedFacts(noise);
  const server = await SecAggServer.open(
    {
      roundId: id,
      dimension: encodedDimension,
      modulusBits: noise.modulusBits,
      contributionBound: null,
      cohort: cohort.map(({ key }) => hexToBytes(key) as Bytes),
      ...{ neighbours, threshold, minimumSurvivors: minimum, colluders, consistency },
      noise: noiseWords(noise),
      graphSeed: Uint8Array.from(graphSeed),
    },
    crypto,
    signingKey,
  );
  return new HiddenLiveSum(
    server,
    cohort.map(({ account }) => account),
  );
}

class HiddenLiveSum implements LiveSum {
  readonly first: LiveFrames;
  readonly #server: SecAggServer;
  readonly #accounts: readonly string[];

  constructor(server: SecAggServer, accounts: readonly string[]) {
    this.#server = server;
    this.#accounts = accounts;
    this.first = new Map(accounts.map((account) => [account, server.announcement]));
  }

  /** A frame is signed by its member, whoever hands it in. */
  async receive(_account: string, frame: Uint8Array): Promise<string> {
    return this.#accounts[await this.#server.receive(frame)] as string;
  }

  async advance(): Promise<LiveFrames> {
    const outbox = await this.#server.advance();
    return new Map([...outbox].map(([place, frame]) => [this.#accounts[place] as string, frame]));
  }

  finish(): Promise<SumResult> {
    return this.#server.finish();
  }
}
