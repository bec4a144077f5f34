import { bytesToHex } from '@noble/hashes/utils.js';
import { VelaturaError } from '../../core/errors.ts';
import type { Sha256 } from '../../core/hash-chain.ts';
import type { RandomSource } from '../../core/random-source.ts';
import type { PrivacyBudgetAccountant } from '../../dp/budget/budget.ts';
import type { PrivacyStatement } from '../../dp/statement.ts';
import { decodeFedAvgState, encodeFedAvgState, type FedAvgState } from '../methods/fedavg-state.ts';
import { initialState, type ServerOptimiser } from '../methods/server-optimiser.ts';
import { fedAdam } from '../methods/server-optimiser-adam.ts';
import { momentumSteps, plainSteps } from '../methods/server-optimiser-descent.ts';
import { createModel } from '../models/model-architecture.ts';
import { saveTrainedModel } from '../models/trained-model-file.ts';
import { DistributedEncoder } from '../rounds/distributed-encoder.ts';
import { distributedStddev } from '../rounds/distributed-noise.ts';
import { PlainSum } from '../rounds/plain-sum.ts';
import { releaseStatement } from '../rounds/release-statement.ts';
import type { SecureSum } from '../rounds/secure-sum.ts';
import { signalToNoise } from '../rounds/signal-to-noise.ts';
import type { UpdateEncoder } from '../rounds/update-encoder.ts';
import type { SecAggCrypto } from '../secagg/crypto.ts';
import { SecAggSum } from '../secagg/secagg-sum.ts';
import type { LiveOptimiser, LiveTask } from './live-task.ts';
import type { StepFigures } from './round-events.ts';
import { LIVE_RELATION, taskPrice, trustedEncoder, trustedStddev } from './task-price.ts';

/** What the server's side of a task needs to make models. */
export interface ModelStepOptions {
  readonly task: LiveTask;
  readonly taskDigest: string;
  readonly budget: PrivacyBudgetAccountant;
  readonly crypto: SecAggCrypto;
  readonly random: RandomSource;
}

/** A model file and the state behind it, as bytes. */
export interface ModelFiles {
  readonly model: Uint8Array;
  readonly progress: Uint8Array;
}

/** One round as the model sees it. */
export interface RoundSum {
  readonly roundId: string;
  readonly round: number;
  /** `[encodedDimension]`, noise and all. */
  readonly sum: Float64Array;
  readonly survivors: number;
}

/**
 * Moves a model by noisy sums. Equal sums give equal bytes: after a crash the same files come out.
 *
 * ## Privacy
 * It sees noisy sums only, so whatever it does is post-processing.
 */
export class ModelStep {
  readonly #options: ModelStepOptions;
  readonly #optimiser: ServerOptimiser;
  readonly #parameterCount: number;

  constructor(options: ModelStepOptions) {
    this.#options = options;
    this.#optimiser = optimiserOf(options.task.server.optimiser);
    this.#parameterCount = createModel(options.task.model).parameterCount;
  }

  /** The files before the first round; nobody's data is in them. */
  first(): ModelFiles {
    const parameters = Float64Array.from(createModel(this.#options.task.model).initialParameters());
    return this.#files({
      ...{ fingerprint: this.#options.taskDigest, round: 0, released: [], lost: [] },
      ...{ noiseStddev: 0, parameters, secrets: null },
      optimiser: initialState(this.#optimiser, this.#parameterCount),
      average: { weight: 0, sum: new Float64Array(this.#parameterCount) },
    });
  }

  /**
   * The files after a round.
   *
   * @param progress - the state that the last step left
   * @throws {VelaturaError} `federated/state-mismatch` for the state of another task; `federated/non-finite`
   */
  next(progress: Uint8Array, noisy: RoundSum): ModelFiles & Omit<StepFigures, keyof ModelFiles> {
    const state = decodeFedAvgState(progress);
    if (state.fingerprint !== this.#options.taskDigest) {
      throw new VelaturaError('federated/state-mismatch', 'the saved state is of another task');
    }
    const { server } = this.#options.task;
    const { encoder, noiseStddev } = this.#encoding(noisy);
    const { sum, clippedCount } = encoder.decodeSum(noisy.sum);
    const parameters = state.parameters.slice();
    const optimiser = {
      rounds: state.optimiser.rounds,
      slots: state.optimiser.slots.map((slot) => slot.slice()),
    };
    const update = sum.map((value) => value / server.normaliser);
    const scaled = noiseStddev / server.normaliser;
    this.#optimiser.step(
      parameters,
      { update, learningRate: server.learningRate, noiseStddev: scaled },
      optimiser,
    );
    if (!parameters.every(Number.isFinite)) {
      throw new VelaturaError('federated/non-finite', 'the model grew past all numbers');
    }
    const released = [...state.released, noisy.round];
    return {
      ...this.#files({
        ...state,
        ...{ round: noisy.round, released, lost: lostRounds(released, noisy.round) },
        ...{ noiseStddev, parameters, optimiser },
      }),
      signalToNoise: signalToNoise(sum, noiseStddev),
      clippedShare: clippedCount === null ? null : clippedCount / noisy.survivors,
    };
  }

  #encoding({ roundId, survivors }: RoundSum): {
    readonly encoder: UpdateEncoder;
    readonly noiseStddev: number;
  } {
    const { task, random } = this.#options;
    if (task.sum.kind === 'plain') {
      const encoder = trustedEncoder(task.sum, this.#parameterCount);
      const unit = encoder.clippingNorm / encoder.integerNorm;
      return { encoder, noiseStddev: trustedStddev(task.sum, encoder) * unit };
    }
    const encoder = new DistributedEncoder(task.sum.noise, { roundId, random });
    return { encoder, noiseStddev: distributedStddev(task.sum.noise, survivors) };
  }

  #files(state: FedAvgState): ModelFiles {
    const { model: architecture, tags, features } = this.#options.task;
    const parameters = Float32Array.from(state.parameters);
    return {
      model: saveTrainedModel({
        ...{ architecture, tags, features, parameters },
        statement: this.#statement(state.round),
      }),
      progress: encodeFedAvgState(state),
    };
  }

  /** Of somebody who was asked in every round so far, released or not. */
  #statement(rounds: number): PrivacyStatement {
    const { task, budget, random, crypto } = this.#options;
    const { plan } = taskPrice(task);
    const { sum, delta, population, scene } = task;
    const environment = {
      ...{ scene, relation: LIVE_RELATION, random, budget },
      secureSum: sumOf(task, crypto),
      minimumCohort: task.cohort.minimum,
    } as const;
    return releaseStatement(environment, {
      plan: { ...plan, event: { kind: 'repeated', count: Math.max(1, rounds), event: plan.event } },
      ...{ delta, population },
      bounds: boundsOf(task),
      distributed: sum.kind === 'plain' ? null : { noise: sum.noise, rounds: Math.max(1, rounds) },
    });
  }
}

/** Hexadecimal SHA-256 under which a file is kept. */
export function fileName(bytes: Uint8Array, sha256: Sha256): string {
  return bytesToHex(sha256(bytes));
}

/** Who sees what in this task. */
function sumOf({ sum }: LiveTask, crypto: SecAggCrypto): SecureSum {
  if (sum.kind === 'plain') return new PlainSum();
  const { corruptShare, securityBits, consistency } = sum;
  return new SecAggSum({ crypto, corruptShare, securityBits, consistency });
}

function boundsOf({ sum, cohort }: LiveTask): readonly string[] {
  const { clippingNorm } = sum.kind === 'plain' ? sum : sum.noise;
  return [
    `updates clipped to a norm of ${clippingNorm}`,
    `rounds of at least ${cohort.minimum} contributions`,
  ];
}

function optimiserOf(optimiser: LiveOptimiser): ServerOptimiser {
  switch (optimiser.kind) {
    case 'plain':
      return plainSteps();
    case 'momentum':
      return momentumSteps(optimiser.momentum);
    case 'fedadam':
      return fedAdam(optimiser);
  }
}

/** The rounds up to `round` that were not released. */
function lostRounds(released: readonly number[], round: number): readonly number[] {
  const known = new Set(released);
  return Array.from({ length: round }, (_, i) => i + 1).filter((number) => !known.has(number));
}
