import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { encodeCanonical, isWellFormedText } from '../core/cbor.ts';
import { parsePeriod } from './period.ts';
import { SceneData } from './scenes.ts';

/** Fewest bytes of a secret from which keys are derived. */
export const MINIMUM_SECRET_BYTES = 32;
const PSEUDONYM_BYTES = 16;

/** What {@link ScenePseudonyms} are made from. */
export interface ScenePseudonymOptions<S extends string> {
  /**
   * At least 32 random bytes, for pseudonyms only. Never the secret of a budget: whoever makes pseudonyms
   * for scenes must not be able to find a person's balance.
   */
  readonly secret: Uint8Array;
  readonly scene: S;
  /** How long a pseudonym lasts: an ISO 8601 period such as `P30D`. */
  readonly rotation: string;
}

/**
 * Names under which one scene knows accounts: keyed, different in every scene, new after every rotation.
 *
 * All accounts of a scene change their names in the same moment, so that a name that ends cannot be matched
 * with the only one that begins.
 *
 * ## Privacy
 * HMAC-SHA256 as a pseudo-random function (RFC 2104), truncated to 16 bytes. Without the secret, names of
 * one account in two scenes or two periods look like names of two accounts; whoever holds the secret can link
 * them. What stays linkable by content, time or network address: `pseudonym.proof.md`.
 */
export class ScenePseudonyms<S extends string = string> {
  readonly scene: S;
  /** Milliseconds. */
  readonly rotationMs: number;
  readonly #key: Uint8Array;

  /** @throws RangeError for a short secret or a malformed period */
  constructor(options: ScenePseudonymOptions<S>) {
    const rotationMs = parsePeriod(options.rotation);
    if (rotationMs === null) {
      throw new RangeError(`"rotation" expected a period such as P30D, got "${options.rotation}"`);
    }
    this.scene = options.scene;
    this.rotationMs = rotationMs;
    this.#key = deriveKey(options.secret, 'pseudonym', options.scene);
  }

  /** Number of the period that a moment falls in. */
  periodOf(at: number): number {
    if (!Number.isSafeInteger(at)) throw new RangeError(`"at" expected milliseconds, got ${at}`);
    return Math.floor(at / this.rotationMs);
  }

  /**
   * The name of an account in this scene, 32 hexadecimal digits. Its type is that of the scene's data: names
   * of two scenes do not join.
   *
   * @param account - well-formed text, as the application knows the person
   * @param at - milliseconds since 1970-01-01T00:00Z
   */
  of(account: string, at: number): SceneData<S, string> {
    if (typeof account !== 'string' || account === '' || !isWellFormedText(account)) {
      throw new TypeError('"account" expected a well-formed string that is not empty');
    }
    const message = encodeCanonical([this.periodOf(at), account]);
    const image = hmac(sha256, this.#key, message).subarray(0, PSEUDONYM_BYTES);
    return new SceneData(this.scene, bytesToHex(image));
  }
}

/**
 * A key for one use in one scene, from a secret: HMAC-SHA256 of the use and the scene. Keys of different uses
 * or scenes tell nothing about each other or about the secret.
 *
 * @param secret - at least 32 random bytes
 * @returns 32 bytes
 * @throws RangeError for a short secret
 */
export function deriveKey(
  secret: Uint8Array,
  use: string,
  ...context: readonly string[]
): Uint8Array<ArrayBuffer> {
  if (!(secret instanceof Uint8Array) || secret.length < MINIMUM_SECRET_BYTES) {
    throw new RangeError(`"secret" expected at least ${MINIMUM_SECRET_BYTES} bytes`);
  }
  const message = encodeCanonical(['velatura/profile-key/1', use, ...context]);
  return new Uint8Array(hmac(sha256, secret, message));
}
