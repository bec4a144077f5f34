import { VelaturaError } from '../../core/errors.ts';
import { l2Norm } from '../../core/linear-algebra.ts';
import { SecureRandom } from '../../core/secure-random.ts';
import { nextUp } from '../../core/special/index.ts';
import { fillRoundedGaussian, MAX_NOISE_STDDEV } from '../../dp/noise/index.ts';
import type { NeighbourRelation, Plan } from '../../dp/plan.ts';
import type { PrivacyStatement } from '../../dp/statement.ts';
import {
  initialState,
  type OptimiserState,
  type ServerOptimiser,
} from '../methods/server-optimiser.ts';
import { plainSteps } from '../methods/server-optimiser-descent.ts';
import type { LocalTraining } from '../rounds/local-trainer.ts';
import { UpdateEncoder, type UpdateEncoderOptions } from '../rounds/update-encoder.ts';
import { configurationHash, invalidCheckpoint, type SimulationCheckpoint } from './checkpoint.ts';
import {
  attend,
  checkAttendance,
  checkCohort,
  drawCohort,
  expectedCohort,
  type SimulatedAttendance,
  type SimulatedCohort,
} from './cohort.ts';
import type { SimulationParts } from './cohort-trainer.ts';
import { KeyedRandom } from './keyed-random.ts';
import { type SimulatedCost, simulationPlan, simulationStatement } from './simulation-plan.ts';
import { OneThread, type SimulationWorkers } from './simulation-workers.ts';

/** A simulated run of federated averaging. All numbers are public constants. */
export interface SimulationOptions extends SimulationParts, SimulatedAttendance {
  /** `[parameterCount]` */
  readonly initialParameters: ArrayLike<number>;
  readonly rounds: number;
  readonly cohort: SimulatedCohort;
  readonly training: LocalTraining;
  readonly clippingNorm: number;
  /** Of each round, under the relation; 0 is non-private. */
  readonly noiseMultiplier: number;
  readonly relation: NeighbourRelation;
  /** Of the statement. */
  readonly delta: number;
  /**
   * Cohort of the deployment that the simulation stands for: noise is scaled by expected cohort over this, so
   * that few simulated users show what many real ones would see. The result then says `noiseRescaled`; it
   * would protect nobody by itself.
   */
  readonly noiseCohortSize?: number;
  /** Step on the mean update. */
  readonly serverLearningRate: number;
  /** Default: plain steps. */
  readonly optimiser?: ServerOptimiser;
  /**
   * Decides cohorts, absences and the order of rows, whatever the number of threads.
   */
  readonly seed: string;
  /** True takes the noise from the seed too: repeatable to the bit, and no protection. Default false. */
  readonly insecureNoise?: boolean;
  /** Threads that do the work, each with the same model and population. Default: this one. */
  readonly workers?: SimulationWorkers;
  readonly signal?: AbortSignal;
  /** Goes on after that round. The options must be the same, but for `rounds`, `workers` and this. */
  readonly resumeFrom?: SimulationCheckpoint;
}

/** What a round of a simulation tells. Counts and shares are exact: this is for public data only. */
export interface SimulationMetrics {
  /** Users asked. */
  readonly cohort: number;
  /** Users whose contributions are in the sum. */
  readonly survivors: number;
  readonly vanished: number;
  readonly late: number;
  /** Contributions that were zero because the data were unusable. */
  readonly unusable: number;
  /** Clipped share of the contributions; 0 where there were none. */
  readonly clippedShare: number;
  /** Estimated ‖sum‖ over the expected norm of the noise; Infinity without noise. */
  readonly signalToNoise: number;
  /** Contributions a second, drawing, noise and server step included. */
  readonly clientsPerSecond: number;
}

/** One finished round. */
export interface SimulationRound {
  /** Counted from 1. */
  readonly round: number;
  readonly metrics: SimulationMetrics;
  /** Parameters after the round. `[parameterCount]` */
  readonly parameters: Float32Array;
  /** To go on from here later. */
  readonly checkpoint: SimulationCheckpoint;
}

/** The end of a simulation. */
export interface SimulationResult {
  /** `[parameterCount]` */
  readonly parameters: Float32Array;
  readonly completedRounds: number;
  /** What the run would cost a user of a deployment. */
  readonly plan: Plan;
  readonly statement: PrivacyStatement;
  /** True when the noise was scaled to another cohort than the simulated one. */
  readonly noiseRescaled: boolean;
  /** True when the noise was seeded. */
  readonly insecure: boolean;
}

/** Integers in the sum stay below this in size, with room for the noise. */
const MOST_IN_SUM = 2 ** 51;

/**
 * Simulates federated averaging on users that were declared public: streams them through one model a thread,
 * sums exact integers in place, adds exact noise. Memory depends on the model and the largest user, not on how
 * many users there are. Yields after each round.
 *
 * Under one seed everything but secure noise is the same to the bit, whatever the number of threads, on
 * machines with the same kernels.
 *
 * ## Privacy
 * None is charged and none is claimed for the people in the population; counts come out exact. The statement
 * is that of a deployment with this plan. Use `runFedAvg` for people with a budget.
 *
 * @throws {VelaturaError} `core/aborted`, `dp/invalid-parameter`, `dp/delta-too-large`,
 * `dp/unsupported-event`, `federated/state-mismatch`, `federated/worker-lost`, `federated/wrap-around`
 * @throws RangeError for other options out of range
 */
export async function* simulate(
  options: SimulationOptions,
): AsyncGenerator<SimulationRound, SimulationResult> {
  const run = new Run(options);
  const workers = options.workers ?? new OneThread(options);
  try {
    await workers.prepare(run.terms);
    while (run.round < options.rounds) yield await run.next(workers);
    return run.result();
  } finally {
    if (options.workers === undefined) await workers.close();
  }
}

/** The state of one simulation. */
class Run {
  readonly terms: { seed: string; training: LocalTraining; encoding: UpdateEncoderOptions };
  readonly #options: SimulationOptions;
  readonly #encoder: UpdateEncoder;
  readonly #optimiser: ServerOptimiser;
  readonly #random: KeyedRandom;
  readonly #secure = new SecureRandom();
  readonly #configuration: string;
  readonly #expected: number;
  /** In lattice units; 0 without noise. */
  readonly #noiseStddev: number;
  readonly #parameters: Float64Array;
  readonly #state: OptimiserState;
  readonly #plan: Plan;
  readonly #statement: PrivacyStatement;
  round = 0;

  constructor(options: SimulationOptions) {
    const { model, population, training, cohort, seed, resumeFrom } = options;
    checkOptions(options);
    const encoding = { dimension: model.parameterCount, clippingNorm: options.clippingNorm };
    this.terms = { seed, training, encoding };
    this.#options = options;
    this.#encoder = new UpdateEncoder(encoding);
    this.#optimiser = options.optimiser ?? plainSteps();
    this.#random = new KeyedRandom(seed);
    this.#expected = expectedCohort(cohort, population.size);
    this.#noiseStddev = noiseStddevOf(options, this.#encoder, this.#expected);
    const largest = this.#encoder.integerSensitivity;
    if (population.size * largest >= MOST_IN_SUM) {
      throw new VelaturaError(
        'federated/wrap-around',
        `${population.size} contributions of up to ${largest} do not fit an exact sum`,
        { population: population.size, contributionBound: largest },
      );
    }
    const cost = costOf(options);
    this.#plan = simulationPlan(cost);
    this.#statement = simulationStatement(cost);
    this.#configuration = configurationHash(configurationOf(options, this.#optimiser));
    if (resumeFrom === undefined) {
      this.#parameters = Float64Array.from(options.initialParameters);
      this.#state = initialState(this.#optimiser, model.parameterCount);
      return;
    }
    checkResume(resumeFrom, this.#configuration, model.parameterCount, this.#optimiser);
    this.round = resumeFrom.round;
    this.#parameters = resumeFrom.parameters.slice();
    this.#state = copyState(resumeFrom.optimiser);
  }

  async next(workers: SimulationWorkers): Promise<SimulationRound> {
    const { cohort, population, signal, serverLearningRate } = this.#options;
    const started = performance.now();
    const round = this.round + 1;
    const asked = drawCohort(cohort, population.size, round, this.#random);
    const { present, vanished, late } = attend(asked, this.#options, round, this.#random);
    const parameters = new Float32Array(this.#parameters);
    const total = await workers.sum({ round, parameters, users: present, signal });
    this.#addNoise(total.sum, round);
    const { sum } = this.#encoder.decodeSum(total.sum);
    const unit = this.#encoder.clippingNorm / this.#encoder.integerNorm;
    const noiseStddev = this.#noiseStddev * unit;
    const signalToNoise = ratioToNoise(sum, noiseStddev);
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) / this.#expected;
    const step = {
      update: sum,
      learningRate: serverLearningRate,
      noiseStddev: noiseStddev / this.#expected,
    };
    this.#optimiser.step(this.#parameters, step, this.#state);
    this.round = round;
    const after = new Float32Array(this.#parameters);
    const seconds = (performance.now() - started) / 1000;
    return {
      round,
      parameters: after,
      checkpoint: this.#checkpoint(),
      metrics: {
        cohort: asked.length,
        survivors: total.survivors,
        vanished,
        late,
        unusable: total.unusable,
        clippedShare: total.survivors === 0 ? 0 : total.clipped / total.survivors,
        signalToNoise,
        clientsPerSecond: total.survivors / seconds,
      },
    };
  }

  result(): SimulationResult {
    const { noiseMultiplier, noiseCohortSize } = this.#options;
    return {
      parameters: new Float32Array(this.#parameters),
      completedRounds: this.round,
      plan: this.#plan,
      statement: this.#statement,
      noiseRescaled: noiseMultiplier !== 0 && noiseCohortSize !== undefined,
      insecure: this.#statement.insecure,
    };
  }

  #addNoise(sum: Float64Array, round: number): void {
    if (this.#noiseStddev === 0) return;
    const noise = new Float64Array(sum.length);
    const source =
      this.#options.insecureNoise === true ? this.#random.start('noise', round, 0) : this.#secure;
    fillRoundedGaussian(noise, this.#noiseStddev, source);
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (noise[i] as number);
  }

  #checkpoint(): SimulationCheckpoint {
    return {
      configuration: this.#configuration,
      round: this.round,
      parameters: this.#parameters.slice(),
      optimiser: copyState(this.#state),
    };
  }
}

function checkOptions(options: SimulationOptions): void {
  const { model, population, rounds, initialParameters, cohort, noiseCohortSize } = options;
  if (!Number.isSafeInteger(rounds) || rounds < 1 || rounds >= 2 ** 32) {
    throw new RangeError(`"rounds" expected a positive integer, got ${rounds}`);
  }
  if (initialParameters.length !== model.parameterCount) {
    throw new RangeError(
      `"initialParameters" expected ${model.parameterCount} numbers, got ${initialParameters.length}`,
    );
  }
  if (!Number.isFinite(options.serverLearningRate)) {
    throw new RangeError(
      `"serverLearningRate" expected a number, got ${options.serverLearningRate}`,
    );
  }
  if (noiseCohortSize !== undefined && !(noiseCohortSize >= 1 && noiseCohortSize < Infinity)) {
    throw new RangeError(`"noiseCohortSize" expected at least 1, got ${noiseCohortSize}`);
  }
  checkCohort(cohort, population.size);
  checkAttendance(options);
}

/** @throws {VelaturaError} `dp/invalid-parameter` */
function noiseStddevOf(
  options: SimulationOptions,
  encoder: UpdateEncoder,
  expected: number,
): number {
  const { noiseMultiplier, relation, noiseCohortSize = expected } = options;
  if (noiseMultiplier === 0) return 0;
  const scale = expected / noiseCohortSize;
  const noiseStddev = nextUp(noiseMultiplier * encoder.sensitivity(relation) * scale);
  if (!(noiseMultiplier > 0) || !(noiseStddev <= MAX_NOISE_STDDEV)) {
    throw new VelaturaError(
      'dp/invalid-parameter',
      `"noiseMultiplier" expected at least 0 and a deviation of at most ${MAX_NOISE_STDDEV} lattice units, got ${noiseMultiplier}`,
      { noiseMultiplier },
    );
  }
  return noiseStddev;
}

function costOf(options: SimulationOptions): SimulatedCost {
  return {
    users: options.population.size,
    rounds: options.rounds,
    cohort: options.cohort,
    clippingNorm: options.clippingNorm,
    noiseMultiplier: options.noiseMultiplier,
    relation: options.relation,
    delta: options.delta,
    noiseCohortSize: options.noiseCohortSize ?? null,
    insecure: options.insecureNoise ?? false,
  };
}

/** Everything that decides the course of a run; how far it goes does not. */
function configurationOf(options: SimulationOptions, optimiser: ServerOptimiser): unknown {
  const { model, population, cohort, training, dropOut = 0, stragglers = null } = options;
  return {
    parameterCount: model.parameterCount,
    inputDimension: model.inputDimension,
    outputDimension: model.outputDimension,
    users: population.size,
    cohort: { ...cohort },
    training: Object.fromEntries(
      Object.entries(training).filter(([, value]) => value !== undefined),
    ),
    attendance: { dropOut, stragglers: stragglers === null ? null : { ...stragglers } },
    clippingNorm: options.clippingNorm,
    noiseMultiplier: options.noiseMultiplier,
    noiseCohortSize: options.noiseCohortSize ?? null,
    relation: options.relation,
    optimiser: optimiser.name,
    serverLearningRate: options.serverLearningRate,
    seed: options.seed,
    insecureNoise: options.insecureNoise ?? false,
  };
}

/** @throws {VelaturaError} `federated/state-mismatch` */
function checkResume(
  checkpoint: SimulationCheckpoint,
  configuration: string,
  parameterCount: number,
  optimiser: ServerOptimiser,
): void {
  if (checkpoint.configuration !== configuration) {
    throw invalidCheckpoint('belongs to a run of other options');
  }
  const { parameters, optimiser: state } = checkpoint;
  if (
    parameters.length !== parameterCount ||
    state.slots.length !== optimiser.slots ||
    state.slots.some((slot) => slot.length !== parameterCount)
  ) {
    throw invalidCheckpoint(`expected ${parameterCount} parameters and as many of each slot`);
  }
}

function copyState({ rounds, slots }: OptimiserState): OptimiserState {
  return { rounds, slots: slots.map((slot) => slot.slice()) };
}

/** ‖signal‖ estimated by taking the expected noise energy out of the observed one. */
function ratioToNoise(noisySum: Float64Array, noiseStddev: number): number {
  const noiseEnergy = noisySum.length * noiseStddev ** 2;
  if (noiseEnergy === 0) return Number.POSITIVE_INFINITY;
  return Math.sqrt(Math.max(0, l2Norm(noisySum) ** 2 - noiseEnergy) / noiseEnergy);
}
