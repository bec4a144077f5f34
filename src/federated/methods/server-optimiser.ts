/** What a server optimiser keeps between rounds: flat arrays that can be written down and read back. */
export interface OptimiserState {
  /** Rounds stepped so far. */
  rounds: number;
  /** One array of `parameterCount` numbers a slot. */
  readonly slots: readonly Float64Array[];
}

/** One move of the server. */
export interface ServerStep {
  /** Noisy mean of the updates of the round, in units of the parameters. `[parameterCount]` */
  readonly update: ArrayLike<number>;
  readonly learningRate: number;
  /** Deviation of the noise in one coordinate of `update`; 0 without noise. */
  readonly noiseStddev: number;
}

/**
 * Turns the noisy sum of a round into a move of the global parameters. It sees released values only, so
 * whatever it does is post-processing and costs nothing.
 *
 * The rule itself holds no state, so that a run can be written down after any round and go on elsewhere.
 */
export interface ServerOptimiser {
  /** Kind and constants in words: a saved state is continued only under the same. */
  readonly name: string;
  /** Number of arrays in its state. */
  readonly slots: number;
  /**
   * True when the parameters are a linear function of the updates, whatever their values: the noise of the
   * updates is then the noise of the parameters by a known factor.
   */
  readonly linear: boolean;
  /** Moves `parameters` (`[parameterCount]`) in place and brings `state` up to date. */
  step(parameters: Float64Array, step: ServerStep, state: OptimiserState): void;
}

/** The state before the first round: all zero. */
export function initialState(optimiser: ServerOptimiser, parameterCount: number): OptimiserState {
  return {
    rounds: 0,
    slots: Array.from({ length: optimiser.slots }, () => new Float64Array(parameterCount)),
  };
}
