import { VelaturaError } from '../../core/errors.ts';
import type { Kernels } from '../../core/kernels/kernels.ts';
import type { Trainable } from '../models/trainable.ts';
import { LocalTrainer, type LocalTraining } from '../rounds/local-trainer.ts';
import { UpdateEncoder, type UpdateEncoderOptions } from '../rounds/update-encoder.ts';
import { KeyedRandom } from './keyed-random.ts';
import type { SimulatedPopulation } from './population.ts';

/** What every thread of a simulation has for itself. */
export interface SimulationParts {
  readonly model: Trainable;
  readonly population: SimulatedPopulation;
  /** Those of the model. Default: the fastest that run here. */
  readonly kernels?: Kernels;
}

/** What the threads of a run agree on; plain JSON. */
export interface CohortTerms {
  readonly seed: string;
  readonly training: LocalTraining;
  readonly encoding: UpdateEncoderOptions;
}

/** What came of some users of a round. */
export interface CohortSum {
  /** Exact integers. `[encodedDimension]` */
  readonly sum: Float64Array;
  /** Contributions in it. */
  readonly survivors: number;
  /** Contributions that were clipped. */
  readonly clipped: number;
  /** Contributions that were zero because the user's data were unusable, such as NaN. */
  readonly unusable: number;
}

/**
 * Visits users one after the other with one model: trains, clips, rounds to integers and adds, in arrays that
 * are made once. The sum is exact, so it does not depend on who is visited where, and in what order.
 */
export class CohortTrainer {
  readonly #population: SimulatedPopulation;
  readonly #trainer: LocalTrainer;
  readonly #encoder: UpdateEncoder;
  readonly #random: KeyedRandom;
  #sum: Float64Array;
  #round = 0;
  #survivors = 0;
  #clipped = 0;
  #unusable = 0;

  /** @throws RangeError when model and population do not fit together; as the trainer and the encoder */
  constructor({ model, population, kernels }: SimulationParts, terms: CohortTerms) {
    for (const name of ['inputDimension', 'outputDimension'] as const) {
      if (population[name] !== model[name]) {
        throw new RangeError(
          `"${name}" of the population expected that of the model, ${model[name]}, got ${population[name]}`,
        );
      }
    }
    this.#population = population;
    this.#encoder = new UpdateEncoder(terms.encoding);
    this.#trainer = new LocalTrainer(model, terms.training, kernels);
    this.#random = new KeyedRandom(terms.seed);
    this.#sum = new Float64Array(this.#encoder.encodedDimension);
  }

  /** Starts a round with an empty sum. */
  begin(round: number, parameters: Float32Array): void {
    this.#trainer.startFrom(parameters);
    this.#sum = new Float64Array(this.#encoder.encodedDimension);
    this.#round = round;
    this.#survivors = 0;
    this.#clipped = 0;
    this.#unusable = 0;
  }

  /** Adds what one user contributes. */
  visit(user: number): void {
    const rows = this.#trainer.usedRows(this.#population.rowsOf(user));
    const { features, labels } = this.#trainer.room(rows);
    this.#population.write(user, rows, features, labels);
    this.#survivors++;
    const order = this.#random.start('order', this.#round, user);
    try {
      const update = this.#trainer.update(rows, order);
      if (this.#encoder.addTo(this.#sum, update)) this.#clipped++;
    } catch (error) {
      // As on a device: nobody's data decides whether a round fails. A mistake in a program does.
      if (!(error instanceof VelaturaError)) throw error;
      this.#unusable++;
    }
  }

  /** The sum of the round so far. */
  end(): CohortSum {
    return {
      sum: this.#sum,
      survivors: this.#survivors,
      clipped: this.#clipped,
      unusable: this.#unusable,
    };
  }

  /** Gives the memory back. */
  free(): void {
    this.#trainer.free();
  }
}

/** The sum of both, in the arrays of the first. */
export function mergeSums(into: CohortSum, other: CohortSum): CohortSum {
  for (let i = 0; i < into.sum.length; i++) {
    into.sum[i] = (into.sum[i] as number) + (other.sum[i] as number);
  }
  return {
    sum: into.sum,
    survivors: into.survivors + other.survivors,
    clipped: into.clipped + other.clipped,
    unusable: into.unusable + other.unusable,
  };
}
