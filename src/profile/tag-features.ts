import { VelaturaError } from '../core/errors.ts';
import { l2Norm } from '../core/linear-algebra.ts';
import type { ProfileEvent } from './event.ts';

/** Which events {@link tagCounts} counts. */
export interface TagCountOptions {
  /** The one scene of the events. */
  readonly scene: string;
  /** Events from this moment on are left out; milliseconds since 1970-01-01T00:00Z. Default: none. */
  readonly before?: number;
}

/**
 * Sums the values of one person's events in one scene by tag. Events of tags that are not asked for are
 * left out.
 *
 * @returns `[tags]`, each at least 0
 * @throws {VelaturaError} `profile/flow-unauthorised` for an event of another scene; `data/invalid-value`
 * for a value that is negative, NaN or infinite, or a sum that is
 * @throws RangeError for events of two people or a tag named twice
 */
export function tagCounts(
  events: Iterable<ProfileEvent>,
  tags: readonly string[],
  options: TagCountOptions,
): Float64Array {
  const index = new Map(tags.map((tag, i) => [tag, i]));
  if (index.size !== tags.length) throw new RangeError('"tags" expected distinct names');
  const { scene, before = Number.POSITIVE_INFINITY } = options;
  if (Number.isNaN(before)) throw new RangeError('"before" expected milliseconds, got NaN');
  const counts = new Float64Array(tags.length);
  let user: string | undefined;
  let row = 0;
  for (const event of events) {
    user ??= event.user;
    if (event.user !== user) throw new RangeError('"events" expected events of one person');
    if (event.scene !== scene) {
      throw new VelaturaError(
        'profile/flow-unauthorised',
        `event ${row} belongs to another scene than the one that is counted`,
        { row },
      );
    }
    if (!Number.isFinite(event.value) || event.value < 0) throw badValue(row);
    const tag = index.get(event.tag);
    if (tag !== undefined && event.time < before) {
      counts[tag] = (counts[tag] as number) + event.value;
      if (counts[tag] === Number.POSITIVE_INFINITY) throw badValue(row);
    }
    row += 1;
  }
  return counts;
}

/**
 * Shares N/ΣN: they sum to one, or are all zero for a person without history. Any l2 norm is at most 1.
 *
 * @param counts - `[tags]`, finite, at least 0
 * @returns `[tags]`
 * @throws RangeError for NaN, an infinity or a negative number
 */
export function share(counts: ArrayLike<number>): Float64Array {
  return shareOf(counts, 0);
}

/**
 * Shares (N+1)/(ΣN+K) over K tags: they sum to one, uniform for a person without history.
 *
 * @param counts - `[tags]`, finite, at least 0
 * @returns `[tags]`
 * @throws RangeError for NaN, an infinity or a negative number
 */
export function smoothedShare(counts: ArrayLike<number>): Float64Array {
  return shareOf(counts, 1);
}

/**
 * Square roots of (N+½)/(ΣN+K/2) over K tags: their squares sum to one, so the l2 norm is 1.
 *
 * @param counts - `[tags]`, finite, at least 0
 * @returns `[tags]`
 * @throws RangeError for NaN, an infinity or a negative number
 */
export function sqrtShare(counts: ArrayLike<number>): Float64Array {
  return shareOf(counts, 0.5).map(Math.sqrt);
}

/**
 * The vector scaled to l2 norm 1, by itself alone and hence without looking at anybody else; a zero vector
 * stays zero. Rounding, also to 32 bits later, can leave the norm above 1 by some units in the last place.
 *
 * @throws RangeError for NaN or an infinity
 */
export function unitNorm(vector: ArrayLike<number>): Float64Array {
  let largest = 0;
  for (let i = 0; i < vector.length; i++) {
    if (!Number.isFinite(vector[i]))
      throw new RangeError(`"vector" expected finite numbers at ${i}`);
    largest = Math.max(largest, Math.abs(vector[i] as number));
  }
  if (largest === 0) return new Float64Array(vector.length);
  // Scaled by the largest first, so that squares neither overflow nor vanish.
  const scaled = Float64Array.from(vector, (value) => value / largest);
  const norm = l2Norm(scaled);
  return scaled.map((value) => value / norm);
}

function shareOf(counts: ArrayLike<number>, pseudoCount: number): Float64Array {
  let sum = counts.length * pseudoCount;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i] as number;
    if (!Number.isFinite(count) || count < 0) {
      throw new RangeError(`"counts" expected finite numbers of at least 0 at ${i}`);
    }
    sum += count;
  }
  if (sum === 0) return new Float64Array(counts.length);
  if (sum === Number.POSITIVE_INFINITY) throw new RangeError('"counts" expected a finite sum');
  return Float64Array.from(counts, (count) => (count + pseudoCount) / sum);
}

function badValue(row: number): VelaturaError {
  return new VelaturaError(
    'data/invalid-value',
    `event ${row}: column "value" expected a finite number of at least 0`,
    { row, column: 'value' },
  );
}
