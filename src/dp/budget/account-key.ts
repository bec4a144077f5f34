import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { ACCOUNT_KEY_LENGTH } from './account-table.ts';

const SECRET_LENGTH = 32;
/** First byte of the input, so that no account id can equal the input of the key check. */
const CHECK_TAG = Uint8Array.of(0);
const ACCOUNT_TAG = Uint8Array.of(1);

/**
 * Turns account ids into the keys under which a budget books them: HMAC-SHA256, truncated to 16 bytes,
 * under a secret that only the budget holds. The log never sees an id.
 *
 * ## Privacy
 * Pseudonymous, not anonymous: whoever holds the secret can test whether a given person is in the log.
 * Two of n ids share a key, and then a balance, with probability about n²/2¹²⁹.
 */
export class AccountKeys {
  readonly #account: ReturnType<typeof hmac.create>;
  /** Tells whether a log was made under this secret, and nothing else about it. */
  readonly check: Uint8Array;

  /** @param secret - 32 random bytes */
  constructor(secret: Uint8Array) {
    if (!(secret instanceof Uint8Array) || secret.length !== SECRET_LENGTH) {
      throw new RangeError(
        `"accountKey" expected ${SECRET_LENGTH} bytes, got ${secret?.length ?? typeof secret}`,
      );
    }
    this.#account = hmac.create(sha256, secret).update(ACCOUNT_TAG);
    this.check = hmac
      .create(sha256, secret)
      .update(CHECK_TAG)
      .digest()
      .slice(0, ACCOUNT_KEY_LENGTH);
  }

  /** The keys of the accounts, one after another: `[accounts, 16]` bytes. */
  of(accounts: readonly string[]): Uint8Array {
    const encoder = new TextEncoder();
    const keys = new Uint8Array(accounts.length * ACCOUNT_KEY_LENGTH);
    for (let i = 0; i < accounts.length; i++) {
      const digest = this.#account.clone().update(encoder.encode(accounts[i])).digest();
      keys.set(digest.subarray(0, ACCOUNT_KEY_LENGTH), i * ACCOUNT_KEY_LENGTH);
    }
    return keys;
  }
}
