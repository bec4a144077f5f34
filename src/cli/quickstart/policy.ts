import type { BudgetPolicy, DpEvent } from '../../dp/index.ts';
import type { TagTaskPrior } from '../../federated/index.ts';
import { RETAIL_SCENES } from '../../node/online-retail.ts';

/** Quota of a user in a scene, and what each scene asks for: nearly all of it. */
export const SCENE_EPSILON = 1;
/** Epsilon of a user over all scenes: two scenes at the quota fit under it, three do not. */
export const USER_EPSILON = 1.5;
export const DELTA = 1e-5;
/** Of delta, what is kept for sums that show more than themselves, or wrap. */
const ADDITIVE_DELTA = 1e-9;
/** What is left to convert epsilons at. */
export const CONVERSION_DELTA: number = DELTA - ADDITIVE_DELTA;

/**
 * The budget policy of the quickstart, in Rényi terms, because members of the federated rounds add Skellam noise
 * themselves. Whoever is enrolled in all three scenes is refused in the third.
 *
 * @param scene - what one scene was planned to release, by which the orders are pinned in advance
 */
export function quickstartPolicy(scene: DpEvent): BudgetPolicy {
  return {
    version: 1,
    currency: 'rdp',
    delta: DELTA,
    additiveDelta: ADDITIVE_DELTA,
    user: { epsilon: USER_EPSILON },
    scenes: Object.fromEntries(
      RETAIL_SCENES.map((name) => [name, { perUser: { epsilon: SCENE_EPSILON } }]),
    ),
    plannedRun: { kind: 'repeated', count: 2, event: scene },
    reservationLease: 'PT10M',
  };
}

/** Members for whom the policy's scene was planned, as many as the shop expected. */
export const PLANNED_MEMBERS = 1_000;
/** Federated rounds of a scene, each behind a secure sum of its own. */
export const ROUNDS = 2;
/** Members who may work together with the server, and members who may fall silent, at most. */
export const COLLUDING_SHARE = 0.01;
export const DROPPING_SHARE = 0.02;
/** See `UpdateEncoderOptions.clippingFlagWeight`. */
export const CLIPPING_FLAG_WEIGHT = 0.25;

/** Of a scene's budget, what the popularity baseline costs; the rest is the model's. */
export const POPULARITY_SHARE = 0.1;

/** Public facts about the task, chosen without looking at the clients. */
export const TASK_PRIOR: TagTaskPrior = { beta: 0.3, labelDensity: 0.25, persistence: 6 };

/** How much the square root of the own share counts against popularity in the second baseline. */
export const HISTORY_WEIGHT = 2;

/** A cohort below this is not trained on at all. */
export const MINIMUM_COHORT = 100;
