import { VelaturaError } from '../core/errors.ts';
import { residueBits } from './bit-packing.ts';
import type { HeParameters } from './parameters.ts';

/** Low bits that a reply leaves out of the residues of the first and of the second polynomial. */
export type DroppedBits = readonly [first: number, second: number];

/** A reply with all its bits. */
export const NOTHING_DROPPED: DroppedBits = Object.freeze([0, 0] as const);

/** How much of the noise's standard deviation either term that dropping adds may have at most. */
const SHARE = 1 / 8;

/**
 * How many low bits of a reply are drowned in the noise it carries anyway: they say nothing about scores, so
 * they are not sent. Both shares together widen the noise by under two percent.
 *
 * With several data primes the low bits of a residue are not those of the number, so nothing is dropped.
 *
 * Argument: `dropped-bits.proof.md`.
 *
 * @param noiseVariance - of a coefficient before decoding: that of fresh noise times Σ of the squares of all item
 *   coefficients of a block
 */
export function droppedBits(parameters: HeParameters, noiseVariance: number): DroppedBits {
  if (parameters.dataPrimes.length > 1) return NOTHING_DROPPED;
  const error = SHARE * Math.sqrt(noiseVariance);
  return Object.freeze([bitsOf(error), bitsOf(error / Math.sqrt(keyProxy(parameters)))] as const);
}

/**
 * Throws unless replies under these parameters can leave out so many bits.
 *
 * @throws {VelaturaError} `he/malformed-message`, for it is a server that names them
 */
export function assertDroppedBits(parameters: HeParameters, dropped: DroppedBits): void {
  const { dataPrimes } = parameters;
  const most = dataPrimes.length > 1 ? 0 : residueBits(dataPrimes[0] as number) - 1;
  if (!dropped.every((bits) => Number.isInteger(bits) && bits >= 0 && bits <= most)) {
    throw new VelaturaError(
      'he/malformed-message',
      `a reply can leave out at most ${most} bits under these parameters, got ${dropped}`,
      { most },
    );
  }
}

/** The largest difference that dropping makes to a coefficient of the first polynomial. */
export function firstDropError([first]: DroppedBits): number {
  return largestError(first);
}

/** Variance proxy of what dropping from the second polynomial adds to a coefficient of the phase. */
export function secondDropProxy(parameters: HeParameters, [, second]: DroppedBits): number {
  return keyProxy(parameters) * largestError(second) ** 2;
}

/** A key has N coefficients, uniform in {−1, 0, 1}, each of variance proxy 2/3. */
function keyProxy(parameters: HeParameters): number {
  return (2 / 3) * parameters.polynomialDegree;
}

function largestError(bits: number): number {
  return bits === 0 ? 0 : 2 ** (bits - 1);
}

function bitsOf(allowed: number): number {
  return Math.max(0, Math.floor(Math.log2(2 * allowed)));
}
