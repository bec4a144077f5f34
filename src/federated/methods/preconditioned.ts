import { VelaturaError } from '../../core/errors.ts';
import { l2Norm } from '../../core/linear-algebra.ts';
import type { Refusal } from '../../dp/budget/budget.ts';
import { divideGaussian } from '../../dp/divide-gaussian.ts';
import { isInsecure, type NeighbourRelation, type Plan } from '../../dp/plan.ts';
import { oneShotDimension } from '../../dp/planning/one-shot-dimension.ts';
import type { Batch } from '../models/trainable.ts';
import type { FederatedClient } from '../rounds/client.ts';
import {
  type RoundEnvironment,
  type RoundMetrics,
  roundPlan,
  runPrivateRound,
} from '../rounds/private-round.ts';
import { UpdateEncoder } from '../rounds/update-encoder.ts';
import { ScorePosterior } from './score-posterior.ts';
import { addOuterProduct, momentDirections, momentLength } from './second-moment.ts';

/** A run of preconditioned steps of a multi-label logistic model. Every number is a public constant. */
export interface PreconditionedOptions {
  /** Prefix of the round ids; unique within the budget. */
  readonly runId: string;
  readonly inputDimension: number;
  readonly outputDimension: number;
  /** Value of feature 0 in every row; see `withConstant`. */
  readonly constantFeature: number;
  /** Rounds of scores; the first also carries the second moment. One is the one-shot method. */
  readonly rounds: number;
  /** Share of the cost that the second moment takes, in (0, 1). */
  readonly momentShare: number;
  /** Bound on the norm of one user's score; longer ones are scaled down. */
  readonly scoreClip: number;
  /**
   * Of the whole run, as if it were one Gaussian release, under the relation of the environment; 0 is
   * non-private.
   */
  readonly noiseMultiplier: number;
  /** Goes on from the finished rounds of a run with the same options in the same kind of environment. */
  readonly resume?: PreconditionedState;
}

/** Where a run stands after a round. */
export interface PreconditionedState {
  /** The public constants of the run: only a run of the same ones may go on from here. */
  readonly fingerprint: string;
  /** Of the rounds behind us, in order. */
  readonly releases: readonly ReleasedSum[];
}

/** What a round released; as public as the model that is made of it. */
export interface ReleasedSum {
  /** Noisy sum of the uploads. */
  readonly value: Float64Array;
  /** Deviation of the noise on each coordinate. */
  readonly noiseStddev: number;
}

/** One finished round. */
export interface PreconditionedRound {
  /** Counted from 1. */
  readonly round: number;
  readonly metrics: RoundMetrics;
  /** To go on from here in another process. */
  readonly state: PreconditionedState;
  /** Parameters after the round. `[outputDimension, inputDimension]` */
  readonly parameters: Float32Array;
}

/** The end of a run. When the budget refused a round, `refusal` says why and the parameters so far stand. */
export interface PreconditionedResult {
  readonly parameters: Float32Array;
  readonly completedRounds: number;
  readonly refusal: Refusal | null;
  /** Root mean square over the parameters of the deviation that the noise implies. */
  readonly parameterNoiseStddev: number;
}

/** Noise multipliers of the rounds of a run: the first pays for the second moment too. */
function roundNoise({
  noiseMultiplier,
  rounds,
  momentShare,
}: Pick<PreconditionedOptions, 'noiseMultiplier' | 'rounds' | 'momentShare'>): {
  readonly first: number;
  readonly later: number;
} {
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new RangeError(`"rounds" expected a positive integer, got ${rounds}`);
  }
  if (!(momentShare > 0 && momentShare < 1)) {
    throw new RangeError(`"momentShare" expected a number in (0, 1), got ${momentShare}`);
  }
  const share = (1 - momentShare) / rounds;
  const shares = Array.from({ length: rounds }, (_, i) => (i === 0 ? share + momentShare : share));
  const [first = 0, later = 0] = divideGaussian(noiseMultiplier, shares);
  return { first, later };
}

/** Plan of a whole run: what {@link runPreconditioned} will cost each client. */
export function preconditionedPlan(
  relation: NeighbourRelation,
  options: Pick<PreconditionedOptions, 'noiseMultiplier' | 'rounds' | 'momentShare'>,
): Plan {
  const { first, later } = roundNoise(options);
  const plan = roundPlan(first, relation);
  if (options.rounds === 1 || options.noiseMultiplier === 0) return plan;
  const { event } = roundPlan(later, relation);
  const rest = { kind: 'repeated', count: options.rounds - 1, event } as const;
  return { ...plan, event: { kind: 'composed', events: [plan.event, rest] } };
}

/**
 * Weight of the second moment against the score in the first upload, both of norm at most 1: parts of one
 * vector share its noise, so the weight is what divides its cost.
 */
function momentWeight({ rounds, momentShare }: PreconditionedOptions): number {
  return Math.sqrt((rounds * momentShare) / (1 - momentShare));
}

/**
 * Mean over the own rows of x (y − p), scaled down to norm `scoreClip`: one vector a user, however many rows.
 *
 * @param parameters - `[outputDimension, inputDimension]`
 * @returns `[outputDimension, inputDimension]`
 */
export function clippedScore(
  data: Batch,
  parameters: Float32Array,
  { inputDimension, outputDimension, scoreClip }: PreconditionedOptions,
): Float64Array {
  const score = new Float64Array(outputDimension * inputDimension);
  for (let row = 0; row < data.rows; row++) {
    const x = data.features.subarray(row * inputDimension, (row + 1) * inputDimension);
    for (let output = 0; output < outputDimension; output++) {
      const at = output * inputDimension;
      let logit = 0;
      for (let i = 0; i < inputDimension; i++) {
        logit += (parameters[at + i] as number) * (x[i] as number);
      }
      const label = data.labels[row * outputDimension + output] as number;
      const residual = (label - 1 / (1 + Math.exp(-logit))) / data.rows;
      for (let i = 0; i < inputDimension; i++) {
        score[at + i] = (score[at + i] as number) + residual * (x[i] as number);
      }
    }
  }
  const scale = Math.min(1, scoreClip / l2Norm(score));
  return scale === 1 ? score : score.map((value) => value * scale);
}

/**
 * What one user sends first: (w · svec of the mean over the own rows of x xᵀ, score / scoreClip), each part of
 * norm at most w and 1.
 *
 * @returns `[oneShotDimension(inputDimension, outputDimension)]`
 */
export function firstContribution(
  data: Batch,
  parameters: Float32Array,
  options: PreconditionedOptions,
): Float64Array {
  const { inputDimension, outputDimension, scoreClip } = options;
  const moments = momentLength(inputDimension);
  const vector = new Float64Array(oneShotDimension(inputDimension, outputDimension));
  const weight = momentWeight(options) / data.rows;
  for (let row = 0; row < data.rows; row++) {
    const x = data.features.subarray(row * inputDimension, (row + 1) * inputDimension);
    addOuterProduct(vector.subarray(0, moments), x, weight);
  }
  const score = clippedScore(data, parameters, options);
  for (let i = 0; i < score.length; i++) vector[moments + i] = (score[i] as number) / scoreClip;
  return vector;
}

/**
 * Trains a multi-label logistic model by preconditioned steps: the first round buys the noisy second moment of
 * the features together with the first score, later ones further scores at the parameters reached; the server
 * combines them into a posterior mean (`ScorePosterior`). With one round it is the one-shot method. Yields
 * after each round.
 *
 * ## Privacy
 * Unit: user; relation: of the environment. Each round is one Gaussian release of a vector that the encoder
 * clips as a whole; together they cost {@link preconditionedPlan}, at most `gaussian{noiseMultiplier}`. What
 * the server makes of them is post-processing.
 *
 * @param initialParameters - `[outputDimension, inputDimension]`, from public facts
 * @throws {VelaturaError} `federated/state-mismatch`; as `runPrivateRound`
 * @throws RangeError for rounds, shares or releases that do not fit
 */
export async function* runPreconditioned(
  environment: RoundEnvironment,
  initialParameters: Float32Array,
  clients: readonly FederatedClient[],
  options: PreconditionedOptions,
): AsyncGenerator<PreconditionedRound, PreconditionedResult> {
  const { rounds, scoreClip } = options;
  const noise = roundNoise(options);
  const scores = options.outputDimension * options.inputDimension;
  const encoder = {
    first: new UpdateEncoder({
      dimension: oneShotDimension(options.inputDimension, options.outputDimension),
      clippingNorm: Math.sqrt(1 + momentWeight(options) ** 2),
    }),
    later: new UpdateEncoder({ dimension: scores, clippingNorm: scoreClip }),
  };
  const fingerprint = fingerprintOf(environment, options);
  const releases = resumedReleases(options, fingerprint);
  const learner = new Learner(initialParameters, options);
  for (const release of releases) learner.take(release);
  for (let round = releases.length + 1; round <= rounds; round++) {
    const which = round === 1 ? 'first' : 'later';
    const { parameters } = learner;
    const outcome = await runPrivateRound(environment, {
      roundId: `${options.runId}/${round}`,
      clients,
      compute: (data) =>
        round === 1
          ? firstContribution(data, parameters, options)
          : clippedScore(data, parameters, options),
      encoder: encoder[which],
      noiseMultiplier: noise[which],
    });
    if (outcome.kind === 'refused') return learner.result(round - 1, outcome.refusal);
    const { value, error } = outcome.release;
    const release: ReleasedSum = { value, noiseStddev: error.noiseStddev };
    learner.take(release);
    releases.push(release);
    const state = { fingerprint, releases: [...releases] };
    yield { round, metrics: outcome.metrics, state, parameters: learner.parameters };
  }
  return learner.result(rounds, null);
}

/** What a resumed run must have in common with the one that began, its marks on the statement included. */
function fingerprintOf(
  { relation, scene, budget, random }: RoundEnvironment,
  { resume: _, ...constants }: PreconditionedOptions,
): string {
  const marks = { relation, scene, charged: budget !== null, insecure: isInsecure(random) };
  return JSON.stringify(Object.entries({ ...constants, ...marks }).sort());
}

function resumedReleases(
  { resume, rounds }: PreconditionedOptions,
  expected: string,
): ReleasedSum[] {
  if (resume === undefined) return [];
  if (resume.fingerprint !== expected || resume.releases.length > rounds) {
    throw new VelaturaError(
      'federated/state-mismatch',
      'the state to go on from is of a run with other options, another scene or another kind of noise',
    );
  }
  return [...resume.releases];
}

/** The server's side: what the releases so far say. */
class Learner {
  readonly #start: Float32Array;
  readonly #options: PreconditionedOptions;
  #posterior: ScorePosterior | null = null;
  /** `[outputDimension, inputDimension]` */
  parameters: Float32Array;

  constructor(start: Float32Array, options: PreconditionedOptions) {
    this.#start = start;
    this.#options = options;
    this.parameters = start;
  }

  take({ value, noiseStddev }: ReleasedSum): void {
    const { inputDimension, outputDimension, scoreClip, constantFeature } = this.#options;
    const scores = outputDimension * inputDimension;
    const moments = this.#posterior === null ? momentLength(inputDimension) : 0;
    if (value.length !== moments + scores) {
      throw new RangeError(`"value" expected ${moments + scores} numbers, got ${value.length}`);
    }
    if (this.#posterior === null) {
      const weight = momentWeight(this.#options);
      const moment = value.subarray(0, moments).map((entry) => entry / weight);
      this.#posterior = new ScorePosterior(
        momentDirections(moment, inputDimension, noiseStddev / weight, constantFeature),
        outputDimension,
      );
      const score = value.subarray(moments).map((entry) => entry * scoreClip);
      this.#posterior.observe(score, noiseStddev * scoreClip);
    } else {
      this.#posterior.observe(value, noiseStddev);
    }
    const change = this.#posterior.mean();
    this.parameters = this.#start.map((start, i) => start + (change[i] as number));
  }

  result(completedRounds: number, refusal: Refusal | null): PreconditionedResult {
    return {
      parameters: this.parameters,
      completedRounds,
      refusal,
      parameterNoiseStddev: this.#posterior?.noiseStddev() ?? 0,
    };
  }
}
