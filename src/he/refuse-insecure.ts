import { VelaturaError } from '../core/errors.ts';

/**
 * Throws for cryptography that protects nobody, unless it was switched on by name.
 *
 * @throws {VelaturaError} `he/insecure-parameters`
 */
export function refuseInsecure(secure: boolean, allowInsecure: boolean | undefined): void {
  if (!secure && allowInsecure !== true) {
    throw new VelaturaError(
      'he/insecure-parameters',
      'these parameters or this provider protect nobody; for tests set "allowInsecure"',
    );
  }
}
