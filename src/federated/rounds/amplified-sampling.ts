import { VelaturaError } from '../../core/errors.ts';
import { type RandomSource, uint53, uniformInteger } from '../../core/random-source.ts';
import type { DpEvent } from '../../dp/event.ts';
import type { NeighbourRelation } from '../../dp/plan.ts';
import type { SecureSum } from './secure-sum.ts';

/**
 * A secret sample of a whole population, all of which is charged the sampled event. The population is fixed
 * from public facts before the draw; the draw is made once, after the charge, and never shown.
 */
export type AmplifiedSampling =
  /** Each member enters independently with that rate. */
  | { readonly kind: 'poisson'; readonly population: string; readonly samplingRate: number }
  /**
   * So many members, uniformly without replacement. Proven under replace-one-user only. A member knows whether
   * it was asked itself: against k who collude the bound is that of a sample from k fewer.
   */
  | { readonly kind: 'fixed-size'; readonly population: string; readonly sampleSize: number };

/**
 * The event of one sampled release.
 *
 * @param populationSize - clients from whom the sample is drawn, in which everybody charged is
 * @throws {VelaturaError} `dp/unsupported-event` where no bound is proven; `dp/invalid-parameter`
 */
export function sampledEvent(
  sampling: AmplifiedSampling,
  event: DpEvent,
  populationSize: number,
  relation: NeighbourRelation,
): DpEvent {
  if (sampling.kind === 'poisson') {
    const { samplingRate } = sampling;
    if (!(samplingRate > 0 && samplingRate <= 1)) {
      throw invalid('samplingRate', 'a number in (0, 1]', samplingRate);
    }
    return { kind: 'poisson-sampled', samplingRate, event };
  }
  const { sampleSize } = sampling;
  if (!Number.isInteger(sampleSize) || sampleSize < 1 || sampleSize > populationSize) {
    throw invalid('sampleSize', `an integer in [1, ${populationSize}]`, sampleSize);
  }
  if (relation !== 'replace-one-user') {
    throw new VelaturaError(
      'dp/unsupported-event',
      `a sample of fixed size has no proven amplification under ${relation}: leave it out and charge those who are asked`,
      { relation },
    );
  }
  return { kind: 'fixed-size-sampled', sampleSize, populationSize, event };
}

/**
 * Refuses amplification where somebody in the guarantee sees who takes part: the server of a cryptographic
 * sum is not trusted and does.
 *
 * @throws {VelaturaError} `dp/unsupported-event`
 */
export function requireHiddenSample(secureSum: SecureSum): void {
  if (secureSum.name !== 'plain') {
    throw new VelaturaError(
      'dp/unsupported-event',
      `the server of the sum "${secureSum.name}" sees who takes part, so a sample amplifies nothing against it`,
      { secureSum: secureSum.name },
    );
  }
}

/** Number of contributions to expect: a public constant, unlike the number there was. */
export function expectedSample(sampling: AmplifiedSampling, populationSize: number): number {
  return sampling.kind === 'poisson' ? sampling.samplingRate * populationSize : sampling.sampleSize;
}

/**
 * Draws the sample. Every member is in it with at most the declared rate: comparing 53 bits with the rate
 * rounded down to 2⁻⁵³ can only lower it, and a lower rate costs no more (it is a sample of the sample).
 *
 * @returns positions in the population, ascending
 */
export function drawSample(
  sampling: AmplifiedSampling,
  populationSize: number,
  random: RandomSource,
): number[] {
  const sample: number[] = [];
  if (sampling.kind === 'poisson') {
    const limit = Math.floor(sampling.samplingRate * 2 ** 53);
    for (let i = 0; i < populationSize; i++) if (uint53(random) < limit) sample.push(i);
    return sample;
  }
  return uniformSubset(populationSize, sampling.sampleSize, random);
}

/** A uniform subset of 0 … populationSize − 1 without replacement, ascending (selection sampling). */
export function uniformSubset(
  populationSize: number,
  size: number,
  random: RandomSource,
): number[] {
  const subset: number[] = [];
  for (let i = 0; i < populationSize && subset.length < size; i++) {
    // Of the populationSize − i that are left, size − subset.length will be taken, each as likely.
    if (uniformInteger(random, populationSize - i) < size - subset.length) subset.push(i);
  }
  return subset;
}

function invalid(name: string, expected: string, actual: number): VelaturaError {
  return new VelaturaError(
    'dp/invalid-parameter',
    `"${name}" expected ${expected}, got ${actual}`,
    { name },
  );
}
