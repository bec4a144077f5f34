import { decodeCanonical, encodeCanonical } from '../../core/cbor.ts';
import type { ProfileStorage, StoredRecord } from './profile-storage.ts';
import { rolledBack, storageUnavailable, unreadable } from './store-errors.ts';

const FORMAT = 1;
const NONCE_BYTES = 12;
/** Contents are filled up to multiples of this, so that the length of a record tells little. */
const PADDING_BYTES = 4096;
/** Other writers that may win in a row before the storage is taken to be broken. */
const MAX_ATTEMPTS = 100;

/** How a value becomes plain data for canonical CBOR and back. */
export interface SlotCodec<T> {
  /** What there is before the first record. */
  readonly empty: () => T;
  readonly encode: (value: T) => unknown;
  /** Called with authentic contents only. */
  readonly decode: (contents: unknown) => T;
}

/** What a {@link SealedSlot} is made from. */
export interface SealedSlotOptions<T> {
  readonly storage: ProfileStorage;
  readonly name: string;
  /** AES-GCM, 256 bits. */
  readonly key: CryptoKey;
  readonly codec: SlotCodec<T>;
}

/** A value and the version of the record that holds it; −1 for none. */
export interface SlotState<T> {
  readonly version: number;
  readonly value: T;
}

/**
 * One value, sealed with AES-256-GCM in one record of a storage, changed by compare-and-swap.
 *
 * Name and version are authenticated, so a record cannot be put in another place or under a later number.
 * Nonces are 96 random bits: one key may seal 2³² records (NIST SP 800-38D §8.3).
 */
export class SealedSlot<T> {
  readonly #options: SealedSlotOptions<T>;
  #state: SlotState<T> | undefined;
  /** Highest version this slot ever saw. */
  #seen = -1;

  constructor(options: SealedSlotOptions<T>) {
    this.#options = options;
  }

  /**
   * What the storage holds now. Values are shared: change them only through {@link update}.
   *
   * @throws {VelaturaError} `profile/store-unavailable`, `profile/store-unreadable`,
   * `profile/store-rolled-back` when an older record came back while this slot was in use
   */
  async load(): Promise<SlotState<T>> {
    const { storage, name, codec } = this.#options;
    const record = await storage.read(name);
    const version = record?.version ?? -1;
    if (version < this.#seen) throw rolledBack('an older record of the profile came back');
    if (this.#state?.version === version) return this.#state;
    const value = record === null ? codec.empty() : codec.decode(await this.#open(record));
    return this.#keep({ version, value });
  }

  /**
   * Replaces the value by what `change` makes of it, durable before it resolves. Where another writer was
   * faster, `change` is called again with that writer's value; it must not change what it is given.
   *
   * @param change - returns null to leave all as it is
   * @returns the value that is now there
   */
  async update(change: (value: T) => T | null | Promise<T | null>): Promise<T> {
    const { storage, name } = this.#options;
    // What was seen last is good enough to try with: writing tells whether it is still the newest.
    let current = this.#state ?? (await this.load());
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const value = await change(current.value);
      if (value !== null) {
        const record = await this.#seal(current.version + 1, value);
        if (await storage.write(name, record)) {
          return this.#keep({ version: record.version, value }).value;
        }
      }
      const newest = await this.load();
      if (value === null && newest.version === current.version) return newest.value;
      current = newest;
    }
    throw storageUnavailable('other writers were always faster');
  }

  /** Puts a value in the place of whatever is there, also of what cannot be read or is older than what was seen. */
  async replace(value: T): Promise<void> {
    const { storage, name } = this.#options;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const version = ((await storage.read(name))?.version ?? -1) + 1;
      if (await storage.write(name, await this.#seal(version, value))) {
        // Its version may be lower than one that was seen: this is the new beginning.
        this.#seen = version;
        this.#state = { version, value };
        return;
      }
    }
    throw storageUnavailable('other writers were always faster');
  }

  #keep(state: SlotState<T>): SlotState<T> {
    // Two calls may end in another order than they began.
    if (state.version < this.#seen) return state;
    this.#seen = state.version;
    this.#state = state;
    return state;
  }

  async #seal(version: number, value: T): Promise<StoredRecord> {
    const { key, codec, name } = this.#options;
    const bytes = await seal(key, [name, version], codec.encode(value));
    return { version, bytes };
  }

  #open({ version, bytes }: StoredRecord): Promise<unknown> {
    return unseal(this.#options.key, [this.#options.name, version], bytes);
  }
}

/** The key of AES-256-GCM from 32 bytes; what it seals it opens, and it cannot be read back. */
export function sealingKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const { subtle } = globalThis.crypto;
  if (subtle === undefined) {
    throw new TypeError('"crypto.subtle" expected WebCrypto, which needs a secure context');
  }
  return subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
}

/** Seals contents for one place. */
export async function seal(
  key: CryptoKey,
  place: readonly (string | number)[],
  contents: unknown,
): Promise<Uint8Array<ArrayBuffer>> {
  const body = encodeCanonical(contents);
  const length = Math.ceil((4 + body.length) / PADDING_BYTES) * PADDING_BYTES;
  const padded = new Uint8Array(length);
  new DataView(padded.buffer).setUint32(0, body.length);
  padded.set(body, 4);
  const iv = globalThis.crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const sealed = await globalThis.crypto.subtle.encrypt(cipher(iv, place), key, padded);
  const bytes = new Uint8Array(1 + NONCE_BYTES + sealed.byteLength);
  bytes[0] = FORMAT;
  bytes.set(iv, 1);
  bytes.set(new Uint8Array(sealed), 1 + NONCE_BYTES);
  return bytes;
}

/**
 * Opens what was sealed for the same place.
 *
 * @throws {VelaturaError} `profile/store-unreadable`
 */
export async function unseal(
  key: CryptoKey,
  place: readonly (string | number)[],
  bytes: Uint8Array<ArrayBuffer>,
): Promise<unknown> {
  if (bytes[0] !== FORMAT || bytes.length <= 1 + NONCE_BYTES) throw unreadable();
  const iv = bytes.subarray(1, 1 + NONCE_BYTES);
  const sealed = bytes.subarray(1 + NONCE_BYTES);
  let padded: ArrayBuffer;
  try {
    padded = await globalThis.crypto.subtle.decrypt(cipher(iv, place), key, sealed);
  } catch (cause) {
    throw unreadable(cause);
  }
  const length = new DataView(padded).getUint32(0);
  return decodeCanonical(new Uint8Array(padded, 4, length));
}

function cipher(iv: Uint8Array<ArrayBuffer>, place: readonly (string | number)[]): AesGcmParams {
  const additionalData = encodeCanonical(['velatura/profile-record/1', ...place]);
  return { name: 'AES-GCM', iv, additionalData };
}
