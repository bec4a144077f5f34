import type { TopLevelSpec } from 'vega-lite';
import {
  COLORS,
  namedRows,
  paddedDomain,
  paint,
  type Reference,
  referenceLines,
} from '../../report/chart-parts.ts';
import { metric } from '../../report/format.ts';
import { plainText } from '../../report/html.ts';
import type { Chart } from '../../report/svg.ts';

/** Precision@3 from round to round, between the lines it is to be judged by. */
export function precisionByRound(
  rounds: readonly { readonly round: number; readonly precisionAt3: number | null }[],
  references: readonly Reference[],
): Chart {
  const values = rounds.flatMap(({ round, precisionAt3 }) =>
    precisionAt3 === null || !Number.isFinite(precisionAt3)
      ? []
      : [{ round, precision: precisionAt3 }],
  );
  const domain = paddedDomain(
    [...values, ...references].map((v) => ('round' in v ? v.precision : v.value)),
    0.12,
  );
  const first = values[0];
  const last = values.at(-1);
  return {
    label:
      first === undefined || last === undefined
        ? 'No precision was measured from round to round.'
        : `Line of precision at 3 over ${values.length} rounds: ${metric(first.precision)} after the first, ${metric(last.precision)} after the last.`,
    draw: (width) =>
      ({
        width,
        height: width > 400 ? 260 : 220,
        data: { values },
        layer: [
          ...referenceLines(references),
          {
            mark: {
              type: 'line',
              color: paint(COLORS.private),
              strokeWidth: 2.5,
              point: { filled: true, fill: paint(COLORS.private), size: 36 },
            },
            encoding: {
              x: { field: 'round', type: 'quantitative' },
              y: { field: 'precision', type: 'quantitative' },
            },
          },
        ],
        encoding: {
          x: {
            type: 'quantitative',
            title: 'round',
            scale: { domain: [0.5, Math.max(1, ...values.map((v) => v.round)) + 0.5], nice: false },
            axis: { tickMinStep: 1, tickCount: width > 400 ? 10 : 5, format: 'd' },
          },
          y: {
            type: 'quantitative',
            title: 'precision@3',
            scale: { domain, zero: false },
            axis: { tickCount: 5, format: '.2f' },
          },
        },
      }) as TopLevelSpec,
  };
}

/** One quantity in one round; `spread` is the deviation of its noise. */
interface RoundValue {
  readonly round: number;
  readonly value: number;
  readonly spread?: number;
}

/** One quantity from round to round, in small, with its noise or its limit when they are given. */
export function smallRounds(options: {
  readonly label: string;
  readonly values: readonly RoundValue[];
  readonly limit?: number;
  readonly format: string;
}): Chart {
  const { limit, format, label } = options;
  const noisy = options.values.some(({ spread }) => spread !== undefined);
  const values = options.values
    .filter(({ value, spread = 0 }) => Number.isFinite(value) && Number.isFinite(spread))
    .map(({ round, value, spread = 0 }) => ({
      round,
      value,
      low: noisy ? Math.max(0, value - spread) : 0,
      high: noisy ? value + spread : value,
    }));
  const top = Math.max(0, ...values.map(({ high }) => high), limit ?? 0) || 1;
  return {
    label,
    draw: (width) =>
      ({
        width,
        height: 130,
        data: { values },
        layer: [
          {
            mark: { type: 'area', color: paint(COLORS.private), opacity: 0.16 },
            encoding: { y: { field: 'low' }, y2: { field: 'high' } },
          },
          {
            mark: { type: 'line', color: paint(COLORS.private), strokeWidth: 2 },
            encoding: { y: { field: 'value' } },
          },
          ...referenceLines(
            limit === undefined ? [] : [{ value: limit, color: COLORS.limit, dash: [4, 3] }],
          ),
        ],
        encoding: {
          x: {
            field: 'round',
            type: 'quantitative',
            title: null,
            scale: { nice: false, zero: false },
            axis: { tickCount: 4, tickMinStep: 1, format: 'd' },
          },
          y: {
            type: 'quantitative',
            title: null,
            scale: { domain: [0, top * 1.08] },
            axis: { tickCount: 3, format },
          },
        },
      }) as TopLevelSpec,
  };
}

/** Precision@3 of one way to choose tags, in one scene. */
interface ComparedMethod {
  readonly scene: string;
  readonly method: 'private' | 'popularity' | 'ownHistory' | 'nonPrivate';
  readonly precision: number;
}

const METHOD_SHAPES: Readonly<Record<ComparedMethod['method'], string>> = {
  private: 'circle',
  popularity: 'square',
  ownHistory: 'triangle-up',
  nonPrivate: 'diamond',
};

/** The private model between its baselines, scene by scene. */
export function methodComparison(methods: readonly ComparedMethod[]): Chart {
  const values = methods
    .filter(({ precision }) => Number.isFinite(precision))
    .map((entry) => ({ ...entry, scene: plainText(entry.scene) }));
  const scenes = [...new Set(values.map(({ scene }) => scene))];
  const order: ComparedMethod['method'][] = ['popularity', 'ownHistory', 'nonPrivate', 'private'];
  const domain = paddedDomain(
    values.map(({ precision }) => precision),
    0.08,
  );
  return {
    label: `Dot plot of precision at 3 for ${scenes.length} scenes: the private model, popularity, own history with popularity, and training without privacy. The table below holds the numbers.`,
    draw: (total) => {
      const { labels, ...layout } = namedRows(total, scenes.length * 44, total > 400 ? 110 : 84);
      return {
        ...layout,
        data: { values },
        layer: [
          {
            mark: { type: 'rule', color: paint('rule'), strokeWidth: 1.5 },
            encoding: {
              x: { aggregate: 'min', field: 'precision' },
              x2: { aggregate: 'max', field: 'precision' },
            },
          },
          ...order.map((method) => ({
            transform: [{ filter: { field: 'method', equal: method } }],
            mark: {
              type: 'point',
              shape: METHOD_SHAPES[method],
              size: method === 'private' ? 190 : 110,
              filled: true,
              fill: method === 'nonPrivate' ? paint('card') : paint(COLORS[method]),
              stroke: method === 'nonPrivate' ? paint(COLORS.nonPrivate) : paint('card'),
              strokeWidth: method === 'nonPrivate' ? 2 : 1,
              opacity: 1,
            },
            encoding: { x: { field: 'precision' } },
          })),
        ],
        encoding: {
          x: {
            type: 'quantitative',
            title: 'precision@3',
            scale: { domain, zero: false },
            axis: { grid: true, tickCount: total > 400 ? 7 : 4, format: '.2f' },
          },
          y: {
            field: 'scene',
            type: 'nominal',
            title: null,
            sort: null,
            axis: labels,
          },
        },
      } as TopLevelSpec;
    },
  };
}
