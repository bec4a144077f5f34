import { existsSync, readFileSync } from 'node:fs';
import * as v from 'valibot';
import { VelaturaError } from '../core/errors.ts';
import { boundOf, type FeatureMap, type LabelBound, parseBounds } from '../profile/index.ts';

/** A column that is told by one of several public categories, or by the public interval it falls into. */
export interface OneHotRule {
  readonly pattern: string;
  readonly map: 'one-hot';
  /** Ascending ends of intervals: k edges make k + 1 features. */
  readonly edges: readonly number[] | null;
  /** Texts, one feature each; any other text is none of them. */
  readonly categories: readonly string[] | null;
  readonly weight: number;
}

/** A numeric column with public bounds; values beyond them are clipped. */
export interface NumericRule {
  readonly pattern: string;
  /**
   * Those of {@link FeatureMap}; `sqrt` maps counts like `log1p`; `identity` divides by the larger bound, so
   * that 0 stays 0.
   */
  readonly map: FeatureMap | 'sqrt' | 'identity';
  readonly min: number;
  readonly max: number;
  readonly weight: number;
}

/** Columns that are left out. */
export interface DropRule {
  readonly pattern: string;
  readonly map: 'drop';
}

/** How the columns of a pattern become features. */
export type ColumnRule = OneHotRule | NumericRule | DropRule;

/**
 * How a user's features are brought to norm at most 1: `unit` scales every user to norm 1, `clip` only who
 * is above; each user by itself either way. `auto` is `unit`, but `clip` for so few features that their
 * proportions alone say little.
 */
export type FeatureNorm = 'auto' | 'unit' | 'clip';

/** What a table may hold, fixed without looking at it. */
export interface TrainingBounds {
  readonly features: readonly ColumnRule[];
  readonly labels: readonly LabelBound[];
  readonly norm: FeatureNorm;
  /**
   * Where features and labels are the same tags: how strongly one's own past continues, in logit units a
   * unit of feature. 0 switches the prior off.
   */
  readonly persistence: number;
}

/** What is known of a label when nobody said anything: 0 or 1, on for about one user in four. */
const ANY_LABEL: LabelBound = { pattern: '*', min: 0, max: 1, center: 0.25 };
/** A guess that served on real tag data; see docs/training.md. */
const PERSISTENCE = 6;

/** A bounds document is a page of rules, not data. */
const MAX_BYTES = 1 << 20;

const finite = v.pipe(
  v.number(),
  v.minValue(Number.MIN_SAFE_INTEGER),
  v.maxValue(Number.MAX_SAFE_INTEGER),
);
const weight = v.optional(v.pipe(v.number(), v.gtValue(0), v.maxValue(1000)), 1);
const oneHot = v.strictObject({
  map: v.literal('one-hot'),
  edges: v.optional(v.pipe(v.array(finite), v.minLength(1), v.maxLength(1000))),
  categories: v.optional(v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(10_000))),
  weight,
});
const scaled = v.strictObject({
  map: v.picklist(['sqrt', 'identity']),
  min: finite,
  max: finite,
  weight,
});
const extras = v.object({
  norm: v.optional(v.picklist(['auto', 'unit', 'clip']), 'auto'),
  persistence: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(100)), PERSISTENCE),
});

/**
 * The rules where there is no bounds file: all features are counts, mapped together to square roots of
 * shares, which need no bound; labels are 0 or 1.
 */
export const DEFAULT_BOUNDS: TrainingBounds = {
  features: [{ pattern: '*', map: 'sqrt-share', min: 0, max: Number.MAX_SAFE_INTEGER, weight: 1 }],
  labels: [ANY_LABEL],
  norm: 'auto',
  persistence: PERSISTENCE,
};

/**
 * Reads a bounds file.
 *
 * @throws {VelaturaError} `data/missing-file`, `data/invalid-value`; details name the path inside
 */
export function readBoundsFile(file: string): TrainingBounds {
  if (!existsSync(file)) {
    throw new VelaturaError('data/missing-file', `${file} does not exist`, { file });
  }
  let json: unknown;
  try {
    const text = readFileSync(file, 'utf8');
    if (text.length > MAX_BYTES) throw new RangeError('more than 1 MiB');
    json = JSON.parse(text);
  } catch (error) {
    throw new VelaturaError(
      'data/invalid-value',
      `${file} is no bounds file: ${(error as Error).message}`,
      { file },
      { cause: error },
    );
  }
  return parseTrainingBounds(json);
}

/**
 * Public rules for the columns of a table: what `parseBounds` of the profile layer understands, and more:
 * `sqrt`, `identity`, `one-hot` with `edges` or `categories`, a `weight` of each rule, and at the top `norm` and
 * `persistence`. Without `labels`, labels are 0 or 1 and on for a quarter.
 *
 * @param json - parsed JSON
 * @throws {VelaturaError} `data/invalid-value`; details name the path
 */
export function parseTrainingBounds(json: unknown): TrainingBounds {
  const {
    features,
    labels,
    norm = undefined,
    persistence = undefined,
    ...unknown
  } = objectOf(json, '');
  const [stray] = Object.keys(unknown);
  if (stray !== undefined) throw invalid(stray, 'is not known');
  const top = v.safeParse(extras, {
    ...(norm === undefined ? {} : { norm }),
    ...(persistence === undefined ? {} : { persistence }),
  });
  if (!top.success) {
    throw invalid(String(top.issues[0].path?.[0]?.key ?? ''), top.issues[0].message);
  }
  const rules = Object.entries(objectOf(features, 'features')).map(([pattern, rule]) =>
    columnRule(pattern, rule),
  );
  if (rules.length === 0) throw invalid('features', 'expected at least one pattern');
  const parsed = labels === undefined ? null : parseBounds({ features: {}, labels }).labels;
  for (const { pattern, min, max, center } of parsed ?? []) {
    if (center <= min || center >= max) {
      throw invalid(`labels.${pattern}`, 'expected a center strictly between min and max');
    }
  }
  return { features: rules, labels: parsed ?? [ANY_LABEL], ...top.output };
}

/**
 * The rule for a column: the most specific pattern wins, `*` last.
 *
 * @throws {VelaturaError} `data/invalid-value` when no pattern fits, or two fit equally well
 */
export function ruleOf(bounds: TrainingBounds, column: string): ColumnRule {
  return boundOf(bounds.features, column);
}

function columnRule(pattern: string, rule: unknown): ColumnRule {
  const path = `features.${pattern}`;
  const fields = objectOf(rule, path);
  if (fields['map'] === 'one-hot') return oneHotRule(pattern, fields);
  if (fields['map'] === 'sqrt' || fields['map'] === 'identity') {
    const parsed = checked(scaled, fields, path);
    if (parsed.min >= parsed.max) throw invalid(path, 'expected min < max');
    if (parsed.map === 'sqrt' && parsed.min < 0) {
      throw invalid(path, 'expected min of at least 0 for the map "sqrt"');
    }
    return { pattern, ...parsed };
  }
  const { weight: given, ...others } = fields;
  const weighed = checked(v.object({ weight }), given === undefined ? {} : { weight: given }, path);
  const [bound] = parseBounds({ features: { [pattern]: others } }).features;
  if (bound === undefined) throw invalid(path, 'expected a rule');
  if (bound.drop) {
    if (given !== undefined) throw invalid(path, 'expected no weight where columns are dropped');
    return { pattern, map: 'drop' };
  }
  return { pattern, map: bound.map, min: bound.min, max: bound.max, ...weighed };
}

function oneHotRule(pattern: string, fields: Readonly<Record<string, unknown>>): OneHotRule {
  const path = `features.${pattern}`;
  const { edges = null, categories = null, ...rest } = checked(oneHot, fields, path);
  if ((edges === null) === (categories === null)) {
    throw invalid(path, 'expected either edges or categories');
  }
  if (edges?.some((edge, i) => i > 0 && edge <= (edges[i - 1] as number))) {
    throw invalid(path, 'expected edges in ascending order');
  }
  if (categories !== null && new Set(categories).size !== categories.length) {
    throw invalid(path, 'expected distinct categories');
  }
  return { pattern, ...rest, edges, categories };
}

function checked<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  path: string,
): v.InferOutput<S> {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const key = parsed.issues[0].path?.[0]?.key;
  throw invalid(key === undefined ? path : `${path}.${String(key)}`, parsed.issues[0].message);
}

function objectOf(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw invalid(path, 'expected an object');
}

function invalid(path: string, message: string): VelaturaError {
  return new VelaturaError('data/invalid-value', `bounds ${path}: ${message}`.replace('  ', ' '), {
    path,
  });
}
