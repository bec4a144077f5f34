import {
  constantFeature,
  predictTags,
  type TagModel,
  withConstant,
} from '../../federated/index.ts';
import {
  type ConsentLedger,
  computeProfile,
  describeExplanation,
  explainLinearTag,
  NO_CHOICES,
  type Profile,
  profileVector,
  SceneData,
} from '../../profile/index.ts';
import { TASK_PRIOR } from './policy.ts';
import type { TagExplanation } from './result.ts';

/** Confidence of the intervals shown. */
const CONFIDENCE = 0.95;

/** What one person's device holds in one scene. */
export interface OwnDevice<S extends string = string> {
  readonly scene: S;
  readonly consent: ConsentLedger;
  /** `[features]`, of norm at most 1, without the constant. */
  readonly phi: Float32Array;
}

/** The popularity as released: what everybody knows. */
export interface ReleasedPopularity {
  /** `[tags]` */
  readonly popularity: Float32Array;
  readonly noiseStddev: number;
}

export interface OwnProfile {
  readonly profile: Profile;
  /** `[tags]`, in the order of the model. */
  readonly vector: Float64Array;
}

/** The person's tags, computed on the person's device under the person's consent. */
export function ownProfile(
  device: OwnDevice,
  model: TagModel,
  popularity: Float32Array,
): OwnProfile {
  const profile = computeProfile({
    consent: device.consent,
    model: {
      version: 'quickstart',
      scene: device.scene,
      tags: model.tags,
      predict: (phi) => predictTags(model, withConstant(phi, phi.length, TASK_PRIOR.beta)),
    },
    features: new SceneData(device.scene, device.phi),
    choices: new SceneData(device.scene, NO_CHOICES),
    purpose: 'recommendation',
  });
  return { profile, vector: profileVector(profile, model.tags, popularity) };
}

/** Why the strongest tag of the profile is there, against what everybody would get. */
export function explainOwnTag(
  device: OwnDevice,
  own: OwnProfile,
  model: TagModel,
  released: ReleasedPopularity,
): TagExplanation {
  const best = own.vector.indexOf(Math.max(...own.vector));
  const tag = model.tags[best] as string;
  const width = model.features.length;
  const weights = model.weights.subarray(best * width, (best + 1) * width);
  const design = withConstant(device.phi, device.phi.length, TASK_PRIOR.beta);
  const constant = constantFeature(TASK_PRIOR.beta);
  const share = Math.min(0.999, Math.max(0.001, released.popularity[best] as number));
  const explanation = explainLinearTag({
    tag,
    featureNames: model.features.slice(1).map((name) => `own orders: ${name}`),
    features: design.subarray(1),
    weights: weights.subarray(1),
    bias: (weights[0] as number) * constant + (model.offsets[best] as number),
    weightNoiseStddev: model.weightNoiseStddev,
    biasNoiseStddev: model.weightNoiseStddev * constant,
    baseline: {
      name: 'what everybody gets',
      logit: Math.log(share / (1 - share)),
      // First-order: the logit moves by 1/(p(1 − p)) a unit of probability.
      noiseStddev: released.noiseStddev / (share * (1 - share)),
    },
    confidence: CONFIDENCE,
  });
  return {
    tag,
    probability: explanation.probability.value,
    text: describeExplanation(explanation),
    contributions: explanation.contributions
      .slice(0, 6)
      .map(({ name, value }) => ({ feature: name, contribution: value })),
    noiseHalfWidth: (explanation.logit.upper - explanation.logit.lower) / 2,
    mayBeNoise: explanation.mayBeNoise,
  };
}
