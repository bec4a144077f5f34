import { VelaturaError } from '../../core/errors.ts';
import type { Turn } from '../../federated/live/round-events.ts';

interface Upload {
  readonly name: string;
  readonly parts: Uint8Array[];
  length: number;
}

/** Answers that have come in part, one a member: a step that is over takes its half answers with it. */
export class AnswerUploads {
  readonly #limit: number;
  readonly #uploads = new Map<string, Upload>();

  /** @param limit - bytes of the longest answer */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes that are here. */
  offset(account: string, roundId: string, turn: Turn): number {
    const upload = this.#uploads.get(account);
    return upload?.name === `${roundId}/${turn}` ? upload.length : 0;
  }

  /**
   * Adds a piece.
   *
   * @returns the whole, once it is there
   * @throws {VelaturaError} `federated/round-closed` for a piece that does not follow, with the offset that would;
   * `federated/too-large`
   */
  add(
    account: string,
    { roundId, turn, offset, isLast }: UploadedPiece,
    bytes: Uint8Array,
  ): Uint8Array | null {
    const name = `${roundId}/${turn}`;
    let upload = this.#uploads.get(account);
    // Beginning anew is always allowed: a client may have lost its place.
    if (upload?.name !== name || offset === 0) upload = { name, parts: [], length: 0 };
    if (offset !== upload.length) {
      throw new VelaturaError('federated/round-closed', 'the piece does not follow the last one', {
        offset: upload.length,
      });
    }
    if (offset + bytes.length > this.#limit) {
      this.#uploads.delete(account);
      throw new VelaturaError('federated/too-large', `an answer has at most ${this.#limit} bytes`, {
        limit: this.#limit,
      });
    }
    upload.parts.push(bytes);
    upload.length += bytes.length;
    if (!isLast) {
      this.#uploads.set(account, upload);
      return null;
    }
    this.#uploads.delete(account);
    return new Uint8Array(Buffer.concat(upload.parts, upload.length));
  }

  /** Drops what belongs to other rounds. */
  keepOnly(roundId: string | null): void {
    for (const [account, { name }] of this.#uploads) {
      if (roundId === null || !name.startsWith(`${roundId}/`)) this.#uploads.delete(account);
    }
  }
}

/** Where a piece of an answer belongs. */
export interface UploadedPiece {
  readonly roundId: string;
  readonly turn: Turn;
  readonly offset: number;
  readonly isLast: boolean;
}
