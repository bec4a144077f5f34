import { randomBytes } from 'node:crypto';
import { realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { VelaturaError } from '../../core/errors.ts';
import type { HeParameters } from '../../he/index.ts';
import { readJson } from '../input.ts';
import type { Terminal } from '../terminal.ts';
import { readBytes, writeOut } from './files.ts';

const FORMAT = 'velatura-query-key/2';
const OWNER_ONLY = 0o600;

/** A key as its file has it. */
interface KeyFile {
  readonly format: typeof FORMAT;
  readonly parametersId: string;
  /** What the key has encrypted, 32 hex digits; null for nothing yet. In the file, so that it moves with the key. */
  readonly queryId: string | null;
  /** Base64. */
  readonly secret: string;
}

/** A key for the provider to import. */
export interface StoredKey {
  readonly secret: Uint8Array;
  readonly queryId: string | null;
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
    queryId: null,
    secret: Buffer.from(secret).toString('base64'),
  } satisfies KeyFile;
  writeOut(file, textOf(content), { mode: OWNER_ONLY, flag: 'wx' });
}

/**
 * The secret key in a file.
 *
 * @throws {VelaturaError} `data/missing-file`, `data/invalid-value`; `he/malformed-message` if it is of other
 *   parameters
 */
export function readKeyFile(file: string, parameters: HeParameters, terminal: Terminal): StoredKey {
  const { parametersId, queryId, secret } = parse(file);
  if (parametersId !== parameters.id) {
    throw new VelaturaError('he/malformed-message', `${file} is a key of another parameter set`, {
      file,
      expected: parameters.id,
    });
  }
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
    terminal.say(`warning: others may read ${file}; chmod 600 it`);
  }
  return { secret: Buffer.from(secret, 'base64'), queryId };
}

/**
 * Takes a key for one query; of several at once only one gets it. The key is used from then on, whether its
 * query is sent or not, under whatever names the file has or gets; only a copy of it does not know.
 *
 * The file is taken by renaming it, which one process alone can do, marked in its place and given its name back. What
 * breaks off in between leaves no key under the name, never one that could be used again.
 *
 * @throws {VelaturaError} `he/key-used` if it was before
 */
export function claimKey(keyFile: string, queryId: string): void {
  const file = realpathSync(keyFile);
  const taken = `${file}.${randomBytes(8).toString('hex')}`;
  try {
    renameSync(file, taken);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw keyUsed(keyFile);
    throw new VelaturaError(
      'data/unwritable',
      `${keyFile} cannot be marked as used`,
      { file: keyFile },
      { cause },
    );
  }
  try {
    const content = parse(taken);
    if (content.queryId !== null) throw keyUsed(keyFile);
    // Longer than what it overwrites.
    writeOut(taken, textOf({ ...content, queryId }), { flag: 'r+' });
  } finally {
    renameSync(taken, file);
  }
}

/** A refusal to encrypt twice under one key. */
export function keyUsed(file: string): VelaturaError {
  return new VelaturaError(
    'he/key-used',
    `${file} has encrypted a query before; make another with "velatura score keygen"`,
    { file },
  );
}

/** Overwrites a key with zeros and removes it; what the disk keeps elsewhere is beyond reach. */
export function eraseKey(keyFile: string): void {
  const file = realpathSync(keyFile);
  writeOut(file, new Uint8Array(readBytes(file).length), { flag: 'r+' });
  rmSync(file);
  rmSync(keyFile, { force: true }); // a link to it
}

function textOf(content: KeyFile): string {
  return `${JSON.stringify(content)}\n`;
}

function parse(file: string): KeyFile {
  const content = (readJson(file) ?? {}) as Record<string, unknown>;
  const { format, parametersId, queryId, secret } = content;
  const used = typeof queryId === 'string' && /^[0-9a-f]{32}$/.test(queryId);
  if (
    format !== FORMAT ||
    typeof parametersId !== 'string' ||
    typeof secret !== 'string' ||
    !(queryId === null || used)
  ) {
    throw new VelaturaError('data/invalid-value', `${file} is no query key`, { file });
  }
  return { format, parametersId, queryId, secret };
}
