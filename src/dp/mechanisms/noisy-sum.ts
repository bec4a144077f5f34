import type { Release, ReleaseError } from '../plan.ts';
import type { LatticeNoise } from './additive-noise.ts';
import { invalidContribution, type Terms, userPlan } from './terms.ts';

/**
 * Adds noise to an exact sum of integers and scales it to the units of the value.
 *
 * Beyond 2⁵³ a double rounds the sum of the two integers, which is post-processing of the noisy sum.
 *
 * @param sum - exact integers in steps of the grid; overwritten
 * @param granularity - a power of two, so that scaling is exact
 */
export function releaseSum(
  sum: Float64Array,
  noise: LatticeNoise,
  granularity: number,
  terms: Terms,
): Release<Float64Array> {
  const plan = userPlan(terms.relation, noise.event);
  const added = new Float64Array(sum.length);
  noise.fill(added, terms.random);
  for (let i = 0; i < sum.length; i++) {
    sum[i] = ((sum[i] as number) + (added[i] as number)) * granularity;
  }
  added.fill(0);
  return { value: sum, plan, error: errorOf(noise, granularity, terms), insecure: terms.insecure };
}

/** The same for a single number. */
export function releaseNumber(
  sum: number,
  noise: LatticeNoise,
  granularity: number,
  terms: Terms,
): Release<number> {
  const { value, ...rest } = releaseSum(Float64Array.of(sum), noise, granularity, terms);
  return { value: value[0] as number, ...rest };
}

function errorOf(noise: LatticeNoise, granularity: number, { confidence }: Terms): ReleaseError {
  return {
    noiseStddev: noise.deviation * granularity,
    halfWidth: noise.halfWidth(confidence) * granularity,
    confidence,
  };
}

/**
 * Counts users and stops before a sum of their integers could leave the exact doubles. The limit is public
 * and beyond any population: 2²⁷ users at the finest grid.
 */
export class ExactCapacity {
  readonly #limit: number;
  #users = 0;

  /** @param largest - most that one user adds to a coordinate */
  constructor(largest: number) {
    this.#limit = Math.floor(Number.MAX_SAFE_INTEGER / Math.max(1, largest));
  }

  /** @throws {VelaturaError} `dp/invalid-contribution` */
  admit(): void {
    if (++this.#users > this.#limit) {
      throw invalidContribution(`to come from one of at most ${this.#limit} users`);
    }
  }
}
