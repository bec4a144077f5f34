import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { VelaturaError } from './errors.ts';
import { type ChainHead, headHex } from './hash-chain.ts';

const HASH_LENGTH = 32;
const PUBLIC_KEY_LENGTH = 32;
const SIGNATURE_LENGTH = 64;
const TAG = new TextEncoder().encode('velatura-head-v1\0');

/**
 * Holds an Ed25519 key (RFC 8032) and signs with it. In Node: `ed25519Signer`; elsewhere WebCrypto or a
 * hardware module behind the same two members.
 */
export interface HeadSigner {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 64 bytes. */
  sign(message: Uint8Array): Promise<Uint8Array> | Uint8Array;
}

/** Checks an Ed25519 signature; in Node: `verifyEd25519`. */
export type VerifySignature = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => boolean | Promise<boolean>;

/**
 * Where a log stood at a time, as JSON to note down elsewhere. The signature is over number,
 * hash, time and public key together.
 *
 * Without a signature it shows its keeper that the log was rolled back or rewritten. With one it shows
 * everybody: it proves that the holder of the key vouched for this history, so two signed heads of the
 * same number and different hashes, or a signed head that the log no longer holds, convict the operator.
 * It does not prove that the time is true, nor that the log is honest.
 */
export interface SignedHead {
  /** Number of the entry; −1 for an empty log. */
  readonly seq: number;
  /** Hash of the entry: 64 hexadecimal digits. */
  readonly hash: string;
  /** When the head was taken, by the signer's clock: milliseconds since 1970. */
  readonly time: number;
  /** 64 hexadecimal digits; null when unsigned. */
  readonly publicKey: string | null;
  /** 128 hexadecimal digits; null when unsigned. */
  readonly signature: string | null;
}

/** A head noted down earlier: the hash alone in hexadecimal, or a signed head. */
export type Checkpoint = string | SignedHead;

/**
 * The head as something to note down, signed where there is a signer.
 *
 * @param time - milliseconds since 1970
 */
export async function signHead(
  head: ChainHead,
  time: number,
  signer: HeadSigner | null,
): Promise<SignedHead> {
  if (!Number.isSafeInteger(time) || time < 0) {
    throw new RangeError(`"time" expected milliseconds since 1970, got ${time}`);
  }
  const unsigned = { seq: head.seq, hash: headHex(head), time, publicKey: null, signature: null };
  if (signer === null) return unsigned;
  checkLength('publicKey', signer.publicKey, PUBLIC_KEY_LENGTH);
  const signature = await signer.sign(signedBytes(head.seq, head.hash, time, signer.publicKey));
  checkLength('signature', signature, SIGNATURE_LENGTH);
  return {
    ...unsigned,
    publicKey: bytesToHex(signer.publicKey),
    signature: bytesToHex(signature),
  };
}

/**
 * Checks the signature of a head.
 *
 * @param expected - public key of the log's operator, learnt from the operator and not from the head: a
 * forger signs with a key of his own and puts that beside. Without it the check says only that head and
 * signature belong together
 * @returns the problem in words, or null when the signature holds
 */
export async function verifySignedHead(
  head: SignedHead,
  verify: VerifySignature,
  expected?: Uint8Array,
): Promise<string | null> {
  const problem = shapeProblem(head);
  if (problem !== null) return `the noted head is not well formed: ${problem}`;
  if (head.publicKey === null || head.signature === null) return 'the noted head is not signed';
  const publicKey = hexToBytes(head.publicKey);
  if (expected !== undefined && bytesToHex(expected) !== bytesToHex(publicKey)) {
    return `the noted head is signed by ${bytesToHex(publicKey)}, not by the expected key, ${bytesToHex(expected)}`;
  }
  const message = signedBytes(head.seq, hexToBytes(head.hash), head.time, publicKey);
  return (await verify(publicKey, message, hexToBytes(head.signature)))
    ? null
    : 'the signature of the noted head does not hold: head or signature was altered';
}

/**
 * Reads a checkpoint: 64 hexadecimal digits, or the JSON of a {@link SignedHead}. The signature is not
 * checked here.
 *
 * @throws {VelaturaError} `core/invalid-head`
 */
export function parseCheckpoint(text: string): Checkpoint {
  const trimmed = text.trim();
  if (isHex(trimmed, HASH_LENGTH)) return trimmed.toLowerCase();
  let value: unknown;
  try {
    value = JSON.parse(trimmed);
  } catch (cause) {
    throw invalid('expected 64 hexadecimal digits or the JSON of a signed head', cause);
  }
  const problem = shapeProblem(value);
  if (problem !== null) throw invalid(problem);
  const { seq, hash, time, publicKey, signature } = value as SignedHead;
  return {
    seq,
    hash: hash.toLowerCase(),
    time,
    publicKey: publicKey?.toLowerCase() ?? null,
    signature: signature?.toLowerCase() ?? null,
  };
}

/**
 * The bytes that the signature of a head covers.
 *
 * @param head - signed, and well formed as {@link verifySignedHead} checks
 */
export function headBytes(head: SignedHead): Uint8Array {
  const { seq, hash, time, publicKey } = head;
  return signedBytes(seq, hexToBytes(hash), time, hexToBytes(publicKey ?? ''));
}

/** Tag ‖ entries as u64 ‖ time as u64 ‖ hash ‖ public key: all of fixed length, so no two heads share it. */
function signedBytes(
  seq: number,
  hash: Uint8Array,
  time: number,
  publicKey: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(TAG.length + 16 + HASH_LENGTH + PUBLIC_KEY_LENGTH);
  bytes.set(TAG);
  const view = new DataView(bytes.buffer, TAG.length);
  view.setBigUint64(0, BigInt(seq + 1));
  view.setBigUint64(8, BigInt(time));
  bytes.set(hash, TAG.length + 16);
  bytes.set(publicKey, TAG.length + 16 + HASH_LENGTH);
  return bytes;
}

function shapeProblem(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return 'expected a signed head';
  const { seq, hash, time, publicKey, signature } = value as Record<string, unknown>;
  if (!Number.isSafeInteger(seq) || (seq as number) < -1) {
    return '"seq" expected an integer from -1';
  }
  if (!isHex(hash, HASH_LENGTH)) return '"hash" expected 64 hexadecimal digits';
  if (!Number.isSafeInteger(time) || (time as number) < 0) {
    return '"time" expected milliseconds since 1970';
  }
  if (publicKey === null && signature === null) return null;
  if (!isHex(publicKey, PUBLIC_KEY_LENGTH)) return '"publicKey" expected 64 hexadecimal digits';
  if (!isHex(signature, SIGNATURE_LENGTH)) return '"signature" expected 128 hexadecimal digits';
  return null;
}

function isHex(value: unknown, bytes: number): value is string {
  return typeof value === 'string' && value.length === 2 * bytes && /^[0-9a-f]+$/iu.test(value);
}

function checkLength(name: string, value: Uint8Array, length: number): void {
  if (value.length === length) return;
  throw new RangeError(`"${name}" expected ${length} bytes, got ${value.length}`);
}

function invalid(problem: string, cause?: unknown): VelaturaError {
  return new VelaturaError(
    'core/invalid-head',
    `checkpoint: ${problem}`,
    {},
    cause === undefined ? undefined : { cause },
  );
}
