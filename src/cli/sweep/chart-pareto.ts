import type { TopLevelSpec } from 'vega-lite';
import type { SweepRow } from '../../federated/simulation/sweep-summary.ts';
import { epsilonAxis, metricAxis, paddedDomain, paint } from '../report/chart-parts.ts';
import { epsilon, metric } from '../report/format.ts';
import type { Chart } from '../report/svg.ts';
import { lookOf, type SeriesLook } from './looks.ts';

/** All choices by price and quality, with the front of those that nothing beats. */
export function paretoChart(
  rows: readonly SweepRow[],
  front: readonly SweepRow[],
  metricName: string,
  looks: ReadonlyMap<string, SeriesLook>,
): Chart {
  const finite = rows.filter((row) => Number.isFinite(row.epsilon) && row.mean !== null);
  const onFront = new Set(front);
  const logs = finite.map((row) => Math.log2(row.epsilon));
  const least = logs.length === 0 ? 0 : Math.min(...logs);
  const place = (value: number): number => Math.log2(value) - least;
  const ticks = [...new Set(finite.map((row) => row.epsilon))].sort((a, b) => a - b);
  const points = finite.map((row) => ({
    x: place(row.epsilon),
    y: row.mean as number,
    color: paint((looks.get(row.setting) ?? lookOf(row.setting)).color),
    mark: (looks.get(row.setting) ?? lookOf(row.setting)).mark,
    front: onFront.has(row),
  }));
  const domain = paddedDomain(
    points.map(({ y }) => y),
    0.12,
  );
  const steps = front
    .filter((row) => Number.isFinite(row.epsilon))
    .map((row) => ({ x: place(row.epsilon), y: row.mean as number }));
  const spoken = front
    .map(
      (row) => `${row.setting} at epsilon ${epsilon(row.epsilon)} with ${metric(row.mean ?? NaN)}`,
    )
    .join('; ');
  return {
    label: `Scatter plot of all choices. On the front: ${spoken || 'none'}.`,
    draw: (width) =>
      ({
        width,
        height: width > 400 ? 300 : 260,
        layer: [
          {
            data: { values: steps },
            mark: {
              type: 'line',
              interpolate: 'step-after',
              color: paint('rule'),
              strokeWidth: 1.5,
            },
            encoding: { x: { field: 'x' }, y: { field: 'y' } },
          },
          ...points.map((point) => ({
            data: { values: [point] },
            mark: {
              type: 'point',
              shape: point.mark,
              filled: true,
              fill: point.front ? point.color : paint('card'),
              stroke: point.color,
              strokeWidth: 1.8,
              size: 80,
              opacity: 1,
            },
            encoding: { x: { field: 'x' }, y: { field: 'y' } },
          })),
        ],
        encoding: {
          x: epsilonAxis(
            'ε (logarithmic)',
            [-0.35, Math.max(0, ...points.map(({ x }) => x)) + 0.35],
            ticks,
            place,
          ),
          y: metricAxis(metricName, domain),
        },
      }) as TopLevelSpec,
  };
}
