import * as v from 'valibot';
import { VelaturaError } from '../core/errors.ts';
import { globSpecificity, matchesGlob } from './glob.ts';
import { copyPlainJson } from './plain-json.ts';
import { dictionary, issuePath } from './shapes.ts';

/**
 * How a clipped column becomes a feature. `linear`, `log1p` and `indicator` map one column to [0, 1];
 * `share`, `smoothed-share` and `sqrt-share` map all columns of one pattern together.
 */
export const FEATURE_MAPS = [
  'linear',
  'log1p',
  'indicator',
  'share',
  'smoothed-share',
  'sqrt-share',
] as const;
/** One of {@link FEATURE_MAPS}. */
export type FeatureMap = (typeof FEATURE_MAPS)[number];

/** Public bounds of the columns that fit a pattern; fixed without looking at the data. */
export interface FeatureBound {
  readonly pattern: string;
  /** Columns of this pattern are left out. */
  readonly drop: boolean;
  readonly min: number;
  readonly max: number;
  readonly map: FeatureMap;
}

/** Public facts about the labels that fit a pattern. */
export interface LabelBound {
  readonly pattern: string;
  /** Value of a label that is off. */
  readonly min: number;
  /** Value of a label that is on. */
  readonly max: number;
  /** Public guess of the mean, from which labels are counted. */
  readonly center: number;
}

/** A bounds file. */
export interface Bounds {
  readonly features: readonly FeatureBound[];
  readonly labels: readonly LabelBound[];
}

/** Within whole numbers that a float holds, so that differences of bounds do not overflow. */
const bound = v.pipe(
  v.number(),
  v.minValue(Number.MIN_SAFE_INTEGER),
  v.maxValue(Number.MAX_SAFE_INTEGER),
);
const featureShape = v.union([
  v.strictObject({ drop: v.literal(true) }),
  v.strictObject({
    min: bound,
    max: bound,
    map: v.optional(v.picklist(FEATURE_MAPS), 'linear'),
  }),
]);
const labelShape = v.strictObject({ min: bound, max: bound, center: bound });
const boundsShape = v.strictObject({
  features: dictionary(v.string(), featureShape),
  labels: v.optional(dictionary(v.string(), labelShape), {}),
});

/**
 * Reads a bounds file: public bounds for columns, by name or by a pattern with `*`.
 *
 * @param json - parsed JSON, such as
 * `{ "features": { "n_*": { "min": 0, "max": 2000, "map": "share" }, "*": { "drop": true } } }`
 * @throws {VelaturaError} `data/invalid-value`; details name the path
 */
export function parseBounds(json: unknown): Bounds {
  const copy = copyPlainJson(json);
  if (!copy.ok) throw invalid(copy.problem.path, `expected ${copy.problem.expected}`);
  const parsed = v.safeParse(boundsShape, copy.value);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw invalid(issuePath(issue), issue.message);
  }
  return {
    features: Object.entries(parsed.output.features).map(([pattern, bound]) =>
      featureBound(pattern, bound),
    ),
    labels: Object.entries(parsed.output.labels).map(([pattern, bound]) =>
      labelBound(pattern, bound),
    ),
  };
}

/**
 * The bound whose pattern fits a column most specifically: a full name before a pattern, more fixed
 * characters before fewer, so `*` comes last.
 *
 * @throws {VelaturaError} `data/invalid-value` when no pattern fits, or two fit equally well
 */
export function boundOf<T extends { readonly pattern: string }>(
  bounds: readonly T[],
  column: string,
): T {
  const fitting = bounds.filter((bound) => matchesGlob(bound.pattern, column));
  const best = Math.max(...fitting.map((bound) => globSpecificity(bound.pattern)));
  const [bound, rival] = fitting.filter((b) => globSpecificity(b.pattern) === best);
  if (bound === undefined) {
    throw new VelaturaError('data/invalid-value', `no bound covers column "${column}"`, { column });
  }
  if (rival !== undefined) {
    throw new VelaturaError(
      'data/invalid-value',
      `"${bound.pattern}" and "${rival.pattern}" fit column "${column}" equally well`,
      { column, patterns: [bound.pattern, rival.pattern] },
    );
  }
  return bound;
}

function featureBound(pattern: string, bound: v.InferOutput<typeof featureShape>): FeatureBound {
  if ('drop' in bound) return { pattern, drop: true, min: 0, max: 0, map: 'linear' };
  const path = `features.${pattern}`;
  if (bound.min >= bound.max) throw invalid(path, `expected min < max`);
  if (isCountMap(bound.map) && bound.min < 0) {
    throw invalid(path, `expected min of at least 0 for the map "${bound.map}"`);
  }
  return { pattern, drop: false, ...bound };
}

function labelBound(pattern: string, bound: v.InferOutput<typeof labelShape>): LabelBound {
  const inside = bound.min < bound.max && bound.center >= bound.min && bound.center <= bound.max;
  if (!inside) throw invalid(`labels.${pattern}`, 'expected min < max and center between them');
  return { pattern, ...bound };
}

/** True for maps of counts, for which a negative value is no value at all. */
export function isCountMap(map: FeatureMap): boolean {
  return map !== 'linear' && map !== 'indicator';
}

function invalid(path: string, message: string): VelaturaError {
  return new VelaturaError('data/invalid-value', `bounds ${path}: ${message}`, { path });
}
