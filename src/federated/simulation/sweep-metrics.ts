import { areaUnderCurve, rankingMetrics } from '../evaluation/ranking-metrics.ts';
import { averagePrecision } from '../evaluation/single-label-metrics.ts';

/** Metrics by name: those of rankings for several tags, those of one classifier for one; null where undefined. */
export type TaskMetrics = Readonly<Record<string, number | null>>;

/** Names of the metrics of a task, the one it is judged by first. */
export function metricNames(tags: number): readonly string[] {
  return tags === 1 ? ['auc', 'averagePrecision'] : ['precisionAt3', 'macroAuc', 'ndcgAt5'];
}

/**
 * Quality of scores against labels.
 *
 * ## Privacy
 * Reads people's labels: call it on users who are declared public.
 *
 * @param scores - `[users, tags]`
 * @param labels - `[users, tags]`, 0 or 1
 */
export function taskMetrics(scores: Float32Array, labels: Float32Array, tags: number): TaskMetrics {
  if (labels.length === 0) {
    return Object.fromEntries(metricNames(tags).map((name) => [name, null]));
  }
  const values =
    tags === 1
      ? { auc: areaUnderCurve(scores, labels), averagePrecision: averagePrecision(scores, labels) }
      : rankingMetrics(scores, labels, tags);
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, Number.isFinite(value) ? value : null]),
  );
}
