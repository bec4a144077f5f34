import { type RandomSource, uniformInteger } from '../../core/random-source.ts';
import { accepts } from './certified-accept.ts';
import type { CertifiedLaw } from './certified-law.ts';
import { fairRun } from './fair-run.ts';
import { LruCache } from './lru-cache.ts';
import {
  assertMagnitude,
  assertNoiseParameter,
  assertTarget,
  fillEach,
  type NoiseTarget,
} from './parameters.ts';
import { poissonSideLaw } from './poisson-law.ts';

/** Largest mean: beyond, an exact decision might multiply tens of millions of factors. */
export const MAX_POISSON_MEAN: number = 2 ** 40;
const MAX_INT32_MEAN = 2 ** 30;

/** The two sides of a Poisson law, and a length over which both of them at least halve. */
export interface PoissonEnvelope {
  readonly mode: number;
  readonly block: number;
  readonly over: CertifiedLaw;
  readonly under: CertifiedLaw;
}

const envelopes = new LruCache<PoissonEnvelope>(16);

/** @param relativeError - see {@link poissonSideLaw}; tests widen it */
export function poissonEnvelope(lambda: number, relativeError?: number): PoissonEnvelope {
  const over = poissonSideLaw(lambda, 1, relativeError);
  const under = poissonSideLaw(lambda, -1, relativeError);
  const mode = Math.floor(lambda);
  const halves = (law: CertifiedLaw, block: number): boolean => {
    const weight = law.weight(block) * (1 + law.relativeError);
    return 2 * (Number.isNaN(weight) ? law.weightBeyond : weight) <= 1;
  };
  let block = Math.ceil(1.1 * Math.sqrt(lambda));
  while (!(halves(over, block) && (block > mode || halves(under, block)))) {
    block = Math.ceil(block * 1.1);
  }
  return { mode, block, over, under };
}

/**
 * One exact sample under an envelope of blocks: block i on either side of the mode has height 2^(−i), which
 * the law, being log-concave, never passes.
 */
export function sampleUnderEnvelope(
  { mode, block, over, under }: PoissonEnvelope,
  random: RandomSource,
): number {
  for (;;) {
    const up = random.uint32() >= 0x8000_0000;
    const run = fairRun(random);
    const distance = run * block + uniformInteger(random, block);
    // The mode itself belongs to the upper side.
    if (!up && (distance === 0 || distance > mode)) continue;
    const proposal = {
      height: 2 ** -run,
      position: distance,
      unitExponent: 0,
      head: 0,
      headBits: 0,
    };
    if (accepts(up ? over : under, proposal, random)) return up ? mode + distance : mode - distance;
  }
}

/**
 * One exact sample of the Poisson law of mean `lambda`.
 *
 * Source: rejection for log-concave laws, Devroye, "Non-Uniform Random Variate Generation" (1986), ch. VII;
 * proof in `poisson.proof.md`.
 *
 * @param lambda - mean, in (0, 2⁴⁰], taken as the exact rational it is
 * @throws {VelaturaError} `dp/invalid-parameter`
 */
export function samplePoisson(lambda: number, random: RandomSource): number {
  assertNoiseParameter('lambda', lambda, MAX_POISSON_MEAN);
  const envelope = envelopes.get(lambda, () => poissonEnvelope(lambda));
  return assertMagnitude(sampleUnderEnvelope(envelope, random), Number.MAX_SAFE_INTEGER);
}

/**
 * Fills `target` with independent exact samples of the Poisson law of mean `lambda`.
 *
 * @param target - an Int32Array only for means up to 2³⁰
 * @param lambda - mean, in (0, 2⁴⁰]
 * @throws {VelaturaError} `dp/invalid-parameter`
 * @throws {RangeError} for a target that may not hold the samples
 */
export function fillPoisson(target: NoiseTarget, lambda: number, random: RandomSource): void {
  assertNoiseParameter('lambda', lambda, MAX_POISSON_MEAN);
  assertTarget(target, lambda <= MAX_INT32_MEAN, 'lambda');
  fillEach(target, () => samplePoisson(lambda, random));
}
