import { encodeCanonical } from '../../core/cbor.ts';
import type { AgreementKey, Bytes, SecAggCrypto } from './crypto.ts';

/** The keys of one round, each derived for one purpose and one ordered or unordered pair. */
export class RoundSecrets {
  readonly #crypto: SecAggCrypto;
  readonly #digest: Bytes;

  constructor(crypto: SecAggCrypto, digest: Bytes) {
    this.#crypto = crypto;
    this.#digest = digest;
  }

  /** The mask that two neighbours share, from either end. @returns `length` bytes */
  async pairMask(
    own: AgreementKey,
    other: Bytes,
    members: readonly [number, number],
    length: number,
  ): Promise<Bytes> {
    const secret = await own.agree(other);
    const pair = [Math.min(...members), Math.max(...members)];
    return this.#crypto.keyStream(await this.#derive('pair', secret, pair), length);
  }

  /** The mask of one member alone. @returns `length` bytes */
  async selfMask(seed: Bytes, member: number, length: number): Promise<Bytes> {
    return this.#crypto.keyStream(await this.#derive('self', seed, [member]), length);
  }

  /**
   * The key that seals what one neighbour sends to another: another one in each direction, used once.
   *
   * @param agreed - on what their channel keys agree
   */
  channelKey(agreed: Bytes, from: number, to: number): Promise<Bytes> {
    return this.#derive('channel', agreed, [from, to]);
  }

  /** What a member publishes of its seed: it can own up to one seed only, and 256 random bits stay hidden. */
  commitment(seed: Bytes, member: number): Bytes {
    const context = encodeCanonical(['velatura-secagg-seed-v1', this.#digest, member]);
    return new Uint8Array(this.#crypto.sha256(context, seed));
  }

  #derive(purpose: string, secret: Bytes, members: readonly number[]): Promise<Bytes> {
    const info = encodeCanonical([`velatura-secagg-${purpose}-v1`, members]);
    return this.#crypto.hkdf(secret, this.#digest, info);
  }
}
