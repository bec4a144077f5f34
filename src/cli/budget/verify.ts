import { readFileSync } from 'node:fs';
import { Option } from 'commander';
import { throwIfAborted, VelaturaError } from '../../core/errors.ts';
import { type Checkpoint, parseCheckpoint } from '../../core/signed-head.ts';
import type { BudgetSummary } from '../../dp/budget/budget.ts';
import type { BudgetStore } from '../../dp/budget/store.ts';
import { verifyStore } from '../../dp/budget/verify.ts';
import type { BudgetKeys } from '../../node/budget-keys.ts';
import { ed25519Signer, verifyEd25519 } from '../../node/ed25519.ts';
import { nodeSha256 } from '../../node/sha256.ts';
import { EXIT } from '../exit.ts';
import type { CommandContext } from '../main.ts';
import { type BudgetPlace, type BudgetSource, budgetSource, openOn, withStore } from './source.ts';

export interface VerifyOptions extends BudgetPlace {
  readonly checkpoint?: string;
  readonly publicKey?: string;
}

/** Options of `budget verify` besides the place. */
export const VERIFY_OPTIONS: readonly Option[] = [
  new Option(
    '--checkpoint <hex|file>',
    'a head of the chain noted earlier, or a file with one, to find a roll-back',
  ),
  new Option(
    '--public-key <hex>',
    "key that must have signed the checkpoint (default: that of the budget's key file)",
  ),
];

export const VERIFY_HELP = `
Needs no key: prices, balances and limits are recomputed from the log alone. A damaged budget exits 1, with
a problem a line. Without a checkpoint from elsewhere, a file put back from a backup looks whole. Where the
budget has a signing key, or --public-key is given, a noted head in a file must carry that key's signature.

Examples:
  $ velatura budget show --budget budget.sqlite --json | jq .chain.signedHead > head.json
  $ velatura budget verify --budget budget.sqlite --checkpoint head.json`;

/** `velatura budget verify --budget f [--checkpoint hex|file]` */
export async function verifyBudget(
  options: VerifyOptions,
  { terminal, signal }: CommandContext,
): Promise<void> {
  const source = budgetSource(options);
  const { checkpoint, publicKey } = expectationOf(options, source);
  const { chain, users, scenes } = await withStore(source, async (store) => {
    const chain = await verifyStore(store, {
      checkpoint,
      publicKey,
      sha256: nodeSha256,
      verifySignature: verifyEd25519,
      signal,
    });
    throwIfAborted(signal);
    return { chain, ...(chain.ok ? await spent(store, source.keys()) : NOTHING_TO_TELL) };
  });
  if (chain.ok) {
    terminal.print(
      `ok: ${chain.entries} entries, every link, price, balance and limit recomputed; head ${chain.head}`,
    );
    if (checkpoint !== undefined) {
      terminal.print(
        `The noted head is an entry of this log${signatureClause(checkpoint, publicKey)}.`,
      );
    }
  } else {
    terminal.print(`DAMAGED: ${chain.entries} entries were read; problems:`);
    for (const problem of chain.problems) terminal.print(`  ${problem}`);
    if (typeof checkpoint === 'object' && checkpoint.signature === null) {
      terminal.print(
        '  (the heads of this budget are signed: note them down whole; --checkpoint <hex> looks up a bare hash)',
      );
    }
  }
  terminal.json({ users, scenes, chain });
  if (!chain.ok) process.exitCode = EXIT.failed;
}

/** 32 bytes in hexadecimal: a hash, or a public key. */
const HEX = /^[0-9a-f]{64}$/iu;

interface Expectation {
  readonly checkpoint?: Checkpoint;
  readonly publicKey?: Uint8Array;
}

/** The head that must be in the log, and whose signature must be on it. */
function expectationOf(options: VerifyOptions, source: BudgetSource): Expectation {
  const { publicKey } = options;
  if (publicKey !== undefined && !HEX.test(publicKey)) {
    throw usage('--public-key expected 64 hexadecimal digits');
  }
  const checkpoint =
    options.checkpoint === undefined ? undefined : readCheckpoint(options.checkpoint);
  if (typeof checkpoint !== 'object') {
    if (publicKey !== undefined) throw usage('--public-key needs a checkpoint with a signature');
    return checkpoint === undefined ? {} : { checkpoint };
  }
  if (publicKey !== undefined) return { checkpoint, publicKey: Buffer.from(publicKey, 'hex') };
  const own = source.keys()?.signingKey ?? null;
  if (own !== null) return { checkpoint, publicKey: ed25519Signer(own).publicKey };
  // A budget without a signer hands out heads without signatures: worth as much as their hash.
  return { checkpoint: checkpoint.signature === null ? checkpoint.hash : checkpoint };
}

/** What a signature that held, or was missing, says about who noted the head. */
function signatureClause(checkpoint: Checkpoint, expected: Uint8Array | undefined): string {
  if (typeof checkpoint === 'string') return '';
  const signed = `, and signed by ${checkpoint.publicKey}`;
  return expected === undefined ? `${signed}; whose key that is was not checked` : signed;
}

/** A hash in hexadecimal, or the name of a file with a hash or a signed head in it. */
function readCheckpoint(text: string): Checkpoint {
  if (HEX.test(text)) return parseCheckpoint(text);
  return parseCheckpoint(readCheckpointFile(text));
}

function readCheckpointFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const gone = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new VelaturaError(
      'data/missing-file',
      gone
        ? `--checkpoint: no file ${file} exists, and it is not a hash of 64 hexadecimal digits`
        : `--checkpoint: ${file} cannot be read: ${(error as Error).message}`,
      { file },
      { cause: error },
    );
  }
}

function usage(message: string): VelaturaError {
  return new VelaturaError('cli/usage', message, { option: '--public-key' });
}

interface Spent {
  readonly users: BudgetSummary | null;
  readonly scenes: readonly BudgetSummary[] | null;
}

const NOTHING_TO_TELL: Spent = { users: null, scenes: null };

/** Balances can be listed only by those who have the key: an auditor may not. */
async function spent(store: BudgetStore, keys: BudgetKeys | null): Promise<Spent> {
  if (keys === null) return NOTHING_TO_TELL;
  const summary = await (await openOn(store, keys)).summary();
  return {
    users: summary[0] ?? null,
    scenes: summary.filter(({ scene }) => scene !== null),
  };
}
