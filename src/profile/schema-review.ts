import { endOfDay, halfYearAfter } from './period.ts';
import { type ProfileSchema, requireValidated } from './schema.ts';

/** What is to be done about the review of a kind or tag. */
export interface ReviewFinding {
  /** Such as `kinds.order`. */
  readonly path: string;
  /** `overdue`: its day has passed; `too-far`: its day is more than half a year ahead. */
  readonly finding: 'overdue' | 'too-far';
  readonly reviewBy: string;
}

/**
 * First millisecond at which a declaration no longer holds for want of a review: never, where the schema's
 * policy is to warn.
 */
export function reviewEnd(
  schema: ProfileSchema,
  declaration: { readonly reviewBy: string },
): number {
  if (schema.overdueReview === 'warn') return Number.POSITIVE_INFINITY;
  return endOfDay(declaration.reviewBy) as number;
}

/**
 * Kinds and tags whose review is overdue, or was put off for longer than the half year that a review holds.
 * Under the policy `refuse` gate and profile already leave the overdue ones out; under `warn` this list is
 * the warning.
 *
 * @param at - milliseconds since 1970-01-01T00:00Z
 * @throws TypeError for a schema that was not validated
 */
export function reviewFindings(schema: ProfileSchema, at: number): readonly ReviewFinding[] {
  requireValidated(schema);
  if (!Number.isFinite(at)) throw new RangeError(`"at" expected milliseconds, got ${at}`);
  const latest = halfYearAfter(new Date(at).toISOString().slice(0, 10)) as string;
  const findings: ReviewFinding[] = [];
  const look = (path: string, reviewBy: string): void => {
    if (at >= (endOfDay(reviewBy) as number)) findings.push({ path, finding: 'overdue', reviewBy });
    else if (reviewBy > latest) findings.push({ path, finding: 'too-far', reviewBy });
  };
  for (const [name, kind] of Object.entries(schema.kinds)) {
    if (kind.tier !== 'prohibited') look(`kinds.${name}`, kind.reviewBy);
  }
  for (const [name, tag] of Object.entries(schema.tags)) look(`tags.${name}`, tag.reviewBy);
  return findings;
}
