import { calibrateGaussian, epsilonOfPlan } from '../../dp/accounting/index.ts';
import type { DpEvent } from '../../dp/event.ts';
import type { Plan } from '../../dp/plan.ts';
import type { SweepCellResult } from './sweep.ts';

/** Mean and standard deviation of one metric over the repeats. */
export interface SweepRow {
  /** The method, or the baseline. */
  readonly method: string;
  /** The method with what else was set; see `SweepCell.setting`. */
  readonly setting: string;
  /** Infinity is non-private. */
  readonly epsilon: number;
  readonly metric: string;
  /** Null where the metric is not defined, such as an area under a curve of one class. */
  readonly mean: number | null;
  /** Of single repeats, not of the mean; null with one repeat. */
  readonly sd: number | null;
  readonly repeats: number;
}

/** What a row is about: the models of a method, or a baseline that was released beside them all. */
export type SweepSeries = 'metrics' | 'popularity' | 'ownHistory';

/** Rows by epsilon, ascending, then by method (a baseline is one) and metric, in the order of the results. */
export function summariseSweep(
  results: readonly SweepCellResult[],
  series: SweepSeries = 'metrics',
): SweepRow[] {
  const groups = new Map<string, SweepCellResult[]>();
  for (const result of results) {
    const key = `${series === 'metrics' ? result.cell.setting : series}/${result.cell.epsilon}`;
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  const ascending = [...groups.values()].sort(
    ([a], [b]) => (a as SweepCellResult).cell.epsilon - (b as SweepCellResult).cell.epsilon,
  );
  return ascending.flatMap((group) => {
    const [{ cell, metrics }] = group as [SweepCellResult];
    return Object.keys(metrics).map((metric) => ({
      method: series === 'metrics' ? cell.method : series,
      setting: series === 'metrics' ? cell.setting : series,
      epsilon: cell.epsilon,
      metric,
      ...meanAndSd(group.map((result) => result[series][metric] ?? null)),
      repeats: group.length,
    }));
  });
}

function meanAndSd(values: readonly (number | null)[]): {
  readonly mean: number | null;
  readonly sd: number | null;
} {
  const known = values.filter((value) => value !== null);
  if (known.length < values.length) return { mean: null, sd: null };
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  if (known.length === 1) return { mean, sd: null };
  const energy = known.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, sd: Math.sqrt(energy / (known.length - 1)) };
}

/**
 * What the private cells of a sweep would cost a user who was trained on in all of them, had the data not been
 * public: epsilon at the same delta, by exact Gaussian composition. Choosing the best of them by its result
 * would cost more.
 *
 * @returns 0 where no cell is private
 */
export function sweepCost(results: readonly SweepCellResult[], delta: number): number {
  const counts = new Map<number, number>();
  for (const { cell } of results) {
    if (cell.epsilon === Infinity) continue;
    const noise = cell.noiseMultiplier ?? calibrateGaussian({ epsilon: cell.epsilon, delta });
    counts.set(noise, (counts.get(noise) ?? 0) + 1);
  }
  if (counts.size === 0) return 0;
  const events = [...counts].map(
    ([noiseMultiplier, count]): DpEvent => ({
      kind: 'repeated',
      count,
      event: { kind: 'gaussian', noiseMultiplier },
    }),
  );
  const plan: Plan = {
    unit: 'user',
    relation: 'zero-out-one-user',
    event: { kind: 'composed', events },
  };
  return epsilonOfPlan(plan, delta, 'gdp').upper;
}

/**
 * The rows that no other row beats: none has at most their epsilon and a better mean, or less epsilon and as
 * good a mean. Ascending in epsilon.
 */
export function paretoFront(rows: readonly SweepRow[]): SweepRow[] {
  const ranked = rows
    .filter(({ mean }) => mean !== null)
    .sort((a, b) => a.epsilon - b.epsilon || (b.mean as number) - (a.mean as number));
  let best = Number.NEGATIVE_INFINITY;
  return ranked.filter(({ mean }) => {
    if ((mean as number) <= best) return false;
    best = mean as number;
    return true;
  });
}

/** Rows as CSV with a header line; `inf` is non-private, an empty field is undefined. */
export function sweepCsv(rows: readonly SweepRow[]): string {
  const field = (value: number | string | null): string =>
    value === Infinity ? 'inf' : String(value ?? '');
  const lines = rows.map(({ method, setting, epsilon, metric, mean, sd, repeats }) =>
    [method, `"${setting}"`, epsilon, metric, mean, sd, repeats].map(field).join(','),
  );
  return `${['method,setting,epsilon,metric,mean,sd,repeats', ...lines].join('\n')}\n`;
}
