import { packBits, residueBits, unpackBits } from './bit-packing.ts';
import { ciphertextWords } from './ciphertext.ts';
import { assertDroppedBits, type DroppedBits } from './dropped-bits.ts';
import {
  checkHead,
  expectNumber,
  HEADER_BYTES,
  type MessageFrame,
  malformed,
  writeHead,
} from './message-head.ts';
import type { HeParameters } from './parameters.ts';
import type { Ciphertext } from './scoring-provider.ts';

/** What the reader of a reply has agreed with its writer; `ciphertexts` counts the blocks. */
export interface ReplyFrame extends MessageFrame {
  readonly dropped: DroppedBits;
}

/** A reply whose every byte was checked. */
export interface DecodedReply {
  /** 32 hex digits. */
  readonly queryId: string;
  /** One per block, what was dropped filled in. */
  readonly ciphertexts: readonly Ciphertext[];
}

/** Bytes of one block of a reply: `[2, primes, N]` residues without their dropped bits. */
export function replyBlockBytes(parameters: HeParameters, dropped: DroppedBits): number {
  let bits = 0;
  for (const { width } of fields(parameters, dropped)) bits += width;
  return (parameters.polynomialDegree * bits) / 8;
}

/** Bytes of a whole reply: the head, then one ciphertext per block. */
export function replyBytes(parameters: HeParameters, blocks: number, dropped: DroppedBits): number {
  return HEADER_BYTES + blocks * replyBlockBytes(parameters, dropped);
}

/** The head of a reply, to be followed by its blocks. */
export function encodeReplyHead(frame: ReplyFrame, queryId: string): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(HEADER_BYTES);
  writeHead(head, 'reply', frame, queryId);
  return head;
}

/** Writes one block of a reply from `offset` on. */
export function packReplyBlock(
  parameters: HeParameters,
  ciphertext: Ciphertext,
  dropped: DroppedBits,
  target: DataView,
  offset: number,
): void {
  const { polynomialDegree: degree } = parameters;
  let at = offset;
  fields(parameters, dropped).forEach(({ width, drop }, row) => {
    const polynomial = ciphertext.subarray(row * degree, (row + 1) * degree);
    const kept = drop === 0 ? polynomial : polynomial.map((residue) => residue >>> drop);
    packBits(kept, width, target, at);
    at += (degree * width) / 8;
  });
}

/**
 * Reads a reply in the pieces in which it arrives, so that a client can decrypt blocks while the server works
 * on others. No more than a block is kept, whatever the pieces are.
 */
export class ReplyReader {
  readonly #frame: ReplyFrame;
  readonly #blockBytes: number;
  readonly #kept: Uint8Array<ArrayBuffer>;
  #filled = 0;
  #blocks = 0;
  #queryId: string | null = null;

  constructor(frame: ReplyFrame) {
    this.#frame = frame;
    this.#blockBytes = replyBlockBytes(frame.parameters, frame.dropped);
    this.#kept = new Uint8Array(Math.max(HEADER_BYTES, this.#blockBytes));
  }

  /** 32 hex digits, or null as long as the head has not arrived. */
  get queryId(): string | null {
    return this.#queryId;
  }

  /**
   * Takes the next piece.
   *
   * @returns the blocks that it completes, in order
   * @throws {VelaturaError} as {@link decodeReply}; a reader that threw is of no more use
   */
  push(piece: Uint8Array): Ciphertext[] {
    const { parameters, ciphertexts: blocks, dropped } = this.#frame;
    const complete: Ciphertext[] = [];
    let at = 0;
    while (at < piece.length) {
      if (this.#blocks === blocks) {
        throw malformed(`the reply goes on behind its ${blocks} blocks`, { blocks });
      }
      const wanted = this.#queryId === null ? HEADER_BYTES : this.#blockBytes;
      if (this.#filled === 0 && piece.length - at >= wanted && this.#queryId !== null) {
        const view = new DataView(piece.buffer, piece.byteOffset + at, wanted);
        complete.push(unpackReplyBlock(parameters, view, dropped));
        this.#blocks++;
        at += wanted;
        continue;
      }
      const taken = Math.min(wanted - this.#filled, piece.length - at);
      this.#kept.set(piece.subarray(at, at + taken), this.#filled);
      this.#filled += taken;
      at += taken;
      if (this.#filled < wanted) break;
      this.#filled = 0;
      if (this.#queryId === null) {
        this.#queryId = checkHead(this.#kept.subarray(0, HEADER_BYTES), 'reply', this.#frame);
      } else {
        complete.push(unpackReplyBlock(parameters, new DataView(this.#kept.buffer), dropped));
        this.#blocks++;
      }
    }
    return complete;
  }

  /**
   * Call it when no more pieces come.
   *
   * @throws {VelaturaError} `he/malformed-message` if the reply is not whole
   */
  finish(): void {
    const { parameters, ciphertexts: blocks, dropped } = this.#frame;
    const read = this.#queryId === null ? 0 : HEADER_BYTES + this.#blocks * this.#blockBytes;
    expectNumber('bytes', replyBytes(parameters, blocks, dropped), read + this.#filled);
  }
}

/**
 * Reads a reply and checks every byte of it against what was agreed.
 *
 * @throws {VelaturaError} `he/malformed-message` on a wrong size, kind, version, parameter set, count or
 *   residue
 * @throws {VelaturaError} `he/insecure-parameters` if it was made under the insecure preset
 * @throws {VelaturaError} `he/wrong-catalogue` if it belongs to another catalogue or version
 */
export function decodeReply(bytes: Uint8Array, frame: ReplyFrame): DecodedReply {
  const queryId = checkHead(bytes, 'reply', frame);
  expectNumber(
    'bytes',
    replyBytes(frame.parameters, frame.ciphertexts, frame.dropped),
    bytes.length,
  );
  return { queryId, ciphertexts: new ReplyReader(frame).push(bytes) };
}

/**
 * Dropped bits come back as half of what they can be at most. A residue may come out above its prime by that; it
 * is taken modulo the prime.
 */
function unpackReplyBlock(
  parameters: HeParameters,
  source: DataView,
  dropped: DroppedBits,
): Ciphertext {
  const { polynomialDegree: degree } = parameters;
  const ciphertext = new Uint32Array(ciphertextWords(parameters));
  let at = 0;
  let hides = 0;
  fields(parameters, dropped).forEach(({ prime, width, drop, second }, row) => {
    const polynomial = ciphertext.subarray(row * degree, (row + 1) * degree);
    unpackBits(source, at, width, polynomial);
    at += (degree * width) / 8;
    const largest = (prime - 1) >>> drop;
    const middle = drop === 0 ? 0 : 1 << (drop - 1);
    let seen = 0;
    let above = 0;
    for (let i = 0; i < degree; i++) {
      const field = polynomial[i] as number;
      if (field > largest) above = 1;
      seen |= field;
      const residue = (field << drop) | middle;
      polynomial[i] = residue >= prime ? residue - prime : residue;
    }
    if (above === 1) throw malformed('a residue is not below its prime', { prime });
    if (second) hides |= seen;
  });
  if (hides === 0) {
    throw malformed('the second polynomial of a ciphertext is all zero, so it hides nothing', {});
  }
  return ciphertext;
}

interface Field {
  readonly prime: number;
  /** Bits dropped from each residue. */
  readonly drop: number;
  /** Bits that are left. */
  readonly width: number;
  /** Whether it is part of the second polynomial. */
  readonly second: boolean;
}

/** `[2, primes]` fields, as they follow each other. */
function fields(parameters: HeParameters, dropped: DroppedBits): readonly Field[] {
  assertDroppedBits(parameters, dropped);
  const { dataPrimes } = parameters;
  return dropped.flatMap((drop, part) =>
    dataPrimes.map((prime) => ({
      prime,
      drop,
      width: residueBits(prime) - drop,
      second: part === 1,
    })),
  );
}
