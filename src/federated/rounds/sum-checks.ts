import { VelaturaError } from '../../core/errors.ts';
import type { SumParameters } from './secure-sum.ts';

/**
 * Refuses parameters under which no sum may be opened.
 *
 * @throws {VelaturaError} `federated/duplicate-contribution`, `federated/cohort-too-small`, `federated/wrap-around`
 * @throws {RangeError} for sizes and bounds that are none
 */
export function checkSumParameters(parameters: SumParameters): void {
  const { dimension, modulusBits, contributionBound, cohort, minimumSurvivors } = parameters;
  if (!Number.isInteger(dimension) || dimension < 1) {
    throw new RangeError(`"dimension" expected a positive integer, got ${dimension}`);
  }
  if (!Number.isInteger(modulusBits) || modulusBits < 2 || modulusBits > 52) {
    throw new RangeError(`"modulusBits" expected an integer in [2, 52], got ${modulusBits}`);
  }
  if (
    contributionBound !== null &&
    (!Number.isInteger(contributionBound) || contributionBound < 1)
  ) {
    throw new RangeError(
      `"contributionBound" expected a positive integer, got ${contributionBound}`,
    );
  }
  if (new Set(cohort).size !== cohort.length) {
    throw new VelaturaError(
      'federated/duplicate-contribution',
      'an account is in the cohort twice',
    );
  }
  if (cohort.length < Math.max(1, minimumSurvivors)) {
    throw new VelaturaError(
      'federated/cohort-too-small',
      `the cohort has ${cohort.length} accounts, the minimum is ${minimumSurvivors}`,
      { cohort: cohort.length, minimum: minimumSurvivors },
    );
  }
  if (contributionBound !== null && cohort.length * contributionBound >= 2 ** (modulusBits - 1)) {
    throw new VelaturaError(
      'federated/wrap-around',
      `${cohort.length} contributions of up to ${contributionBound} do not fit ${modulusBits} bits`,
      { cohort: cohort.length, contributionBound, modulusBits },
    );
  }
}

/**
 * Refuses a vector that is not of the agreed shape and range.
 *
 * @throws {VelaturaError} `federated/invalid-contribution`
 */
export function checkContribution(
  vector: Float64Array,
  terms: Pick<SumParameters, 'dimension' | 'contributionBound' | 'modulusBits'>,
): void {
  const { dimension, contributionBound, modulusBits } = terms;
  if (vector.length !== dimension) {
    throw new VelaturaError(
      'federated/invalid-contribution',
      `a contribution expected ${dimension} coordinates, got ${vector.length}`,
      { expected: dimension, actual: vector.length },
    );
  }
  // Centred residues: the one at −2^(b−1) has no counterpart.
  const most = contributionBound ?? 2 ** (modulusBits - 1) - 1;
  const least = contributionBound === null ? -most - 1 : -most;
  for (let i = 0; i < vector.length; i++) {
    const value = vector[i] as number;
    // NaN fails every comparison, and the infinities fail one.
    if (value <= most && value >= least && Math.floor(value) === value) continue;
    throw new VelaturaError(
      'federated/invalid-contribution',
      `a contribution expected integers in [${least}, ${most}]`,
      { least, most },
    );
  }
}

/** The integer of [−modulus/2, modulus/2) that is `value` modulo `modulus`; never −0. */
export function centredResidue(value: number, modulus: number): number {
  return value - modulus * Math.floor(value / modulus + 0.5) + 0;
}
