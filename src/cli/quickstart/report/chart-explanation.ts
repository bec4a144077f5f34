import type { TopLevelSpec } from 'vega-lite';
import { namedRows, paddedDomain, paint } from '../../report/chart-parts.ts';
import { signed } from '../../report/format.ts';
import { plainText } from '../../report/html.ts';
import type { Chart } from '../../report/svg.ts';

/** A bar of an explanation. */
export interface ExplanationBar {
  readonly name: string;
  readonly value: number;
}

/** What speaks for a tag and what against it, and the sum with the interval of the privacy noise. */
export function explanationBars(
  bars: readonly ExplanationBar[],
  total: { readonly value: number; readonly halfWidth: number } | null,
): Chart {
  const values = bars
    .filter(({ value }) => Number.isFinite(value))
    .map(({ name, value }, order) => ({
      name: plainText(name),
      value,
      order,
      text: signed(value),
    }));
  const sumName = 'all together';
  const interval =
    total === null
      ? []
      : [
          {
            name: sumName,
            value: total.value,
            order: values.length,
            low: total.value - total.halfWidth,
            high: total.value + total.halfWidth,
          },
        ];
  const ends = [
    0,
    ...values.map(({ value }) => value),
    ...interval.flatMap(({ low, high }) => [low, high]),
  ];
  const spoken = values.map(({ name, text }) => `${name} ${text}`).join('; ');
  const sum =
    total === null
      ? ''
      : ` All together ${signed(total.value)}, give or take ${signed(total.halfWidth).replace('+', '')} from the noise.`;
  const numbers = (side: 'positive' | 'negative'): object => ({
    data: { values: values.filter(({ value }) => (side === 'positive' ? value >= 0 : value < 0)) },
    mark: {
      type: 'text',
      align: side === 'positive' ? 'left' : 'right',
      dx: side === 'positive' ? 6 : -6,
    },
    encoding: { x: { field: 'value' }, text: { field: 'text' } },
  });
  return {
    label: `Bars of what speaks for the tag and what against it: ${spoken}.${sum}`,
    draw: (total) => {
      const wide = total > 400;
      const { labels, ...layout } = namedRows(
        total,
        (values.length + interval.length) * 30,
        wide ? 130 : 104,
      );
      return {
        ...layout,
        layer: [
          {
            data: { values },
            mark: { type: 'bar', height: 16 },
            encoding: {
              x: { field: 'value', stack: null },
              color: {
                condition: { test: 'datum.value < 0', value: paint('vermilion') },
                value: paint('ultramarine'),
              },
            },
          },
          {
            data: { values: [{}] },
            mark: { type: 'rule', color: paint('rule') },
            encoding: { x: { datum: 0 }, y: null },
          },
          numbers('positive'),
          numbers('negative'),
          {
            data: { values: interval },
            mark: { type: 'bar', height: 16, color: paint('ochre'), opacity: 0.3, cornerRadius: 8 },
            encoding: { x: { field: 'low' }, x2: { field: 'high' } },
          },
          {
            data: { values: interval },
            mark: {
              type: 'point',
              filled: true,
              shape: 'diamond',
              size: 130,
              color: paint('ochre'),
              opacity: 1,
            },
            encoding: { x: { field: 'value' } },
          },
        ],
        encoding: {
          x: {
            type: 'quantitative',
            title: 'against the tag  ←  log-odds  →  for the tag',
            // Room for the numbers beside the bars.
            scale: { domain: paddedDomain(ends, wide ? 0.12 : 0.3), nice: false },
            axis: { tickCount: wide ? 7 : 4, grid: true },
          },
          y: {
            field: 'name',
            type: 'nominal',
            title: null,
            sort: { field: 'order', op: 'min' },
            axis: labels,
          },
        },
      } as TopLevelSpec;
    },
  };
}
