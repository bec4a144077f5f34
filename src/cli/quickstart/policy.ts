import type { BudgetPolicy } from '../../dp/index.ts';
import type { TagTaskPrior } from '../../federated/index.ts';
import { RETAIL_SCENES } from '../../node/online-retail.ts';

/** Quota of a user in a scene, and what each scene asks for: all of it. */
export const SCENE_EPSILON = 1;

/**
 * The budget policy of the quickstart. Two scenes at the quota fit under the total of a user, three do not:
 * whoever is enrolled in all three is refused in the third.
 */
export const QUICKSTART_POLICY: BudgetPolicy = {
  version: 1,
  currency: 'gdp',
  delta: 1e-5,
  user: { epsilon: 1.5 },
  scenes: Object.fromEntries(
    RETAIL_SCENES.map((scene) => [scene, { perUser: { epsilon: SCENE_EPSILON } }]),
  ),
  reservationLease: 'PT10M',
};

/** Of a scene's budget, what the popularity baseline costs; the rest is the model's. */
export const POPULARITY_SHARE = 0.1;

/** Public facts about the task, chosen without looking at the clients. */
export const TASK_PRIOR: TagTaskPrior = { beta: 0.3, labelDensity: 0.25, persistence: 6 };

/** How much the square root of the own share counts against popularity in the second baseline. */
export const HISTORY_WEIGHT = 2;

/** A cohort below this is not trained on at all. */
export const MINIMUM_COHORT = 100;
