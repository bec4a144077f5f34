import { VelaturaError } from './errors.ts';

const FRAME_VERSION = 1;
/** version u8 · type u8 · length u32, big-endian. */
const HEADER_LENGTH = 6;

/** One frame found in a stream of bytes. */
export interface Frame {
  /** What the payload is, 0 … 255; the meaning belongs to the protocol. */
  readonly type: number;
  /** A view of the bytes it was read from, not a copy. */
  readonly payload: Uint8Array;
  /** Offset of the first byte after the frame. */
  readonly end: number;
}

function malformed(message: string, details: Readonly<Record<string, number>>): never {
  throw new VelaturaError('core/malformed-frame', message, details);
}

/**
 * Wraps a payload in a frame: version, type, length, payload.
 *
 * @param type - an integer 0 … 255
 * @param payload - at most 2³² − 1 bytes
 */
export function encodeFrame(type: number, payload: Uint8Array): Uint8Array {
  if (!Number.isInteger(type) || type < 0 || type > 255) {
    throw new RangeError(`"type" expected an integer in [0, 255], got ${type}`);
  }
  if (payload.length > 0xffff_ffff) {
    throw new RangeError(`"payload" expected at most 2^32 - 1 bytes, got ${payload.length}`);
  }
  const frame = new Uint8Array(HEADER_LENGTH + payload.length);
  frame[0] = FRAME_VERSION;
  frame[1] = type;
  new DataView(frame.buffer).setUint32(2, payload.length);
  frame.set(payload, HEADER_LENGTH);
  return frame;
}

/**
 * Reads the frame that starts at `offset`. The length is checked against `maximumLength` before anything
 * else is done with it, so a hostile header cannot make the reader wait for or allocate gigabytes.
 *
 * @param maximumLength - largest payload accepted, in bytes
 * @returns null when the bytes end before the frame does: wait for more
 * @throws {VelaturaError} `core/malformed-frame` for another version or a payload over the maximum
 */
export function readFrame(bytes: Uint8Array, offset: number, maximumLength: number): Frame | null {
  const available = bytes.length - offset;
  if (available >= 1 && bytes[offset] !== FRAME_VERSION) {
    malformed(`expected frame version ${FRAME_VERSION}, got ${bytes[offset]}`, { offset });
  }
  if (available < HEADER_LENGTH) return null;
  const length = new DataView(bytes.buffer, bytes.byteOffset + offset).getUint32(2);
  if (length > maximumLength) {
    malformed(`expected a payload of at most ${maximumLength} bytes, got ${length}`, {
      offset,
      length,
      maximumLength,
    });
  }
  const end = offset + HEADER_LENGTH + length;
  if (end > bytes.length) return null;
  return {
    type: bytes[offset + 1] as number,
    payload: bytes.subarray(offset + HEADER_LENGTH, end),
    end,
  };
}

/**
 * Unwraps bytes that are exactly one frame of one type.
 *
 * @param type - the only type accepted
 * @param maximumLength - largest payload accepted, in bytes
 * @returns a view of the payload
 * @throws {VelaturaError} `core/malformed-frame` when cut short, followed by more, too long, of another
 * version or type
 */
export function decodeFrame(bytes: Uint8Array, type: number, maximumLength: number): Uint8Array {
  const frame = readFrame(bytes, 0, maximumLength);
  if (frame === null) return malformed('expected a whole frame', { length: bytes.length });
  if (frame.type !== type) {
    malformed(`expected a frame of type ${type}, got ${frame.type}`, { type: frame.type });
  }
  if (frame.end !== bytes.length) {
    malformed(`expected one frame of ${frame.end} bytes, got ${bytes.length}`, {
      length: bytes.length,
    });
  }
  return frame.payload;
}
