import { l2Norm } from '../../core/linear-algebra.ts';

/** ‖signal‖ estimated by taking the expected noise energy out of the observed one; Infinity without noise. */
export function signalToNoise(noisySum: Float64Array, noiseStddev: number): number {
  const noiseEnergy = noisySum.length * noiseStddev ** 2;
  if (noiseEnergy === 0) return Number.POSITIVE_INFINITY;
  return Math.sqrt(Math.max(0, l2Norm(noisySum) ** 2 - noiseEnergy) / noiseEnergy);
}
