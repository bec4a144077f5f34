import { VelaturaError } from '../core/errors.ts';
import type { ConsentLedger } from './consent.ts';
import type { ConsentRefusal } from './consent-state.ts';
import { requireScene, type SceneData } from './scenes.ts';
import type { ProfileSchema, Purpose } from './schema.ts';
import { reviewEnd } from './schema-review.ts';
import { type StatedValue, type TagChoices, tagOfScene } from './store/tag-choices.ts';

/** A trained model of one scene, as the device holds it. */
export interface SceneModel<S extends string = string> {
  /** Identifies the parameters, such as a hash or a round. */
  readonly version: string;
  readonly scene: S;
  /** What it predicts, in order. */
  readonly tags: readonly string[];
  /** Probabilities `[tags]` in [0, 1] from features `[features]`. */
  readonly predict: (features: Float32Array) => Float32Array;
}

/** A tag and how likely it is. */
export interface ProfileTag {
  readonly tag: string;
  /** 0 or 1 where the person said it. */
  readonly probability: number;
  /** Who says so. The person's own word stands above every model. */
  readonly source: 'model' | 'person';
  /** The level the person named, of a tag that has levels. */
  readonly level?: string;
}

/** A tag that was left out, and why. */
export interface WithheldTag {
  readonly tag: string;
  readonly reason:
    | 'purpose-not-declared'
    | 'consent'
    | 'review-overdue'
    | 'opted-out-of-tag'
    | 'sensitive-combination';
}

/** Tags of one person in one scene, for one purpose. Plain JSON; it stays on the person's device. */
export interface Profile<S extends string = string> {
  readonly scene: S;
  readonly purpose: Purpose;
  /** null when no model was asked. */
  readonly modelVersion: string | null;
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly computedAt: number;
  /** False when the person opted out, and then nothing here depends on the person. */
  readonly personalised: boolean;
  readonly tags: readonly ProfileTag[];
  readonly withheld: readonly WithheldTag[];
}

/** What {@link computeProfile} works from. */
export interface ProfileRequest<S extends string> {
  /** Of the person; also brings schema and clock. */
  readonly consent: ConsentLedger;
  readonly model: SceneModel<S>;
  readonly features: SceneData<S, Float32Array>;
  /** The person's corrections and opt-outs, from the store of the profile; `NO_CHOICES` of a made-up person. */
  readonly choices: SceneData<S, TagChoices>;
  readonly purpose: Purpose;
  /**
   * A sensitive combination counts as present when every tag of it is at least this probable, in [0, 1];
   * 0 withholds it whatever the model says. Default: 0.5.
   */
  readonly combinationThreshold?: number;
}

/** Answers of the ledger that are about the use and not about the data. */
const FOR_STATED_TAGS: ReadonlySet<ConsentRefusal> = new Set<ConsentRefusal>([
  'advertising-not-allowed',
  'minors-mode',
  'watch-only',
]);

/**
 * Computes a person's tags on the person's device.
 *
 * What the person said of a tag stands, whatever a model predicts, and a tag that the person opted out of is
 * left out. So is a tag whose purpose, review or consent for any kind of data it is made from does not
 * cover the use. The person's own word needs no consent for data, but minors' mode, watching only and what
 * a scene allows of advertising hold for it too. All tags of a sensitive combination are left
 * out when all of them are likely. After an opt-out of the purpose the model is not asked at all.
 *
 * ## Privacy
 * Prediction reads one person's data and a released model; it costs no epsilon as long as the profile stays
 * with the person. Sending it anywhere in the clear is a release.
 *
 * @throws {VelaturaError} `data/unknown-scene`; `profile/unknown-tag` when the model predicts an undeclared
 * tag; `profile/flow-unauthorised` when a tag, the features or the choices belong to another scene;
 * `data/invalid-value` when the model answers with anything but probabilities
 */
export function computeProfile<S extends string>(request: ProfileRequest<S>): Profile<S> {
  const { consent, model, purpose, combinationThreshold = 0.5 } = request;
  if (!(combinationThreshold >= 0 && combinationThreshold <= 1)) {
    throw new RangeError(
      `"combinationThreshold" expected a number in [0, 1], got ${combinationThreshold}`,
    );
  }
  const { schema } = consent;
  const { scene } = model;
  const at = consent.now();
  requireScene(schema, scene);
  for (const tag of model.tags) tagOfScene(schema, scene, tag);
  const features = request.features.read(scene, purpose);
  const choices = request.choices.read(scene, purpose);
  if (consent.hasOptedOut(purpose)) return nonPersonalisedProfile({ scene, purpose, at });
  const candidates = new Map<string, ProfileTag>();
  const probabilities = checkedProbabilities(model.predict(features), model.tags.length);
  model.tags.forEach((tag, i) => {
    const probability = (probabilities[i] as number) + 0; // never −0, which no record can hold
    candidates.set(tag, { tag, probability, source: 'model' });
  });
  for (const [tag, { value }] of choices.corrections) candidates.set(tag, statedTag(tag, value));
  const withheld: WithheldTag[] = [];
  const usable: ProfileTag[] = [];
  for (const candidate of candidates.values()) {
    const { tag } = candidate;
    const reason = choices.optedOut.has(tag)
      ? 'opted-out-of-tag'
      : withheldBecause(candidate, consent, { scene, purpose, at });
    if (reason === null) usable.push(candidate);
    else withheld.push({ tag, reason });
  }
  const sensitive = sensitiveTags(schema, usable, combinationThreshold);
  for (const tag of sensitive) withheld.push({ tag, reason: 'sensitive-combination' });
  return {
    scene,
    purpose,
    modelVersion: model.version,
    computedAt: at,
    personalised: true,
    tags: usable.filter(({ tag }) => !sensitive.has(tag)),
    withheld,
  };
}

/** A profile without tags: always available, and the same for everybody. */
export function nonPersonalisedProfile<S extends string>(request: {
  readonly scene: S;
  readonly purpose: Purpose;
  readonly at: number;
}): Profile<S> {
  return {
    scene: request.scene,
    purpose: request.purpose,
    modelVersion: null,
    computedAt: request.at,
    personalised: false,
    tags: [],
    withheld: [],
  };
}

/**
 * The profile as a vector for scoring. Tags that it does not hold take public values, so that a
 * non-personalised profile scores exactly like everybody's.
 *
 * @param tags - order of the vector
 * @param fallback - `[tags]`, such as released popularity
 * @returns `[tags]`
 */
export function profileVector(
  profile: Profile,
  tags: readonly string[],
  fallback: ArrayLike<number>,
): Float64Array {
  if (fallback.length !== tags.length) {
    throw new RangeError(`"fallback" expected ${tags.length} numbers, got ${fallback.length}`);
  }
  const known = new Map(profile.tags.map(({ tag, probability }) => [tag, probability]));
  return Float64Array.from(tags, (tag, i) => known.get(tag) ?? (fallback[i] as number));
}

function statedTag(tag: string, value: StatedValue): ProfileTag {
  if (typeof value === 'string') return { tag, probability: 1, source: 'person', level: value };
  return { tag, probability: value ? 1 : 0, source: 'person' };
}

function withheldBecause(
  { tag: name, source }: ProfileTag,
  consent: ConsentLedger,
  use: { readonly scene: string; readonly purpose: Purpose; readonly at: number },
): WithheldTag['reason'] | null {
  const tag = tagOfScene(consent.schema, use.scene, name);
  if (!tag.purposes.includes(use.purpose)) return 'purpose-not-declared';
  if (use.at >= reviewEnd(consent.schema, tag)) return 'review-overdue';
  const refused = tag.from.some((kind) => {
    const decision = consent.decide({ kind, ...use });
    if (decision.permitted) return false;
    return source === 'model' || FOR_STATED_TAGS.has(decision.reason);
  });
  return refused ? 'consent' : null;
}

/** Tags of every combination that is present as a whole. */
function sensitiveTags(
  schema: ProfileSchema,
  tags: readonly ProfileTag[],
  threshold: number,
): ReadonlySet<string> {
  const likely = new Set(tags.filter((t) => t.probability >= threshold).map((t) => t.tag));
  const present = schema.sensitiveCombinations.filter((combination) =>
    combination.tags.every((tag) => likely.has(tag)),
  );
  return new Set(present.flatMap((combination) => combination.tags));
}

function checkedProbabilities(probabilities: Float32Array, count: number): Float32Array {
  if (probabilities.length !== count) {
    throw new RangeError(`"predict" expected ${count} probabilities, got ${probabilities.length}`);
  }
  if (probabilities.some((p) => !(p >= 0 && p <= 1))) {
    throw new VelaturaError(
      'data/invalid-value',
      'the model answered with no probability in [0, 1]',
      {
        tags: count,
      },
    );
  }
  return probabilities;
}
