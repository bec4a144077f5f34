import { addScaled } from '../../core/linear-algebra.ts';
import type { ServerOptimiser } from './server-optimiser.ts';

/** Adds learningRate · update: plain federated averaging. */
export function plainSteps(): ServerOptimiser {
  return {
    name: 'plain steps',
    slots: 0,
    linear: true,
    step(parameters, { update, learningRate }, state) {
      addScaled(parameters, update, learningRate);
      state.rounds++;
    },
  };
}

/**
 * Heavy-ball momentum: v ← momentum · v + update, parameters += learningRate · v. Without noise a learning
 * rate works like one of learningRate/(1 − momentum) in plain steps.
 *
 * Source: FedAvgM, Hsu, Qi & Brown (2019), arXiv 1909.06335.
 *
 * @param momentum - in [0, 1)
 * @throws {RangeError} for another momentum
 */
export function momentumSteps(momentum: number): ServerOptimiser {
  if (!(momentum >= 0 && momentum < 1)) {
    throw new RangeError(`"momentum" expected a number in [0, 1), got ${momentum}`);
  }
  return {
    name: `momentum ${momentum}`,
    slots: 1,
    linear: true,
    step(parameters, { update, learningRate }, state) {
      const velocity = state.slots[0] as Float64Array;
      for (let i = 0; i < velocity.length; i++) {
        velocity[i] = momentum * (velocity[i] as number) + (update[i] as number);
      }
      addScaled(parameters, velocity, learningRate);
      state.rounds++;
    },
  };
}
