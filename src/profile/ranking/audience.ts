import { VelaturaError } from '../../core/errors.ts';
import type { Profile } from '../profile.ts';
import { requireScene } from '../scenes.ts';
import {
  type AdvertisingMode,
  type ProfileSchema,
  type Purpose,
  requireValidated,
  type SceneDeclaration,
} from '../schema.ts';
import {
  type TagInput,
  type TargetingRefusal,
  type TargetingUse,
  targetingInputs,
} from './targeting.ts';

/** A group of people that is ranked for as one, such as one of `segmentUsers`. */
export interface AudienceSegment {
  readonly id: string;
  readonly scene: string;
  /** Low end of the interval of its noisy number of members; the estimate itself may be too high. */
  readonly membersAtLeast: number;
  /** What its members have in common: released, and so the same for all of them. */
  readonly tags: readonly TagInput[];
}

/** What is known when a list has to be ranked. */
export interface AudienceRequest extends TargetingUse {
  /** Of the person, for this scene and computed for this purpose. */
  readonly profile: Profile;
  /** The person's segment, found on the device; null when there is none. */
  readonly segment: AudienceSegment | null;
  /** Fewest members of a segment that may be ranked for. */
  readonly minimumSegment: number;
}

/** From whose tags a list is ranked. */
export interface Audience {
  /** `everyone`: nothing of the person or of a group is used. */
  readonly kind: 'person' | 'segment' | 'everyone';
  readonly segment: string | null;
  readonly tags: readonly TagInput[];
  readonly withheld: readonly { readonly tag: string; readonly reason: TargetingRefusal }[];
}

/** No minimum below this hides anybody. */
const LEAST_SEGMENT = 2;

/**
 * From whose tags a list may be ranked. A profile that is not personalised ranks for everyone. For advertising the
 * mode of the scene decides: `none` refuses, `indirect-only` ranks by the person's segment and not by the person,
 * `direct` by the person. A profile of another purpose is refused: what a person opted out of, or did not agree to,
 * shows only in a profile that was computed for it.
 *
 * ## Privacy
 * A segment of a released model with a released size costs nothing more. What is ranked from is the same for all
 * of its members, so the server that fills the list learns the segment, and not which member asks.
 *
 * @throws {VelaturaError} `profile/ranking-refused` for advertising where there is none, for a profile of another
 * purpose, without a segment, and for a segment that may have fewer members than the minimum; `profile/flow-unauthorised` when profile or
 * segment are of another scene; `data/unknown-scene`
 */
export function audienceOf(schema: ProfileSchema, request: AudienceRequest): Audience {
  const { scene, purpose, profile, segment, minimumSegment } = request;
  if (!Number.isInteger(minimumSegment) || minimumSegment < LEAST_SEGMENT) {
    throw new RangeError(
      `"minimumSegment" expected an integer of at least ${LEAST_SEGMENT}, got ${minimumSegment}`,
    );
  }
  const indirect =
    requireListPurpose(schema, scene, purpose) === 'indirect-only' && purpose === 'advertising';
  // Also says so when the profile is of another scene.
  const own = targetingInputs(schema, profile, request);
  if (profile.purpose !== purpose) {
    throw refused(`a profile for ${profile.purpose} may not rank for ${purpose}`, {
      scene,
      reason: 'other-purpose',
    });
  }
  if (!profile.personalised) return { kind: 'everyone', segment: null, tags: [], withheld: [] };
  if (!indirect) return { kind: 'person', segment: null, ...own };
  if (segment === null) {
    throw refused(`scene "${scene}" advertises to segments only, and none was given`, {
      scene,
      reason: 'no-segment',
    });
  }
  // NaN is not enough members either.
  if (!(segment.membersAtLeast >= minimumSegment)) {
    throw refused(
      `the segment may have fewer than ${minimumSegment} members: at least ${segment.membersAtLeast} are sure`,
      { scene, reason: 'segment-too-small', minimum: minimumSegment },
    );
  }
  return { kind: 'segment', segment: segment.id, ...targetingInputs(schema, segment, request) };
}

/**
 * Refuses advertising in a scene that has none, whoever the list is for.
 *
 * @returns the mode of the scene
 * @throws {VelaturaError} `profile/ranking-refused`; `data/unknown-scene`
 */
export function requireListPurpose(
  schema: ProfileSchema,
  scene: string,
  purpose: Purpose,
): AdvertisingMode {
  requireValidated(schema);
  requireScene(schema, scene);
  const { advertising } = schema.scenes[scene] as SceneDeclaration;
  if (purpose === 'advertising' && advertising === 'none') {
    throw refused(`scene "${scene}" shows no advertising`, { scene, reason: 'no-advertising' });
  }
  return advertising;
}

function refused(
  message: string,
  details: Readonly<Record<string, string | number>>,
): VelaturaError {
  return new VelaturaError('profile/ranking-refused', message, details);
}
