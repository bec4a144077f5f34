import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { VelaturaError } from '../core/errors.ts';
import type { HeParameters } from './parameters.ts';
import { HE_PRESETS } from './presets.ts';

/**
 * The head of queries and replies, version 1. All integers little-endian:
 *
 * | offset | bytes | |
 * |---|---|---|
 * | 0 | 4 | `VHE` and the version |
 * | 4 | 4 | kind: 1 query, 2 reply |
 * | 8 | 8 | parameter-set id |
 * | 16 | 16 | query id |
 * | 32 | 32 | catalogue version |
 * | 64 | 4 | ciphertexts that follow |
 * | 68 | 4 | items in the catalogue |
 *
 * A reader knows every number beforehand, so nothing is allocated by what a message claims.
 */
export const HEADER_BYTES = 72;

const MAGIC = 0x01_45_48_56; // "VHE" 0x01
const KINDS = { query: 1, reply: 2 } as const;

/** Whether a message asks or answers. */
export type MessageKind = keyof typeof KINDS;

/** What the reader of a message has agreed with its writer. */
export interface MessageFrame {
  readonly parameters: HeParameters;
  /** 64 hex digits. */
  readonly catalogueVersion: string;
  /** Items in the catalogue. */
  readonly items: number;
  /** Ciphertexts in the message. */
  readonly ciphertexts: number;
}

/** Writes a head at the beginning of the bytes. */
export function writeHead(
  bytes: Uint8Array,
  kind: MessageKind,
  frame: MessageFrame,
  queryId: string,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, KINDS[kind], true);
  bytes.set(hexToBytes(frame.parameters.id), 8);
  bytes.set(hexToBytes(queryId), 16);
  bytes.set(hexToBytes(frame.catalogueVersion), 32);
  view.setUint32(64, frame.ciphertexts, true);
  view.setUint32(68, frame.items, true);
}

/**
 * The query id of a message, so that a client finds the key before it reads the rest.
 *
 * @throws {VelaturaError} `he/malformed-message` if the bytes are no message of this kind
 */
export function readQueryId(bytes: Uint8Array, kind: MessageKind): string {
  checkKind(bytes, kind);
  return bytesToHex(bytes.subarray(16, 32));
}

/**
 * Checks a head against what was agreed.
 *
 * @returns the query id, 32 hex digits
 * @throws {VelaturaError} `he/malformed-message` on a wrong kind, version, parameter set or count
 * @throws {VelaturaError} `he/insecure-parameters` if it was made under the insecure preset
 * @throws {VelaturaError} `he/wrong-catalogue` if it belongs to another catalogue or version
 */
export function checkHead(bytes: Uint8Array, kind: MessageKind, frame: MessageFrame): string {
  const { parameters } = frame;
  const view = checkKind(bytes, kind);
  const parametersId = bytesToHex(bytes.subarray(8, 16));
  if (parametersId !== parameters.id) {
    if (parametersId === HE_PRESETS.insecureToy.id) {
      throw new VelaturaError(
        'he/insecure-parameters',
        'the message was made under an insecure parameter set',
        { expected: parameters.id, got: parametersId },
      );
    }
    throw malformed('the message was made under another parameter set', {
      expected: parameters.id,
      got: parametersId,
    });
  }
  const version = bytesToHex(bytes.subarray(32, 64));
  if (version !== frame.catalogueVersion) {
    throw new VelaturaError(
      'he/wrong-catalogue',
      'the message belongs to another catalogue or version',
      { expected: frame.catalogueVersion, got: version },
    );
  }
  expectNumber('ciphertexts', frame.ciphertexts, view.getUint32(64, true));
  expectNumber('items', frame.items, view.getUint32(68, true));
  return bytesToHex(bytes.subarray(16, 32));
}

/** A refusal of bytes that are no message, or not the expected one. */
export function malformed(
  problem: string,
  details: Record<string, string | number>,
): VelaturaError {
  return new VelaturaError('he/malformed-message', problem, details);
}

/** Throws `he/malformed-message` unless a count is the expected one. */
export function expectNumber(what: string, expected: number, got: number): void {
  if (expected !== got) {
    throw malformed(`the message should have ${expected} ${what}, got ${got}`, { expected, got });
  }
}

function checkKind(bytes: Uint8Array, kind: MessageKind): DataView {
  if (bytes.length < HEADER_BYTES) {
    throw malformed('the message ends inside its header', { bytes: bytes.length });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) {
    throw malformed('the bytes do not begin as a message of version 1', { bytes: bytes.length });
  }
  if (view.getUint32(4, true) !== KINDS[kind]) {
    throw malformed(`the message is not a ${kind}`, { kind: view.getUint32(4, true) });
  }
  return view;
}
