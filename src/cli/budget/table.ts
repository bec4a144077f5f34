import type { BudgetSummary } from '../../dp/budget/budget.ts';

const BAR_WIDTH = 40;

/** What is said of an id under which nothing was ever booked or noted, rather than that it has spent nothing. */
export const UNKNOWN_ACCOUNT = 'not known to this budget';

/** Epsilon as people read it; a dash where nothing limits. */
export function epsilonCell(epsilon: number): string {
  return Number.isFinite(epsilon) ? epsilon.toFixed(4) : '–';
}

/** A limit as it was written; a dash where there is none. */
export function limitCell(allowed: number): string {
  return Number.isFinite(allowed) ? String(allowed) : '–';
}

/** Epoch of a row. */
export function epochCell(epoch: string | null): string {
  return epoch ?? 'for life';
}

/** A bar of a histogram; the smallest count is still seen. */
export function bar(count: number, most: number): string {
  return '█'.repeat(Math.ceil((BAR_WIDTH * count) / Math.max(1, most)));
}

/** A histogram of spent epsilon, a line a bin. */
export function histogramLines({ edges, counts }: BudgetSummary['histogram']): readonly string[] {
  const most = Math.max(0, ...counts);
  return counts.map((count, i) => {
    const [from, to] = [edges[i], edges[i + 1]].map((edge) => (edge ?? 0).toFixed(3));
    return `${from} – ${to}  ${String(count).padStart(7)}  ${bar(count, most)}`.trimEnd();
  });
}
