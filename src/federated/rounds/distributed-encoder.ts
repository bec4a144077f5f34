import { VelaturaError } from '../../core/errors.ts';
import { l2Norm } from '../../core/linear-algebra.ts';
import type { RandomSource } from '../../core/random-source.ts';
import { fillSkellam } from '../../dp/noise/index.ts';
import { BlockRotation } from './block-rotation.ts';
import { roundWithin } from './conditional-rounding.ts';
import { type DistributedNoise, distributedFacts } from './distributed-noise.ts';
import { centredResidue } from './sum-checks.ts';
import { type DecodedSum, UpdateEncoder } from './update-encoder.ts';

/** For which round an encoder works, and where its noise comes from. */
export interface DistributedRound {
  /** Decides the rotation, which all members must share. */
  readonly roundId: string;
  /** A `SecureRandom` wherever people are to be protected. */
  readonly random: RandomSource;
}

/**
 * Encodes updates for one round in which the clients add the noise: clip → rotate → scale → round within the norm →
 * add the own share of Skellam noise → reduce modulo 2^b. What comes out may be added up by a server that nobody trusts.
 *
 * ## Privacy
 * Before the noise, Σ z² ≤ integerSensitivity² holds exactly; the noise of `honestSurvivors` members makes the sum cost
 * `distributedPlan`. Each call draws new noise, so encoding one update twice and sending both costs twice. Proof:
 * `distributed-noise.proof.md`.
 */
export class DistributedEncoder extends UpdateEncoder {
  override readonly encodedDimension: number;
  override readonly integerSensitivity: number;
  override readonly noise: DistributedNoise;
  readonly #random: RandomSource;
  readonly #rotation: BlockRotation;
  readonly #turned: Float32Array;

  /** @throws {VelaturaError} `dp/invalid-parameter`, `federated/wrap-around` for constants that do not hold */
  constructor(noise: DistributedNoise, { roundId, random }: DistributedRound) {
    const { encodedDimension, integerSensitivity } = distributedFacts(noise);
    const { dimension, clippingNorm, integerNorm, clippingFlagWeight, blockSize } = noise;
    super({ dimension, clippingNorm, integerNorm, clippingFlagWeight });
    this.encodedDimension = encodedDimension;
    this.integerSensitivity = integerSensitivity;
    this.noise = noise;
    this.#random = random;
    this.#rotation = new BlockRotation(roundId, encodedDimension, blockSize);
    this.#turned = new Float32Array(encodedDimension);
  }

  /** As of the plain encoder, with noise. */
  override encodeInto(update: ArrayLike<number>, target: Float64Array): boolean {
    this.requireLengths(update, target);
    const clipped = this.#scale(update);
    this.#rotation.turn(this.#turned);
    roundWithin(this.#turned, this.integerSensitivity, this.#random, target);
    this.#turned.fill(0);
    this.#addNoise(target);
    return clipped;
  }

  /**
   * Scales a noisy sum back; its error is `distributedStddev`.
   *
   * @param sum - `[encodedDimension]`, centred integers
   */
  override decodeSum(sum: Float64Array): DecodedSum {
    const data = Float32Array.from(sum);
    this.#rotation.turnBack(data);
    const unit = this.clippingNorm / this.integerNorm;
    const decoded = Float64Array.from(data.subarray(0, this.dimension), (value) => value * unit);
    const flag = this.integerFlag > 0 ? (data[this.dimension] as number) / this.#flagLength : null;
    return { sum: decoded, clippedCount: flag };
  }

  /** Writes the clipped update, and its flag, in lattice units. */
  #scale(update: ArrayLike<number>): boolean {
    const turned = this.#turned;
    turned.fill(0);
    const largest = largestMagnitude(update);
    if (largest === 0) return false;
    // Relative to the largest coordinate no square overflows and none that counts is lost.
    const shape = Float64Array.from(update, (value) => value / largest);
    const length = l2Norm(shape);
    const clipped = length > this.clippingNorm / largest;
    const factor = clipped
      ? this.integerNorm / length
      : (largest / this.clippingNorm) * this.integerNorm;
    for (let i = 0; i < shape.length; i++) turned[i] = (shape[i] as number) * factor;
    if (clipped && this.integerFlag > 0) turned[this.dimension] = this.#flagLength;
    return clipped;
  }

  #addNoise(target: Float64Array): void {
    const { shareVariance, modulusBits } = this.noise;
    const modulus = 2 ** modulusBits;
    const noise = new Float64Array(target.length);
    fillSkellam(noise, shareVariance, this.#random);
    for (let i = 0; i < target.length; i++) {
      const value = (target[i] as number) + (noise[i] as number);
      target[i] = centredResidue(value, modulus);
    }
  }

  get #flagLength(): number {
    return this.noise.clippingFlagWeight * this.integerNorm;
  }
}

function largestMagnitude(vector: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < vector.length; i++) {
    const size = Math.abs(vector[i] as number);
    if (!(size < Number.POSITIVE_INFINITY)) {
      throw new VelaturaError('federated/non-finite', 'an update holds NaN or an infinity');
    }
    if (size > largest) largest = size;
  }
  return largest;
}
