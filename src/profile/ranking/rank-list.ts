import type { ProfileSchema } from '../schema.ts';
import { type Audience, type AudienceRequest, audienceOf, requireListPurpose } from './audience.ts';
import { calibrate } from './calibration.ts';
import { type Candidate, orderedCandidates, requireLength } from './candidate.ts';
import { diversify } from './diversity.ts';
import {
  decayRepetition,
  type ExposureLimits,
  limitExposure,
  type RepetitionDecay,
  type Showing,
} from './exposure.ts';
import { isQuiet, type QuietHours } from './quiet-hours.ts';
import { dialList } from './relevance-dial.ts';
import type { TagInput } from './targeting.ts';

/** How lists of a scene are made, whoever they are for. */
export interface RankingPolicy {
  readonly vulnerabilityTags: readonly string[];
  readonly minimumSegment: number;
  /** By scene; a scene that is not named has none. */
  readonly quietHours: Readonly<Record<string, QuietHours>>;
  readonly exposure: ExposureLimits;
  readonly repetition: RepetitionDecay;
  /** Weight of diversity, in [0, 1]. */
  readonly diversity: number;
  /** Weight of calibration, in [0, 1]; used where the request has a target. */
  readonly calibration: number;
}

/** A list that somebody is to be shown. */
export interface RankingRequest
  extends Omit<AudienceRequest, 'vulnerabilityTags' | 'minimumSegment'> {
  /** How strongly the person wants lists to be personalised, in [0, 1]. */
  readonly dial: number;
  /** Most items of the list. */
  readonly length: number;
  /** What everybody gets, best first, at least as long as the list. */
  readonly nonPersonalised: readonly string[];
  /** Gives the candidates for these tags; not called when the list is the one for everybody. */
  readonly candidates: (tags: readonly TagInput[]) => readonly Candidate[];
  /** Category → share, such as the person's own mix; null for none. Not used where the list is for a segment. */
  readonly target: ReadonlyMap<string, number> | null;
  /** What the person was shown; stays on the device. Not used where the list is for a segment. */
  readonly showings: readonly Showing[];
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly at: number;
  /** Of the person's clock. */
  readonly utcOffsetMinutes: number;
}

/** A list and how it came about. */
export interface RankedList {
  readonly items: readonly string[];
  /** False when it is the list that everybody gets, to the item. */
  readonly personalised: boolean;
  /** Why it is that list. */
  readonly because: 'dial' | 'opted-out' | 'quiet-hours' | null;
  /** True in quiet hours: nothing may be sent without being asked. */
  readonly quiet: boolean;
  readonly audience: Pick<Audience, 'kind' | 'segment' | 'withheld'>;
}

/** More candidates than these times the length need not be diversified: they would not come up. */
const POOL = 8;

/**
 * Ranks one list: whose tags may be used, relevance with repetition decay, calibration and diversity, exposure
 * limits, and last the person's dial between all that and the list for everybody.
 *
 * Advertising in a scene without is refused first, whatever the person set. With the dial at 0, after an opt-out
 * and in quiet hours the answer is exactly the first items of `nonPersonalised`, and neither tags nor history are
 * looked at.
 *
 * ## Privacy
 * Runs on the person's device; costs no epsilon as long as the list does not leave it together with a name. The
 * list of a segment rests on no tag, target or history of the person, so all members who set the dial alike get the
 * same one from the same candidates; limits by showings are then for whoever sends advertising to keep.
 *
 * @throws {VelaturaError} as {@link audienceOf}
 * @throws RangeError for numbers out of range
 */
export function rankList(
  schema: ProfileSchema,
  policy: RankingPolicy,
  request: RankingRequest,
): RankedList {
  const { dial, length, nonPersonalised, profile, at } = request;
  requireLength('length', length);
  requireListPurpose(schema, request.scene, request.purpose);
  const hours = Object.hasOwn(policy.quietHours, request.scene)
    ? policy.quietHours[request.scene]
    : undefined;
  const quiet = hours !== undefined && isQuiet(hours, at, request.utcOffsetMinutes);
  const because =
    dial === 0 ? 'dial' : !profile.personalised ? 'opted-out' : quiet ? 'quiet-hours' : null;
  if (because !== null) {
    return {
      items: nonPersonalised.slice(0, length),
      personalised: false,
      because,
      quiet,
      audience: { kind: 'everyone', segment: null, withheld: [] },
    };
  }
  const { vulnerabilityTags, minimumSegment, exposure, repetition } = policy;
  const audience = audienceOf(schema, { ...request, vulnerabilityTags, minimumSegment });
  // A list that many share must not tell its members apart.
  const shared = audience.kind === 'segment';
  const showings = shared ? [] : request.showings;
  const target = shared ? null : request.target;
  const known = new Map<string, Candidate>();
  const personalised = (): readonly string[] => {
    const found = request.candidates(audience.tags);
    for (const candidate of found) known.set(candidate.item, candidate);
    const decayed = orderedCandidates(decayRepetition(found, repetition, showings, at));
    const pool = decayed.slice(0, POOL * length);
    const mixed =
      target === null
        ? pool
        : positioned(
            calibrate(pool, { length: pool.length, calibration: policy.calibration, target }),
          );
    return diversify(mixed, { length: pool.length, diversity: policy.diversity }).map(
      ({ item }) => item,
    );
  };
  const mixed = dialList(nonPersonalised, dial, personalised);
  // Last, so that no step after it can pass a limit.
  const candidates = mixed.map((item) => known.get(item) ?? unknownCandidate(item));
  const limited = limitExposure(candidates, length, exposure, showings, at);
  const { kind, segment, withheld } = audience;
  return {
    items: limited.map(({ item }) => item),
    personalised: true,
    because: null,
    quiet,
    audience: { kind, segment, withheld },
  };
}

/** The order of a list as relevance, for the step after it. */
function positioned(list: readonly Candidate[]): readonly Candidate[] {
  return list.map((candidate, i) => ({ ...candidate, relevance: 1 - i / list.length }));
}

/** An item of everybody's list that the ranker does not know: its provider counts as its own. */
function unknownCandidate(item: string): Candidate {
  return { item, relevance: 0, categories: [], provider: `item ${item}` };
}
