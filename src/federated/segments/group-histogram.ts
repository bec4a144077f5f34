import { VelaturaError } from '../../core/errors.ts';
import { normalQuantile } from '../../core/special/index.ts';
import { type Interval, ratioInterval } from '../../core/special/ratio-interval.ts';
import type { Refusal } from '../../dp/budget/budget.ts';
import { divideGaussianEvenly } from '../../dp/divide-gaussian.ts';
import type { Plan } from '../../dp/plan.ts';
import type { PrivacyStatement } from '../../dp/statement.ts';
import type { Batch } from '../models/trainable.ts';
import type { FederatedClient } from '../rounds/client.ts';
import { type RoundEnvironment, roundPlan, runPrivateRound } from '../rounds/private-round.ts';
import { releaseStatement } from '../rounds/release-statement.ts';
import { exactEncoder } from './exact-encoder.ts';

/** Counts of tags in groups. Every number and name is a public constant, chosen without looking at data. */
export interface GroupHistogramOptions {
  /** Unique within the budget. */
  readonly roundId: string;
  /** All of them, in the order of `tagsOf`; never collected from the data. */
  readonly tags: readonly string[];
  /** All of them; one group of everybody if left out. */
  readonly groups?: readonly string[];
  /**
   * Which tags a client has, computed on the device: one number a tag, above 0.5 for yes. Default: the labels,
   * where any row has it.
   */
  readonly tagsOf?: (data: Batch) => ArrayLike<number>;
  /** Position of the client's group, computed on the device; −1 for none, who is then not counted. */
  readonly groupOf?: (data: Batch) => number;
  /**
   * Most tags that count in full; a client with more has all of its counts scaled down alike. Fewer make less
   * noise. Default: all.
   */
  readonly maxTags?: number;
  /** A cell is shown only when at least that many people are in it, with the confidence given. */
  readonly minimumCount: number;
  /** Of each interval, in (0, 1). */
  readonly confidence: number;
  /** Public guess of the number of clients, for the check of delta. */
  readonly population: number;
  /** Noise deviation over sensitivity, under the relation of the environment; 0 is non-private. */
  readonly noiseMultiplier: number;
  /** At which the statement gives epsilon. */
  readonly delta: number;
}

/** Noisy counts of one tag in one group. */
export interface HistogramCell {
  readonly tag: string;
  /** Estimated number of people; may be negative. */
  readonly count: number;
  /** Estimated share of the group, not clipped to [0, 1]. */
  readonly share: number;
  /** Interval of that share; null where the group is too small for one. */
  readonly shareInterval: Interval | null;
}

/** One group and its cells. */
export interface HistogramGroup {
  readonly group: string;
  /** Estimated number of people; null where it is under the minimum: then all its cells are withheld too. */
  readonly size: number | null;
  /** In the order of the tags; null where a cell may be under the minimum. */
  readonly cells: readonly (HistogramCell | null)[];
}

/** Counts that left the clients, with what they cost and how wrong the noise makes them. */
export interface GroupHistogram {
  readonly groups: readonly HistogramGroup[];
  /** Deviation of the noise on every count and size. */
  readonly noiseStddev: number;
  /** Half width of the interval of every count and size, each at the confidence asked. */
  readonly halfWidth: number;
  /** The same, such that all counts and sizes together lie inside with that confidence. */
  readonly simultaneousHalfWidth: number;
  readonly confidence: number;
  readonly plan: Plan;
  readonly statement: PrivacyStatement;
}

export type GroupHistogramOutcome =
  | { readonly kind: 'released'; readonly histogram: GroupHistogram }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** A hair more noise than asked for, so that the cost does not pass the whole after budgets round it up. */
function payableNoise(options: Pick<GroupHistogramOptions, 'noiseMultiplier'>): number {
  return divideGaussianEvenly(options.noiseMultiplier, 1);
}

/** What {@link groupHistogram} will cost each client, before anything is charged. */
export function groupHistogramPlan(
  environment: Pick<RoundEnvironment, 'relation'>,
  options: Pick<GroupHistogramOptions, 'noiseMultiplier'>,
): Plan {
  return roundPlan(payableNoise(options), environment.relation);
}

/**
 * Counts how many people have each tag, by group, in one private sum: the simplest portrait of a crowd.
 * Intervals cover the noise; that clients with more than `maxTags` tags count less is not part of them.
 *
 * ## Privacy
 * Unit: user, in one group and with at most `maxTags` full tags: a vector of norm at most √(maxTags + 1).
 * Costs every client given `gaussian{noiseMultiplier}`. Withholding small cells looks at noisy counts only: it
 * costs nothing, and is a courtesy beyond the guarantee, not the guarantee.
 *
 * @returns the counts, or why the budget refused
 * @throws {VelaturaError} `dp/invalid-parameter`, `dp/delta-too-large`; as `runPrivateRound`
 */
export async function groupHistogram(
  environment: RoundEnvironment,
  clients: readonly FederatedClient[],
  options: GroupHistogramOptions,
): Promise<GroupHistogramOutcome> {
  const { tags, groups = ['(all)'], confidence, minimumCount } = options;
  const maxTags = options.maxTags ?? tags.length;
  checkOptions(options, groups, maxTags);
  const plan = groupHistogramPlan(environment, options);
  const statement = releaseStatement(environment, {
    plan,
    delta: options.delta,
    population: options.population,
    bounds: [
      `one of ${groups.length} groups and at most ${maxTags} of ${tags.length} tags a client`,
    ],
  });
  const width = tags.length + 1;
  const outcome = await runPrivateRound(environment, {
    roundId: options.roundId,
    clients,
    compute: (data) => indicator(data, options, groups.length),
    encoder: exactEncoder(groups.length * width, Math.sqrt(maxTags + 1)),
    noiseMultiplier: payableNoise(options),
  });
  if (outcome.kind === 'refused') return outcome;

  const { value, error } = outcome.release;
  const { noiseStddev } = error;
  const z = normalQuantile((1 + confidence) / 2);
  const halfWidth = z * noiseStddev;
  const isShown = (count: number): boolean => count - halfWidth >= minimumCount;
  return {
    kind: 'released',
    histogram: {
      groups: groups.map((group, at) => {
        const [size, ...counts] = value.subarray(at * width, (at + 1) * width);
        const denominator = size as number;
        const isKnown = isShown(denominator);
        const cells = counts.map((count, tag): HistogramCell | null => {
          if (!isKnown || !isShown(count)) return null;
          const ratio = {
            numerator: count,
            numeratorStddev: noiseStddev,
            denominator,
            denominatorStddev: noiseStddev,
          };
          return {
            tag: tags[tag] as string,
            count,
            share: count / denominator,
            shareInterval: ratioInterval(ratio, z),
          };
        });
        return { group, size: isKnown ? denominator : null, cells };
      }),
      noiseStddev,
      halfWidth,
      // Independent noise: all inside with the product of the single probabilities (Šidák).
      simultaneousHalfWidth:
        normalQuantile((1 + confidence ** (1 / value.length)) / 2) * noiseStddev,
      confidence,
      plan,
      statement,
    },
  };
}

function checkOptions(
  options: GroupHistogramOptions,
  groups: readonly string[],
  maxTags: number,
): void {
  for (const [name, list] of [
    ['tags', options.tags],
    ['groups', groups],
  ] as const) {
    if (list.length === 0 || new Set(list).size !== list.length) {
      throw new RangeError(`"${name}" expected a list of different names, got ${list.length}`);
    }
  }
  if (!Number.isInteger(maxTags) || maxTags < 1 || maxTags > options.tags.length) {
    throw new RangeError(
      `"maxTags" expected an integer in [1, ${options.tags.length}], got ${maxTags}`,
    );
  }
  if (!(options.minimumCount >= 0)) {
    throw new RangeError(`"minimumCount" expected a count, got ${options.minimumCount}`);
  }
  if (!(options.confidence > 0 && options.confidence < 1)) {
    throw new RangeError(`"confidence" expected a number in (0, 1), got ${options.confidence}`);
  }
}

/** A one for the client's group, and one for each of its tags in it; a client without data sends zeros. */
function indicator(data: Batch, options: GroupHistogramOptions, groups: number): Float64Array {
  const { tagsOf = anyRow, groupOf = () => 0 } = options;
  const width = options.tags.length + 1;
  const vector = new Float64Array(groups * width);
  if (data.rows === 0) return vector;
  const group = groupOf(data);
  if (group === -1) return vector;
  const own = tagsOf(data);
  if (!Number.isInteger(group) || group < 0 || group >= groups || own.length !== width - 1) {
    throw new VelaturaError(
      'federated/invalid-contribution',
      `a client expected one of ${groups} groups and ${width - 1} tags`,
      { groups, tags: width - 1 },
    );
  }
  let many = 0;
  for (let tag = 0; tag < width - 1; tag++) if ((own[tag] as number) > 0.5) many++;
  // The size stays exact: only the tags share what norm is left.
  const maxTags = options.maxTags ?? options.tags.length;
  const one = many <= maxTags ? 1 : Math.sqrt(maxTags / many);
  vector[group * width] = 1;
  for (let tag = 0; tag < width - 1; tag++) {
    if ((own[tag] as number) > 0.5) vector[group * width + 1 + tag] = one;
  }
  return vector;
}

/** A tag that any row has. */
function anyRow(data: Batch): Float64Array {
  const tags = data.labels.length / data.rows;
  const own = new Float64Array(tags);
  data.labels.forEach((label, at) => {
    const tag = at % tags;
    own[tag] = Math.max(own[tag] as number, label);
  });
  return own;
}
