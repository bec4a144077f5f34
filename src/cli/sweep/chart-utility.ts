import type { TopLevelSpec } from 'vega-lite';
import { COLORS, epsilonAxis, metricAxis, paddedDomain, paint } from '../report/chart-parts.ts';
import { epsilon, metric } from '../report/format.ts';
import type { Chart } from '../report/svg.ts';
import type { SeriesLook } from './looks.ts';

/** A point of a curve; epsilon Infinity is non-private. */
export interface CurvePoint {
  readonly epsilon: number;
  readonly mean: number;
  /** 0 where it is not known. */
  readonly sd: number;
}

/** A curve and how it looks. */
export interface UtilitySeries {
  readonly name: string;
  readonly look: SeriesLook;
  /** A baseline has a broken line and no bars. */
  readonly baseline: boolean;
  readonly points: readonly CurvePoint[];
}

/** Share of the axis between the curves at one epsilon, so that their error bars can be told apart. */
const SIDE_STEP = 0.013;

/** Utility against epsilon on a logarithmic axis, with infinity in a place of its own at the right edge. */
export function utilityCurves(
  series: readonly UtilitySeries[],
  metricName: string,
  nonPrivate: number | null,
): Chart {
  const points = series.flatMap((one) => one.points);
  const finite = points.map((point) => point.epsilon).filter(Number.isFinite);
  const logs = finite.map(Math.log2);
  // Counted from the least epsilon, so that no place is negative: labels are looked up by their digits.
  const least = logs.length === 0 ? 0 : Math.min(...logs);
  const infinity = (logs.length === 0 ? 0 : Math.max(...logs) - least) + 1.5;
  const hasInfinity = points.some((point) => point.epsilon === Infinity);
  const place = (value: number): number =>
    Number.isFinite(value) ? Math.log2(value) - least : infinity;
  const right = hasInfinity ? infinity + 0.7 : infinity - 1.15;
  const sideStep = SIDE_STEP * (right + 0.35);
  const models = series.filter(({ baseline }) => !baseline);
  const ticks = [...new Set(points.map((point) => point.epsilon))].sort((a, b) => a - b);
  const ends = points.flatMap(({ mean, sd }) => [mean - sd, mean + sd]);
  const domain = paddedDomain(nonPrivate === null ? ends : [...ends, nonPrivate], 0.16);
  const spoken = series
    .map(
      (one) =>
        `${one.name}: ${one.points.map((p) => `${Number.isFinite(p.epsilon) ? `epsilon ${epsilon(p.epsilon)}` : 'non-private'} ${metric(p.mean)}`).join(', ')}`,
    )
    .join('; ');
  return {
    label: `${metricName} against epsilon, a simulation on public data. ${spoken}.`,
    draw: (width) =>
      ({
        width,
        height: width > 400 ? 340 : 290,
        layer: [
          ...(hasInfinity ? nonPrivateBand(infinity) : []),
          ...(nonPrivate === null ? [] : [nonPrivateLine(nonPrivate)]),
          ...series.flatMap((one) => {
            const position = models.indexOf(one);
            const shift = one.baseline ? 0 : (position - (models.length - 1) / 2) * sideStep;
            const values = one.points.map((point) => ({
              x: place(point.epsilon) + shift,
              mean: point.mean,
              low: point.mean - point.sd,
              high: point.mean + point.sd,
              private: Number.isFinite(point.epsilon),
            }));
            return one.baseline ? baselineLayers(one, values) : modelLayers(one, values);
          }),
        ],
        encoding: {
          x: epsilonAxis('ε (logarithmic)', [-0.35, right], ticks, place),
          y: metricAxis(metricName, domain),
        },
      }) as TopLevelSpec,
  };
}

function nonPrivateBand(infinity: number): object[] {
  const color = paint(COLORS.nonPrivate);
  return [
    {
      data: { values: [{ from: infinity - 0.7, to: infinity + 0.7 }] },
      mark: { type: 'rect', color, opacity: 0.1 },
      encoding: { x: { field: 'from', type: 'quantitative' }, x2: { field: 'to' } },
    },
    {
      data: { values: [{ at: infinity, text: 'non-private' }] },
      mark: { type: 'text', baseline: 'top', color, fontWeight: 'bold' },
      encoding: {
        x: { field: 'at', type: 'quantitative' },
        y: { value: 5 },
        text: { field: 'text' },
      },
    },
  ];
}

function nonPrivateLine(value: number): object {
  return {
    data: { values: [{}] },
    mark: { type: 'rule', color: paint(COLORS.nonPrivate), strokeWidth: 1.5, strokeDash: [1, 3] },
    encoding: { x: null, y: { datum: value } },
  };
}

function baselineLayers({ look }: UtilitySeries, values: readonly object[]): object[] {
  const color = paint(look.color);
  return [
    {
      data: { values },
      mark: { type: 'line', color, strokeWidth: 1.8, strokeDash: look.dash },
      encoding: { x: { field: 'x' }, y: { field: 'mean' } },
    },
    {
      data: { values },
      mark: { type: 'point', filled: true, fill: color, size: 14, opacity: 1 },
      encoding: { x: { field: 'x' }, y: { field: 'mean' } },
    },
  ];
}

function modelLayers({ look }: UtilitySeries, values: readonly object[]): object[] {
  const color = paint(look.color);
  return [
    {
      data: { values },
      transform: [{ filter: { field: 'private', equal: true } }],
      mark: { type: 'line', color, strokeWidth: 2.5 },
      encoding: { x: { field: 'x' }, y: { field: 'mean' } },
    },
    {
      data: { values },
      mark: { type: 'rule', color, strokeWidth: 1.5 },
      encoding: { x: { field: 'x' }, y: { field: 'low' }, y2: { field: 'high' } },
    },
    {
      data: { values },
      mark: {
        type: 'point',
        shape: look.mark,
        filled: true,
        fill: color,
        stroke: paint('card'),
        size: 85,
        opacity: 1,
      },
      encoding: { x: { field: 'x' }, y: { field: 'mean' } },
    },
  ];
}
