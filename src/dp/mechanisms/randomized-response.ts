import { type RandomSource, uniformInteger } from '../../core/random-source.ts';
import { invalid, unsupported } from '../accounting/refuse.ts';
import type { DpEvent } from '../event.ts';
import { uniformBigInt } from '../noise/bernoulli-exp.ts';
import { rationalOf } from '../noise/rational.ts';
import type { Release, ReleaseError } from '../plan.ts';
import { invalidContribution, type MechanismOptions, termsOf, userPlan } from './terms.ts';

/** Public constants of k-ary randomised response. */
export interface RandomizedResponseOptions extends MechanismOptions {
  /** Number of categories, k; an integer in [2, 2³¹]. */
  readonly categories: number;
  /** With that probability, in (0, 1), the value is replaced by a uniform one of all categories. */
  readonly probability: number;
}

/** Options of {@link estimateCategories}. */
export interface EstimateCategoriesOptions extends Omit<RandomizedResponseOptions, 'random'> {
  /** Whether any of the reports was made with a seeded source. */
  readonly insecure: boolean;
}

const MAX_CATEGORIES = 2 ** 31;

/**
 * Reports a category through randomised response: kept, or with the stated probability replaced by a uniform one
 * of all categories, the same one included. Exact for the probability as the double it is.
 *
 * ## Privacy
 * Unit: user, one report each, made on the user's own device. Costs the event `randomized-response`. Relation:
 * `replace-one-user` only; that a user reports at all is seen by who receives the report, so adding, removing or
 * zeroing him is not covered and is refused.
 *
 * Source: Warner (1965); Kairouz, Bonawitz, Ramage, "Discrete distribution estimation under local privacy" (2016).
 *
 * @param category - an integer in [0, categories)
 * @returns the reported category. `error` speaks of the estimate that {@link estimateCategories} makes of this
 * one report: of each indicator "the category was c"
 * @throws {VelaturaError} `dp/invalid-contribution`, `dp/invalid-parameter`, `dp/unsupported-event`
 */
export function randomizedResponse(
  category: number,
  options: RandomizedResponseOptions,
): Release<number> {
  const event = responseEvent(options);
  const terms = termsOf(options);
  const { categories, probability } = options;
  requireCategory(category, categories);
  return {
    value: isDrawn(probability, terms.random) ? uniformInteger(terms.random, categories) : category,
    plan: userPlan(terms.relation, event),
    error: estimateError(1, options, terms.confidence),
    insecure: terms.insecure,
  };
}

/**
 * Estimates how many users have each category from their reports, without bias:
 * (reports of c − n·probability/k) / (1 − probability).
 *
 * ## Privacy
 * Post-processing of the reports; the plan is that of each of them.
 *
 * @param reports - what {@link randomizedResponse} made of one user's category each
 * @returns `[categories]`, counts; single ones may be negative. `error.noiseStddev` and `error.halfWidth` bound
 * those of every coordinate, whatever the true counts are (Bernstein's and Hoeffding's inequalities)
 * @throws {VelaturaError} `dp/invalid-contribution`, `dp/invalid-parameter`, `dp/unsupported-event`
 */
export function estimateCategories(
  reports: Iterable<number>,
  options: EstimateCategoriesOptions,
): Release<Float64Array> {
  const event = responseEvent(options);
  const { relation, confidence } = termsOf(options);
  const { categories, probability, insecure } = options;
  const counts = new Float64Array(categories);
  let total = 0;
  for (const report of reports) {
    requireCategory(report, categories);
    counts[report] = (counts[report] as number) + 1;
    total++;
  }
  const expected = (total * probability) / categories;
  return {
    value: counts.map((count) => (count - expected) / (1 - probability)),
    plan: userPlan(relation, event),
    error: estimateError(total, options, confidence),
    insecure,
  };
}

function responseEvent(options: EstimateCategoriesOptions | RandomizedResponseOptions): DpEvent {
  const { categories, probability, relation } = options;
  if (!(Number.isInteger(categories) && categories >= 2 && categories <= MAX_CATEGORIES)) {
    throw invalid('categories', 'an integer in [2, 2^31]', categories);
  }
  if (!(probability > 0 && probability < 1)) {
    throw invalid('probability', 'a number in (0, 1)', probability);
  }
  if (relation !== 'replace-one-user') {
    throw unsupported(
      'relation',
      'a report shows that its user took part; only replacing is hidden',
    );
  }
  return { kind: 'randomized-response', probability, categories };
}

function requireCategory(category: number, categories: number): void {
  if (!(Number.isInteger(category) && category >= 0 && category < categories)) {
    throw invalidContribution(`an integer in [0, ${categories})`);
  }
}

/** True with that probability exactly. */
function isDrawn(probability: number, random: RandomSource): boolean {
  const { numerator, denominator } = rationalOf(probability);
  return uniformBigInt(random, denominator) < numerator;
}

/**
 * The number of reports of a category is a sum of independent indicators of mean 1 − p + p/k or p/k, so its
 * variance is at most n times the larger of the two variances.
 */
function estimateError(
  reports: number,
  { probability, categories }: EstimateCategoriesOptions | RandomizedResponseOptions,
  confidence: number,
): ReleaseError {
  const exchanged = probability / categories;
  const kept = 1 - probability + exchanged;
  const variance = reports * Math.max(exchanged * (1 - exchanged), kept * (1 - kept));
  const log = Math.log(2 / (1 - confidence));
  const hoeffding = Math.sqrt((reports * log) / 2);
  const bernstein = log / 3 + Math.sqrt((log / 3) ** 2 + 2 * variance * log);
  return {
    noiseStddev: Math.sqrt(variance) / (1 - probability),
    halfWidth: (Math.min(hoeffding, bernstein) * (1 + 1e-12)) / (1 - probability),
    confidence,
  };
}
