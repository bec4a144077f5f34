import {
  type DroppedBits,
  firstDropError,
  NOTHING_DROPPED,
  secondDropProxy,
} from './dropped-bits.ts';
import type { HeParameters } from './parameters.ts';

/**
 * Variance proxy of one coefficient of fresh encryption noise. SEAL draws from the centred binomial
 * distribution with 42 bits: variance 10.5 (deviation 3.24), never beyond ±21.
 */
export const FRESH_NOISE_VARIANCE = 10.5;
/** The largest fresh noise coefficient in absolute value. */
export const FRESH_NOISE_MAX = 21;
/** The probability that any score of one reply lies beyond the stated bound. */
export const SCORE_FAILURE_PROBABILITY: number = 2 ** -40;

/** The public facts about a catalogue on which the noise of its scores depends; all of integer items. */
export interface ItemNorms {
  /** The largest over all blocks of Σ of the squares of all item coefficients in the block. */
  readonly blockSquaredNorm: number;
  /** The largest Σ |coefficient| of one item. */
  readonly itemL1Norm: number;
  /** Scores in one reply; the bound holds for all of them together. */
  readonly scores: number;
  /** What the reply leaves out; by default nothing. */
  readonly dropped?: DroppedBits;
}

/**
 * How far a decrypted integer score may lie from the true one: an integer, 0 meaning exact. It fails for
 * some score of a reply with probability below `failureProbability`, over the noise of the query.
 *
 * Argument: `score-error.proof.md`, for what a reply leaves out `dropped-bits.proof.md`.
 *
 * @param failureProbability - in (0, 1); per reply, not per score
 */
export function scoreErrorBound(
  parameters: HeParameters,
  norms: ItemNorms,
  failureProbability: number = SCORE_FAILURE_PROBABILITY,
): number {
  if (!(failureProbability > 0 && failureProbability < 1)) {
    throw new RangeError(
      `"failureProbability" expected a number in (0, 1), got ${failureProbability}`,
    );
  }
  const dropped = norms.dropped ?? NOTHING_DROPPED;
  const proxy =
    FRESH_NOISE_VARIANCE * norms.blockSquaredNorm + secondDropProxy(parameters, dropped);
  const tail = Math.sqrt(2 * proxy * Math.log((2 * norms.scores) / failureProbability));
  const encoding = (norms.itemL1Norm + 1) / 2 + firstDropError(dropped);
  const units = ((tail + encoding) * parameters.plaintextModulus) / parameters.ciphertextModulus;
  return Math.floor(units * (1 + 1e-12) + 0.5);
}

/**
 * The smallest error bound that a catalogue states, in integer score units: that of one item with one coefficient of
 * 127. Catalogues of less state it too, so that a client, who knows no items, can hold a server to it; a larger bound
 * is as true. It is 0 under parameters that make such a catalogue exact.
 *
 * @param scores - in one reply
 */
export function leastScoreError(
  parameters: HeParameters,
  scores: number,
  dropped: DroppedBits,
): number {
  const norms = { blockSquaredNorm: 1 + 127 ** 2, itemL1Norm: 127, scores, dropped };
  return scoreErrorBound(parameters, norms);
}

/**
 * The standard deviation of the noise in an integer score, for plots and planning.
 *
 * @param blockSquaredNorm - Σ of the squares of all item coefficients of the item's block
 */
export function scoreNoiseStddev(parameters: HeParameters, blockSquaredNorm: number): number {
  return (
    (Math.sqrt(FRESH_NOISE_VARIANCE * blockSquaredNorm) * parameters.plaintextModulus) /
    parameters.ciphertextModulus
  );
}
