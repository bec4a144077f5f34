import type { Batch, Trainable } from '../models/trainable.ts';
import type { EncodedUpdate, UpdateEncoder } from './update-encoder.ts';

/** What a client is asked to compute on its own rows; one vector comes out, unclipped. */
export type LocalComputation = (data: Batch) => ArrayLike<number>;

/** Local training of one round of federated averaging. */
export interface LocalTraining {
  readonly localSteps: number;
  readonly localLearningRate: number;
}

/**
 * The client's side of a round: holds one user's rows and lets nothing out but a clipped integer update.
 *
 * ## Privacy
 * One input per account per round; rows stay in this object. The encoder's bound is what the plan relies on.
 */
export class FederatedClient {
  readonly account: string;
  readonly #data: Batch;

  /** @param data - the rows of this one user */
  constructor(account: string, data: Batch) {
    this.account = account;
    this.#data = data;
  }

  /**
   * Computes on the own rows and encodes the outcome. What cannot be computed or encoded becomes the zero
   * vector: that a round fails for one person's data would tell about that data, and nobody paid for it.
   *
   * @param onError - told on this device why the contribution is zero; what it hears must not leave it
   */
  contribute(
    compute: LocalComputation,
    encoder: UpdateEncoder,
    onError?: (error: unknown) => void,
  ): EncodedUpdate {
    try {
      return encoder.encode(compute(this.#data));
    } catch (error) {
      onError?.(error);
      return { vector: new Float64Array(encoder.encodedDimension), clipped: false };
    }
  }
}

/**
 * A few steps of gradient descent on the mean loss of the own rows, from the global parameters.
 *
 * @returns the change of the parameters, `[parameterCount]`
 */
export function localUpdate(
  model: Trainable,
  parameters: Float32Array,
  data: Batch,
  training: LocalTraining,
): Float32Array {
  const local = Float32Array.from(parameters);
  const gradient = new Float32Array(model.parameterCount);
  const rate = training.localLearningRate / Math.max(1, data.rows);
  for (let step = 0; step < training.localSteps; step++) {
    model.gradient(local, data, gradient);
    for (let i = 0; i < local.length; i++) {
      local[i] = (local[i] as number) - rate * (gradient[i] as number);
    }
  }
  for (let i = 0; i < local.length; i++) {
    local[i] = (local[i] as number) - (parameters[i] as number);
  }
  return local;
}
