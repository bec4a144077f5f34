import { throwIfAborted, VelaturaError } from '../../core/errors.ts';
import { yieldToEventLoop } from '../../core/event-loop.ts';
import type { RandomSource } from '../../core/random-source.ts';
import { SeededRandom } from '../../core/seeded-random.ts';
import { nextUp } from '../../core/special/index.ts';
import { invalid } from '../../dp/accounting/refuse.ts';
import type {
  ChargeScope,
  Cohort,
  PrivacyBudgetAccountant,
  Refusal,
} from '../../dp/budget/budget.ts';
import { MAX_NOISE_STDDEV } from '../../dp/noise/index.ts';
import { isInsecure, type Plan } from '../../dp/plan.ts';
import type { PrivacyStatement } from '../../dp/statement.ts';
import { clipBound, type GradientClip } from '../models/gradient-clip.ts';
import type { Batch, Trainable } from '../models/trainable.ts';
import { AdaptiveClipping, type AdaptiveClippingOptions } from '../rounds/adaptive-clipping.ts';
import { ChunkTree } from './chunks.ts';
import { type ExampleGuarantee, examplePlan } from './example-plan.ts';
import { ExampleSampler, type ExampleSampling } from './example-sampler.ts';
import { exampleStatement } from './example-statement.ts';
import { checkExamples, checkShapes } from './run-checks.ts';
import { allocateRun, type RunMemory, type RunSettings, VALUES } from './run-memory.ts';
import { stepSensitivity } from './sensitivity.ts';
import { SINGLE_MEMBER, type StepCrew } from './step-crew.ts';
import { StepLeader, type StepSchedule } from './step-leader.ts';
import { StepMember } from './step-member.ts';

/** How the gradient of one example is bounded. Every norm is a public constant. */
export type ExampleClip =
  | { readonly kind: 'global'; readonly norm: number }
  /** One norm for each of the model's layers. */
  | { readonly kind: 'layers'; readonly norms: readonly number[] }
  /** A norm that follows a quantile; its noisy count is paid for out of the same guarantee. */
  | ({ readonly kind: 'adaptive' } & Omit<AdaptiveClippingOptions, 'divisor'>);

/** Whose budget pays. The whole run is reserved before anything is computed from the examples. */
export interface ExampleCharge extends Cohort, ChargeScope {
  readonly budget: PrivacyBudgetAccountant;
  readonly scene: string;
  /** Unique within the budget. */
  readonly runId: string;
}

/** Iterates that are averaged; post-processing, which costs nothing. */
export type IterateAveraging =
  /** The mean of the last steps, a share of them in (0, 1]. */
  | { readonly kind: 'tail'; readonly share: number }
  /** Each step keeps that much of the average, in (0, 1). */
  | { readonly kind: 'exponential'; readonly decay: number };

/** What is known after a step; safe to show, for it comes from noisy sums and public constants. */
export interface ExampleStepReport {
  /** Counted from 1. */
  readonly step: number;
  /** That the next step clips to. */
  readonly clippingNorm: number;
  /** Noisy share of examples under the clipping norm; null unless it adapts. */
  readonly noisyShare: number | null;
  /** Squared norm of the noisy sum over that of the noise alone, as expected; Infinity without noise. */
  readonly energyOverNoise: number;
  /** After the step; a view that later steps change. `[parameterCount]` */
  readonly parameters: Float32Array;
}

/** A run of example-level DP-SGD. Every number is a public constant. */
export interface ExampleLevelOptions {
  readonly model: Trainable;
  readonly examples: Batch;
  /** Where to start; default the model's own start. */
  readonly initialParameters?: Float32Array;
  readonly sampling: ExampleSampling;
  /** Number of examples as everybody may know it; default: the rows there are. */
  readonly population?: number;
  readonly steps: number;
  readonly clip: ExampleClip;
  readonly guarantee: ExampleGuarantee;
  /** Factor of the noisy gradient divided by the expected batch; a function of the step, counted from 1. */
  readonly learningRate: number | ((step: number) => number);
  /** In [0, 1); default 0. */
  readonly momentum?: number;
  readonly averaging?: IterateAveraging;
  /** Most examples in a chunk, 1 … 4,096; default 128. More are faster, and their float error costs noise. */
  readonly chunkCapacity?: number;
  readonly charge?: ExampleCharge;
  /** What the data is declared to be where nobody is charged, such as 'simulation on public data'. */
  readonly simulation?: string;
  /** A `SecureRandom` wherever people are to be protected. */
  readonly random: RandomSource;
  /** Threads that help; default none. The result does not depend on it. */
  readonly crew?: StepCrew;
  readonly signal?: AbortSignal;
  /** Called after each step, and waited for. */
  readonly onStep?: (report: ExampleStepReport) => void | Promise<void>;
}

export type ExampleLevelOutcome =
  | {
      readonly kind: 'trained';
      /** The average where one is kept, else the last iterate. `[parameterCount]` */
      readonly parameters: Float32Array;
      readonly plan: Plan;
      readonly noiseMultiplier: number;
      /** Clipping norm at the end. */
      readonly clippingNorm: number;
      readonly statement: PrivacyStatement;
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Steps are taken together for about so long between two looks at signals. */
const BURST_MILLISECONDS = 20;

/**
 * DP-SGD: each step sums the clipped gradients of a random sample of examples, adds noise, and moves the
 * parameters by the noisy sum over the expected batch.
 *
 * ## Privacy
 * Unit: example; a person with several examples is protected as a group only. Relation: of the guarantee.
 * The run costs its plan, `repeated{poisson-sampled{gaussian}}` or what the sampling makes of it: samples are
 * drawn exactly (`ExampleSampler`), gradients are summed on an integer lattice with a proven sensitivity, and
 * the noise is an exact rounded Gaussian. Sums are never divided by a count of people. Proof:
 * `dp-sgd.proof.md`. The sample, its size and the loss stay inside. The model must compute what a row adds
 * from that row alone, to the bit, as the models of this library do.
 *
 * Source: Abadi et al., "Deep Learning with Differential Privacy" (2016), algorithm 1.
 *
 * @throws {VelaturaError} `dp/invalid-parameter`, `dp/no-solution`, `dp/unsupported-event`,
 * `dp/delta-too-large`, `data/empty`, `federated/non-finite` for examples that hold what is no number or for a
 * run that diverged, `federated/invalid-contribution` for examples the model cannot work with (all are looked at
 * before anything is reserved or released), `federated/round-closed` for a run id that was used before,
 * `core/aborted`, and what the budget throws
 * @throws {RangeError} for arrays that do not fit the model
 */
export async function trainExampleLevel(
  options: ExampleLevelOptions,
): Promise<ExampleLevelOutcome> {
  const { model, examples, steps, guarantee, charge, random, signal } = options;
  const crew = options.crew ?? SINGLE_MEMBER;
  checkShapes(options);
  const sampler = new ExampleSampler(options.sampling, examples.rows, options.population);
  const { plan, noiseMultiplier } = examplePlan(sampler, steps, guarantee);
  const clipping = clippingOf(options, sampler);
  const capacity = options.chunkCapacity ?? 128;
  const shape = {
    sampling: options.sampling.kind,
    parameterCount: model.parameterCount,
    capacity,
    clip: leastClip(clipping, options),
  };
  const vectorMultiplier =
    clipping instanceof AdaptiveClipping
      ? clipping.vectorNoiseMultiplier(noiseMultiplier)
      : noiseMultiplier;
  const noiseStddev =
    vectorMultiplier === 0
      ? 0
      : nextUp(vectorMultiplier * stepSensitivity(guarantee.relation, shape));
  if (noiseStddev > MAX_NOISE_STDDEV) {
    throw invalid('noiseMultiplier', 'noise of at most 2^46 lattice steps', noiseMultiplier);
  }
  const statement = exampleStatement({ options, plan, sampler, capacity });
  const settings = settingsOf(options, sampler, crew.members, capacity, noiseStddev);
  throwIfAborted(signal);
  checkExamples(model, examples);

  let reservationId: string | null = null;
  if (charge !== undefined) {
    const { budget, runId, ...request } = charge;
    const decision = await budget.reserve({
      ...request,
      plan,
      idempotencyKey: runId,
      insecure: isInsecure(random),
    });
    if (decision.kind === 'refused') return decision;
    // The first run may have released its model already; another one with new noise would be unpaid for.
    if (decision.reservation.replayed) {
      throw new VelaturaError('federated/round-closed', `run ${runId} was run before`, { runId });
    }
    reservationId = decision.reservation.id;
  }

  const memory = allocateRun(settings, examples, crew.allocate);
  memory.parameters.set(options.initialParameters ?? model.initialParameters());
  memory.average.set(memory.parameters.subarray(0, memory.average.length));
  memory.values[VALUES.clippingNorm] = typeof clipping === 'number' ? clipping : clipping.norm;
  const barrier = await crew.start(settings, memory, model);
  let member: StepMember | null = null;
  let clippingNorm: number;
  try {
    member = new StepMember(0, model, settings, memory, barrier);
    const choices = sourceOf(random, settings.seed);
    const leader = new StepLeader({
      member,
      memory,
      barrier,
      sampler,
      chunks: new ChunkTree(capacity, sampler.expectedSize, choices),
      schedule: scheduleOf(options),
      clipping,
      relation: guarantee.relation,
      random: choices,
      isPrivate: noiseMultiplier !== 0,
    });
    await takeSteps(options, leader, memory, settings);
    leader.stop();
    clippingNorm = leader.clippingNorm;
  } catch (error) {
    barrier.fail();
    throw error;
  } finally {
    member?.free();
  }
  if (charge !== undefined && reservationId !== null) await charge.budget.commit(reservationId);
  return {
    kind: 'trained',
    parameters: resultOf(options, memory),
    plan,
    noiseMultiplier,
    clippingNorm,
    statement,
  };
}

async function takeSteps(
  { steps, signal, onStep }: ExampleLevelOptions,
  leader: StepLeader,
  memory: RunMemory,
  { noiseStddev, dimension }: RunSettings,
): Promise<void> {
  let burst = 1;
  for (let done = 0; done < steps; ) {
    const count = onStep === undefined ? Math.min(burst, steps - done) : 1;
    const started = performance.now();
    leader.run(count);
    done += count;
    if (performance.now() - started < BURST_MILLISECONDS) burst *= 2;
    else burst = Math.max(1, burst >> 1);
    const energy = memory.energies.reduce((sum, part) => sum + part, 0);
    if (Number.isNaN(energy)) {
      throw new VelaturaError('federated/non-finite', 'the run diverged: take smaller steps');
    }
    if (onStep !== undefined) {
      const { noisyShare, clippingNorm } = leader;
      const energyOverNoise = energy / (dimension * noiseStddev ** 2);
      const { parameters } = memory;
      await onStep({ step: done, clippingNorm, noisyShare, energyOverNoise, parameters });
    }
    await yieldToEventLoop();
    throwIfAborted(signal);
  }
}

/** Norms beyond these could leave the range that models clip to. */
const NORM_RANGE = { least: 2 ** -50, most: 2 ** 50 } as const;

/** The norm of a whole clipped gradient, or what makes it follow a quantile. */
function clippingOf(
  { clip, model }: ExampleLevelOptions,
  sampler: ExampleSampler,
): number | AdaptiveClipping {
  const check = (norm: number): void => {
    if (norm >= NORM_RANGE.least && norm <= NORM_RANGE.most) return;
    throw invalid('norm', 'a number in [2^-50, 2^50]', norm);
  };
  if (clip.kind === 'adaptive') {
    const adaptive = new AdaptiveClipping({ ...clip, divisor: sampler.expectedSize });
    check(adaptive.bounds.least);
    check(adaptive.bounds.most);
    return adaptive;
  }
  if (clip.kind === 'layers' && clip.norms.length !== model.layers.length) {
    throw invalid('norms', `one for each of ${model.layers.length} layers`, clip.norms.length);
  }
  (clip.kind === 'layers' ? clip.norms : [clip.norm]).forEach(check);
  return wholeNorm(clip);
}

/** Rounded up for layers, whose norms are taken as shares of it. */
function wholeNorm(clip: GradientClip): number {
  return clip.kind === 'global' ? clip.norm : clipBound(clip) * (1 + 2 ** -40);
}

function leastClip(
  clipping: number | AdaptiveClipping,
  { clip }: ExampleLevelOptions,
): GradientClip {
  if (clip.kind === 'layers') return clip;
  return { kind: 'global', norm: typeof clipping === 'number' ? clipping : clipping.bounds.least };
}

function settingsOf(
  { model, examples, clip, momentum, averaging, random }: ExampleLevelOptions,
  sampler: ExampleSampler,
  members: number,
  capacity: number,
  noiseStddev: number,
): RunSettings {
  return {
    members,
    population: examples.rows,
    inputDimension: model.inputDimension,
    outputDimension: model.outputDimension,
    dimension: model.parameterCount,
    capacity,
    noiseStddev,
    seed: isInsecure(random) ? `${random.uint32()}/${random.uint32()}` : null,
    divisor: sampler.expectedSize,
    momentum: momentum ?? 0,
    averages: averaging !== undefined,
    layerShares: clip.kind === 'layers' ? clip.norms.map((norm) => norm / wholeNorm(clip)) : null,
  };
}

/** Samples of a seeded run do not depend on how much noise was drawn between them. */
function sourceOf(random: RandomSource, seed: string | null): RandomSource {
  return seed === null ? random : new SeededRandom(`${seed}/samples`);
}

function scheduleOf({ learningRate, averaging, steps }: ExampleLevelOptions): StepSchedule {
  const first = averaging?.kind === 'tail' ? tailStart(averaging.share, steps) : 0;
  return {
    learningRate: typeof learningRate === 'number' ? () => learningRate : learningRate,
    averageWeights: (step) => {
      if (averaging?.kind === 'exponential') {
        return { keeps: averaging.decay, takes: 1 - averaging.decay };
      }
      return step > first ? { keeps: 1, takes: 1 } : { keeps: 0, takes: 0 };
    },
  };
}

/** Steps before the tail. */
function tailStart(share: number, steps: number): number {
  return Math.min(steps - 1, Math.floor(steps * (1 - share)));
}

function resultOf(
  { averaging, steps }: ExampleLevelOptions,
  { parameters, average }: RunMemory,
): Float32Array {
  if (averaging === undefined) return Float32Array.from(parameters);
  const count = averaging.kind === 'tail' ? steps - tailStart(averaging.share, steps) : 1;
  return Float32Array.from(average, (value) => value / count);
}
