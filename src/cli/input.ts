import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { VelaturaError } from '../core/errors.ts';

/**
 * Reads a JSON file. What the parser says quotes the file, which may hold a profile or a key: only the position is kept.
 *
 * @throws {VelaturaError} `data/missing-file`, `data/invalid-value`
 */
export function readJson(file: string): unknown {
  if (!existsSync(file)) {
    throw new VelaturaError('data/missing-file', `${file} does not exist`, { file });
  }
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new VelaturaError('data/invalid-value', `${file} cannot be read`, { file }, { cause });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const at = / at position (\d+)(?: \(line \d+ column \d+\))?$/.exec((error as Error).message);
    throw new VelaturaError(
      'data/invalid-value',
      `${file} is not JSON${at === null ? '' : ` from position ${at[1]} on`}`,
      { file },
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

/**
 * Makes a folder and those above it.
 *
 * @returns false when it was there before
 * @throws {VelaturaError} `data/unwritable`
 */
export function makeFolder(folder: string): boolean {
  try {
    // Node's own recursive mode never returns where a parent exists but takes no entries, as under /proc.
    const parent = dirname(folder);
    if (parent !== folder && !existsSync(parent)) makeFolder(parent);
    mkdirSync(folder);
    return true;
  } catch (error) {
    const there = statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
    if ((error as { code?: string }).code === 'EEXIST' && there) return false;
    if (error instanceof VelaturaError) throw error;
    throw new VelaturaError(
      'data/unwritable',
      `${folder} cannot be made: ${(error as Error).message}`,
      { file: folder },
      { cause: error },
    );
  }
}

/** A folder that was not there before, named by the time. */
export function freshFolder(prefix: string): string {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '').replace('T', '-');
  for (let attempt = 0; ; attempt++) {
    const name = `${prefix}-${stamp}${attempt === 0 ? '' : `-${attempt}`}`;
    if (makeFolder(name)) return name;
  }
}
