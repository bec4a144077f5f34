import { VelaturaError } from '../../core/errors.ts';
import type { Refusal } from '../../dp/budget/budget.ts';
import { divideGaussianEvenly } from '../../dp/divide-gaussian.ts';
import type { Plan } from '../../dp/plan.ts';
import { releasePopularity } from '../evaluation/popularity.ts';
import { LogisticModel } from '../models/logistic-model.ts';
import type { TagModel } from '../models/tag-model.ts';
import type { FederatedClient } from '../rounds/client.ts';
import { type DistributedNoise, distributedMultiplier } from '../rounds/distributed-noise.ts';
import { type RoundEnvironment, type RoundMetrics, roundPlan } from '../rounds/private-round.ts';
import { releaseStatement } from '../rounds/release-statement.ts';
import { chooseMethod, learningStrength, type TagTrainingMethod } from './choose-method.ts';
import { constantFeature, priorParameters, type TagTaskPrior } from './feature-design.ts';
import { runFedAvg } from './fedavg.ts';
import { fedAvgPlan } from './fedavg-plan.ts';
import type { FedAvgState } from './fedavg-state.ts';
import {
  type PreconditionedResult,
  type PreconditionedState,
  preconditionedPlan,
  runPreconditioned,
} from './preconditioned.ts';
import { totalStep } from './step-size.ts';

/** What is to be learnt, in public facts only. */
export interface TagTask {
  readonly tags: readonly string[];
  /** Names of the features, the constant first. */
  readonly features: readonly string[];
  readonly prior: TagTaskPrior;
  /** Public guess of the number of clients: divisor of sums and scale of steps. */
  readonly population: number;
}

/** One finished round of any method. */
export interface TrainingRound {
  /** Counted from 1. */
  readonly round: number;
  readonly metrics: RoundMetrics;
  /** Parameters after the round. `[tags, features]` */
  readonly parameters: Float32Array;
  /** To go on from here after a crash, with the same task, clients and options. */
  readonly state: TrainingState;
}

/** Where a run stands after a round: what was released, which is as public as the model. */
export type TrainingState =
  | { readonly kind: 'preconditioned'; readonly state: PreconditionedState }
  | { readonly kind: 'fedavg'; readonly state: FedAvgState };

/** How to train. */
export interface TagTrainingOptions {
  readonly runId: string;
  readonly method: TagTrainingMethod;
  /**
   * Of the whole run, as if it were one Gaussian release: rounds share it. 0 is non-private. Get it from
   * `calibrateGaussian({ epsilon, delta })`.
   */
  readonly noiseMultiplier: number;
  /** At which the statement gives epsilon: the delta that the noise was calibrated for. */
  readonly delta: number;
  /**
   * Noise that the clients add in each round, for a sum whose server is not trusted; method `fedavg` only. From
   * `planDistributedNoise` for tags × features coordinates, the clipping norm and so many `rounds`. Then
   * `noiseMultiplier` is 0.
   */
  readonly distributedNoise?: DistributedNoise;
  /** How many rounds there may be; a public choice. Default: what suits the method. */
  readonly rounds?: number;
  /** Bound on the norm of one user's update. Default: `labelNormBound`. */
  readonly clippingNorm?: number;
  /** Goes on from there. A method without rounds has no state to go on from. */
  readonly resume?: TrainingState;
  /** See `FedAvgOptions.onLostRound`: `skip` lets a run go on that lost a round; rounds of `fedavg` only. */
  readonly onLostRound?: 'stop' | 'skip';
  /** See `UpdateEncoderOptions.clippingFlagWeight`; rounds of `fedavg` only. */
  readonly clippingFlagWeight?: number;
  /** Called after each round, and waited for; `popularity` has none. */
  readonly onRound?: (round: TrainingRound) => void | Promise<void>;
}

/** What decides the cost of a run. */
type RunCosts = Pick<
  TagTrainingOptions,
  'method' | 'noiseMultiplier' | 'rounds' | 'distributedNoise'
>;

export type TagTrainingOutcome =
  | {
      readonly kind: 'trained';
      /** What was done; never `auto`. */
      readonly method: Exclude<TagTrainingMethod, 'auto'>;
      readonly model: TagModel;
      readonly plan: Plan;
      readonly rounds: readonly RoundMetrics[];
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Of the cost of preconditioned steps, what the second moment takes. */
const MOMENT_SHARE = 0.1;

/**
 * Rounds of each method. Scores are bought anew only because the loss is not quadratic: three times suffice,
 * and without noise, when nothing is shared out, some more. With a persistence prior only a residual is left to
 * learn, so fewer rounds of averaging do.
 */
function defaultRounds(
  method: Exclude<TagTrainingMethod, 'auto'>,
  task: TagTask,
  noiseMultiplier: number,
): number {
  switch (method) {
    case 'preconditioned':
      return noiseMultiplier === 0 ? 8 : 3;
    case 'fedavg':
      return task.prior.persistence !== 0 ? 20 : 40;
    case 'one-shot':
    case 'popularity':
      return 1;
  }
}

/** Steps of gradient descent diverge beyond 2 / L; the curvature L of a mean logistic loss is at most ¼. */
const LARGEST_STEP = 8;

/** How far averaging may go; with a persistence prior only a residual is left to learn. */
const STEPS = {
  fromPrior: { perStrength: 0.15, most: 150 },
  fromScratch: { perStrength: 0.6, most: 1000 },
} as const;

/**
 * A good bound for residuals of probabilities near the guessed density: their expected norm, but not less than
 * what most single residuals need.
 */
export function labelNormBound(tags: number, labelDensity: number): number {
  return Math.min(2, Math.max(0.7, Math.sqrt(tags * labelDensity * (1 - labelDensity))));
}

/** A run with everything decided that public facts decide. */
interface Schedule {
  readonly method: Exclude<TagTrainingMethod, 'auto'>;
  readonly rounds: number;
  readonly noiseMultiplier: number;
}

function scheduleOf(
  { relation }: Pick<RoundEnvironment, 'relation'>,
  task: TagTask,
  { method: asked, noiseMultiplier, rounds, distributedNoise }: RunCosts,
): Schedule {
  if (distributedNoise !== undefined) {
    requireAveraging(asked, noiseMultiplier);
    const planned = rounds ?? defaultRounds('fedavg', task, 1);
    // Steps go by what the noise of all rounds amounts to.
    const multiplier = distributedMultiplier(distributedNoise) / Math.sqrt(planned);
    return { method: 'fedavg', rounds: planned, noiseMultiplier: multiplier };
  }
  const method = chooseMethod(asked, task, noiseMultiplier, relation);
  const several = method === 'preconditioned' || method === 'fedavg';
  const usual = defaultRounds(method, task, noiseMultiplier);
  return { method, rounds: several ? (rounds ?? usual) : 1, noiseMultiplier };
}

function requireAveraging(method: TagTrainingMethod, noiseMultiplier: number): void {
  if (method === 'fedavg' && noiseMultiplier === 0) return;
  throw new RangeError(
    '"distributedNoise" expected the method "fedavg" and a noise multiplier of 0',
  );
}

/** Plan of a whole run, before anything is charged: what `trainTagModel` will cost each client. */
export function tagTrainingPlan(
  environment: Pick<RoundEnvironment, 'relation'>,
  task: TagTask,
  options: RunCosts,
): Plan {
  const { method, rounds, noiseMultiplier } = scheduleOf(environment, task, options);
  const { relation } = environment;
  const { distributedNoise } = options;
  if (distributedNoise !== undefined) {
    return fedAvgPlan(environment, task.population, {
      rounds,
      noiseMultiplier: 0,
      distributedNoise,
    });
  }
  if (method === 'preconditioned' || method === 'one-shot') {
    return preconditionedPlan(relation, { noiseMultiplier, rounds, momentShare: MOMENT_SHARE });
  }
  if (rounds === 1 || noiseMultiplier === 0) return roundPlan(noiseMultiplier, relation);
  const single = roundPlan(divideGaussianEvenly(noiseMultiplier, rounds), relation);
  return { ...single, event: { kind: 'repeated', count: rounds, event: single.event } };
}

/**
 * Trains one tag model privately on the clients: the one call behind the quickstart.
 *
 * ## Privacy
 * Unit: user. Costs every client given the plan of {@link tagTrainingPlan}, at most
 * `gaussian{noiseMultiplier}`; asks the budget of the environment before each release. Features and labels
 * are read on the clients only. Method, step sizes, clips and rounds come from public facts.
 *
 * @throws {VelaturaError} `dp/delta-too-large`, `federated/state-mismatch`; as `runPrivateRound`
 * @see docs/privacy-model.md
 */
export async function trainTagModel(
  environment: RoundEnvironment,
  task: TagTask,
  clients: readonly FederatedClient[],
  options: TagTrainingOptions,
): Promise<TagTrainingOutcome> {
  const schedule = scheduleOf(environment, task, options);
  const { resume } = options;
  if (resume !== undefined && resume.kind !== stateKind(schedule.method)) {
    throw new VelaturaError(
      'federated/state-mismatch',
      `a run of method "${schedule.method}" cannot go on from a state of "${resume.kind}"`,
    );
  }
  const plan = tagTrainingPlan(environment, task, options);
  const clippingNorm =
    options.clippingNorm ?? labelNormBound(task.tags.length, task.prior.labelDensity);
  const { population, prior } = task;
  const statement = releaseStatement(environment, {
    plan,
    delta: options.delta,
    population,
    distributed:
      options.distributedNoise === undefined
        ? null
        : { noise: options.distributedNoise, rounds: schedule.rounds },
    bounds: [
      'features of norm at most 1, by normalisation on the device',
      `updates clipped to norm ${clippingNorm.toFixed(3)}`,
      `labels guessed ${prior.labelDensity} dense`,
    ],
  });
  const learnt =
    schedule.method === 'popularity'
      ? await learnPopularity(environment, task, clients, options, clippingNorm)
      : await learnWeights(environment, task, clients, { ...options, ...schedule, clippingNorm });
  if (learnt.kind === 'refused') return learnt;
  const { tags, features } = task;
  return {
    kind: 'trained',
    method: schedule.method,
    model: { ...learnt.scorer, tags, features, statement },
    plan,
    rounds: learnt.rounds,
  };
}

/** Which state a method leaves after a round. */
function stateKind(method: Exclude<TagTrainingMethod, 'auto'>): TrainingState['kind'] | null {
  if (method === 'popularity') return null;
  return method === 'fedavg' ? 'fedavg' : 'preconditioned';
}

type Learnt =
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | {
      readonly kind: 'learnt';
      readonly scorer: Pick<TagModel, 'kind' | 'weights' | 'offsets' | 'weightNoiseStddev'>;
      readonly rounds: readonly RoundMetrics[];
    };

async function learnPopularity(
  environment: RoundEnvironment,
  { tags, features, prior, population }: TagTask,
  clients: readonly FederatedClient[],
  { runId, noiseMultiplier }: TagTrainingOptions,
  clippingNorm: number,
): Promise<Learnt> {
  const outcome = await releasePopularity(environment, clients, {
    roundId: `${runId}/popularity`,
    outputDimension: tags.length,
    labelDensity: prior.labelDensity,
    labelClip: clippingNorm,
    noiseMultiplier,
    normaliser: population,
  });
  if (outcome.kind === 'refused') return outcome;
  return {
    kind: 'learnt',
    scorer: {
      kind: 'linear',
      weights: new Float32Array(tags.length * features.length),
      offsets: outcome.popularity,
      weightNoiseStddev: 0,
    },
    rounds: [outcome.metrics],
  };
}

async function learnWeights(
  environment: RoundEnvironment,
  task: TagTask,
  clients: readonly FederatedClient[],
  options: DecidedOptions,
): Promise<Learnt> {
  const model = new LogisticModel({
    inputDimension: task.features.length,
    outputDimension: task.tags.length,
  });
  const start = priorParameters(model, task.prior);
  const run =
    options.method === 'fedavg'
      ? averagedRun(environment, task, model, start, clients, options)
      : preconditionedRun(environment, task, start, clients, options);
  const rounds: RoundMetrics[] = [];
  for (;;) {
    const step = await run.next();
    if (!step.done) {
      rounds.push(step.value.metrics);
      await options.onRound?.(step.value);
      continue;
    }
    const { refusal, parameters, parameterNoiseStddev } = step.value;
    if (refusal !== null) return { kind: 'refused', refusal };
    return {
      kind: 'learnt',
      scorer: {
        kind: 'logistic',
        weights: parameters,
        offsets: new Float32Array(task.tags.length),
        weightNoiseStddev: parameterNoiseStddev,
      },
      rounds,
    };
  }
}

/** Options of a run of rounds with everything decided. */
type DecidedOptions = TagTrainingOptions & Schedule & { readonly clippingNorm: number };

/** What a run of either kind ends with. */
type RunResult = Pick<PreconditionedResult, 'parameters' | 'refusal' | 'parameterNoiseStddev'>;

async function* preconditionedRun(
  environment: RoundEnvironment,
  { tags, features, prior }: TagTask,
  start: Float32Array,
  clients: readonly FederatedClient[],
  { runId, rounds, clippingNorm, noiseMultiplier, resume }: DecidedOptions,
): AsyncGenerator<TrainingRound, RunResult> {
  const run = runPreconditioned(environment, start, clients, {
    runId,
    inputDimension: features.length,
    outputDimension: tags.length,
    constantFeature: constantFeature(prior.beta),
    rounds,
    momentShare: MOMENT_SHARE,
    scoreClip: clippingNorm,
    noiseMultiplier,
    ...(resume?.kind === 'preconditioned' ? { resume: resume.state } : {}),
  });
  for (;;) {
    const step = await run.next();
    if (step.done) return step.value;
    const { round, metrics, parameters, state } = step.value;
    yield { round, metrics, parameters, state: { kind: 'preconditioned', state } };
  }
}

async function* averagedRun(
  environment: RoundEnvironment,
  task: TagTask,
  model: LogisticModel,
  start: Float32Array,
  clients: readonly FederatedClient[],
  options: DecidedOptions,
): AsyncGenerator<TrainingRound, RunResult> {
  const { runId, rounds, noiseMultiplier, clippingNorm, clippingFlagWeight, resume } = options;
  const { distributedNoise, onLostRound } = options;
  const { population, prior } = task;
  const limits = prior.persistence !== 0 ? STEPS.fromPrior : STEPS.fromScratch;
  const strength = learningStrength(population, noiseMultiplier, environment.relation);
  const run = runFedAvg(environment, model, start, clients, {
    runId,
    rounds,
    localEpochs: 1,
    localLearningRate: 1,
    clippingNorm,
    noiseMultiplier:
      noiseMultiplier === 0 || distributedNoise !== undefined
        ? 0
        : divideGaussianEvenly(noiseMultiplier, rounds),
    ...(distributedNoise === undefined ? {} : { distributedNoise }),
    normaliser: population,
    serverLearningRate: Math.min(LARGEST_STEP, totalStep(strength, limits) / rounds),
    averagedShare: 0.5,
    ...(clippingFlagWeight === undefined ? {} : { clippingFlagWeight }),
    ...(resume?.kind === 'fedavg' ? { resume: resume.state } : {}),
    ...(onLostRound === undefined ? {} : { onLostRound }),
  });
  for (;;) {
    const step = await run.next();
    if (step.done) return step.value;
    const { round, metrics, parameters, state } = step.value;
    yield { round, metrics, parameters, state: { kind: 'fedavg', state } };
  }
}
