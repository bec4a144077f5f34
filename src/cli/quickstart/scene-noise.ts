import { calibrateNoise, type DpEvent, divideGaussian, epsilonOfPlan } from '../../dp/index.ts';
import {
  type DistributedNoise,
  labelNormBound,
  planDistributedNoise,
  type TagTask,
} from '../../federated/index.ts';
import {
  CLIPPING_FLAG_WEIGHT,
  COLLUDING_SHARE,
  CONVERSION_DELTA,
  DROPPING_SHARE,
  POPULARITY_SHARE,
  ROUNDS,
  SCENE_EPSILON,
  TASK_PRIOR,
} from './policy.ts';

/** What a scene aims at: the limits bind at a Rényi order that was pinned before, not at the best one for each scene. */
const TARGET = 0.99 * SCENE_EPSILON;
/** By how much the target of the rounds is lowered until they fit together with the popularity. */
const STEP = 0.995;

/** The noise of a scene's releases. Popularity and the one upload are summed by a trusted server; rounds are not. */
export interface SceneNoise {
  /** Noise multiplier of the popularity baseline. */
  readonly popularity: number;
  /** Noise multiplier of a model in one upload. */
  readonly upload: number;
}

/** The scene's budget in Gaussian noise, priced in Rényi terms like everything in this policy. */
export function sceneNoise(): SceneNoise {
  const { noiseMultiplier } = calibrateNoise(
    {
      epsilon: TARGET,
      delta: CONVERSION_DELTA,
      relation: 'zero-out-one-user',
      accountant: 'rdp',
    },
    (multiplier) => ({ kind: 'gaussian', noiseMultiplier: multiplier }),
  );
  const [popularity, upload] = divideGaussian(noiseMultiplier, [
    POPULARITY_SHARE,
    1 - POPULARITY_SHARE,
  ]) as [number, number];
  return { popularity, upload };
}

/** Members who must answer and be honest, so that the noise of the others may be missing. */
export function honestSurvivors(members: number): number {
  return Math.floor((1 - COLLUDING_SHARE - DROPPING_SHARE) * members);
}

/** Noise of the members, and what a whole scene with it costs. */
export interface PlannedRounds {
  readonly noise: DistributedNoise;
  /** Popularity and all rounds. */
  readonly scene: DpEvent;
}

/**
 * The noise that members add in each round, such that all rounds and the popularity cost the scene's target.
 *
 * @param members - of one round
 */
export function roundNoise(task: TagTask, members: number): PlannedRounds {
  const { popularity, upload } = sceneNoise();
  const limit = (event: DpEvent): number =>
    epsilonOfPlan({ unit: 'user', relation: 'zero-out-one-user', event }, CONVERSION_DELTA, 'rdp')
      .upper;
  const released: DpEvent = { kind: 'gaussian', noiseMultiplier: popularity };
  let epsilon = limit({ kind: 'gaussian', noiseMultiplier: upload });
  for (;;) {
    const { noise, plan } = planDistributedNoise({
      dimension: task.tags.length * task.features.length,
      clippingNorm: labelNormBound(task.tags.length, TASK_PRIOR.labelDensity),
      clippingFlagWeight: CLIPPING_FLAG_WEIGHT,
      cohort: members,
      honestSurvivors: honestSurvivors(members),
      rounds: ROUNDS,
      epsilon,
      delta: CONVERSION_DELTA,
    });
    const scene: DpEvent = { kind: 'composed', events: [released, plan.event] };
    if (limit(scene) <= TARGET) return { noise, scene };
    epsilon *= STEP;
  }
}
