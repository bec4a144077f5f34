import type { RandomSource } from '../../core/random-source.ts';
import type { Batch, Trainable } from '../models/trainable.ts';
import { LocalTrainer, type LocalTraining } from './local-trainer.ts';
import type { EncodedUpdate, UpdateEncoder } from './update-encoder.ts';

export type { LocalTraining };

/** What a client is asked to compute on its own rows; one vector comes out, unclipped. */
export type LocalComputation = (data: Batch) => ArrayLike<number>;

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
   * vector, with the noise it has to have: that a round fails for one person's data would tell about that data, and
   * nobody paid for it.
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
      try {
        onError?.(error);
      } catch {
        // Nor may a listener that fails let one person's data decide whether the round does.
      }
      return { ...encoder.encode(new Float64Array(encoder.dimension)), clipped: false };
    }
  }
}

/**
 * Training on the own rows from the global parameters.
 *
 * @param random - decides which rows make a batch; without it they come in order
 * @returns the change of the parameters, `[parameterCount]`
 * @throws {VelaturaError} `dp/invalid-contribution` when the arrays do not hold exactly `data.rows` rows
 * @throws RangeError for training constants out of range
 */
export function localUpdate(
  model: Trainable,
  parameters: Float32Array,
  data: Batch,
  training: LocalTraining,
  random: RandomSource | null = null,
): Float32Array {
  const trainer = new LocalTrainer(model, training);
  try {
    const rows = trainer.load(data);
    trainer.startFrom(parameters);
    return trainer.update(rows, random).slice();
  } finally {
    trainer.free();
  }
}
