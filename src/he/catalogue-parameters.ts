import { VelaturaError } from '../core/errors.ts';
import type { CatalogueDescription } from './catalogue-description.ts';
import { assertDroppedBits } from './dropped-bits.ts';
import { malformed } from './message-head.ts';
import { assertHeParameters, type HeParameters } from './parameters.ts';
import { presetById } from './presets.ts';
import { FLOAT32_SLACK } from './quantise.ts';
import { leastScoreError } from './score-error.ts';

/**
 * The parameters that a catalogue names, once its description was found to fit them. No profile is looked at: what is
 * wrong with a description shows here, not in whether somebody's profile can be encrypted.
 *
 * @param given - needed only if they are not a preset
 * @throws {VelaturaError} `he/invalid-parameters` if they are unknown here
 * @throws {VelaturaError} `he/malformed-message` if scales, packing or error bound cannot be those of a catalogue
 *   under these parameters
 */
export function parametersOf(
  description: CatalogueDescription,
  given?: HeParameters,
): HeParameters {
  const { parametersId } = description;
  const parameters = given ?? presetById(parametersId);
  if (parameters?.id !== parametersId) {
    throw new VelaturaError(
      'he/invalid-parameters',
      'the catalogue names a parameter set that this client does not know',
      { parametersId },
    );
  }
  assertHeParameters(parameters);
  checkFit(description, parameters);
  return parameters;
}

function checkFit(description: CatalogueDescription, parameters: HeParameters): void {
  const { polynomialDegree, plaintextModulus } = parameters;
  const { profileScale, profileNormBound, featuresPerCiphertext, droppedBits } = description;
  if (featuresPerCiphertext > polynomialDegree / 2) {
    throw malformed('a ciphertext cannot hold so many features', {
      featuresPerCiphertext,
      most: polynomialDegree / 2,
    });
  }
  assertDroppedBits(parameters, droppedBits);
  // The largest integer that a feature of an admissible profile can become.
  const largest = profileScale * profileNormBound * (1 + 2 * FLOAT32_SLACK) + 1 / 2;
  if (!(largest <= (plaintextModulus - 1) / 2)) {
    throw malformed('the scale takes admissible profiles out of the range of plaintexts', {
      largest,
      plaintextModulus,
    });
  }
  const claimed = description.scoreErrorBound * description.scoreScale;
  const least = leastScoreError(parameters, description.items, droppedBits);
  // An integer divided by the scale and multiplied again.
  if (!(claimed >= least * (1 - 1e-9))) {
    throw malformed('the error bound is below what encryption adds: scores would be shown raw', {
      claimed,
      least,
    });
  }
}

/**
 * Throws unless a catalogue has the norm bound that was agreed with its clients.
 *
 * @param agreed - undefined if there is none
 * @throws {VelaturaError} `he/wrong-catalogue`
 */
export function checkNormBound(
  { profileNormBound }: CatalogueDescription,
  agreed: number | undefined,
): void {
  if (agreed === undefined || profileNormBound === agreed) return;
  throw new VelaturaError(
    'he/wrong-catalogue',
    `the catalogue bounds the norm of profiles by ${profileNormBound}, not by ${agreed} as was agreed`,
    { expected: agreed, got: profileNormBound },
  );
}
