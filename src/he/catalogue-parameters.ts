import { VelaturaError } from '../core/errors.ts';
import type { CatalogueDescription } from './catalogue-description.ts';
import { assertHeParameters, type HeParameters } from './parameters.ts';
import { presetById } from './presets.ts';

/**
 * The parameters that a catalogue names.
 *
 * @param given - needed only if they are not a preset
 * @throws {VelaturaError} `he/invalid-parameters` if they are unknown here
 */
export function parametersOf(
  { parametersId }: CatalogueDescription,
  given?: HeParameters,
): HeParameters {
  const parameters = given ?? presetById(parametersId);
  if (parameters?.id !== parametersId) {
    throw new VelaturaError(
      'he/invalid-parameters',
      'the catalogue names a parameter set that this client does not know',
      { parametersId },
    );
  }
  assertHeParameters(parameters);
  return parameters;
}
