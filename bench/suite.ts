/** One line of a benchmark report. `ratio` is value / baseline, measured in the same run unless `recorded`. */
export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What the value is compared with; null where there is nothing to compare. */
  readonly baseline: number | null;
  readonly ratio: number | null;
  /** Where a baseline that cannot be run here comes from. */
  readonly recorded?: string;
  readonly note?: string;
  /** Set by the runner. */
  readonly suite?: string;
}

/** What one call of the runner writes. */
export interface BenchReport {
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly date: string;
  readonly rows: readonly BenchRow[];
}

/** A benchmark suite: reports progress through `log`, returns its rows. */
export type BenchSuite = (log: (line: string) => void) => Promise<readonly BenchRow[]>;

/** A row with its ratio. */
export function row(
  name: string,
  value: number,
  unit: string,
  baseline: number | null = null,
  extra: Pick<BenchRow, 'recorded' | 'note'> = {},
): BenchRow {
  return {
    name,
    value,
    unit,
    baseline,
    ratio: baseline === null ? null : value / baseline,
    ...extra,
  };
}

/** Middle of the values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
