import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { sameBytes } from '../../core/bytes.ts';
import { decodeCanonical, encodeCanonical } from '../../core/cbor.ts';
import { VelaturaError } from '../../core/errors.ts';
import { decodeFrame, encodeFrame } from '../../core/framing.ts';
import {
  type Bytes,
  KEY_LENGTH,
  type SecAggCrypto,
  SIGNATURE_LENGTH,
  type SigningKey,
} from './crypto.ts';
import { packedLength } from './lanes.ts';
import type { SecAggRound } from './round.ts';

/** The kinds of frame, in the order of a round. */
export const FRAME = {
  announcement: 1,
  advertisement: 2,
  neighbours: 3,
  shares: 4,
  delivery: 5,
  input: 6,
  survivors: 7,
  confirmation: 8,
  confirmations: 9,
  unmasking: 10,
} as const;

/** One of {@link FRAME}. */
export type FrameType = (typeof FRAME)[keyof typeof FRAME];

/** From whom to whom: places in the cohort, or its length for the server. */
export interface Envelope {
  readonly sender: number;
  readonly recipient: number;
  readonly body: unknown;
}

/** What a reader knows before it looks. */
export interface Expected {
  readonly type: FrameType;
  readonly recipient: number;
  /** Null where anybody of the cohort may have sent it. */
  readonly sender: number | null;
}

const DOMAIN = utf8ToBytes('velatura-secagg-v1\0');
/** Round, sender, recipient, signature and the heads of all. */
const ENVELOPE = 256;

/** Signs and reads the frames of one round. */
export class FrameCodec {
  readonly #crypto: SecAggCrypto;
  readonly #round: SecAggRound;
  readonly #digest: Bytes;
  readonly #server: Bytes;

  /** @param server - public key of the server */
  constructor(crypto: SecAggCrypto, round: SecAggRound, digest: Bytes, server: Bytes) {
    this.#crypto = crypto;
    this.#round = round;
    this.#digest = digest;
    this.#server = server;
  }

  write(key: SigningKey, type: FrameType, envelope: Envelope): Promise<Bytes> {
    return writeFrame(key, this.#digest, type, envelope);
  }

  /**
   * @throws {VelaturaError} `federated/secagg-malformed` for what is no such frame of this round between these
   * two, `federated/secagg-forged` when the signature does not hold
   */
  async read(frame: Uint8Array, expected: Expected): Promise<Envelope> {
    const limit = longest(this.#round, expected.type);
    const parts = readParts(frame, expected.type, limit);
    if (!sameBytes(parts.digest, this.#digest)) throw malformed('a frame of another round');
    const { sender, recipient } = parts.envelope;
    if (recipient !== expected.recipient) throw malformed('a frame for another recipient');
    if (expected.sender !== null && sender !== expected.sender) {
      throw malformed('a frame of another sender');
    }
    const members = this.#round.cohort.length;
    const key = sender === members ? this.#server : this.#round.cohort[sender];
    if (key === undefined || (expected.sender === null && sender === members)) {
      throw malformed('a frame of nobody in the cohort');
    }
    await verifyParts(this.#crypto, key, expected.type, parts);
    return parts.envelope;
  }
}

/** Writes one signed frame: CBOR of [CBOR of [round, sender, recipient, body], signature]. */
export async function writeFrame(
  key: SigningKey,
  digest: Bytes,
  type: FrameType,
  { sender, recipient, body }: Envelope,
): Promise<Bytes> {
  const signed = encodeCanonical([digest, sender, recipient, body]);
  const signature = await key.sign(signedMessage(type, signed));
  return new Uint8Array(encodeFrame(type, encodeCanonical([signed, signature])));
}

/** The parts of a frame whose round and signature have not been looked at. */
export interface FrameParts {
  readonly digest: Bytes;
  readonly envelope: Envelope;
  readonly signed: Bytes;
  readonly signature: Bytes;
}

/** @throws {VelaturaError} `federated/secagg-malformed` */
export function readParts(frame: Uint8Array, type: FrameType, limit: number): FrameParts {
  try {
    const [signed, signature] = asArray(decodeCanonical(decodeFrame(frame, type, limit)), 2);
    const parts = asArray(decodeCanonical(asBytes(signed)), 4);
    const [digest, sender, recipient, body] = parts;
    return {
      digest: asBytes(digest, KEY_LENGTH),
      envelope: { sender: asInteger(sender), recipient: asInteger(recipient), body },
      signed: asBytes(signed),
      signature: asBytes(signature, SIGNATURE_LENGTH),
    };
  } catch (cause) {
    if (cause instanceof VelaturaError && cause.code === 'federated/secagg-malformed') throw cause;
    throw malformed('bytes that are no frame of this kind', { cause });
  }
}

/** @throws {VelaturaError} `federated/secagg-forged` */
export async function verifyParts(
  crypto: SecAggCrypto,
  key: Bytes,
  type: FrameType,
  { signed, signature }: FrameParts,
): Promise<void> {
  if (!(await crypto.verify(key, signedMessage(type, signed), signature))) {
    throw new VelaturaError('federated/secagg-forged', 'a signature does not hold', { type });
  }
}

/** @throws {VelaturaError} `federated/secagg-malformed` unless it is an array of that length, if one is given */
export function asArray(value: unknown, length?: number): readonly unknown[] {
  if (!Array.isArray(value) || (length !== undefined && value.length !== length)) {
    throw malformed('a field that is no array of its length');
  }
  return value;
}

/** @throws {VelaturaError} `federated/secagg-malformed` unless it is bytes of that length, if one is given */
export function asBytes(value: unknown, length?: number): Bytes {
  if (!(value instanceof Uint8Array) || (length !== undefined && value.length !== length)) {
    throw malformed('a field that is no bytes of its length');
  }
  return new Uint8Array(value);
}

/** @throws {VelaturaError} `federated/secagg-malformed` unless it is a whole number, 0 … 2³² − 1 */
export function asInteger(value: unknown): number {
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > 0xffff_ffff) {
    throw malformed('a field that is no whole number');
  }
  return value as number;
}

/** A list of members as one bit each, the first in the lowest bit. */
export function writeMembers(members: ReadonlySet<number>, cohort: number): Bytes {
  const bits = new Uint8Array(Math.ceil(cohort / 8));
  for (const member of members) {
    bits[member >> 3] = (bits[member >> 3] as number) | (1 << (member & 7));
  }
  return bits;
}

/** @throws {VelaturaError} `federated/secagg-malformed` for another length, or bits beyond the cohort */
export function readMembers(value: unknown, cohort: number): ReadonlySet<number> {
  const bits = asBytes(value, Math.ceil(cohort / 8));
  const members = new Set<number>();
  for (let member = 0; member < bits.length * 8; member++) {
    if ((((bits[member >> 3] as number) >> (member & 7)) & 1) === 1) members.add(member);
  }
  if ([...members].some((member) => member >= cohort))
    throw malformed('a member beyond the cohort');
  return members;
}

/** Names a key in a set. */
export function keyName(key: Uint8Array): string {
  return bytesToHex(key);
}

/** The refusal of bytes that are not what was expected. */
export function malformed(what: string, options?: ErrorOptions): VelaturaError {
  return new VelaturaError('federated/secagg-malformed', `refused ${what}`, {}, options);
}

/** Longest payload of each kind, so that nothing larger is ever decoded. */
function longest(round: SecAggRound, type: FrameType): number {
  const { neighbours, cohort, dimension, modulusBits } = round;
  const each = {
    [FRAME.announcement]: 0,
    [FRAME.advertisement]: 3 * (KEY_LENGTH + 2),
    [FRAME.neighbours]: neighbours * 2 * ENVELOPE,
    [FRAME.shares]: neighbours * 96,
    [FRAME.delivery]: neighbours * 96,
    [FRAME.input]: packedLength(dimension, modulusBits),
    [FRAME.survivors]: cohort.length / 8,
    [FRAME.confirmation]: KEY_LENGTH,
    [FRAME.confirmations]: cohort.length * ENVELOPE,
    [FRAME.unmasking]: (neighbours + 1) * 48,
  };
  return ENVELOPE + Math.ceil(each[type]);
}

function signedMessage(type: FrameType, signed: Bytes): Bytes {
  const message = new Uint8Array(DOMAIN.length + 1 + signed.length);
  message.set(DOMAIN);
  message[DOMAIN.length] = type;
  message.set(signed, DOMAIN.length + 1);
  return message;
}
