import type { RandomSource } from '../../core/random-source.ts';
import { validateSelectionRuns } from '../accounting/validate.ts';
import type { SelectionRuns } from '../event.ts';
import { uniformBigInt } from '../noise/bernoulli-exp.ts';
import { samplePoisson } from '../noise/index.ts';
import { type Rational, rationalOf } from '../noise/rational.ts';

/**
 * Draws a number of runs exactly. Proof: `private-selection-runs.proof.md`.
 *
 * ## Privacy
 * The number must stay hidden: whoever learns it, from time or traffic, learns more than the event says.
 *
 * @throws {VelaturaError} `dp/invalid-parameter`, `dp/unsupported-event`
 */
export function sampleSelectionRuns(runs: SelectionRuns, random: RandomSource): number {
  validateSelectionRuns(runs);
  if (runs.kind === 'poisson') return samplePoisson(runs.mean, random);
  const stop = rationalOf(runs.stop);
  const shape = signedRational(runs.shape);
  for (;;) {
    const drawn = walk(stop, shape, random);
    if (drawn !== null) return drawn;
  }
}

/** One proposal: a geometric number that every further step may reject; null when one did. */
function walk(stop: Rational, shape: Rational, random: RandomSource): number | null {
  for (let k = 1; ; k++) {
    if (happens(stop, random)) return k;
    const kept = {
      numerator: BigInt(k) * shape.denominator + shape.numerator,
      denominator: BigInt(k + 1) * shape.denominator,
    };
    if (!happens(kept, random)) return null;
  }
}

/** True with that probability, exactly. */
function happens({ numerator, denominator }: Rational, random: RandomSource): boolean {
  return uniformBigInt(random, denominator) < numerator;
}

function signedRational(value: number): Rational {
  if (value === 0) return { numerator: 0n, denominator: 1n };
  const { numerator, denominator } = rationalOf(Math.abs(value));
  return { numerator: value < 0 ? -numerator : numerator, denominator };
}
