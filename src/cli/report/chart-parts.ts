import { epsilon } from './format.ts';

/** Colours by meaning: names of CSS variables. */
export const COLORS = {
  fedavg: 'ultramarine',
  'one-shot': 'viridian',
  'one-shot-without-prior': 'plum',
  private: 'ultramarine',
  popularity: 'slate',
  ownHistory: 'ochre',
  nonPrivate: 'vermilion',
  limit: 'vermilion',
} as const;

/** The paint of that name, as vega takes it. */
export function paint(name: string): string {
  return `var(--${name})`;
}

/** Where a chart ends when there is nothing to show: an axis that is still an axis. */
export function paddedDomain(values: readonly number[], padding: number): [number, number] {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return [0, 1];
  const low = Math.min(...finite);
  const high = Math.max(...finite);
  const room = Math.max((high - low) * padding, 0.01);
  return [low - room, high + room];
}

/** A line to compare with. */
export interface Reference {
  readonly value: number;
  readonly color: string;
  readonly dash: readonly [number, number];
}

/** Horizontal rules at the references. */
export function referenceLines(references: readonly Reference[]): object[] {
  return references
    .filter(({ value }) => Number.isFinite(value))
    .map(({ value, color, dash }) => ({
      data: { values: [{}] },
      mark: { type: 'rule', color: paint(color), strokeDash: dash, strokeWidth: 1.5 },
      encoding: { x: null, y: { datum: value } },
    }));
}

/**
 * Layout for a chart with names at its left edge. Without a canvas vega takes every letter for 0.8 of the
 * font size, half again as wide as it is; so the room for names is set here, and the limit widened.
 */
export function namedRows(
  width: number,
  rows: number,
  nameWidth: number,
): {
  readonly autosize: { readonly type: 'none' };
  readonly padding: Readonly<Record<'left' | 'right' | 'top' | 'bottom', number>>;
  readonly width: number;
  readonly height: number;
  readonly labels: {
    readonly labelLimit: number;
    readonly labelFontSize: number;
    readonly labelColor: string;
  };
} {
  const padding = { left: nameWidth, right: 10, top: 4, bottom: 44 };
  return {
    autosize: { type: 'none' },
    padding,
    width: width - padding.left - padding.right,
    height: rows,
    labels: { labelLimit: nameWidth * 1.6, labelFontSize: 13, labelColor: 'var(--ink)' },
  };
}

/**
 * A logarithmic axis of epsilon.
 *
 * @param ticks - the epsilons that are named
 * @param place - where on the axis an epsilon goes
 */
export function epsilonAxis(
  title: string,
  domain: readonly [number, number],
  ticks: readonly number[],
  place: (epsilon: number) => number,
): object {
  const labels = Object.fromEntries(ticks.map((tick) => [place(tick).toFixed(6), epsilon(tick)]));
  return {
    type: 'quantitative',
    title,
    scale: { domain, nice: false, zero: false },
    axis: {
      values: ticks.map(place),
      labelExpr: `(${JSON.stringify(labels)})[format(datum.value, '.6f')]`,
      labelFontSize: 13,
    },
  };
}

/** An axis of a metric between 0 and 1, with three digits where it shows little of that. */
export function metricAxis(title: string, domain: readonly [number, number]): object {
  return {
    type: 'quantitative',
    title,
    scale: { domain, zero: false },
    axis: { tickCount: 6, format: domain[1] - domain[0] < 0.08 ? '.3f' : '.2f' },
  };
}
