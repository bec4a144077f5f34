import { readFileSync } from 'node:fs';
import { Option } from 'commander';
import { throwIfAborted, VelaturaError } from '../../core/errors.ts';
import { type Checkpoint, parseCheckpoint } from '../../core/signed-head.ts';
import type { WitnessedHead } from '../../core/witness.ts';
import { readAuditFile } from '../../node/audit-file.ts';
import { verifyEd25519 } from '../../node/ed25519.ts';
import { nodeSha256 } from '../../node/sha256.ts';
import { verifyAuditLog } from '../../profile/audit/verify-log.ts';
import { EXIT } from '../exit.ts';
import type { CommandContext } from '../main.ts';

export interface VerifyLogOptions {
  readonly log: string;
  readonly head?: readonly string[];
  readonly publicKey?: string;
  readonly witnessKey?: readonly string[];
}

/** Options of `log verify` besides the file. */
export const VERIFY_LOG_OPTIONS: readonly Option[] = [
  new Option(
    '--head <hex|file...>',
    'heads noted down earlier: hashes, or files with a signed or co-signed head',
  ),
  new Option('--public-key <hex>', 'key of the operator that must have signed every head'),
  new Option('--witness-key <hex...>', 'keys of witnesses that must have co-signed every head'),
];

export const VERIFY_LOG_HELP = `
Works offline and needs no secret. Prints a line for every entry that was altered, removed, added or moved, and
exits 1. A log that was written anew as a whole looks sound by itself: keep heads elsewhere, best co-signed by
somebody else, and give them all; the answer then says between which two heads the log was changed.

Examples:
  $ velatura log verify --log audit.jsonl
  $ velatura log verify --log audit.jsonl --head may.json june.json --public-key 3b6a… --witness-key 9f0c…`;

const HEX_32 = /^[0-9a-f]{64}$/iu;

/** `velatura log verify --log f [--head hex|file…] [--public-key hex] [--witness-key hex…]` */
export async function verifyLog(
  options: VerifyLogOptions,
  { terminal, signal }: CommandContext,
): Promise<void> {
  const heads = (options.head ?? []).map(readHead);
  const operator =
    options.publicKey === undefined ? undefined : keyOf('--public-key', options.publicKey);
  const witnesses = (options.witnessKey ?? []).map((key) => keyOf('--witness-key', key));
  if (heads.length === 0 && (operator !== undefined || witnesses.length > 0)) {
    throw usage('--head', 'a key needs a head that it signed: give --head');
  }
  const result = await verifyAuditLog(readAuditFile(options.log), {
    heads,
    verifySignature: verifyEd25519,
    signers: { ...(operator === undefined ? {} : { operator }), witnesses },
    sha256: nodeSha256,
    signal,
  });
  throwIfAborted(signal);
  if (result.ok) {
    terminal.print(
      `ok: ${result.entries} entries, every link and record checked; head ${result.head}`,
    );
    if (heads.length > 0) terminal.print(`${headsClause(heads, operator, witnesses.length)}.`);
  } else {
    terminal.print(`TAMPERED: ${result.entries} entries were read; found:`);
    for (const { message } of result.faults) terminal.print(`  ${message}`);
    if (result.further > 0) terminal.print(`  and ${result.further} more`);
  }
  terminal.json({ chain: result });
  if (!result.ok) process.exitCode = EXIT.failed;
}

/** What the noted heads add. */
function headsClause(
  heads: readonly (Checkpoint | WitnessedHead)[],
  operator: Uint8Array | undefined,
  witnesses: number,
): string {
  const found =
    heads.length === 1
      ? 'The noted head is an entry of this log'
      : `All ${heads.length} noted heads are entries of this log`;
  const signed = operator === undefined ? '; whose keys signed them was not checked' : ', signed';
  return witnesses === 0 ? `${found}${signed}` : `${found}${signed}, co-signed by ${witnesses}`;
}

/** A hash in hexadecimal, or the name of a file with a hash, a signed or a co-signed head in it. */
function readHead(text: string): Checkpoint | WitnessedHead {
  if (HEX_32.test(text)) return parseCheckpoint(text);
  const content = readHeadFile(text);
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch {
    return parseCheckpoint(content); // a bare hash, or the error that says what was expected
  }
  const { head, witnesses } = (json ?? {}) as { head?: unknown; witnesses?: unknown };
  if (typeof head !== 'object' || head === null) return parseCheckpoint(content);
  const signed = parseCheckpoint(JSON.stringify(head));
  if (typeof signed === 'string' || !Array.isArray(witnesses) || !witnesses.every(isObject)) {
    throw new VelaturaError('core/invalid-head', `${text} holds no co-signed head`, { file: text });
  }
  return { head: signed, witnesses } as WitnessedHead;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function readHeadFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new VelaturaError(
      'data/missing-file',
      `--head: ${file} is not a hash of 64 hexadecimal digits, and no file can be read there: ${(error as Error).message}`,
      { file },
      { cause: error },
    );
  }
}

function keyOf(option: string, hex: string): Uint8Array {
  if (!HEX_32.test(hex)) throw usage(option, `${option} expected 64 hexadecimal digits`);
  return Buffer.from(hex, 'hex');
}

function usage(option: string, message: string): VelaturaError {
  return new VelaturaError('cli/usage', message, { option });
}
