import type { LegendEntry } from '../report/html.ts';

/** How a series is drawn, in charts and in their legends alike. */
export interface SeriesLook {
  /** Name of a CSS variable. */
  readonly color: string;
  /** Shape of the points, as vega calls it. */
  readonly mark: string;
  readonly key: LegendEntry['shape'];
  readonly dash: readonly [number, number];
}

const SOLID = [1, 0] as const;

/** Every method that can be swept looks different in colour and in shape. */
const LOOKS: Readonly<Record<string, SeriesLook>> = {
  auto: { color: 'ultramarine', mark: 'circle', key: 'dot', dash: SOLID },
  'one-shot': { color: 'viridian', mark: 'square', key: 'square', dash: SOLID },
  preconditioned: { color: 'plum', mark: 'triangle-up', key: 'triangle', dash: SOLID },
  fedavg: { color: 'ink', mark: 'diamond', key: 'diamond', dash: SOLID },
  popularity: { color: 'slate', mark: 'circle', key: 'dots', dash: [2, 3] },
  ownHistory: { color: 'ochre', mark: 'circle', key: 'dashes', dash: [7, 3] },
};

const ANY: SeriesLook = { color: 'ink', mark: 'circle', key: 'dot', dash: SOLID };
const MODELS = ['auto', 'one-shot', 'preconditioned', 'fedavg'] as const;

/** The look of a method or baseline. */
export function lookOf(method: string): SeriesLook {
  return LOOKS[method] ?? ANY;
}

/**
 * The look of a setting of a sweep: that of its method where it is nothing but the method, else one in turn.
 *
 * @param position - among the settings of the sweep
 */
export function lookOfSetting(setting: string, position: number): SeriesLook {
  return LOOKS[setting] ?? lookOf(MODELS[position % MODELS.length] ?? '');
}
