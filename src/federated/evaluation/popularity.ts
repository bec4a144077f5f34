import type { Refusal } from '../../dp/budget/budget.ts';
import type { Batch } from '../models/trainable.ts';
import type { FederatedClient } from '../rounds/client.ts';
import {
  type RoundEnvironment,
  type RoundMetrics,
  runPrivateRound,
} from '../rounds/private-round.ts';
import { UpdateEncoder } from '../rounds/update-encoder.ts';

/** A private count of how common each tag is. Every number is a public constant. */
export interface PopularityOptions {
  readonly roundId: string;
  readonly outputDimension: number;
  /** Guess of how common a tag is; labels are centred at it. */
  readonly labelDensity: number;
  /** Bound on the norm of one user's centred label vector. */
  readonly labelClip: number;
  /** Noise deviation over sensitivity, under the relation of the environment; 0 is non-private. */
  readonly noiseMultiplier: number;
  /** Public divisor of the sum: the expected cohort. */
  readonly normaliser: number;
}

export type PopularityOutcome =
  | {
      readonly kind: 'released';
      /** Noisy share of users with each tag. `[outputDimension]` */
      readonly popularity: Float32Array;
      /** Deviation of the noise on each. */
      readonly noiseStddev: number;
      readonly metrics: RoundMetrics;
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Mean over the rows of label − density: one vector a user, however many rows. */
function centredLabels(data: Batch, options: PopularityOptions): Float64Array {
  const tags = options.outputDimension;
  const vector = new Float64Array(tags);
  for (let row = 0; row < data.rows; row++) {
    for (let tag = 0; tag < tags; tag++) {
      const centred = (data.labels[row * tags + tag] as number) - options.labelDensity;
      vector[tag] = (vector[tag] as number) + centred / data.rows;
    }
  }
  return vector;
}

/**
 * The baseline every learnt model must beat: how common each tag is, released with noise.
 *
 * ## Privacy
 * One release, `gaussian{noiseMultiplier}`, of a sum of label vectors clipped to `labelClip`.
 *
 * @throws {VelaturaError} as `runPrivateRound`
 */
export async function releasePopularity(
  environment: RoundEnvironment,
  clients: readonly FederatedClient[],
  options: PopularityOptions,
): Promise<PopularityOutcome> {
  const outcome = await runPrivateRound(environment, {
    roundId: options.roundId,
    clients,
    compute: (data) => centredLabels(data, options),
    encoder: new UpdateEncoder({
      dimension: options.outputDimension,
      clippingNorm: options.labelClip,
    }),
    noiseMultiplier: options.noiseMultiplier,
  });
  if (outcome.kind === 'refused') return outcome;
  const { value, error } = outcome.release;
  return {
    kind: 'released',
    popularity: Float32Array.from(value, (sum) => options.labelDensity + sum / options.normaliser),
    noiseStddev: error.noiseStddev / options.normaliser,
    metrics: outcome.metrics,
  };
}

/** The same scores for every user. `[users, tags]` */
export function popularityScores(popularity: Float32Array, users: number): Float32Array {
  const scores = new Float32Array(users * popularity.length);
  for (let user = 0; user < users; user++) scores.set(popularity, user * popularity.length);
  return scores;
}

/**
 * The second baseline: each user's own history, computed on the device, plus the noisy popularity. Nothing is
 * learnt, and it costs no more than the popularity.
 *
 * @param history - `[users, tags]`, own shares
 * @param historyWeight - how much one unit of own share counts against popularity
 */
export function ownHistoryScores(
  history: Float32Array,
  popularity: Float32Array,
  historyWeight: number,
): Float32Array {
  const tags = popularity.length;
  return history.map((share, at) => historyWeight * share + (popularity[at % tags] as number));
}
