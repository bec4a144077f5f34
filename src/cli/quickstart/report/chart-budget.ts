import type { TopLevelSpec } from 'vega-lite';
import { COLORS, paint } from '../../report/chart-parts.ts';
import { epsilon } from '../../report/format.ts';
import type { Chart } from '../../report/svg.ts';

interface Bin {
  readonly from: number;
  readonly to: number;
  readonly accounts: number;
}

/** How many accounts have spent how much, with the limit none may pass. */
export function spentHistogram(
  histogram: { readonly edges: readonly number[]; readonly counts: readonly number[] },
  limit: number,
): Chart {
  const values: Bin[] = histogram.counts.flatMap((accounts, i) => {
    const from = histogram.edges[i];
    const to = histogram.edges[i + 1];
    return from === undefined || to === undefined || !Number.isFinite(from) || !Number.isFinite(to)
      ? []
      : [{ from, to, accounts }];
  });
  const filled = values.filter(({ accounts }) => accounts > 0);
  // The number of a bin beside the limit keeps to the left of its line.
  const atLimit = (bin: Bin): boolean => bin.to > 0.93 * limit;
  const right = Math.max(limit, ...values.map(({ to }) => to)) * 1.02;
  const bars = filled
    .map(
      (bin) =>
        `${bin.accounts} spent more than ${epsilon(bin.from)} and at most ${epsilon(bin.to)}`,
    )
    .join('; ');
  return {
    label: `Histogram of the epsilon that accounts have spent: ${bars || 'nobody spent anything'}. The limit is ${epsilon(limit)}.`,
    draw: (width) =>
      ({
        width,
        height: 240,
        layer: [
          {
            data: { values: filled },
            mark: {
              type: 'rect',
              color: paint(COLORS.private),
              cornerRadiusTopLeft: 2,
              cornerRadiusTopRight: 2,
            },
            encoding: {
              x: { field: 'from', type: 'quantitative' },
              x2: { field: 'to' },
              y: { field: 'accounts', type: 'quantitative' },
              y2: { datum: 0 },
            },
          },
          numbers(
            filled.filter((bin) => !atLimit(bin)),
            'center',
            (bin) => (bin.from + bin.to) / 2,
          ),
          numbers(filled.filter(atLimit), 'right', (bin) => bin.to),
          {
            data: { values: [{ limit }] },
            mark: { type: 'rule', color: paint(COLORS.limit), strokeWidth: 2, strokeDash: [5, 3] },
            encoding: { x: { field: 'limit', type: 'quantitative' } },
          },
          {
            data: { values: [{ limit, text: `limit ${epsilon(limit)}` }] },
            mark: {
              type: 'text',
              align: 'right',
              dx: -8,
              color: paint(COLORS.limit),
              fontWeight: 'bold',
            },
            encoding: {
              x: { field: 'limit', type: 'quantitative' },
              y: { value: 2 },
              text: { field: 'text' },
            },
          },
        ],
        encoding: {
          x: {
            title: 'ε spent, over all scenes',
            scale: { domain: [0, right], nice: false },
            axis: { tickCount: width > 400 ? 8 : 4 },
          },
          y: {
            title: 'accounts',
            // Room above the tallest bar for its number and for the name of the limit.
            scale: {
              domain: [0, Math.max(1, ...filled.map((bin) => bin.accounts)) * 1.22],
              nice: false,
            },
            axis: { tickCount: 4, tickMinStep: 1 },
          },
        },
      }) as TopLevelSpec,
  };
}

function numbers(
  bins: readonly Bin[],
  align: 'center' | 'right',
  place: (bin: Bin) => number,
): object {
  return {
    data: { values: bins.map((bin) => ({ place: place(bin), accounts: bin.accounts })) },
    mark: { type: 'text', align, dx: align === 'right' ? -4 : 0, dy: -9 },
    encoding: {
      x: { field: 'place', type: 'quantitative' },
      y: { field: 'accounts', type: 'quantitative' },
      text: { field: 'accounts', type: 'quantitative', format: ',' },
    },
  };
}
