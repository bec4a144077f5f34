import { KeyedRandom } from './keyed-random.ts';
import type { SimulatedPopulation } from './population.ts';

/** A made-up population; plain JSON, so that every thread can make the same. */
export interface SyntheticPopulationOptions {
  readonly users: number;
  readonly inputDimension: number;
  readonly outputDimension: number;
  /** Rows of every user; with a skew in amount, of the average one. */
  readonly rows: number;
  readonly seed: string;
  readonly skew?: PopulationSkew;
}

/** How unlike one another the users are; all 0 by default. */
export interface PopulationSkew {
  /**
   * Of taste, at least 0: how far the log-odds of each tag are moved for one user, uniform in ± this. With 3
   * and more most users have few tags, and not the same.
   */
  readonly labels?: number;
  /**
   * Of amount, in [0, 1): numbers of rows follow a Pareto law of shape 1/amount, cut at ten times `rows`.
   * The mean stays at or under `rows`.
   */
  readonly amount?: number;
}

/** Features that decide one tag. */
const CAUSES = 4;
/** Log-odds that one cause is worth at most. */
const STRENGTH = 6;

/**
 * Users made up as they are asked for: user, row and tag follow from the seed alone, so a million of them need
 * no memory. Features are uniform in ±√(3/inputDimension) (norm about 1); every tag depends on four of them,
 * the same for everybody, and on the taste of the user.
 */
export class SyntheticPopulation implements SimulatedPopulation {
  readonly size: number;
  readonly inputDimension: number;
  readonly outputDimension: number;
  readonly #options: SyntheticPopulationOptions;
  readonly #random: KeyedRandom;
  /** `[outputDimension, CAUSES]` */
  readonly #causes: Uint32Array;
  readonly #weights: Float32Array;
  /** Of the user written last. `[outputDimension]` */
  readonly #taste: Float32Array;

  /** @throws RangeError for options out of range */
  constructor(options: SyntheticPopulationOptions) {
    const { users, inputDimension, outputDimension, rows, seed, skew = {} } = options;
    for (const [name, value] of Object.entries({ users, inputDimension, outputDimension, rows })) {
      if (!Number.isSafeInteger(value) || value < 1 || value > 2 ** 32) {
        throw new RangeError(`"${name}" expected an integer in [1, 2^32], got ${value}`);
      }
    }
    const { labels = 0, amount = 0 } = skew;
    if (!(labels >= 0) || !Number.isFinite(labels)) {
      throw new RangeError(`"skew.labels" expected a number of at least 0, got ${labels}`);
    }
    if (!(amount >= 0 && amount < 1)) {
      throw new RangeError(`"skew.amount" expected a number in [0, 1), got ${amount}`);
    }
    this.size = users;
    this.inputDimension = inputDimension;
    this.outputDimension = outputDimension;
    this.#options = options;
    this.#random = new KeyedRandom(seed);
    const random = this.#random.start('data', 0, 0);
    const causes = outputDimension * CAUSES;
    this.#causes = Uint32Array.from({ length: causes }, () =>
      Math.floor(random.uniform() * inputDimension),
    );
    const unit = Math.sqrt(inputDimension / 3);
    this.#weights = Float32Array.from(
      { length: causes },
      () => (2 * random.uniform() - 1) * STRENGTH * unit,
    );
    this.#taste = new Float32Array(outputDimension);
  }

  account(user: number): string {
    return `user-${user}`;
  }

  rowsOf(user: number): number {
    const { rows, skew = {} } = this.#options;
    const { amount = 0 } = skew;
    if (amount === 0) return rows;
    const tail = (1 - this.#random.start('data', 1, user).uniform()) ** -amount;
    return Math.max(1, Math.min(10 * rows, Math.round(rows * (1 - amount) * tail)));
  }

  write(user: number, rows: number, features: Float32Array, labels: Float32Array): void {
    const { inputDimension, outputDimension, skew = {} } = this.#options;
    const random = this.#random.start('data', 2, user);
    const taste = this.#taste;
    for (let tag = 0; tag < outputDimension; tag++) {
      taste[tag] = (skew.labels ?? 0) * (2 * random.uniform() - 1);
    }
    const spread = Math.sqrt(3 / inputDimension);
    for (let row = 0; row < rows; row++) {
      const at = row * inputDimension;
      for (let i = 0; i < inputDimension; i++) {
        features[at + i] = (2 * random.uniform() - 1) * spread;
      }
      for (let tag = 0; tag < outputDimension; tag++) {
        let logit = taste[tag] as number;
        for (let cause = tag * CAUSES; cause < (tag + 1) * CAUSES; cause++) {
          const feature = features[at + (this.#causes[cause] as number)] as number;
          logit += (this.#weights[cause] as number) * feature;
        }
        labels[row * outputDimension + tag] = random.uniform() * (1 + Math.exp(-logit)) < 1 ? 1 : 0;
      }
    }
  }
}
