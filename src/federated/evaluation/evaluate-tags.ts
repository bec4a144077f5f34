import { VelaturaError } from '../../core/errors.ts';
import { normalQuantile } from '../../core/special/index.ts';
import { epsilonOfPlan } from '../../dp/accounting/index.ts';
import type { Refusal } from '../../dp/budget/budget.ts';
import type { Plan } from '../../dp/plan.ts';
import type { PrivacyStatement } from '../../dp/statement.ts';
import { predictTags, scoreTags, type TagScorer } from '../models/tag-model.ts';
import type { Batch } from '../models/trainable.ts';
import type { FederatedClient } from '../rounds/client.ts';
import {
  type RoundEnvironment,
  type RoundMetrics,
  roundPlan,
  runPrivateRound,
} from '../rounds/private-round.ts';
import { releaseStatement } from '../rounds/release-statement.ts';
import { binnedAuc, macroAuc, type ScoreHistogram, weightedAuc } from './binned-auc.ts';
import {
  EvaluationLayout,
  type LayoutOptions,
  type RowScores,
  TAG_METRICS,
  type TagMetric,
} from './evaluation-layout.ts';
import { type MetricEstimate, type NoisyValue, ratioEstimate } from './metric-estimate.ts';
import { balancedBins, scoreEdges } from './score-edges.ts';

/** Any model that gives probabilities of tags, such as a network. */
export interface TagPredictor {
  readonly tags: readonly string[];
  /**
   * @param features - `[rows, features]`
   * @returns `[rows, tags]`, in [0, 1]
   */
  predict(features: Float32Array, rows: number): Float32Array;
}

/** How to judge a model. Every number is a public constant, chosen without looking at the clients judged. */
export interface TagEvaluationOptions {
  /** Unique within the budget. */
  readonly roundId: string;
  /** Each takes its share of the norm of a client's vector: fewer metrics are less noisy. */
  readonly metrics: readonly TagMetric[];
  /**
   * `charged`: counts are noised, and every client pays. `public`: the clients are declared public, as users of
   * a benchmark are; counts are exact, nobody is charged, and the statement says what it would have cost.
   */
  readonly evaluation: 'charged' | 'public';
  /** Noise deviation over sensitivity, under the relation of the environment; 0 is non-private. */
  readonly noiseMultiplier: number;
  /** At which the statement gives epsilon. */
  readonly delta: number;
  /** Public guess of the number of clients, for the check of delta. */
  readonly population: number;
  /** Of each interval, in (0, 1). */
  readonly confidence: number;
  /** Guess of how common a tag is, in (0, 1): bins are finest around it. */
  readonly labelDensity: number;
  /**
   * Bins of scores for the AUC. More are finer and noisier. Default: what balances the two by population,
   * density and noise.
   */
  readonly scoreBins?: number;
  /**
   * Ascending edges of the bins in place of the default ones: of logits for a logistic `TagScorer`, else of
   * probabilities.
   */
  readonly scoreEdges?: readonly number[];
  /** Probabilities count as at least that in the loss, in (0, 1). Default 0.01. */
  readonly minimumProbability?: number;
  /**
   * Largest loss of one client, a mean over tags in nats; what is more counts as that. Less makes less noise and
   * hides the worst. Default 3, or 3/√tags but at least 1.
   */
  readonly lossBound?: number;
}

/** One tag of the AUC. */
export interface TagAuc {
  readonly tag: string;
  /** Scores of one bin count as tied; `binError` bounds what that can change. */
  readonly auc: MetricEstimate;
  readonly histogram: ScoreHistogram;
}

/** Metrics that left the clients, with what they cost. */
export interface TagEvaluation {
  /** Those asked for. `logLoss` is the mean over users of their bounded mean over tags, in nats. */
  readonly metrics: Readonly<Partial<Record<TagMetric, MetricEstimate>>>;
  /** One a tag when an AUC was asked for. */
  readonly aucByTag: readonly TagAuc[];
  /** Noisy number of clients that have data. */
  readonly users: NoisyValue;
  readonly confidence: number;
  readonly plan: Plan;
  readonly statement: PrivacyStatement;
  readonly round: RoundMetrics;
}

export type TagEvaluationOutcome =
  | { readonly kind: 'released'; readonly evaluation: TagEvaluation }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** What {@link evaluateTags} will cost each client, before anything is charged. */
export function tagEvaluationPlan(
  environment: Pick<RoundEnvironment, 'relation'>,
  options: Pick<TagEvaluationOptions, 'evaluation' | 'noiseMultiplier'>,
): Plan {
  const noiseMultiplier = options.evaluation === 'public' ? 0 : options.noiseMultiplier;
  return roundPlan(noiseMultiplier, environment.relation);
}

/**
 * Judges a model on clients: each computes on the device how the model does on its own rows, and one private
 * sum of these statistics leaves. A client of many rows counts as one, by their mean. Intervals cover the noise
 * and the bins, each alone with the confidence asked; not that other clients would give other numbers.
 *
 * ## Privacy
 * Unit: user. Costs every client given `gaussian{noiseMultiplier}`, all metrics together: the whole vector of a
 * client has one joint bound (evaluate-tags.proof.md). With `evaluation: 'public'` it costs nothing and
 * protects nobody: only for people who agreed to be public.
 *
 * @param model - a linear or logistic tag model, or anything that predicts
 * @returns the metrics, or why the budget refused
 * @throws {VelaturaError} `dp/invalid-parameter`, `dp/delta-too-large`; as `runPrivateRound`
 * @throws RangeError for options out of range
 */
export async function evaluateTags(
  environment: RoundEnvironment,
  model: TagScorer | TagPredictor,
  clients: readonly FederatedClient[],
  options: TagEvaluationOptions,
): Promise<TagEvaluationOutcome> {
  checkOptions(options);
  const edges = options.scoreEdges ?? defaultEdges(model, options);
  const settings: LayoutOptions = {
    metrics: options.metrics,
    tags: model.tags.length,
    edges,
    lossBound: options.lossBound ?? Math.max(1, 3 / Math.sqrt(model.tags.length)),
    minimumProbability: options.minimumProbability ?? 0.01,
  };
  const layout = new EvaluationLayout(settings);
  const isPublic = options.evaluation === 'public';
  const plan = tagEvaluationPlan(environment, options);
  const terms = {
    plan,
    delta: options.delta,
    population: options.population,
    bounds: [
      'evaluation statistics of one user clipped jointly to the norm that one row can reach',
      `${edges.length + 1} bins of scores, losses of at most ${settings.lossBound.toFixed(3)} nats`,
    ],
  };
  const place = isPublic ? { ...environment, budget: null } : environment;
  const statement = releaseStatement(place, terms);
  const outcome = await runPrivateRound(place, {
    roundId: options.roundId,
    clients,
    compute: (data) => layout.contribution(data, scoresOf(model, data)),
    encoder: layout.encoder,
    noiseMultiplier: isPublic ? 0 : options.noiseMultiplier,
  });
  if (outcome.kind === 'refused') return outcome;
  const { value, error } = outcome.release;
  const read = readMetrics(
    layout,
    settings,
    model.tags,
    options.confidence,
    value,
    error.noiseStddev,
  );
  return {
    kind: 'released',
    evaluation: {
      ...read,
      confidence: options.confidence,
      plan,
      statement: isPublic
        ? { ...statement, simulation: publicLabel(environment, options) }
        : statement,
      round: outcome.metrics,
    },
  };
}

/** Metrics out of one noisy sum. */
function readMetrics(
  layout: EvaluationLayout,
  { metrics, edges, lossBound }: LayoutOptions,
  tags: readonly string[],
  confidence: number,
  sum: Float64Array,
  noiseStddev: number,
): Pick<TagEvaluation, 'metrics' | 'aucByTag' | 'users'> {
  const z = normalQuantile((1 + confidence) / 2);
  const users = layout.read(sum, noiseStddev, 'users');
  const rate = { offset: 0.5, scale: 1 };
  const found: Partial<Record<TagMetric, MetricEstimate>> = {};
  if (metrics.includes('precisionAt3')) {
    found.precisionAt3 = ratioEstimate(layout.read(sum, noiseStddev, 'hits'), users, z, rate);
  }
  if (metrics.includes('ndcgAt5')) {
    const relevant = layout.read(sum, noiseStddev, 'relevant');
    found.ndcgAt5 = ratioEstimate(layout.read(sum, noiseStddev, 'gain'), relevant, z, rate);
  }
  if (metrics.includes('logLoss')) {
    const loss = layout.read(sum, noiseStddev, 'loss');
    found.logLoss = ratioEstimate(loss, users, z, { offset: lossBound / 2, scale: lossBound });
  }
  if (!metrics.includes('macroAuc') && !metrics.includes('weightedAuc')) {
    return { metrics: found, aucByTag: [], users };
  }
  const histograms = tags.map((_, tag) => ({
    edges,
    ...layout.readHistogram(sum, noiseStddev, tag),
  }));
  if (metrics.includes('macroAuc')) found.macroAuc = macroAuc(histograms, z);
  if (metrics.includes('weightedAuc')) found.weightedAuc = weightedAuc(histograms, z);
  const aucByTag = histograms.map((histogram, at) => ({
    tag: tags[at] as string,
    auc: binnedAuc(histogram, z),
    histogram,
  }));
  return { metrics: found, aucByTag, users };
}

function isScorer(model: TagScorer | TagPredictor): model is TagScorer {
  return 'weights' in model;
}

/** Scores of a client's rows. What is no number stops this client, whose contribution is then zero. */
function scoresOf(model: TagScorer | TagPredictor, data: Batch): RowScores {
  const found = isScorer(model)
    ? { scores: scoreTags(model, data.features), probabilities: predictTags(model, data.features) }
    : predictedScores(model, data);
  const expected = data.rows * model.tags.length;
  if (found.scores.length !== expected || data.labels.length !== expected) {
    throw new VelaturaError(
      'federated/invalid-contribution',
      `scores and labels expected ${expected} numbers, got ${found.scores.length} and ${data.labels.length}`,
      { expected, scores: found.scores.length, labels: data.labels.length },
    );
  }
  if (!found.scores.every(Number.isFinite) || !data.labels.every(Number.isFinite)) {
    throw new VelaturaError('federated/non-finite', 'a score or label is NaN or an infinity');
  }
  return found;
}

function predictedScores(model: TagPredictor, data: Batch): RowScores {
  const scores = model.predict(data.features, data.rows);
  return { scores, probabilities: scores };
}

function defaultEdges(model: TagScorer | TagPredictor, options: TagEvaluationOptions): number[] {
  const { metrics, labelDensity, population, confidence } = options;
  const isNoisy = options.evaluation === 'charged';
  // The joint norm grows about as the root of the number of metrics; tags average their noise away again.
  const noise = isNoisy ? options.noiseMultiplier * Math.sqrt(metrics.length) : 0;
  const z = normalQuantile((1 + confidence) / 2);
  return scoreEdges({
    scale: isScorer(model) && model.kind === 'logistic' ? 'logit' : 'probability',
    labelDensity,
    bins: options.scoreBins ?? balancedBins(population * labelDensity, z * noise),
  });
}

function publicLabel(environment: RoundEnvironment, options: TagEvaluationOptions): string {
  const plan = roundPlan(options.noiseMultiplier, environment.relation);
  const cost =
    options.noiseMultiplier === 0
      ? 'without bound'
      : `epsilon ${epsilonOfPlan(plan, options.delta, 'gdp').upper.toPrecision(4)} at delta ${options.delta} under ${plan.relation}`;
  return `Simulation on public data, not charged; real cost would be ${cost}`;
}

function checkOptions(options: TagEvaluationOptions): void {
  const { metrics, scoreBins = 2, minimumProbability = 0.01 } = options;
  if (metrics.length === 0 || !metrics.every((metric) => TAG_METRICS.includes(metric))) {
    throw new RangeError(`"metrics" expected some of ${TAG_METRICS.join(', ')}`);
  }
  for (const [name, value] of [
    ['confidence', options.confidence],
    ['labelDensity', options.labelDensity],
    ['minimumProbability', minimumProbability],
  ] as const) {
    if (!(value > 0 && value < 1)) {
      throw new RangeError(`"${name}" expected a number in (0, 1), got ${value}`);
    }
  }
  const { lossBound = 1 } = options;
  if (!(lossBound > 0 && lossBound < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`"lossBound" expected a positive number, got ${lossBound}`);
  }
  if (!Number.isInteger(scoreBins) || scoreBins < 2 || scoreBins > 1024) {
    throw new RangeError(`"scoreBins" expected an integer in [2, 1024], got ${scoreBins}`);
  }
  if (options.scoreEdges !== undefined && !isAscending(options.scoreEdges)) {
    throw new RangeError('"scoreEdges" expected at least one finite number, in ascending order');
  }
}

function isAscending(edges: readonly number[]): boolean {
  const isAfter = (edge: number, i: number): boolean =>
    Number.isFinite(edge) && (i === 0 || edge > (edges[i - 1] as number));
  return edges.length > 0 && edges.every(isAfter);
}
