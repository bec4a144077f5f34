import type { TopLevelSpec } from 'vega-lite';
import {
  COLORS,
  epsilonAxis,
  paddedDomain,
  paint,
  type Reference,
  referenceLines,
} from '../../report/chart-parts.ts';
import { epsilon, metric } from '../../report/format.ts';
import type { Chart } from '../../report/svg.ts';
import type { SweepMethod } from '../result.ts';

/** A point of the utility curve; epsilon Infinity is non-private. */
interface UtilityPoint {
  readonly method: SweepMethod;
  readonly epsilon: number;
  readonly mean: number;
  readonly sd: number;
}

/** Sideways, in steps of doubling. */
const SHIFT: Readonly<Record<SweepMethod, number>> = {
  'one-shot-without-prior': 0,
  fedavg: -0.04,
  'one-shot': 0.04,
};

/** Utility against epsilon on a logarithmic axis, with infinity in a place of its own at the right edge. */
export function utilityCurve(
  points: readonly UtilityPoint[],
  references: readonly Reference[],
): Chart {
  const usable = points.filter((point) => point.epsilon > 0 && Number.isFinite(point.mean));
  const finite = usable.filter((point) => Number.isFinite(point.epsilon));
  const logs = finite.map((point) => Math.log2(point.epsilon));
  // Counted from the least epsilon, so that no place is negative: labels are looked up by their digits.
  const least = logs.length === 0 ? 0 : Math.min(...logs);
  const infinity = (logs.length === 0 ? 0 : Math.max(...logs) - least) + 1.5;
  const place = (value: number): number =>
    Number.isFinite(value) ? Math.log2(value) - least : infinity;
  const several = new Set(usable.map((point) => point.method)).size > 1;
  const values = usable.map((point) => {
    const sd = Number.isFinite(point.sd) ? point.sd : 0;
    // The methods stand side by side, so that their error bars can be told apart.
    const shift = several ? SHIFT[point.method] : 0;
    return {
      method: point.method,
      private: Number.isFinite(point.epsilon),
      x: place(point.epsilon) + shift,
      mean: point.mean,
      low: point.mean - sd,
      high: point.mean + sd,
    };
  });
  const ticks = [...new Set(usable.map((point) => point.epsilon))].sort((a, b) => a - b);
  const domain = paddedDomain(
    [...values.flatMap(({ low, high }) => [low, high]), ...references.map(({ value }) => value)],
    0.16,
  );
  const spoken = usable
    .map(
      (point) =>
        `${point.method} ${Number.isFinite(point.epsilon) ? `at epsilon ${epsilon(point.epsilon)}` : 'non-private'} ${metric(point.mean)}`,
    )
    .join('; ');
  const methods = Object.keys(SHIFT) as SweepMethod[];
  return {
    label: `Precision at 3 against epsilon, a simulation on public data: ${spoken}.`,
    draw: (width) =>
      ({
        width,
        height: width > 400 ? 320 : 280,
        data: { values },
        layer: [
          {
            data: { values: [{ from: infinity - 0.7, to: infinity + 0.7 }] },
            mark: { type: 'rect', color: paint(COLORS.nonPrivate), opacity: 0.1 },
            encoding: { x: { field: 'from', type: 'quantitative' }, x2: { field: 'to' } },
          },
          {
            data: { values: [{ at: infinity, text: 'non-private' }] },
            mark: {
              type: 'text',
              baseline: 'top',
              color: paint(COLORS.nonPrivate),
              fontWeight: 'bold',
            },
            encoding: {
              x: { field: 'at', type: 'quantitative' },
              y: { value: 5 },
              text: { field: 'text' },
            },
          },
          ...referenceLines(references),
          ...methods.flatMap((method) => {
            const color = paint(COLORS[method]);
            const filter = { filter: { field: 'method', equal: method } };
            return [
              {
                transform: [filter, { filter: { field: 'private', equal: true } }],
                mark: { type: 'line', color, strokeWidth: 2.5 },
                encoding: { x: { field: 'x' }, y: { field: 'mean' } },
              },
              {
                transform: [filter],
                mark: { type: 'rule', color, strokeWidth: 1.5 },
                encoding: { x: { field: 'x' }, y: { field: 'low' }, y2: { field: 'high' } },
              },
              {
                transform: [filter],
                mark: {
                  type: 'point',
                  shape: method === 'fedavg' ? 'circle' : 'square',
                  filled: true,
                  fill: color,
                  stroke: paint('card'),
                  size: 80,
                  opacity: 1,
                },
                encoding: { x: { field: 'x' }, y: { field: 'mean' } },
              },
            ];
          }),
        ],
        encoding: {
          x: epsilonAxis(
            'ε of the model (each step doubles it)',
            [-0.35, infinity + 0.7],
            ticks,
            place,
          ),
          y: {
            type: 'quantitative',
            title: 'precision@3',
            scale: { domain, zero: false },
            axis: { tickCount: 6, format: '.2f' },
          },
        },
      }) as TopLevelSpec,
  };
}
