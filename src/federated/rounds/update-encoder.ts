import { VelaturaError } from '../../core/errors.ts';
import { addToLattice, type LatticeBall } from '../../dp/mechanisms/index.ts';
import { ballSensitivity } from '../../dp/mechanisms/relation-sensitivity.ts';
import type { NeighbourRelation } from '../../dp/plan.ts';
import type { DistributedNoise } from './distributed-noise.ts';

/** Public constants of an encoder; chosen without looking at data. */
export interface UpdateEncoderOptions {
  /** Number of coordinates of one update. */
  readonly dimension: number;
  /** Bound on the l2 norm of one account's update; what is longer is scaled down. */
  readonly clippingNorm: number;
  /** Integer length that stands for `clippingNorm`: the resolution of the lattice. Default 2¹⁶. */
  readonly integerNorm?: number;
  /**
   * Share of `clippingNorm` that the clipping flag is worth. Above 0, a last coordinate counts the clipped
   * updates inside the same noisy sum, so that the clipped share is paid for. Default 0: no flag.
   */
  readonly clippingFlagWeight?: number;
}

/** One account's update as integers. */
export interface EncodedUpdate {
  /** `[encodedDimension]`, exact integers. */
  readonly vector: Float64Array;
  readonly clipped: boolean;
}

/** What the noisy sum says, in units of the updates. */
export interface DecodedSum {
  /** `[dimension]` */
  readonly sum: Float64Array;
  /** Noisy number of clipped updates; null without a flag. */
  readonly clippedCount: number | null;
}

/**
 * Turns an update into integers of bounded length: clip → scale → round → check the norm in exact integer
 * arithmetic. Sums of such vectors are exact, so floating point cannot widen the sensitivity.
 *
 * ## Privacy
 * Whatever the input, Σ vector² ≤ integerSensitivity² holds exactly; see update-encoder.proof.md.
 */
export class UpdateEncoder {
  readonly dimension: number;
  /** `dimension`, plus one with a clipping flag. */
  readonly encodedDimension: number;
  readonly clippingNorm: number;
  readonly integerNorm: number;
  /** Value of the flag coordinate of a clipped update. */
  readonly integerFlag: number;
  /** Exact bound on the l2 norm of one encoded update. An integer. */
  readonly integerSensitivity: number;
  /** The noise that every encoded update carries; null where it is added to the sum. */
  readonly noise: DistributedNoise | null = null;
  readonly #ball: LatticeBall;

  /** @throws {VelaturaError} `dp/invalid-parameter` */
  constructor(options: UpdateEncoderOptions) {
    const { dimension, clippingNorm, integerNorm = 65_536, clippingFlagWeight = 0 } = options;
    if (!Number.isInteger(dimension) || dimension < 1) {
      throw new RangeError(`"dimension" expected a positive integer, got ${dimension}`);
    }
    if (!(clippingNorm > 0) || !Number.isFinite(clippingNorm)) {
      throw invalid('clippingNorm', 'a positive number', clippingNorm);
    }
    // 2²⁵: the sum of squares in the norm check then stays an exact integer below 2⁵³.
    if (!Number.isInteger(integerNorm) || integerNorm < 1 || integerNorm > 2 ** 25) {
      throw invalid('integerNorm', 'an integer in [1, 2^25]', integerNorm);
    }
    if (!(clippingFlagWeight >= 0 && clippingFlagWeight <= 1)) {
      throw invalid('clippingFlagWeight', 'a number in [0, 1]', clippingFlagWeight);
    }
    // Below that the scale would overflow.
    if (!Number.isFinite(integerNorm / clippingNorm)) {
      throw invalid('clippingNorm', 'a number that integers can stand for', clippingNorm);
    }
    this.dimension = dimension;
    this.clippingNorm = clippingNorm;
    this.integerNorm = integerNorm;
    this.integerFlag = Math.floor(clippingFlagWeight * integerNorm);
    this.encodedDimension = this.integerFlag > 0 ? dimension + 1 : dimension;
    const squared = integerNorm ** 2 + this.integerFlag ** 2;
    let bound = Math.floor(Math.sqrt(squared));
    while (bound * bound < squared) bound++;
    this.integerSensitivity = bound;
    this.#ball = {
      norm: 'l2',
      bound: clippingNorm,
      stepsPerUnit: integerNorm / clippingNorm,
      limit: integerNorm ** 2,
    };
  }

  /**
   * l2 sensitivity of a sum of encoded updates, in lattice units.
   *
   * @param relation - replacing an account can move the sum by two updates, the others by one
   */
  sensitivity(relation: NeighbourRelation): number {
    return ballSensitivity(relation, this.integerSensitivity);
  }

  /**
   * Encodes one account's update.
   *
   * @param update - `[dimension]`
   * @throws {VelaturaError} `federated/invalid-contribution`, `federated/non-finite`
   */
  encode(update: ArrayLike<number>): EncodedUpdate {
    const vector = new Float64Array(this.encodedDimension);
    return { vector, clipped: this.encodeInto(update, vector) };
  }

  /**
   * The same without a new array.
   *
   * @param update - `[dimension]`
   * @param target - `[encodedDimension]`, overwritten
   * @returns whether the update was clipped
   * @throws {VelaturaError} `federated/invalid-contribution`, `federated/non-finite`
   */
  encodeInto(update: ArrayLike<number>, target: Float64Array): boolean {
    target.fill(0);
    return this.#encodeOnto(target, update);
  }

  /**
   * Encodes one account's update straight into a sum that is kept in the clear, and allocates nothing. The
   * caller sees to it that the sum stays exact: `integerSensitivity` times the updates at most 2⁵².
   *
   * @param sum - `[encodedDimension]`, exact integers; left as it was when this throws
   * @param update - `[dimension]`
   * @returns whether the update was clipped
   * @throws {VelaturaError} `federated/invalid-contribution`, `federated/non-finite`
   */
  addTo(sum: Float64Array, update: ArrayLike<number>): boolean {
    // What encodes in another way has another bound, which must hold here too.
    if (this.encodeInto === UpdateEncoder.prototype.encodeInto)
      return this.#encodeOnto(sum, update);
    const vector = new Float64Array(this.encodedDimension);
    const clipped = this.encodeInto(update, vector);
    for (let i = 0; i < vector.length; i++) sum[i] = (sum[i] as number) + (vector[i] as number);
    return clipped;
  }

  /** @throws {VelaturaError} `federated/invalid-contribution`; RangeError for a target of another length */
  protected requireLengths(update: ArrayLike<number>, target: Float64Array): void {
    if (update.length !== this.dimension) {
      throw new VelaturaError(
        'federated/invalid-contribution',
        `an update expected ${this.dimension} coordinates, got ${update.length}`,
        { expected: this.dimension, actual: update.length },
      );
    }
    if (target.length !== this.encodedDimension) {
      throw new RangeError(
        `an encoded update expected room for ${this.encodedDimension} numbers, got ${target.length}`,
      );
    }
  }

  #encodeOnto(sum: Float64Array, update: ArrayLike<number>): boolean {
    this.requireLengths(update, sum);
    if (this.encodedDimension === this.dimension) return this.#add(sum, update);
    const clipped = this.#add(sum.subarray(0, this.dimension), update);
    if (clipped) sum[this.dimension] = (sum[this.dimension] as number) + this.integerFlag;
    return clipped;
  }

  /** Of a vector of the right length, only what is not finite is refused. */
  #add(sum: Float64Array, update: ArrayLike<number>): boolean {
    try {
      return addToLattice(update, this.#ball, sum);
    } catch (cause) {
      const message = 'an update holds NaN or an infinity';
      throw new VelaturaError('federated/non-finite', message, {}, { cause });
    }
  }

  /** Scales a (noisy) integer sum back. */
  decodeSum(sum: Float64Array): DecodedSum {
    const unit = this.clippingNorm / this.integerNorm;
    const decoded = sum.subarray(0, this.dimension).map((value) => value * unit);
    const flag = this.integerFlag > 0 ? (sum[this.dimension] as number) / this.integerFlag : null;
    return { sum: decoded, clippedCount: flag };
  }
}

function invalid(name: string, expected: string, actual: number): VelaturaError {
  return new VelaturaError(
    'dp/invalid-parameter',
    `"${name}" expected ${expected}, got ${actual}`,
    {
      name,
    },
  );
}
