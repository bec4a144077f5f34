import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { VelaturaError } from './errors.ts';
import type { ChainEntry, ChainHead, HashChain } from './hash-chain.ts';
import {
  type HeadSigner,
  headBytes,
  type SignedHead,
  type VerifySignature,
  verifySignedHead,
} from './signed-head.ts';

const TAG = utf8ToBytes('velatura-witness-v1\0');
const PUBLIC_KEY_LENGTH = 32;
const SIGNATURE_LENGTH = 64;
const HEX = /^[0-9a-f]+$/u;

/** A second party's word that a head continues every head it vouched for before. */
export interface WitnessMark {
  /** 64 hexadecimal digits. */
  readonly publicKey: string;
  /** By the witness's clock: milliseconds since 1970. */
  readonly time: number;
  /** 128 hexadecimal digits. */
  readonly signature: string;
}

/** A head with the marks of those who followed the log. Plain JSON, to note down elsewhere. */
export interface WitnessedHead {
  readonly head: SignedHead;
  readonly witnesses: readonly WitnessMark[];
}

/** What a {@link HeadWitness} works with. */
export interface HeadWitnessOptions {
  readonly chain: HashChain;
  readonly signer: HeadSigner;
  readonly verify: VerifySignature;
  /** Key of the log's operator, learnt from the operator. */
  readonly operatorKey: Uint8Array;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Where the witness stood when it last signed; the empty log for a new one. */
  readonly last?: ChainHead;
  /** Keeps where the witness stands, durably, before it signs: a witness that forgets signs two histories. */
  readonly remember: (head: ChainHead) => Promise<void> | void;
}

/**
 * Co-signs heads of a log that somebody else keeps, each only when the entries since the last one lead to it.
 * An operator who wants to show two histories then needs the witness to lie as well.
 *
 * ## Privacy
 * The witness reads the bodies of the entries. It does not judge what they say, only that none was changed.
 */
export class HeadWitness {
  readonly #options: HeadWitnessOptions;
  #last: ChainHead;
  /** Ends with the call before. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: HeadWitnessOptions) {
    this.#options = options;
    this.#last = options.last ?? options.chain.start();
  }

  /** Where the witness stands: the last head that it remembered. */
  get last(): ChainHead {
    return this.#last;
  }

  /**
   * Follows the log to `head` and co-signs it. Calls wait for each other, so no two start from the same place.
   *
   * @param entries - all entries after {@link last}, up to the head
   * @throws {VelaturaError} `core/broken-chain` when the signature is not the operator's, or the entries do not
   * lead from the last head to this one; then, and when `remember` fails, the witness stays where it is
   */
  cosign(head: SignedHead, entries: readonly ChainEntry[]): Promise<WitnessMark> {
    const next = this.#turn.then(() => this.#cosign(head, entries));
    this.#turn = next.catch(() => {});
    return next;
  }

  async #cosign(head: SignedHead, entries: readonly ChainEntry[]): Promise<WitnessMark> {
    const { chain, signer, verify, operatorKey, clock, remember } = this.#options;
    const problem = await verifySignedHead(head, verify, operatorKey);
    if (problem !== null) throw broken(problem, head.seq);
    const reached = chain.verify(this.#last, entries);
    if (reached.seq !== head.seq || bytesToHex(reached.hash) !== head.hash) {
      throw broken(
        `the entries lead to entry ${reached.seq}, hash ${bytesToHex(reached.hash)}, not to the head`,
        head.seq,
      );
    }
    await remember(reached);
    this.#last = reached;
    const time = clock();
    const signature = await signer.sign(witnessBytes(head, time, signer.publicKey));
    return {
      publicKey: bytesToHex(signer.publicKey),
      time,
      signature: bytesToHex(signature),
    };
  }
}

/** Whose signatures a head must carry. */
export interface ExpectedSigners {
  readonly operator?: Uint8Array;
  /** Each of these must have co-signed. */
  readonly witnesses?: readonly Uint8Array[];
}

/**
 * Checks the operator's signature and every mark of a witnessed head.
 *
 * @returns the problem in words, or null when all of them hold and none of the expected ones is missing
 */
export async function verifyWitnessedHead(
  { head, witnesses }: WitnessedHead,
  verify: VerifySignature,
  expected: ExpectedSigners = {},
): Promise<string | null> {
  const problem = await verifySignedHead(head, verify, expected.operator);
  if (problem !== null) return problem;
  for (const mark of witnesses) {
    if (!isWellFormed(mark)) return 'the mark of a witness is not well formed';
    const publicKey = hexToBytes(mark.publicKey);
    const message = witnessBytes(head, mark.time, publicKey);
    if (!(await verify(publicKey, message, hexToBytes(mark.signature)))) {
      return `the signature of witness ${mark.publicKey} does not hold`;
    }
  }
  const marked = new Set(witnesses.map((mark) => mark.publicKey));
  const missing = expected.witnesses?.find((key) => !marked.has(bytesToHex(key)));
  return missing === undefined
    ? null
    : `witness ${bytesToHex(missing)} has not co-signed the noted head`;
}

/** Tag ‖ what the operator signed ‖ its signature ‖ time as u64 ‖ key of the witness: all of fixed length. */
function witnessBytes(head: SignedHead, time: number, publicKey: Uint8Array): Uint8Array {
  if (!Number.isSafeInteger(time) || time < 0) {
    throw new RangeError(`"clock" expected milliseconds since 1970, got ${time}`);
  }
  const signed = headBytes(head);
  const signature = hexToBytes(head.signature ?? '');
  const bytes = new Uint8Array(
    TAG.length + signed.length + signature.length + 8 + publicKey.length,
  );
  bytes.set(TAG);
  bytes.set(signed, TAG.length);
  bytes.set(signature, TAG.length + signed.length);
  const at = TAG.length + signed.length + signature.length;
  new DataView(bytes.buffer).setBigUint64(at, BigInt(time));
  bytes.set(publicKey, at + 8);
  return bytes;
}

function isWellFormed({ publicKey, time, signature }: WitnessMark): boolean {
  return (
    isHex(publicKey, PUBLIC_KEY_LENGTH) &&
    isHex(signature, SIGNATURE_LENGTH) &&
    Number.isSafeInteger(time) &&
    time >= 0
  );
}

function isHex(text: unknown, bytes: number): boolean {
  return typeof text === 'string' && text.length === 2 * bytes && HEX.test(text);
}

function broken(message: string, seq: number): VelaturaError {
  return new VelaturaError('core/broken-chain', message, { seq });
}
