import { existsSync, readFileSync } from 'node:fs';
import { VelaturaError } from '../core/errors.ts';

/**
 * Reads a JSON file.
 *
 * @throws {VelaturaError} `data/missing-file`, `data/invalid-value`
 */
export function readJson(file: string): unknown {
  if (!existsSync(file)) {
    throw new VelaturaError('data/missing-file', `${file} does not exist`, { file });
  }
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new VelaturaError(
      'data/invalid-value',
      `${file} is not JSON: ${(error as Error).message}`,
      { file },
      { cause: error },
    );
  }
}

/** A number from the command line. */
export function parseNumber(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) {
    throw new VelaturaError('cli/usage', `${option} expected a number, got "${text}"`, { option });
  }
  return value;
}
