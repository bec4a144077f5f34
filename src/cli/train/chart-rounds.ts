import type { TopLevelSpec } from 'vega-lite';
import { paddedDomain, paint, type Reference, referenceLines } from '../report/chart-parts.ts';
import { metric } from '../report/format.ts';
import type { Chart } from '../report/svg.ts';

/** Up to this width there is room for the curve alone. */
const SMALL = 260;

/** Quality from round to round. */
export interface LearningCurve {
  readonly name: string;
  /** Name of a CSS variable. */
  readonly color: string;
  readonly points: readonly { readonly round: number; readonly value: number }[];
}

/** Learning curves between the lines they are to be judged by. */
export function learningCurves(
  curves: readonly LearningCurve[],
  metricName: string,
  references: readonly Reference[],
): Chart {
  const drawn = curves.filter(({ points }) => points.length > 0);
  const values = drawn.flatMap(({ points }) => points.map(({ value }) => value));
  const domain = paddedDomain([...values, ...references.map(({ value }) => value)], 0.12);
  const last = Math.max(1, ...drawn.flatMap(({ points }) => points.map(({ round }) => round)));
  const spoken = drawn
    .map(({ name, points }) => {
      const [first, end] = [points[0], points.at(-1)];
      return `${name} from ${metric(first?.value ?? Number.NaN)} to ${metric(end?.value ?? Number.NaN)}`;
    })
    .join('; ');
  return {
    label: `${metricName} from round to round: ${spoken}.`,
    draw: (width) =>
      ({
        width,
        height: width > 400 ? 280 : width > SMALL ? 230 : 140,
        layer: [
          ...referenceLines(references),
          ...drawn.map(({ color, points }) => ({
            data: { values: points },
            mark: {
              type: 'line',
              color: paint(color),
              strokeWidth: 2.5,
              point: width > SMALL && { filled: true, fill: paint(color), size: 30 },
            },
            encoding: {
              x: { field: 'round', type: 'quantitative' },
              y: { field: 'value', type: 'quantitative' },
            },
          })),
        ],
        encoding: {
          x: {
            type: 'quantitative',
            title: width > SMALL ? 'round' : null,
            scale: { domain: [0.5, last + 0.5], nice: false, zero: false },
            axis: { tickMinStep: 1, tickCount: width > 400 ? 10 : 4, format: 'd' },
          },
          y: {
            type: 'quantitative',
            title: width > SMALL ? metricName : null,
            scale: { domain, zero: false },
            axis: { tickCount: width > SMALL ? 5 : 3, format: '.2f' },
          },
        },
      }) as TopLevelSpec,
  };
}
