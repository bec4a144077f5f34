import { VelaturaError } from '../core/errors.ts';
import { type Bounds, boundOf, type FeatureBound, isCountMap, type LabelBound } from './bounds.ts';
import { share, smoothedShare, sqrtShare, unitNorm } from './tag-features.ts';

const SHARE_MAPS = {
  share,
  'smoothed-share': smoothedShare,
  'sqrt-share': sqrtShare,
} as const;
type ShareMap = keyof typeof SHARE_MAPS;

/** Columns that are mapped together. */
interface ShareGroup {
  readonly map: ShareMap;
  /** Positions among the features. */
  readonly members: readonly number[];
}

/** Options of a {@link FeatureBuilder}. */
export interface FeatureBuilderOptions {
  /** Scales every row to l2 norm 1 by itself. Default: false. */
  readonly unitNorm?: boolean;
}

/**
 * Turns rows of a table into features that are bounded by public constants alone, so that no bound has to
 * be learnt from people's data.
 *
 * ## Privacy
 * Every row is mapped by itself: features of one person do not depend on anybody else. See
 * `features.proof.md` for the norm bound.
 */
export class FeatureBuilder {
  /** Names of the features, in order: the columns that are not dropped. */
  readonly names: readonly string[];
  /** Public bound on the l2 norm of every row, but for rounding. */
  readonly normBound: number;
  readonly #columns: readonly string[];
  /** Position in a row of each feature. */
  readonly #positions: readonly number[];
  readonly #bounds: readonly FeatureBound[];
  readonly #groups: readonly ShareGroup[];
  readonly #unitNorm: boolean;
  #clipped = 0;

  /**
   * @param columns - names of the columns of every row, in order
   * @throws {VelaturaError} `data/invalid-value` when a column has no bound or two; `data/empty` when every
   * column is dropped
   */
  constructor(bounds: Bounds, columns: readonly string[], options: FeatureBuilderOptions = {}) {
    const found = columns.map((column) => boundOf(bounds.features, column));
    const kept = found.flatMap((bound, position) => (bound.drop ? [] : [position]));
    if (kept.length === 0) {
      throw new VelaturaError('data/empty', 'the bounds leave no feature', {
        columns: columns.length,
      });
    }
    this.#columns = [...columns];
    this.#positions = kept;
    this.#bounds = kept.map((position) => found[position] as FeatureBound);
    this.#groups = shareGroups(this.#bounds);
    this.#unitNorm = options.unitNorm ?? false;
    this.names = kept.map((position) => columns[position] as string);
    const single = this.#bounds.filter((bound) => !isShareMap(bound.map)).length;
    this.normBound = this.#unitNorm ? 1 : Math.sqrt(single + this.#groups.length);
  }

  /** How many values were beyond their bounds so far. A fact about people: not for publication. */
  get clippedValues(): number {
    return this.#clipped;
  }

  /**
   * Features of one row.
   *
   * @param values - `[columns]`, in the order of the columns
   * @param row - number of the row, for the error only
   * @returns `[features]`
   * @throws {VelaturaError} `data/invalid-value` for NaN, an infinity or a negative count; details name row
   * and column
   */
  build(values: ArrayLike<number>, row: number): Float64Array {
    if (values.length !== this.#columns.length) {
      throw new RangeError(
        `"values" expected ${this.#columns.length} numbers, got ${values.length}`,
      );
    }
    const features = new Float64Array(this.#positions.length);
    for (let i = 0; i < features.length; i++) {
      const position = this.#positions[i] as number;
      const bound = this.#bounds[i] as FeatureBound;
      const value = values[position] as number;
      if (!Number.isFinite(value)) throw this.#badValue(row, position, 'a finite number');
      if (value < 0 && isCountMap(bound.map))
        throw this.#badValue(row, position, 'a count of at least 0');
      const clipped = Math.min(Math.max(value, bound.min), bound.max);
      if (clipped !== value) this.#clipped += 1;
      features[i] = mapSingle(clipped, bound);
    }
    for (const { map, members } of this.#groups) {
      const mapped = SHARE_MAPS[map](members.map((i) => features[i] as number));
      members.forEach((i, j) => {
        features[i] = mapped[j] as number;
      });
    }
    return this.#unitNorm ? unitNorm(features) : features;
  }

  #badValue(row: number, position: number, expected: string): VelaturaError {
    return badCell(row, this.#columns[position] as string, expected);
  }
}

/** Turns label columns into 0 and 1, and refuses what is neither. */
export class LabelBuilder {
  readonly names: readonly string[];
  /** `[labels]`, public guesses of the mean of each label, in [0, 1]. */
  readonly centers: Float64Array;
  readonly #bounds: readonly LabelBound[];

  /** @throws {VelaturaError} `data/invalid-value` when a column has no bound or two */
  constructor(bounds: Bounds, columns: readonly string[]) {
    this.names = [...columns];
    this.#bounds = columns.map((column) => boundOf(bounds.labels, column));
    this.centers = Float64Array.from(this.#bounds, (b) => (b.center - b.min) / (b.max - b.min));
  }

  /**
   * Labels of one row.
   *
   * @param values - `[labels]`
   * @param row - number of the row, for the error only
   * @returns `[labels]`, 0 or 1
   * @throws {VelaturaError} `data/invalid-value`; details name row and column
   */
  build(values: ArrayLike<number>, row: number): Float64Array {
    if (values.length !== this.names.length) {
      throw new RangeError(`"values" expected ${this.names.length} numbers, got ${values.length}`);
    }
    return Float64Array.from(this.#bounds, ({ min, max }, i) => {
      const value = values[i];
      if (value !== min && value !== max) {
        throw badCell(row, this.names[i] as string, `${min} or ${max}`);
      }
      return value === max ? 1 : 0;
    });
  }
}

/** The value of a feature that needs no other column; members of a share group stay counts for now. */
function mapSingle(clipped: number, bound: FeatureBound): number {
  const { min, max, map } = bound;
  switch (map) {
    case 'linear':
      return (clipped - min) / (max - min);
    case 'log1p':
      return Math.log1p(clipped - min) / Math.log1p(max - min);
    case 'indicator':
      return clipped > min ? 1 : 0;
    default:
      return clipped;
  }
}

function shareGroups(bounds: readonly FeatureBound[]): ShareGroup[] {
  const groups = new Map<string, { map: ShareMap; members: number[] }>();
  bounds.forEach(({ map, pattern }, i) => {
    if (!isShareMap(map)) return;
    const group = groups.get(pattern) ?? { map, members: [] };
    group.members.push(i);
    groups.set(pattern, group);
  });
  return [...groups.values()];
}

function isShareMap(map: string): map is ShareMap {
  return Object.hasOwn(SHARE_MAPS, map);
}

function badCell(row: number, column: string, expected: string): VelaturaError {
  return new VelaturaError(
    'data/invalid-value',
    `row ${row}: column "${column}" expected ${expected}`,
    { row, column },
  );
}
