import { sameBytes } from '../../core/bytes.ts';
import { portableSha256, type Sha256 } from '../../core/hash-chain.ts';
import { ACCOUNT_KEY_LENGTH } from './account-table.ts';

/** Bytes of one secret of a {@link KeyRing}. */
export const SECRET_LENGTH = 32;

const BLOCK_LENGTH = 64;
const DIGEST_LENGTH = 32;

/** First byte of every input of the function, so that no two uses of a secret share an input. */
const CHECK_TAG = 0;
const ACCOUNT_TAG = 1;
const ROTATION_TAG = 2;
const TOMBSTONE_TAG = 3;

/**
 * HMAC-SHA256 (RFC 2104) truncated to 16 bytes, of a tag byte and a message. The padded key stands in
 * front of the message in one buffer, so that a call is two one-shot hashes and no more.
 */
class Prf {
  readonly #sha256: Sha256;
  readonly #outer = new Uint8Array(BLOCK_LENGTH + DIGEST_LENGTH);
  #inner = new Uint8Array(BLOCK_LENGTH + 256);
  /** Beginnings of `#inner` by their length. */
  #views: (Uint8Array | undefined)[] = [];

  constructor(secret: Uint8Array, sha256: Sha256) {
    this.#sha256 = sha256;
    for (let i = 0; i < BLOCK_LENGTH; i++) {
      const byte = secret[i] ?? 0;
      this.#inner[i] = byte ^ 0x36;
      this.#outer[i] = byte ^ 0x5c;
    }
  }

  /** Writes the image of the text, as UTF-8, to `target[at …]`. */
  ofText(tag: number, text: string, target: Uint8Array, at: number): void {
    const start = BLOCK_LENGTH + 1;
    this.#reserve(start + 3 * text.length);
    const inner = this.#inner;
    let length = 0;
    for (; length < text.length; length++) {
      const unit = text.charCodeAt(length);
      if (unit > 0x7f) break;
      inner[start + length] = unit;
    }
    if (length < text.length) {
      length = new TextEncoder().encodeInto(text, inner.subarray(start)).written;
    }
    this.#finish(tag, start + length, target, at);
  }

  /** Writes the image of `source[from …]`, 16 bytes, to `target[at …]`, which may be the same place. */
  ofKey(tag: number, source: Uint8Array, from: number, target: Uint8Array, at: number): void {
    const start = BLOCK_LENGTH + 1;
    for (let i = 0; i < ACCOUNT_KEY_LENGTH; i++) {
      this.#inner[start + i] = source[from + i] as number;
    }
    this.#finish(tag, start + ACCOUNT_KEY_LENGTH, target, at);
  }

  /** Writes the image of the empty message. */
  ofNothing(tag: number, target: Uint8Array): void {
    this.#finish(tag, BLOCK_LENGTH + 1, target, 0);
  }

  #finish(tag: number, length: number, target: Uint8Array, at: number): void {
    this.#inner[BLOCK_LENGTH] = tag;
    let view = this.#views[length];
    if (view === undefined) {
      view = this.#inner.subarray(0, length);
      this.#views[length] = view;
    }
    this.#outer.set(this.#sha256(view), BLOCK_LENGTH);
    const digest = this.#sha256(this.#outer);
    for (let i = 0; i < ACCOUNT_KEY_LENGTH; i++) target[at + i] = digest[i] as number;
  }

  #reserve(length: number): void {
    if (length <= this.#inner.length) return;
    const inner = new Uint8Array(2 * length);
    inner.set(this.#inner.subarray(0, BLOCK_LENGTH));
    this.#inner = inner;
    this.#views = [];
  }
}

/**
 * Turns account ids into the keys under which a budget books them. The log never sees an id.
 *
 * With secrets s₁ … sₙ and F the function HMAC-SHA256 truncated to 16 bytes, the key of an account is
 * k₁ = F(s₁, 1 ‖ id), then kⱼ₊₁ = F(sⱼ₊₁, 2 ‖ kⱼ) up to kₙ. So a budget that stores kₙ and no id can still
 * rotate: it maps each stored key once more, and an id is looked up through all secrets in order. An
 * account erased while there were m secrets is stored as its tombstone F(sₘ, 3 ‖ kₘ), which later
 * rotations map like any stored key.
 *
 * ## Privacy
 * Pseudonymous, not anonymous: whoever holds all secrets can test whether a given person is in the budget,
 * erased or not; without that, erasing oneself would be a way to a fresh budget. Two of n ids share a key,
 * and then a balance, with probability about n²/2¹²⁹. What rotation and erasure hide, and from whom:
 * account-key.proof.md.
 */
export class KeyRing {
  readonly #secrets: readonly Uint8Array[];
  readonly #sha256: Sha256;
  readonly #levels: readonly Prf[];
  /** 16 bytes that tell whether a log was made under exactly these secrets in this order, and nothing else. */
  readonly check: Uint8Array;

  /**
   * @param secrets - one or more of 32 random bytes, the oldest first, no two the same
   * @param sha256 - a faster SHA-256, where there is one
   */
  constructor(secrets: readonly Uint8Array[], sha256: Sha256 = portableSha256) {
    if (secrets.length === 0) throw new RangeError('"secrets" expected one or more, got none');
    for (const [i, secret] of secrets.entries()) checkSecret(secret, secrets.slice(0, i));
    this.#secrets = secrets.map((secret) => new Uint8Array(secret));
    this.#sha256 = sha256;
    this.#levels = this.#secrets.map((secret) => new Prf(secret, sha256));
    this.check = new Uint8Array(ACCOUNT_KEY_LENGTH);
    for (const [i, level] of this.#levels.entries()) {
      if (i === 0) level.ofNothing(CHECK_TAG, this.check);
      else level.ofKey(CHECK_TAG, this.check, 0, this.check, 0);
    }
  }

  /** Number of secrets. */
  get length(): number {
    return this.#secrets.length;
  }

  /**
   * The keys of `accounts[from … to − 1]`, one after another.
   *
   * @returns `[to − from, 16]` bytes
   */
  keysOf(accounts: readonly string[], from = 0, to: number = accounts.length): Uint8Array {
    const keys = this.#firstKeys(accounts, from, to);
    this.#wrap(keys, 1);
    return keys;
  }

  /**
   * Tombstones of stored keys: what an erasure puts in their place. The keys cannot be got back from them.
   *
   * @param keys - `[n, 16]`, under all secrets
   * @returns `[n, 16]`
   */
  tombstonesOf(keys: Uint8Array): Uint8Array {
    return mapped(this.#levels.at(-1) as Prf, TOMBSTONE_TAG, keys);
  }

  /**
   * Every tombstone under which `accounts[from … to − 1]` may be stored, by the number of secrets there
   * were when they were erased. Costs about n²/2 functions an account for n secrets, so it is for accounts
   * whose ordinary key is not found.
   *
   * @returns for each number of secrets, ascending, `[to − from, 16]` bytes
   */
  tombstonesOfAccounts(
    accounts: readonly string[],
    from = 0,
    to: number = accounts.length,
  ): readonly Uint8Array[] {
    const keys = this.#firstKeys(accounts, from, to);
    return this.#levels.map((level, m) => {
      if (m > 0) this.#wrapOnce(keys, m);
      const tombstones = mapped(level, TOMBSTONE_TAG, keys);
      this.#wrap(tombstones, m + 1);
      return tombstones;
    });
  }

  /**
   * This ring with one more secret.
   *
   * @param secret - 32 random bytes
   */
  extended(secret: Uint8Array): KeyRing {
    return new KeyRing([...this.#secrets, secret], this.#sha256);
  }

  /**
   * Stored keys or tombstones under all secrets but the newest, mapped to those under all: what a rotation
   * stores.
   *
   * @param keys - `[n, 16]`
   * @returns `[n, 16]`
   */
  rekeyed(keys: Uint8Array): Uint8Array {
    return mapped(this.#levels.at(-1) as Prf, ROTATION_TAG, keys);
  }

  #firstKeys(accounts: readonly string[], from: number, to: number): Uint8Array {
    const first = this.#levels[0] as Prf;
    const keys = new Uint8Array(Math.max(0, to - from) * ACCOUNT_KEY_LENGTH);
    for (let i = from; i < to; i++) {
      first.ofText(ACCOUNT_TAG, accounts[i] as string, keys, (i - from) * ACCOUNT_KEY_LENGTH);
    }
    return keys;
  }

  /** Maps keys in place by the secrets from number `level` on. */
  #wrap(keys: Uint8Array, level: number): void {
    for (let i = level; i < this.#levels.length; i++) this.#wrapOnce(keys, i);
  }

  #wrapOnce(keys: Uint8Array, level: number): void {
    const prf = this.#levels[level] as Prf;
    for (let at = 0; at < keys.length; at += ACCOUNT_KEY_LENGTH) {
      prf.ofKey(ROTATION_TAG, keys, at, keys, at);
    }
  }
}

/**
 * The ring under which a log was made, out of all secrets that are kept: some may be of rotations that did
 * not come to pass, or came in another order.
 *
 * @param secrets - the first one is that with which the budget began
 * @param keyCheck - of the newest `open` or `rotate` record
 * @returns null when no order of them fits
 */
export function matchingRing(
  secrets: readonly Uint8Array[],
  keyCheck: Uint8Array,
  sha256: Sha256 = portableSha256,
): KeyRing | null {
  const continued = (
    chosen: readonly Uint8Array[],
    others: readonly Uint8Array[],
  ): KeyRing | null => {
    const ring = new KeyRing(chosen, sha256);
    if (sameBytes(ring.check, keyCheck)) return ring;
    for (const next of others) {
      const rest = others.filter((other) => other !== next);
      const found = continued([...chosen, next], rest);
      if (found !== null) return found;
    }
    return null;
  };
  const [first, ...others] = secrets;
  return first === undefined ? null : continued([first], others);
}

function mapped(prf: Prf, tag: number, keys: Uint8Array): Uint8Array {
  if (keys.length % ACCOUNT_KEY_LENGTH !== 0) {
    throw new RangeError(`"keys" expected [n, ${ACCOUNT_KEY_LENGTH}] bytes, got ${keys.length}`);
  }
  const images = new Uint8Array(keys.length);
  for (let at = 0; at < keys.length; at += ACCOUNT_KEY_LENGTH) {
    prf.ofKey(tag, keys, at, images, at);
  }
  return images;
}

function checkSecret(secret: unknown, earlier: readonly Uint8Array[]): void {
  if (!(secret instanceof Uint8Array) || secret.length !== SECRET_LENGTH) {
    const got = secret instanceof Uint8Array ? `${secret.length} bytes` : typeof secret;
    throw new RangeError(`"secret" expected ${SECRET_LENGTH} bytes, got ${got}`);
  }
  if (earlier.some((other) => sameBytes(other, secret))) {
    throw new RangeError('"secret" expected fresh random bytes, got one that is in the ring');
  }
}
