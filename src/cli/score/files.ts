import { readFileSync, writeFileSync } from 'node:fs';
import { VelaturaError } from '../../core/errors.ts';
import { parametersOf } from '../../he/catalogue-parameters.ts';
import {
  type CatalogueDescription,
  type HeParameters,
  parseCatalogueDescription,
} from '../../he/index.ts';
import { refuseInsecure } from '../../he/refuse-insecure.ts';
import { readJson } from '../input.ts';

/**
 * A file as bytes.
 *
 * @throws {VelaturaError} `data/missing-file`
 */
export function readBytes(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new VelaturaError('data/missing-file', `${file} cannot be read`, { file }, { cause });
  }
}

/**
 * Writes a file.
 *
 * @param flag - `wx` to refuse one that is there, `r+` to write over one in its place
 * @throws {VelaturaError} `data/unwritable`
 */
export function writeOut(
  file: string,
  content: Uint8Array | string,
  { mode = 0o644, flag = 'w' }: { readonly mode?: number; readonly flag?: 'w' | 'wx' | 'r+' } = {},
): void {
  try {
    writeFileSync(file, content, { mode, flag, flush: true });
  } catch (cause) {
    const exists = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    const problem = exists ? 'is there already' : `cannot be written: ${(cause as Error).message}`;
    throw new VelaturaError('data/unwritable', `${file} ${problem}`, { file }, { cause });
  }
}

/** A catalogue as its clients know it. */
export interface KnownCatalogue {
  readonly description: CatalogueDescription;
  readonly parameters: HeParameters;
}

/**
 * Reads what `score encode` wrote for clients.
 *
 * @throws {VelaturaError} `data/*`, `he/malformed-message`, `he/invalid-parameters`, `he/insecure-parameters`
 */
export function readDescription(file: string): KnownCatalogue {
  const description = parseCatalogueDescription(readJson(file));
  const parameters = parametersOf(description);
  refuseInsecure(parameters.secure, false);
  return { description, parameters };
}
