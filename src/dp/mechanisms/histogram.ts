import { invalid } from '../accounting/refuse.ts';
import type { NeighbourRelation, Release } from '../plan.ts';
import { type AdditiveNoise, type LatticeSensitivity, latticeNoise } from './additive-noise.ts';
import { ExactCapacity, releaseSum } from './noisy-sum.ts';
import type { ClippingOptions } from './record-options.ts';
import { productUp, sqrtUp } from './rounding.ts';
import { type MechanismOptions, requireCount, termsOf } from './terms.ts';

/** What a bin is called. */
export type HistogramCategory = string | number;

/** Options of {@link dpHistogram}. */
export interface HistogramOptions<C extends HistogramCategory>
  extends MechanismOptions,
    ClippingOptions {
  /** The bins, all of them: a public list, never collected from the data. Others are dropped. */
  readonly categories: readonly C[];
  /** Most bins that one user counts in; the first ones are kept. */
  readonly maxCategories: number;
  /** Most records that one user counts for in one bin. Default 1. */
  readonly maxPerCategory?: number;
  readonly noise: AdditiveNoise;
}

const MAX_PER_CATEGORY = 2 ** 20;
const MAX_CATEGORIES = 2 ** 24;

/**
 * Counts records by category with noise on every bin, empty ones too.
 *
 * ## Privacy
 * Unit: user, in at most maxCategories bins with at most maxPerCategory records each; relation: as given.
 * Costs the event of `noise`. A bin is never left out because it is empty: which ones are would tell who is in
 * the data.
 *
 * @param users - the categories of one user's records each; visited once
 * @returns noisy counts in the order of `categories`; integers that may be negative
 * @throws {VelaturaError} `dp/invalid-parameter`, `dp/unsupported-event`
 */
export function dpHistogram<C extends HistogramCategory>(
  users: Iterable<ArrayLike<C>>,
  options: HistogramOptions<C>,
): Release<Float64Array> {
  const terms = termsOf(options);
  const { categories, maxCategories, maxPerCategory = 1, noise } = options;
  const bins = new Map(categories.map((category, bin) => [category, bin]));
  if (bins.size === 0 || bins.size !== categories.length) {
    throw invalid('categories', 'a list of different names', categories.length);
  }
  requireCount('categories.length', bins.size, MAX_CATEGORIES);
  requireCount('maxCategories', maxCategories, MAX_CATEGORIES);
  requireCount('maxPerCategory', maxPerCategory, MAX_PER_CATEGORY);
  const sensitivity = histogramSensitivity(terms.relation, {
    bins: bins.size,
    maxCategories,
    maxPerCategory,
  });
  const bounded = latticeNoise(noise, sensitivity);
  const capacity = new ExactCapacity(maxPerCategory);
  const counts = new Float64Array(bins.size);
  let dropped = 0;
  for (const records of users) {
    capacity.admit();
    const own = new Map<number, number>();
    for (let i = 0; i < records.length; i++) {
      const bin = bins.get(records[i] as C);
      const before = bin === undefined ? maxPerCategory : (own.get(bin) ?? 0);
      if (
        bin === undefined ||
        before === maxPerCategory ||
        (before === 0 && own.size === maxCategories)
      ) {
        dropped++;
        continue;
      }
      own.set(bin, before + 1);
      counts[bin] = (counts[bin] as number) + 1;
    }
  }
  options.onClipped?.({ clipped: 0, dropped });
  return releaseSum(counts, bounded, 1, terms);
}

/**
 * One user adds at most maxPerCategory to each of so many bins. Another user in his place adds it to other bins,
 * or where both are it cancels: two sets of bins, never more than there are.
 */
function histogramSensitivity(
  relation: NeighbourRelation,
  {
    bins,
    maxCategories,
    maxPerCategory,
  }: { readonly bins: number; readonly maxCategories: number; readonly maxPerCategory: number },
): LatticeSensitivity {
  const sets = relation === 'replace-one-user' ? 2 : 1;
  const moved = Math.min(bins, sets * maxCategories);
  return {
    l1: moved * maxPerCategory,
    l2: productUp(sqrtUp(moved), maxPerCategory),
    dimension: bins,
  };
}
