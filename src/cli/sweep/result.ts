import {
  paretoFront,
  type SweepRow,
  summariseSweep,
  sweepCost,
} from '../../federated/simulation/sweep-summary.ts';
import { formatTable, type Terminal } from '../terminal.ts';
import { shownEpsilon } from '../train/options.ts';
import { METRIC_NAMES, SIMULATION } from '../train/result.ts';
import type { SweepRun } from './run.ts';

/** A sweep in rows. */
export interface SweepSummary {
  /** The metric it is judged by. */
  readonly primary: string;
  readonly metrics: readonly string[];
  readonly rows: readonly SweepRow[];
  readonly popularity: readonly SweepRow[];
  /** Without rows where there is no own history. */
  readonly ownHistory: readonly SweepRow[];
  /** Of the primary metric. */
  readonly front: readonly SweepRow[];
  /** The label that stands beside every figure. */
  readonly cost: string;
}

/** What the sweep compares, in the order of its grid. */
export function settingsOf({ results }: SweepRun): readonly string[] {
  return [...new Set(results.map(({ cell }) => cell.setting))];
}

/** Sums up the results. */
export function summarise(run: SweepRun): SweepSummary {
  const rows = summariseSweep(run.results);
  const metrics = [...new Set(rows.map(({ metric }) => metric))];
  const [primary = ''] = metrics;
  return {
    primary,
    metrics,
    rows,
    popularity: summariseSweep(run.results, 'popularity'),
    ownHistory: summariseSweep(run.results, 'ownHistory').filter(({ mean }) => mean !== null),
    front: paretoFront(rows.filter(({ metric }) => metric === primary)),
    cost: costLabel(run),
  };
}

function costLabel({ results, grid }: SweepRun): string {
  if (grid.insecureNoise === true) return `${SIMULATION}; INSECURE noise from a seed`;
  const cost = sweepCost(results, grid.delta);
  const single =
    cost === 0
      ? 'nothing in it is private'
      : `real cost would be the epsilon of each cell, for all of them together epsilon ${cost.toPrecision(3)} at delta ${grid.delta}`;
  return `${SIMULATION}; ${single}`;
}

/** The stable JSON keys of the command. */
export function sweepDocument(
  run: SweepRun,
  summary: SweepSummary,
): Readonly<Record<string, unknown>> {
  const shown = (rows: readonly SweepRow[]): unknown[] =>
    rows.map((row) => ({ ...row, epsilon: shownEpsilon(row.epsilon) }));
  return {
    rows: shown(summary.rows),
    baselines: { popularity: shown(summary.popularity), ownHistory: shown(summary.ownHistory) },
    paretoFront: shown(summary.front),
    label: summary.cost,
    delta: run.grid.delta,
    repeats: run.grid.repeats,
    seed: run.grid.seed,
    users: run.users,
    cells: run.results.length,
    resumed: run.resumed,
    seconds: run.seconds,
  };
}

/** The sweep as a table: a row a method, a column an epsilon. */
export function printSweep(run: SweepRun, summary: SweepSummary, { print, style }: Terminal): void {
  const { primary } = summary;
  const epsilons = [...run.grid.epsilons].sort((a, b) => a - b);
  const line = (name: string, setting: string, rows: readonly SweepRow[]): string[] => [
    name,
    ...epsilons.map((epsilon) =>
      cell(
        rows.find((r) => r.setting === setting && r.metric === primary && r.epsilon === epsilon),
      ),
    ),
  ];
  print(
    style.bold(
      `${METRIC_NAMES[primary] ?? primary} against epsilon, mean ± sd of ${run.grid.repeats}`,
    ),
  );
  print();
  for (const text of formatTable(
    ['', ...epsilons.map((epsilon) => (epsilon === Infinity ? 'NOT private' : `ε ${epsilon}`))],
    [
      ...settingsOf(run).map((setting) => line(setting, setting, summary.rows)),
      line('popularity beside a model', 'popularity', summary.popularity),
      ...(summary.ownHistory.length === 0
        ? []
        : [line('own history + popularity', 'ownHistory', summary.ownHistory)]),
    ],
  )) {
    print(`  ${text}`);
  }
  print();
  print(`  ${summary.cost}`);
  print(
    `  Each repeat is another split and other noise. Choosing by these numbers is itself paid for on real data.`,
  );
}

function cell(row: SweepRow | undefined): string {
  if (row === undefined || row.mean === null) return '–';
  return row.sd === null ? row.mean.toFixed(3) : `${row.mean.toFixed(3)} ± ${row.sd.toFixed(3)}`;
}
