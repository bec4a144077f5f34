import type { CertifiedInterval } from '../../dp/accountant.ts';
import type { BudgetLine, BudgetSummary } from '../../dp/budget/budget.ts';
import { formatTable } from '../terminal.ts';
import { epochCell, epsilonCell, limitCell } from './table.ts';

/** What somebody in every release of a scope has spent, in the currency and in another accountant. */
export interface OdometerRow {
  readonly scene: string | null;
  readonly epoch: string | null;
  readonly releases: number;
  readonly currency: CertifiedInterval | null;
  readonly accountant: CertifiedInterval | null;
  readonly unsupported: string | null;
}

/** Scene by scene, newest epochs first and the lifetime last; everyone at the end. */
export function summaryTable(summary: readonly BudgetSummary[], newest: number): readonly string[] {
  const renews = summary.some(({ epoch }) => epoch !== null);
  const { rows, hidden } = byScope(summary, newest);
  const table = formatTable(
    [
      'scene',
      ...(renews ? ['epoch'] : []),
      'accounts',
      'releases',
      'refused',
      'mean epsilon',
      'max epsilon',
      'limit',
      '',
    ],
    rows.map((row) => [
      row.scene ?? 'all scenes',
      ...(renews ? [epochCell(row.epoch)] : []),
      String(row.accounts),
      String(row.releases),
      String(row.refused),
      epsilonCell(row.epsilonMean),
      epsilonCell(row.epsilonMax),
      limitCell(row.allowed),
      row.frozen ? 'frozen' : '',
    ]),
  );
  return withHidden(table, hidden);
}

/** What somebody in every release has spent, in the currency and in another accountant if that is one. */
export function odometerTable(
  odometer: readonly OdometerRow[],
  [currency, accountant]: readonly [string, string],
  newest: number,
): readonly string[] {
  const renews = odometer.some(({ epoch }) => epoch !== null);
  const { rows, hidden } = byScope(odometer, newest);
  const upper = (interval: CertifiedInterval | null): string =>
    interval === null
      ? 'no bound'
      : Number.isFinite(interval.upper)
        ? interval.upper.toFixed(4)
        : '∞';
  const same = currency === accountant;
  const table = formatTable(
    ['scene', ...(renews ? ['epoch'] : []), 'releases', currency, ...(same ? [] : [accountant])],
    rows.map((row) => [
      row.scene ?? 'all scenes',
      ...(renews ? [epochCell(row.epoch)] : []),
      String(row.releases),
      upper(row.currency),
      ...(same ? [] : [upper(row.accountant)]),
    ]),
  );
  const reasons = new Set(rows.flatMap(({ unsupported }) => unsupported ?? []));
  return [...withHidden(table, hidden), ...[...reasons].map((reason) => `no bound: ${reason}`)];
}

/** What one account has spent and may. */
export function accountTable(lines: readonly BudgetLine[], newest: number): readonly string[] {
  const renews = lines.some(({ epoch }) => epoch !== null);
  const shown = [...lines.filter(({ epoch }) => epoch === null), ...newestOf(lines, newest)];
  const table = formatTable(
    ['limit', 'of', ...(renews ? ['epoch'] : []), 'spent', 'allowed'],
    shown.map((line) => [
      line.limit,
      line.scene ?? 'all scenes',
      ...(renews ? [epochCell(line.epoch)] : []),
      line.limit === 'delta' ? line.spent.toPrecision(3) : epsilonCell(line.spent),
      limitCell(line.allowed),
    ]),
  );
  return withHidden(table, lines.length - shown.length);
}

/** Scene by scene, everyone last; of each the newest epochs first and its life at the end. */
function byScope<T extends { readonly scene: string | null; readonly epoch: string | null }>(
  rows: readonly T[],
  newest: number,
): { readonly rows: readonly T[]; readonly hidden: number } {
  const scenes = [...new Set(rows.flatMap(({ scene }) => scene ?? [])), null];
  const shown = scenes.flatMap((scene) => {
    const own = rows.filter((row) => row.scene === scene);
    return [...newestOf(own, newest), ...own.filter(({ epoch }) => epoch === null)];
  });
  return { rows: shown, hidden: rows.length - shown.length };
}

function newestOf<T extends { readonly epoch: string | null }>(
  rows: readonly T[],
  newest: number,
): readonly T[] {
  const epochs = [...new Set(rows.flatMap(({ epoch }) => epoch ?? []))].sort().reverse();
  return epochs.slice(0, newest).flatMap((epoch) => rows.filter((row) => row.epoch === epoch));
}

function withHidden(table: readonly string[], hidden: number): readonly string[] {
  return hidden === 0
    ? table
    : [...table, `… and ${hidden} lines of older epochs: --epochs, --json`];
}
