import { existsSync, readFileSync } from 'node:fs';
import { VelaturaError } from '../../core/errors.ts';
import type { HeadSigner } from '../../dp/budget/signed-head.ts';
import { ed25519Signer } from '../../node/ed25519.ts';

/** What a key file holds. */
export interface BudgetKeys {
  /** 32 bytes each, in the order in which they came to be. */
  readonly secrets: readonly Uint8Array[];
  readonly signer: HeadSigner | null;
}

const SECRET = /^[0-9a-f]{64}$/iu;

/**
 * Reads a key file: `{ "version": 1, "secrets": ["<64 hex>", …], "signingKey": "<64 hex>" | null }`.
 *
 * @throws {VelaturaError} `data/missing-file`, `data/invalid-value`; no message holds a byte of a key
 */
export function readBudgetKeys(path: string): BudgetKeys {
  const refuse = (problem: string): never => {
    throw new VelaturaError('data/invalid-value', `${path}: ${problem}`, { file: path });
  };
  if (!existsSync(path)) {
    throw new VelaturaError('data/missing-file', `${path} does not exist`, { file: path });
  }
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return refuse('the key file is not JSON'); // the parser would quote it
  }
  const { version, secrets, signingKey = null } = Object(json) as Record<string, unknown>;
  if (version !== 1) return refuse('"version" expected 1');
  if (!Array.isArray(secrets) || secrets.length === 0 || !secrets.every(isKey)) {
    return refuse('"secrets" expected one or more keys of 64 hexadecimal digits');
  }
  if (signingKey !== null && !isKey(signingKey)) {
    return refuse('"signingKey" expected 64 hexadecimal digits or null');
  }
  return {
    secrets: secrets.map((secret) => Buffer.from(secret, 'hex')),
    signer: signingKey === null ? null : ed25519Signer(Buffer.from(signingKey, 'hex')),
  };
}

function isKey(value: unknown): value is string {
  return typeof value === 'string' && SECRET.test(value);
}
