import type { NeighbourRelation } from '../../dp/plan.ts';
import type { TagTask } from './train-tag-model.ts';

/**
 * How to train: `auto` chooses among the others by public facts. `preconditioned`: a noisy second moment and a
 * few rounds of scores; `one-shot`: the same in a single upload; `fedavg`: many rounds of averaged updates;
 * `popularity`: learns only how common each tag is.
 */
export type TagTrainingMethod = 'auto' | 'preconditioned' | 'one-shot' | 'fedavg' | 'popularity';

/** Users × µ below which a learnt model would rank worse than popularity. */
const LEARNABLE = 40;
/** Users × µ below which the noise makes the intercept worth more of the norm. */
const INTERCEPT_BOUND = 150;

/**
 * Users × µ of a run, which decides what can be learnt: the same product gives about the same gain.
 *
 * @param noiseMultiplier - of the whole run; 0 is non-private
 */
export function learningStrength(
  population: number,
  noiseMultiplier: number,
  relation: NeighbourRelation,
): number {
  if (noiseMultiplier === 0) return Number.POSITIVE_INFINITY;
  // Replacing a user may move a sum by two updates, so its noise is twice as large.
  return population / (noiseMultiplier * (relation === 'replace-one-user' ? 2 : 1));
}

/**
 * Weight of the constant feature (`TagTaskPrior.beta`) that suits the noise: a larger one where only the
 * intercepts can be learnt.
 *
 * @param persistence - see `TagTaskPrior`; with it the intercepts matter less
 */
export function constantWeight(strength: number, persistence: number): number {
  return persistence === 0 && strength < INTERCEPT_BOUND ? 1 : 0.3;
}

/**
 * The method that `auto` stands for: preconditioned steps, which do as well as or better than the others from
 * few users to many; popularity where nothing can be learnt and there is no persistence prior to start from.
 * Looks at public facts alone.
 */
export function chooseMethod(
  method: TagTrainingMethod,
  task: Pick<TagTask, 'prior' | 'population'>,
  noiseMultiplier: number,
  relation: NeighbourRelation,
): Exclude<TagTrainingMethod, 'auto'> {
  if (method !== 'auto') return method;
  if (task.prior.persistence !== 0) return 'preconditioned';
  const strength = learningStrength(task.population, noiseMultiplier, relation);
  return strength < LEARNABLE ? 'popularity' : 'preconditioned';
}
