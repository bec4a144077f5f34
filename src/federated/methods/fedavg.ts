import { VelaturaError } from '../../core/errors.ts';
import type { Refusal } from '../../dp/budget/budget.ts';
import type { CorrelationStrategy } from '../../dp/event.ts';
import type { Plan } from '../../dp/plan.ts';
import type { Trainable } from '../models/trainable.ts';
import type { RobustRule } from '../robust/robust-rule.ts';
import type { FederatedClient, LocalTraining } from '../rounds/client.ts';
import type { DistributedNoise } from '../rounds/distributed-noise.ts';
import type { LayerClip } from '../rounds/layered-encoder.ts';
import type { RoundEnvironment, RoundMetrics } from '../rounds/private-round.ts';
import type { RoundJournal } from '../rounds/round-journal.ts';
import { FedAvgRun } from './fedavg-run.ts';
import type { FedAvgState } from './fedavg-state.ts';
import type { Participation } from './participation.ts';
import type { WeightAveraging } from './server-averaging.ts';
import type { ServerOptimiser } from './server-optimiser.ts';

/** A run of federated averaging with user-level privacy. Every number is a public constant. */
export interface FedAvgOptions extends LocalTraining {
  /** Prefix of the round ids; unique within the budget. */
  readonly runId: string;
  readonly rounds: number;
  /** Of the whole update; with `layers` their own bounds hold instead. */
  readonly clippingNorm: number;
  /** Of one participation, under the relation of the environment; 0 is non-private unless the clients add noise. */
  readonly noiseMultiplier: number;
  /**
   * Noise that the clients add in each round, for a sum whose server is not trusted: from `planDistributedNoise`, for
   * these parameters and this norm. Then `noiseMultiplier` is 0, and all members take part, or a public sample or
   * group of them.
   */
  readonly distributedNoise?: DistributedNoise;
  /** Public divisor of the sum: the expected cohort, never a count of who answered. */
  readonly normaliser: number;
  /** One for all rounds, or one a round, `[rounds]`. */
  readonly serverLearningRate: number | readonly number[];
  /** Short for `averaging: { kind: 'tail', share }`. Default 0: the last iterate. */
  readonly averagedShare?: number;
  /** Which mean of the iterates is given out; averaging is post-processing. */
  readonly averaging?: WeightAveraging;
  /** See `UpdateEncoderOptions.clippingFlagWeight`. */
  readonly clippingFlagWeight?: number;
  /** Default: plain steps. */
  readonly optimiser?: ServerOptimiser;
  /** Default: everybody in every round. */
  readonly participation?: Participation;
  /**
   * Correlates the noise of successive rounds, for members who cannot join every round: cyclic participation
   * in at least as many groups as there are coefficients. See `bandedSquareRoot`.
   */
  readonly correlation?: CorrelationStrategy;
  /** Of the rounds that began; needed, and durable, for correlated noise under a real budget. */
  readonly journal?: RoundJournal;
  /** Combines sums of public random buckets robustly. Default: one sum. */
  readonly robust?: RobustRule;
  /** A bound for each layer of the parameters instead of one for all. */
  readonly layers?: readonly LayerClip[];
  /** Goes on from the state of a finished round of the same run, with the same clients in the same order. */
  readonly resume?: FedAvgState;
  /**
   * When a round turns out to have been charged before, so that it may have been released: `stop` throws;
   * `skip` leaves it as lost, charged and without a trace in the model, and goes on with the next.
   * Default `stop`.
   */
  readonly onLostRound?: 'stop' | 'skip';
}

/** One finished round. */
export interface FedAvgRound {
  /** Counted from 1. */
  readonly round: number;
  readonly metrics: RoundMetrics;
  /** What the round costs those who are charged for it; with correlated noise, what the whole run does. */
  readonly plan: Plan;
  /** True when the noise came from anything but `SecureRandom`. */
  readonly insecure: boolean;
  /** Parameters after the round. `[parameterCount]` */
  readonly parameters: Float32Array;
  /** To go on from here in another process; see `encodeFedAvgState`. With correlated noise it is secret. */
  readonly state: FedAvgState;
}

/** The end of a run. When the budget refused a round, `refusal` says why and the parameters so far stand. */
export interface FedAvgResult {
  readonly parameters: Float32Array;
  /** Rounds that were released. */
  readonly completedRounds: number;
  /** Rounds that were charged before and skipped. */
  readonly lostRounds: readonly number[];
  readonly refusal: Refusal | null;
  /** What the whole run costs the account that it costs most; a run that ended early cost no more. */
  readonly plan: Plan;
  /** True when the noise came from anything but `SecureRandom`. */
  readonly insecure: boolean;
  /**
   * Deviation of one averaged parameter by noise alone, as if gradients did not react to it. Null for an
   * optimiser that is not linear.
   */
  readonly parameterNoiseStddev: number | null;
}

/** Options under which the noise of the parameters is known: plain steps. */
export type PlainFedAvgOptions = FedAvgOptions & { readonly optimiser?: never };

/** {@link FedAvgResult} of plain steps. */
export type PlainFedAvgResult = FedAvgResult & { readonly parameterNoiseStddev: number };

/**
 * DP-FedAvg (McMahan et al. 2018, arXiv 1710.06963): each round sums clipped model changes, adds noise, and
 * moves the global parameters. Yields after each round that was released.
 *
 * ## Privacy
 * Unit: user. The run costs each client at most `fedAvgPlan`: with full participation T rounds compose to
 * `repeated{T, gaussian}`; a correlated run is one charge for all participations, before the first. Optimisers,
 * averages and robust rules are post-processing.
 *
 * @throws {VelaturaError} `federated/round-closed` for a round that was run before, unless lost rounds are
 * skipped; `federated/duplicate-contribution` for an account that is there twice; `federated/state-mismatch`; as
 * `runPrivateRound`
 * @throws {RangeError} for options that do not fit together
 */
export function runFedAvg(
  environment: RoundEnvironment,
  model: Trainable,
  initialParameters: Float32Array,
  clients: readonly FederatedClient[],
  options: PlainFedAvgOptions,
): AsyncGenerator<FedAvgRound, PlainFedAvgResult>;
export function runFedAvg(
  environment: RoundEnvironment,
  model: Trainable,
  initialParameters: Float32Array,
  clients: readonly FederatedClient[],
  options: FedAvgOptions,
): AsyncGenerator<FedAvgRound, FedAvgResult>;
export async function* runFedAvg(
  environment: RoundEnvironment,
  model: Trainable,
  initialParameters: Float32Array,
  clients: readonly FederatedClient[],
  options: FedAvgOptions,
): AsyncGenerator<FedAvgRound, FedAvgResult> {
  const run = new FedAvgRun(environment, model, initialParameters, clients, options);
  try {
    while (run.round < options.rounds) {
      const outcome = await run.next();
      switch (outcome.kind) {
        case 'refused':
          return run.result(outcome.refusal);
        case 'lost':
          if (options.onLostRound !== 'skip') {
            const roundId = run.roundId(run.round + 1);
            throw new VelaturaError('federated/round-closed', `round ${roundId} was run before`, {
              roundId,
            });
          }
          run.skip();
          break;
        case 'released':
          yield {
            round: run.round,
            metrics: outcome.metrics,
            plan: outcome.release.plan,
            insecure: outcome.release.insecure,
            parameters: Float32Array.from(run.parameters),
            state: run.state(),
          };
      }
    }
    return run.result(null);
  } finally {
    run.free();
  }
}
