import { VelaturaError } from '../../core/errors.ts';
import type { Interval } from '../../core/special/ratio-interval.ts';

/** What happens when a measure passes its limit, or may. */
export type FairnessAction = 'refuse' | 'warn';

/** A limit on one measure. */
export interface FairnessLimit {
  /** Name of the measure, such as `parity`. */
  readonly measure: string;
  /** Most it may be; for `impactRatio` and the like use `atLeast`. */
  readonly atMost?: number;
  readonly atLeast?: number;
  /** What to do when the whole interval is beyond the limit. */
  readonly whenBeyond: FairnessAction;
  /** What to do when only a part of it is, so that nobody can say. */
  readonly whenUnclear: FairnessAction;
}

/** A measure as an audit gives it. */
export interface FairnessMeasure {
  readonly value: number | null;
  /** Null where the noise drowns the measure. */
  readonly interval: Interval | null;
}

/** How one measure did. */
export interface FairnessFinding {
  readonly measure: string;
  readonly verdict: 'within' | 'beyond' | 'unclear';
  readonly action: FairnessAction | null;
  readonly value: number | null;
  readonly interval: Interval | null;
}

/**
 * Holds measures against the limits of a policy. A limit whose measure was not taken is unclear: nobody can say
 * that it is kept.
 *
 * @throws RangeError for a limit without a bound
 */
export function judgeFairness(
  measures: Readonly<Record<string, FairnessMeasure>>,
  limits: readonly FairnessLimit[],
): readonly FairnessFinding[] {
  return limits.map((limit) => {
    const {
      measure,
      atMost = Number.POSITIVE_INFINITY,
      atLeast = Number.NEGATIVE_INFINITY,
    } = limit;
    if (!(atMost < Number.POSITIVE_INFINITY || atLeast > Number.NEGATIVE_INFINITY)) {
      throw new RangeError(`limit of "${measure}" expected "atMost" or "atLeast"`);
    }
    const { value, interval } = (Object.hasOwn(measures, measure) ? measures[measure] : null) ?? {
      value: null,
      interval: null,
    };
    const verdict = verdictOf(interval, atLeast, atMost);
    const action =
      verdict === 'within' ? null : verdict === 'beyond' ? limit.whenBeyond : limit.whenUnclear;
    return { measure, verdict, action, value, interval };
  });
}

/**
 * Refuses to go on when a finding says so; returns the findings that are warnings.
 *
 * @throws {VelaturaError} `profile/unfair` naming the measures
 */
export function requireFair(findings: readonly FairnessFinding[]): readonly FairnessFinding[] {
  const refused = findings.filter(({ action }) => action === 'refuse');
  if (refused.length > 0) {
    const measures = refused.map(({ measure }) => measure);
    const words = refused.map(({ measure, verdict }) =>
      verdict === 'beyond'
        ? `${measure} is beyond its limit`
        : `${measure} may be beyond its limit`,
    );
    throw new VelaturaError('profile/unfair', words.join('; '), { measures });
  }
  return findings.filter(({ action }) => action === 'warn');
}

function verdictOf(
  interval: Interval | null,
  atLeast: number,
  atMost: number,
): FairnessFinding['verdict'] {
  if (interval === null) return 'unclear';
  const { low, high } = interval;
  if (low > atMost || high < atLeast) return 'beyond';
  return low >= atLeast && high <= atMost ? 'within' : 'unclear';
}
