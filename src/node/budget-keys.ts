import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { VelaturaError } from '../core/errors.ts';
import { SECRET_LENGTH } from '../dp/budget/account-key.ts';
import { generateEd25519Seed } from './ed25519.ts';

/** What a key file holds. */
export interface BudgetKeys {
  /** Of 32 bytes, the first that with which the budget began; which others its log stands under, the log tells. */
  readonly secrets: readonly Uint8Array[];
  /**
   * Others that were written down before, by a process that did not know of those above. Never thrown away:
   * which secrets the log went on with is not known when they are written down.
   */
  readonly unused: readonly Uint8Array[];
  /** Seed of 32 bytes that signs heads (Ed25519), or null. */
  readonly signingKey: Uint8Array | null;
}

const KEY = /^[0-9a-f]{64}$/iu;

/** A first secret and a signing key, of the system's randomness. */
export function newBudgetKeys(): BudgetKeys {
  const secret = new Uint8Array(randomBytes(SECRET_LENGTH));
  return { secrets: [secret], unused: [], signingKey: generateEd25519Seed() };
}

/** The keys with further secrets in force; none that was there before is lost. */
export function withSecrets(keys: BudgetKeys, secrets: readonly Uint8Array[]): BudgetKeys {
  const kept = new Set(secrets.map(hex));
  const unused = [...keys.secrets, ...keys.unused].filter((secret) => !kept.has(hex(secret)));
  return { ...keys, secrets, unused };
}

/** All secrets that were ever written down: the budget finds those under which its log stands among them. */
export function allSecrets({ secrets, unused }: BudgetKeys): readonly Uint8Array[] {
  return [...secrets, ...unused];
}

/** `{ "version": 1, "secrets": ["<64 hex>", …], "unused": […], "signingKey": "<64 hex>" | null }` */
export function encodeBudgetKeys({ secrets, unused, signingKey }: BudgetKeys): Uint8Array {
  const json = {
    version: 1,
    secrets: secrets.map(hex),
    ...(unused.length === 0 ? {} : { unused: unused.map(hex) }),
    signingKey: signingKey === null ? null : hex(signingKey),
  };
  return Buffer.from(`${JSON.stringify(json, null, 2)}\n`);
}

/**
 * Reads a key file.
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
  const {
    version,
    secrets,
    unused = [],
    signingKey = null,
  } = Object(json) as Record<string, unknown>;
  if (version !== 1) return refuse('"version" expected 1');
  if (!isKeys(secrets) || secrets.length === 0) {
    return refuse('"secrets" expected one or more keys of 64 hexadecimal digits');
  }
  if (!isKeys(unused)) return refuse('"unused" expected keys of 64 hexadecimal digits');
  if (signingKey !== null && !isKey(signingKey)) {
    return refuse('"signingKey" expected 64 hexadecimal digits or null');
  }
  return {
    secrets: secrets.map(bytesOf),
    unused: unused.map(bytesOf),
    signingKey: signingKey === null ? null : bytesOf(signingKey),
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}

function isKey(value: unknown): value is string {
  return typeof value === 'string' && KEY.test(value);
}

function isKeys(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isKey);
}
