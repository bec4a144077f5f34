import { bytesToHex } from '@noble/hashes/utils.js';
import * as v from 'valibot';
import { encodeCanonical } from '../../core/cbor.ts';
import { VelaturaError } from '../../core/errors.ts';
import { portableSha256, type Sha256 } from '../../core/hash-chain.ts';
import {
  checkArchitecture,
  createModel,
  type ModelArchitecture,
} from '../models/model-architecture.ts';
import type { DistributedNoise } from '../rounds/distributed-noise.ts';
import type { LocalTraining } from '../rounds/local-trainer.ts';
import { mostColluders } from '../secagg/collusion.ts';

/** The server is trusted with single updates: it checks their norm, adds them and adds the noise. */
export interface TrustedSum {
  readonly kind: 'plain';
  readonly clippingNorm: number;
  /** See `UpdateEncoderOptions.integerNorm`. */
  readonly integerNorm: number;
  readonly clippingFlagWeight: number;
  /** Deviation of the noise over the sensitivity of the sum; above 0. */
  readonly noiseMultiplier: number;
}

/** The server learns sums only, and the clients add the noise. */
export interface HiddenSum {
  readonly kind: 'secagg-plus';
  readonly noise: DistributedNoise;
  /** Share of a cohort that may work together with the server, in [0, 1). */
  readonly corruptShare: number;
  /** More than the sum may be revealed with a chance of at most 2^−securityBits. */
  readonly securityBits: number;
  /** Whether members sign the list of survivors, so that the server may lie. */
  readonly consistency: boolean;
}

/** How the server moves the model; see the optimisers of that name. */
export type LiveOptimiser =
  | { readonly kind: 'plain' }
  | { readonly kind: 'momentum'; readonly momentum: number }
  | {
      readonly kind: 'fedadam';
      readonly beta1: number;
      readonly beta2: number;
      readonly adaptivity: number;
    };

/**
 * What a federation trains and on which terms: public constants, plain JSON, the same for the coordinator and every
 * client. Its digest is part of every round id, so members of one secure sum agree on all of it.
 */
export interface LiveTask {
  /** Letters, digits and dashes. */
  readonly id: string;
  readonly scene: string;
  readonly model: ModelArchitecture;
  readonly tags: readonly string[];
  readonly features: readonly string[];
  readonly training: LocalTraining;
  readonly sum: TrustedSum | HiddenSum;
  readonly rounds: number;
  /** Delta at which the cost of the whole run is stated. */
  readonly delta: number;
  /** Public guess of the number of accounts. */
  readonly population: number;
  readonly cohort: {
    /** Contributions that a round should have. */
    readonly target: number;
    /** Members asked for each wanted, at least 1: some always vanish. */
    readonly overSelection: number;
    /** Fewer contributions end a round without a result. */
    readonly minimum: number;
  };
  readonly server: {
    readonly optimiser: LiveOptimiser;
    readonly learningRate: number;
    /** Public constant by which a sum is divided. */
    readonly normaliser: number;
  };
  /** Milliseconds. */
  readonly schedule: {
    /** For how long members may check in. */
    readonly checkIn: number;
    /** For how long the server waits for the answers of one step. */
    readonly step: number;
    /** Between the end of a round and the next. */
    readonly coolDown: number;
  };
}

const count = (most: number) => v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(most));
const positive = v.pipe(v.number(), v.finite(), v.gtValue(0));
const share = v.pipe(v.number(), v.minValue(0), v.ltValue(1));
const weight = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const name = v.pipe(v.string(), v.minLength(1), v.maxLength(200));
const names = v.pipe(v.array(name), v.maxLength(2 ** 20));
const milliseconds = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(30 * 86_400_000));

const NOISE = v.strictObject({
  kind: v.literal('distributed-noise'),
  dimension: count(2 ** 26),
  clippingNorm: positive,
  clippingFlagWeight: weight,
  cohort: count(2 ** 24),
  honestSurvivors: count(2 ** 24),
  blockSize: count(2 ** 26),
  integerNorm: count(2 ** 25),
  shareVariance: positive,
  modulusBits: count(52),
});

const TASK = v.strictObject({
  id: v.pipe(v.string(), v.regex(/^[a-zA-Z0-9-]{1,64}$/)),
  scene: name,
  model: v.looseObject({ kind: v.string() }),
  tags: names,
  features: names,
  training: v.strictObject({
    localEpochs: count(10_000),
    localBatchSize: v.exactOptional(count(2 ** 20)),
    localLearningRate: positive,
    proximal: v.exactOptional(v.pipe(v.number(), v.finite(), v.minValue(0))),
    maxRows: v.exactOptional(count(2 ** 30)),
  }),
  sum: v.variant('kind', [
    v.strictObject({
      kind: v.literal('plain'),
      clippingNorm: positive,
      integerNorm: count(2 ** 25),
      clippingFlagWeight: weight,
      noiseMultiplier: positive,
    }),
    v.strictObject({
      kind: v.literal('secagg-plus'),
      noise: NOISE,
      corruptShare: share,
      securityBits: v.pipe(v.number(), v.gtValue(0), v.maxValue(512)),
      consistency: v.boolean(),
    }),
  ]),
  rounds: count(1_000_000),
  delta: v.pipe(v.number(), v.gtValue(0), v.ltValue(1)),
  population: count(2 ** 40),
  cohort: v.strictObject({
    target: count(100_000),
    overSelection: v.pipe(v.number(), v.minValue(1), v.maxValue(100)),
    minimum: count(100_000),
  }),
  server: v.strictObject({
    optimiser: v.variant('kind', [
      v.strictObject({ kind: v.literal('plain') }),
      v.strictObject({ kind: v.literal('momentum'), momentum: share }),
      v.strictObject({
        kind: v.literal('fedadam'),
        beta1: share,
        beta2: share,
        adaptivity: positive,
      }),
    ]),
    learningRate: positive,
    normaliser: positive,
  }),
  schedule: v.strictObject({
    checkIn: milliseconds,
    step: milliseconds,
    coolDown: milliseconds,
  }),
});

/** Members asked in one round, at most. */
export function askedMembers({ cohort }: LiveTask): number {
  return Math.ceil(cohort.target * cohort.overSelection);
}

/**
 * Checks a task that came from outside. Whether its noise and graph hold is found where they are priced and drawn.
 *
 * @throws {VelaturaError} `federated/invalid-task` with the path of what is wrong;
 * `federated/invalid-model-file` for an unknown model
 */
export function readTask(value: unknown): LiveTask {
  const result = v.safeParse(TASK, value);
  if (!result.success) {
    const path = result.issues[0].path?.map(({ key }) => String(key)).join('.') ?? '';
    throw invalidTask(`it expected another value at "${path.slice(0, 80)}"`);
  }
  const task: LiveTask = { ...result.output, model: checkArchitecture(result.output.model) };
  const { parameterCount, inputDimension } = createModel(task.model);
  const inputs = task.model.kind === 'embedding-bag' ? 0 : inputDimension;
  if (task.features.length !== inputs) {
    throw invalidTask(`"features" expected ${inputs} names, got ${task.features.length}`);
  }
  const { sum, cohort } = task;
  if (cohort.minimum > cohort.target) {
    throw invalidTask('"cohort.minimum" expected at most "cohort.target"');
  }
  if (sum.kind === 'secagg-plus') {
    const { dimension, honestSurvivors, cohort: most } = sum.noise;
    if (dimension !== parameterCount) {
      throw invalidTask(`"sum.noise.dimension" expected ${parameterCount}, got ${dimension}`);
    }
    if (askedMembers(task) > most) {
      throw invalidTask(`"sum.noise.cohort" expected at least ${askedMembers(task)}, got ${most}`);
    }
    const members = askedMembers(task);
    const colluders = mostColluders(sum.corruptShare, members, true);
    if (members < cohort.minimum + colluders) {
      throw invalidTask(
        `"cohort.minimum" expected at most ${members - colluders} of ${members}: ${colluders} may collude`,
      );
    }
    if (cohort.minimum < honestSurvivors) {
      throw invalidTask(
        `"cohort.minimum" expected at least ${honestSurvivors}, got ${cohort.minimum}`,
      );
    }
  }
  return task;
}

/** SHA-256 that names the task, in hexadecimal. */
export function taskDigest(task: LiveTask, sha256: Sha256 = portableSha256): string {
  const domain = new TextEncoder().encode('velatura-live-task-v1\0');
  return bytesToHex(sha256(domain, encodeCanonical(task)));
}

function invalidTask(what: string): VelaturaError {
  return new VelaturaError('federated/invalid-task', `a task does not hold: ${what}`);
}
