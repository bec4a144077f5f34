import { existsSync, rmSync, statSync } from 'node:fs';
import { VelaturaError } from '../../core/errors.ts';
import type { HeParameters } from '../../he/index.ts';
import { readJson } from '../input.ts';
import type { Terminal } from '../terminal.ts';
import { readBytes, writeOut } from './files.ts';

const FORMAT = 'velatura-query-key/1';
const OWNER_ONLY = 0o600;

/** What a key was used for. */
export interface KeyUse {
  /** 32 hex digits. */
  readonly queryId: string;
}

/**
 * Writes a secret key that only its owner may read.
 *
 * @param secret - what the provider exported
 * @throws {VelaturaError} `data/unwritable`, also if the file is there already
 */
export function writeKeyFile(file: string, parameters: HeParameters, secret: Uint8Array): void {
  const content = {
    format: FORMAT,
    parametersId: parameters.id,
    secret: Buffer.from(secret).toString('base64'),
  };
  writeOut(file, `${JSON.stringify(content)}\n`, { mode: OWNER_ONLY, flag: 'wx' });
}

/**
 * The secret key in a file, for the provider to import.
 *
 * @throws {VelaturaError} `data/missing-file`, `data/invalid-value`; `he/malformed-message` if it is of other
 *   parameters
 */
export function readKeyFile(
  file: string,
  parameters: HeParameters,
  terminal: Terminal,
): Uint8Array {
  const { format, parametersId, secret } = (readJson(file) ?? {}) as Record<string, unknown>;
  if (format !== FORMAT || typeof secret !== 'string') {
    throw new VelaturaError('data/invalid-value', `${file} is no query key`, { file });
  }
  if (parametersId !== parameters.id) {
    throw new VelaturaError('he/malformed-message', `${file} is a key of another parameter set`, {
      file,
      expected: parameters.id,
    });
  }
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
    terminal.say(`warning: others may read ${file}; chmod 600 it`);
  }
  return Buffer.from(secret, 'base64');
}

/** Where it says what a key was used for; its being there means that it was. */
function useFile(keyFile: string): string {
  return `${keyFile}.used`;
}

/**
 * Takes a key for one query; of several at once only one gets it. The key is used from then on, whether its
 * query is sent or not.
 *
 * @throws {VelaturaError} `he/key-used` if it was before
 */
export function claimKey(keyFile: string, use: KeyUse): void {
  if (existsSync(useFile(keyFile))) throw used(keyFile);
  try {
    writeOut(useFile(keyFile), `${JSON.stringify(use)}\n`, { mode: OWNER_ONLY, flag: 'wx' });
  } catch (error) {
    if (existsSync(useFile(keyFile))) throw used(keyFile);
    throw error;
  }
}

function used(file: string): VelaturaError {
  return new VelaturaError(
    'he/key-used',
    `${file} has encrypted a query before; make another with "velatura score keygen"`,
    { file },
  );
}

/**
 * What a key was used for.
 *
 * @throws {VelaturaError} `he/wrong-query` if for nothing yet
 */
export function useOfKey(keyFile: string): KeyUse {
  if (!existsSync(useFile(keyFile))) {
    throw new VelaturaError('he/wrong-query', `${keyFile} has encrypted nothing yet`, {
      file: keyFile,
    });
  }
  const { queryId } = (readJson(useFile(keyFile)) ?? {}) as Record<string, unknown>;
  if (typeof queryId !== 'string') {
    throw new VelaturaError('data/invalid-value', `${useFile(keyFile)} names no query`, {
      file: useFile(keyFile),
    });
  }
  return { queryId };
}

/** Overwrites a key with zeros and removes it; what the disk keeps elsewhere is beyond reach. */
export function eraseKey(keyFile: string): void {
  writeOut(keyFile, new Uint8Array(readBytes(keyFile).length), { flag: 'r+' });
  rmSync(keyFile);
  rmSync(useFile(keyFile));
}
