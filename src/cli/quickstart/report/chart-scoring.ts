import type { TopLevelSpec } from 'vega-lite';
import { COLORS, paddedDomain, paint, referenceLines } from '../../report/chart-parts.ts';
import { smallBound } from '../../report/format.ts';
import type { Chart } from '../../report/svg.ts';

/** A plain score and the one that came back from encryption. */
export interface ScorePair {
  readonly plain: number;
  readonly encrypted: number;
}

/** Decrypted against plain scores: one point an item, on the diagonal when nothing was lost. */
export function scorePairs(pairs: readonly ScorePair[]): Chart {
  const domain = paddedDomain(
    pairs.flatMap(({ plain, encrypted }) => [plain, encrypted]),
    0.05,
  );
  return {
    label: `Scatter plot of ${pairs.length} items: the score computed under encryption against the score computed in the clear. The points lie along the diagonal.`,
    draw: (width) =>
      ({
        width,
        height: width,
        layer: [
          {
            data: { values: domain.map((end) => ({ plain: end, encrypted: end })) },
            mark: { type: 'line', color: paint('rule'), strokeWidth: 1.5, strokeDash: [4, 3] },
            encoding: { x: { field: 'plain' }, y: { field: 'encrypted' } },
          },
          {
            data: { values: pairs },
            mark: { type: 'circle', color: paint(COLORS.private), size: 22, opacity: 0.55 },
            encoding: { x: { field: 'plain' }, y: { field: 'encrypted' } },
          },
        ],
        encoding: {
          x: {
            type: 'quantitative',
            title: 'score in the clear',
            scale: { domain, zero: false, nice: false },
            axis: { tickCount: 4 },
          },
          y: {
            type: 'quantitative',
            title: 'score under encryption',
            scale: { domain, zero: false, nice: false },
            axis: { tickCount: 4 },
          },
        },
      }) as TopLevelSpec,
  };
}

/** The same points, magnified to the difference alone, with the bound on what encryption adds. */
export function scoreDifferences(pairs: readonly ScorePair[], errorBound: number): Chart {
  const values = pairs.map(({ plain, encrypted }) => ({ plain, difference: encrypted - plain }));
  const bound = Number.isFinite(errorBound) ? errorBound : 0;
  const most = Math.max(bound, ...values.map(({ difference }) => Math.abs(difference))) * 1.15 || 1;
  const largest = Math.max(0, ...values.map(({ difference }) => Math.abs(difference)));
  return {
    label: `Difference between the two scores of each item: at most ${smallBound(largest)} in this sample, with the stated bound of ${smallBound(bound)} as a band.`,
    draw: (width) =>
      ({
        width,
        height: width,
        layer: [
          {
            data: { values: [{ low: -bound, high: bound }] },
            mark: { type: 'rect', color: paint('viridian'), opacity: 0.14 },
            encoding: { y: { field: 'low' }, y2: { field: 'high' } },
          },
          ...referenceLines([
            { value: bound, color: 'viridian', dash: [4, 3] },
            { value: -bound, color: 'viridian', dash: [4, 3] },
          ]),
          {
            data: { values },
            mark: { type: 'circle', color: paint(COLORS.private), size: 22, opacity: 0.55 },
            encoding: { x: { field: 'plain' }, y: { field: 'difference' } },
          },
        ],
        encoding: {
          x: {
            type: 'quantitative',
            title: 'score in the clear',
            scale: {
              domain: paddedDomain(
                pairs.map(({ plain }) => plain),
                0.05,
              ),
              zero: false,
              nice: false,
            },
            axis: { tickCount: 4 },
          },
          y: {
            type: 'quantitative',
            title: 'difference',
            scale: { domain: [-most, most], nice: false },
            axis: { tickCount: 5 },
          },
        },
      }) as TopLevelSpec,
  };
}
