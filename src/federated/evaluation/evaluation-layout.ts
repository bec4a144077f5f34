import type { Batch } from '../models/trainable.ts';
import { UpdateEncoder } from '../rounds/update-encoder.ts';
import type { ScoreHistogram } from './binned-auc.ts';
import type { NoisyValue } from './metric-estimate.ts';
import { rowNdcgAt5, rowPrecisionAt3 } from './ranked-row.ts';

/**
 * Metrics that can be summed privately. Those of `rankingMetrics` have its names; `weightedAuc` is the mean AUC
 * of the tags weighted by their pairs, which noise spoils far less than `macroAuc`.
 */
export const TAG_METRICS = [
  'precisionAt3',
  'ndcgAt5',
  'logLoss',
  'macroAuc',
  'weightedAuc',
] as const;
export type TagMetric = (typeof TAG_METRICS)[number];

/** Scores of one client's rows. */
export interface RowScores {
  /** `[rows, tags]`, for ranks and bins. */
  readonly scores: Float32Array;
  /** `[rows, tags]`, in [0, 1], for the loss. */
  readonly probabilities: Float32Array;
}

/** What the vector of one client is made of. Every number is public. */
export interface LayoutOptions {
  readonly metrics: readonly TagMetric[];
  readonly tags: number;
  /** Ascending edges of the score bins. */
  readonly edges: readonly number[];
  /** Largest mean loss of one row, in nats. */
  readonly lossBound: number;
  /** Probabilities count as at least that in the loss. */
  readonly minimumProbability: number;
}

/** Parts of a client's vector. */
type BlockName = 'users' | 'hits' | 'relevant' | 'gain' | 'loss' | 'histogram';

interface Block {
  readonly start: number;
  /** Integer that stands for 1. */
  readonly step: number;
}

/** Lattice steps of a block that takes its full share of the norm. */
const FULL_SHARE = 2 ** 20;

/**
 * Places the statistics of one client in one vector of bounded norm.
 *
 * Rates in [0, 1] are sent less one half, which halves their range. Each statistic takes an equal share of the
 * norm, a denominator half a share: of a ratio near one half little hangs on it. Counts are whole multiples of
 * their step, so that no rounding touches them.
 *
 * ## Privacy
 * The vector of one row is at most `encoder.clippingNorm` long, that of many rows is their mean: honest clients
 * are never clipped. Whatever else comes is (evaluate-tags.proof.md).
 */
export class EvaluationLayout {
  readonly encoder: UpdateEncoder;
  readonly #options: LayoutOptions;
  readonly #blocks: ReadonlyMap<BlockName, Block>;

  constructor(options: LayoutOptions) {
    this.#options = options;
    const { metrics, tags, edges } = options;
    const blocks = new Map<BlockName, Block>();
    let dimension = 0;
    let energy = 0;
    // `norm`: the most that one row can reach in the block, before its step.
    const place = (name: BlockName, width: number, norm: number, share: number): void => {
      const step = Math.floor((share * FULL_SHARE) / norm);
      blocks.set(name, { start: dimension, step });
      dimension += width;
      energy += (step * norm) ** 2;
    };
    place('users', 1, 1, 0.5);
    if (metrics.includes('precisionAt3')) place('hits', 1, 0.5, 1);
    if (metrics.includes('ndcgAt5')) {
      place('relevant', 1, 1, 0.5);
      place('gain', 1, 0.5, 1);
    }
    if (metrics.includes('logLoss')) place('loss', 1, 0.5, 1);
    if (metrics.includes('macroAuc') || metrics.includes('weightedAuc')) {
      place('histogram', tags * 2 * (edges.length + 1), Math.sqrt(tags), 1);
    }
    this.#blocks = blocks;
    const norm = Math.ceil(Math.sqrt(energy));
    this.encoder = new UpdateEncoder({ dimension, clippingNorm: norm, integerNorm: norm });
  }

  /**
   * What one client sends: the mean over its rows, zero without any.
   *
   * @returns `[encoder.dimension]`, in lattice steps
   */
  contribution(data: Batch, { scores, probabilities }: RowScores): Float64Array {
    const vector = new Float64Array(this.encoder.dimension);
    const { tags, lossBound, minimumProbability } = this.#options;
    const add = (name: BlockName, value: number, at = 0): void => {
      const block = this.#blocks.get(name);
      if (block === undefined) return;
      const i = block.start + at;
      vector[i] = (vector[i] as number) + (block.step * value) / data.rows;
    };
    for (let row = 0; row < data.rows; row++) {
      const own = scores.subarray(row * tags, (row + 1) * tags);
      const truth = data.labels.subarray(row * tags, (row + 1) * tags);
      const likely = probabilities.subarray(row * tags, (row + 1) * tags);
      add('users', 1);
      add('hits', rowPrecisionAt3(own, truth) - 0.5);
      const ndcg = rowNdcgAt5(own, truth);
      if (ndcg !== null) {
        add('relevant', 1);
        add('gain', ndcg - 0.5);
      }
      const loss = meanLoss(likely, truth, minimumProbability);
      add('loss', Math.min(1, loss / lossBound) - 0.5);
      if (this.#blocks.has('histogram')) {
        for (let tag = 0; tag < tags; tag++) {
          add('histogram', 1, this.#cell(tag, (truth[tag] as number) > 0.5, own[tag] as number));
        }
      }
    }
    return vector;
  }

  /** One coordinate of a (noisy) sum, in units of what it counts. */
  read(sum: Float64Array, noiseStddev: number, name: Exclude<BlockName, 'histogram'>): NoisyValue {
    const { start, step } = this.#blocks.get(name) as Block;
    return { value: (sum[start] as number) / step, stddev: noiseStddev / step };
  }

  /** The counts of one tag in a (noisy) sum. */
  readHistogram(
    sum: Float64Array,
    noiseStddev: number,
    tag: number,
  ): Omit<ScoreHistogram, 'edges'> {
    const { start, step } = this.#blocks.get('histogram') as Block;
    const bins = this.#options.edges.length + 1;
    const negatives = start + tag * 2 * bins;
    return {
      positives: sum.subarray(negatives + bins, negatives + 2 * bins).map((value) => value / step),
      negatives: sum.subarray(negatives, negatives + bins).map((value) => value / step),
      noiseStddev: noiseStddev / step,
    };
  }

  #cell(tag: number, isPositive: boolean, score: number): number {
    const { edges } = this.#options;
    let bin = 0;
    while (bin < edges.length && score >= (edges[bin] as number)) bin++;
    return (2 * tag + (isPositive ? 1 : 0)) * (edges.length + 1) + bin;
  }
}

/** Mean over the tags of −log of the probability given to what was so, in nats; at least 0. */
function meanLoss(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  least: number,
): number {
  let sum = 0;
  for (let tag = 0; tag < probabilities.length; tag++) {
    const probability = probabilities[tag] as number;
    const given = (labels[tag] as number) > 0.5 ? probability : 1 - probability;
    sum -= Math.log(Math.min(1, Math.max(least, given)));
  }
  return sum / probabilities.length;
}
