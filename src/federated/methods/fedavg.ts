import type { Refusal } from '../../dp/budget/budget.ts';
import type { Trainable } from '../models/trainable.ts';
import { type FederatedClient, type LocalTraining, localUpdate } from '../rounds/client.ts';
import {
  type RoundEnvironment,
  type RoundMetrics,
  runPrivateRound,
} from '../rounds/private-round.ts';
import { UpdateEncoder } from '../rounds/update-encoder.ts';

/** A run of federated averaging with user-level privacy. Every number is a public constant. */
export interface FedAvgOptions extends LocalTraining {
  /** Prefix of the round ids; unique within the budget. */
  readonly runId: string;
  readonly rounds: number;
  readonly clippingNorm: number;
  /** Of each round, under the relation of the environment; 0 is non-private. */
  readonly noiseMultiplier: number;
  /** Public divisor of the sum: the expected cohort, never a count of who answered. */
  readonly normaliser: number;
  readonly serverLearningRate: number;
  /** Share of the last rounds whose parameters are averaged; averaging is post-processing. */
  readonly averagedShare: number;
  /** See `UpdateEncoderOptions.clippingFlagWeight`. */
  readonly clippingFlagWeight?: number;
}

/** One finished round. */
export interface FedAvgRound {
  /** Counted from 1. */
  readonly round: number;
  readonly metrics: RoundMetrics;
  /** Parameters after the round. `[parameterCount]` */
  readonly parameters: Float32Array;
}

/** The end of a run. When the budget refused a round, `refusal` says why and the parameters so far stand. */
export interface FedAvgResult {
  readonly parameters: Float32Array;
  readonly completedRounds: number;
  readonly refusal: Refusal | null;
  /** Deviation of one averaged parameter by noise alone, as if gradients did not react to it. */
  readonly parameterNoiseStddev: number;
}

/**
 * DP-FedAvg (McMahan et al. 2018, arXiv 1710.06963) with full participation of the enrolled: each round sums
 * clipped model changes, adds noise, and moves the global parameters. Yields after each round.
 *
 * ## Privacy
 * Each round costs `gaussian{noiseMultiplier}` to every client given; T rounds compose to
 * `repeated{T, gaussian}`. Averaging the iterates costs nothing.
 */
export async function* runFedAvg(
  environment: RoundEnvironment,
  model: Trainable,
  initialParameters: Float32Array,
  clients: readonly FederatedClient[],
  options: FedAvgOptions,
): AsyncGenerator<FedAvgRound, FedAvgResult> {
  const encoder = new UpdateEncoder({
    dimension: model.parameterCount,
    clippingNorm: options.clippingNorm,
    clippingFlagWeight: options.clippingFlagWeight ?? 0,
  });
  const step = options.serverLearningRate / options.normaliser;
  const firstAveraged = Math.floor(options.rounds * (1 - options.averagedShare)) + 1;
  const average = new Float64Array(model.parameterCount);
  let averaged = 0;
  let noiseStddev = 0;
  let parameters = Float32Array.from(initialParameters);
  for (let round = 1; round <= options.rounds; round++) {
    const current = parameters;
    const outcome = await runPrivateRound(environment, {
      roundId: `${options.runId}/${round}`,
      clients,
      compute: (data) => localUpdate(model, current, data, options),
      encoder,
      noiseMultiplier: options.noiseMultiplier,
    });
    if (outcome.kind === 'refused') {
      return finish(round - 1, outcome.refusal);
    }
    noiseStddev = outcome.release.error.noiseStddev;
    parameters = current.map((value, i) => value + step * (outcome.release.value[i] as number));
    if (round >= firstAveraged) {
      averaged++;
      for (let i = 0; i < average.length; i++) {
        average[i] = (average[i] as number) + (parameters[i] as number);
      }
    }
    yield { round, metrics: outcome.metrics, parameters };
  }
  return finish(options.rounds, null);

  function finish(completedRounds: number, refusal: Refusal | null): FedAvgResult {
    // Noise of round r is in every later iterate: its weight in the average is the share of those.
    let energy = 0;
    for (let round = 1; round <= completedRounds; round++) {
      const later = averaged === 0 ? 1 : completedRounds - Math.max(round, firstAveraged) + 1;
      energy += (later / Math.max(1, averaged)) ** 2;
    }
    return {
      parameters:
        averaged === 0 ? parameters : Float32Array.from(average, (value) => value / averaged),
      completedRounds,
      refusal,
      parameterNoiseStddev: step * noiseStddev * Math.sqrt(energy),
    };
  }
}
