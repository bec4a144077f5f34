import { throwIfAborted } from '../../core/errors.ts';
import { calibrateGaussian } from '../../dp/index.ts';
import {
  type RoundEnvironment,
  simulatedClients,
  type TagTable,
  type TagTask,
  trainTagModel,
} from '../../federated/index.ts';
import { DELTA, TASK_PRIOR } from './policy.ts';
import type { SceneResult, SweepMethod, SweepPoint, UtilitySweep } from './result.ts';
import { evaluateModel, type SceneTraining, sceneTask } from './train-scene.ts';

const EPSILONS = [0.5, 1, 2, 4, 8, Number.POSITIVE_INFINITY] as const;
const METHODS: readonly SweepMethod[] = ['fedavg', 'one-shot', 'one-shot-without-prior'];

/** Number of points a sweep computes. */
export const SWEEP_POINTS: number = METHODS.length * EPSILONS.length;
const REPEATS = 3;

function sweepTask(table: TagTable, method: SweepMethod, population: number): TagTask {
  const task = sceneTask(table, population);
  return method === 'one-shot-without-prior'
    ? { ...task, prior: { ...task.prior, persistence: 0 } }
    : task;
}

/**
 * Precision@3 against epsilon for one scene.
 *
 * ## Privacy
 * A simulation on data declared public: it runs without the budget and charges nobody. In a deployment each
 * point would cost its epsilon.
 *
 * @param onPoint - called after each point, with the number done
 */
export async function sweepUtility(
  training: SceneTraining,
  environment: RoundEnvironment,
  trained: SceneResult,
  onPoint: (done: number) => void,
): Promise<UtilitySweep> {
  const clients = simulatedClients(training.table, training.enrolledRows, TASK_PRIOR.beta);
  const points: SweepPoint[] = [];
  for (const method of METHODS) {
    for (const epsilon of EPSILONS) {
      const values: number[] = [];
      for (let repeat = 0; repeat < (epsilon === Infinity ? 1 : REPEATS); repeat++) {
        throwIfAborted(environment.signal);
        const outcome = await trainTagModel(
          { ...environment, budget: null },
          sweepTask(training.table, method, clients.length),
          clients,
          {
            runId: `sweep/${method}/${epsilon}/${repeat}`,
            method: method === 'fedavg' ? 'fedavg' : 'one-shot',
            noiseMultiplier:
              epsilon === Infinity ? 0 : calibrateGaussian({ epsilon, delta: DELTA }),
            delta: DELTA,
          },
        );
        if (outcome.kind === 'refused')
          throw new TypeError('a run without budget cannot be refused');
        values.push(
          evaluateModel(outcome.model, training.table, training.evaluationRows).precisionAt3,
        );
      }
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance =
        values.reduce((sum, value) => sum + (value - mean) ** 2, 0) /
        Math.max(1, values.length - 1);
      points.push({ method, epsilon, mean, sd: Math.sqrt(variance) });
      onPoint(points.length);
    }
  }
  return {
    scene: training.scene,
    repeats: REPEATS,
    points,
    popularity: trained.baselines.popularity.precisionAt3,
    ownHistory: trained.baselines.ownHistory.precisionAt3,
  };
}
