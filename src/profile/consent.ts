import { VelaturaError } from '../core/errors.ts';
import { type Clock, MonotoneClock } from './clock.ts';
import {
  checkController,
  checkPurpose,
  checkRecipients,
  checkScene,
  checkScope,
  invalidConsent,
} from './consent-checks.ts';
import { type ConsentNotice, consentNotice, noticeDigest } from './consent-notice.ts';
import {
  type ConsentAct,
  type ConsentReceipt,
  type ConsentScope,
  isReceiptShaped,
  isWholeText,
  proveAct,
  type SessionChoice,
  sameProof,
} from './consent-receipt.ts';
import {
  type ConsentDecision,
  type ConsentReader,
  ConsentState,
  type ConsentUse,
} from './consent-state.ts';
import { parsePeriod } from './period.ts';
import { copyPlainJson } from './plain-json.ts';
import { type ProfileSchema, type Purpose, requireValidated } from './schema.ts';

/** What a {@link ConsentLedger} is made from. */
export interface ConsentLedgerOptions {
  readonly schema: ProfileSchema;
  /** Account whose consent this is. */
  readonly person: string;
  /** Secret of this person's device, at least 32 bytes; it proves receipts. */
  readonly key: Uint8Array;
  /** Version of the notice in force; consent to another version no longer counts. */
  readonly noticeVersion: number;
  /** How long a person who declined a scope is not asked again: an ISO 8601 period. Default: `P30D`. */
  readonly askAgainAfter?: string;
  /** Default: the clock of the platform. */
  readonly clock?: Clock;
}

/** What a grant says. */
export interface ConsentGrant {
  readonly scope: ConsentScope;
  readonly purposes: readonly Purpose[];
  readonly controller: string;
  /** Parties to whom the controller may pass the data on, all of them declared for it. Default: none. */
  readonly recipients?: readonly string[];
  /** First millisecond at which it no longer holds; after now. */
  readonly expiresAt: number;
}

/** Whether a person may be asked for a consent now. */
export type ConsentQuestion =
  | { readonly ask: true; readonly notice: ConsentNotice }
  | {
      readonly ask: false;
      readonly reason:
        | 'already-agreed'
        | 'declined-recently'
        | 'minors-mode'
        | 'watch-only'
        | 'nothing-to-ask';
      /** When asking is allowed again, where time alone decides: milliseconds since 1970-01-01T00:00Z. */
      readonly notBefore: number | null;
    };

const MINIMUM_KEY_BYTES = 32;
const ASK_AGAIN_AFTER = 'P30D';

/**
 * Consent of one person: an append-only history of receipts, each proven by the one before it, and the
 * answer to whether a use is covered now.
 *
 * Granting and withdrawing are one call each, for one scope each. Whatever was never granted is refused, and
 * a withdrawal holds from the moment it is called, whatever the clock says. A consent is bound to what the
 * notice said: when the schema later names another recipient or purpose, it no longer counts.
 *
 * ## Privacy
 * The history is personal data and stays on the person's device. A proof shows that this ledger's key made
 * a receipt; it convinces only whoever holds the key. For others there is `signReceipts`.
 */
export class ConsentLedger implements ConsentReader {
  readonly schema: ProfileSchema;
  readonly person: string;
  readonly noticeVersion: number;
  readonly #key: Uint8Array;
  readonly #clock: MonotoneClock;
  readonly #askAgainMs: number;
  readonly #receipts: ConsentReceipt[] = [];
  readonly #state: ConsentState;
  readonly #listeners = new Set<() => void>();

  /** @throws TypeError or RangeError for an unchecked schema, an empty person, a short key or a bad version */
  constructor(options: ConsentLedgerOptions) {
    requireValidated(options.schema);
    const { person, key, noticeVersion } = options;
    const named = typeof person === 'string' && person !== '' && person.length <= 256;
    if (!named || !isWholeText(person)) {
      throw new TypeError('"person" expected a well-formed string of 1 to 256 characters');
    }
    if (!(key instanceof Uint8Array) || key.length < MINIMUM_KEY_BYTES) {
      throw new RangeError(`"key" expected at least ${MINIMUM_KEY_BYTES} bytes`);
    }
    if (!Number.isSafeInteger(noticeVersion) || noticeVersion < 1) {
      throw new RangeError(
        `"noticeVersion" expected an integer of at least 1, got ${noticeVersion}`,
      );
    }
    const askAgainMs = parsePeriod(options.askAgainAfter ?? ASK_AGAIN_AFTER);
    if (askAgainMs === null) {
      throw new RangeError(
        `"askAgainAfter" expected a period such as P30D, got ${options.askAgainAfter}`,
      );
    }
    this.#askAgainMs = askAgainMs;
    this.schema = options.schema;
    this.person = person;
    this.noticeVersion = noticeVersion;
    this.#state = new ConsentState(options.schema, noticeVersion);
    this.#key = Uint8Array.from(key);
    this.#clock = new MonotoneClock(options.clock ?? Date.now);
  }

  /**
   * Rebuilds a ledger from the receipts it once exported.
   *
   * @param receipts - all of them, in order
   * @param head - proof of the newest receipt, kept elsewhere; without it a history cut short at its end,
   * which may hide a withdrawal, cannot be told from a whole one
   * @throws {VelaturaError} `profile/invalid-consent` when one is malformed, forged, missing, out of order
   * or of another person
   */
  static restore(
    options: ConsentLedgerOptions,
    receipts: readonly unknown[],
    head?: string,
  ): ConsentLedger {
    const ledger = new ConsentLedger(options);
    receipts.forEach((receipt, serial) => {
      const copy = copyPlainJson(receipt);
      if (!copy.ok || !isReceiptShaped(copy.value)) {
        throw invalidConsent('the receipt is not well formed', { serial });
      }
      ledger.#replay(copy.value, serial);
    });
    if (head !== undefined && !sameProof(head, ledger.head)) {
      throw invalidConsent('the history does not end with the expected receipt', {
        receipts: receipts.length,
      });
    }
    return ledger;
  }

  /** How often the clock was found to have been set back. */
  get clockSetbacks(): number {
    return this.#clock.setbacks;
  }

  /**
   * The time on this person's device, in milliseconds since 1970-01-01T00:00Z. It never runs back, neither
   * behind what it once told nor behind the newest receipt.
   *
   * @throws RangeError when the clock tells no time
   */
  now(): number {
    return Math.max(this.#clock.now(), this.#state.lastTime);
  }

  /** How many acts were recorded; an earlier answer of {@link decide} holds while this stays the same. */
  get revision(): number {
    return this.#receipts.length;
  }

  /** Proof of the newest receipt, empty before the first. Keep it elsewhere to detect a history cut short. */
  get head(): string {
    return this.#receipts.at(-1)?.proof ?? '';
  }

  /** All receipts, oldest first: immutable, plain JSON. */
  receipts(): readonly ConsentReceipt[] {
    return [...this.#receipts];
  }

  /**
   * Calls back after every act, before the call that recorded it returns. When a listener throws, the others
   * are called all the same and the act stands; then the call throws what the first one threw.
   *
   * @returns stops it
   */
  onChange(listener: () => void): () => void {
    const entry = (): void => listener();
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  /**
   * The notice to show before asking for one consent, or why the person is not to be asked: because of an
   * agreement that holds, or because the person declined, or did not answer, within `askAgainAfter`. What
   * the person does without being asked, in the settings say, is not bound by this.
   *
   * Nothing is asked where nothing would be collected. The question itself is recorded, so that closing the
   * dialogue counts as declining.
   *
   * @throws {VelaturaError} `profile/invalid-consent` or `profile/prohibited-kind`, as for {@link grant}
   */
  ask(scope: ConsentScope, controller: string): ConsentQuestion {
    const checked = checkScope(this.schema, scope);
    checkController(this.schema, controller);
    const now = this.now();
    const no = (
      reason: Extract<ConsentQuestion, { ask: false }>['reason'],
      notBefore: number | null = null,
    ): ConsentQuestion => ({ ask: false, reason, notBefore });
    if (this.#state.holds(checked, controller, now)) return no('already-agreed');
    if (isMoreThanEssential(checked) && this.#state.minorsMode) return no('minors-mode');
    if (checked.tier !== 'essential' && this.#state.isWatchOnly(checked.scene)) {
      return no('watch-only');
    }
    const declinedAt = this.#state.declinedAt(checked);
    if (declinedAt !== null && now < declinedAt + this.#askAgainMs) {
      return no('declined-recently', declinedAt + this.#askAgainMs);
    }
    const notice = consentNotice(this.schema, checked, controller, this.noticeVersion);
    if (notice.details.length === 0) return no('nothing-to-ask');
    this.#record({ act: 'ask', scope: checked });
    return { ask: true, notice };
  }

  /**
   * Records that the person agreed, to one scope.
   *
   * @throws {VelaturaError} `profile/invalid-consent` when scope, purposes, controller or recipients are not
   * declared, a recipient that needs an act of its own is named among others, the consent has expired, a
   * restricted item is not explicit or the person is treated as a minor; `profile/prohibited-kind`
   */
  grant(grant: ConsentGrant): ConsentReceipt {
    const { controller, expiresAt } = grant;
    const purposes = Object.freeze([...grant.purposes]);
    const scope = checkScope(this.schema, grant.scope);
    checkController(this.schema, controller);
    const recipients = checkRecipients(this.schema, scope, controller, grant.recipients ?? []);
    if (isMoreThanEssential(scope) && this.#state.minorsMode) {
      throw invalidConsent('a minor cannot agree to more than the essential', {});
    }
    if (purposes.length === 0 || purposes.some((p) => !this.schema.purposes.includes(p))) {
      throw invalidConsent('a consent names at least one purpose, all of them declared', {
        purposes: this.schema.purposes,
      });
    }
    if (!Number.isSafeInteger(expiresAt) || expiresAt <= this.now()) {
      throw invalidConsent('a consent ends at a time after now', { expiresAt: Number(expiresAt) });
    }
    return this.#record({
      act: 'grant',
      scope,
      purposes,
      controller,
      recipients,
      noticeVersion: this.noticeVersion,
      notice: noticeDigest(this.schema, scope, controller),
      expiresAt,
    });
  }

  /**
   * Records that the person no longer agrees, or never did: at once, in one call. With the consent for data
   * those for passing it on end too, and stay ended when it is given again.
   *
   * @throws {VelaturaError} `profile/invalid-consent` when the scope is not declared
   */
  withdraw(scope: ConsentScope): ConsentReceipt {
    return this.#record({ act: 'withdraw', scope: checkScope(this.schema, scope) });
  }

  /** Ends every use for a purpose, of whatever tier: nothing is collected for it any more. */
  optOut(purpose: Purpose): ConsentReceipt {
    return this.#record({ act: 'opt-out', purpose: checkPurpose(this.schema, purpose) });
  }

  /** Takes an opt-out back. It grants nothing: consents that ended meanwhile stay ended. */
  optIn(purpose: Purpose): ConsentReceipt {
    return this.#record({ act: 'opt-in', purpose: checkPurpose(this.schema, purpose) });
  }

  /** True when the person opted out of the purpose. */
  hasOptedOut(purpose: Purpose): boolean {
    return this.#state.hasOptedOut(purpose);
  }

  /** Switches a scene to watching only: then nothing of it is collected or used, whatever was granted. */
  setWatchOnly(scene: string, on: boolean): ConsentReceipt {
    return this.#record({
      act: 'watch-only',
      scene: checkScene(this.schema, scene),
      on: on !== false,
    });
  }

  /**
   * Records what the person chose when a live session of a scene began: to take part as agreed so far, or to
   * watch only, until the session ends. It grants nothing by itself, and where a risk rule asks for
   * `session-consent` nothing is collected without it. A session that is not ended is over after a day.
   */
  beginSession(scene: string, choice: Exclude<SessionChoice, 'ended'>): ConsentReceipt {
    if (choice !== 'as-agreed' && choice !== 'watch-only') {
      throw new TypeError(`"choice" expected "as-agreed" or "watch-only", got ${String(choice)}`);
    }
    return this.#record({ act: 'session', scene: checkScene(this.schema, scene), choice });
  }

  /** Records that the session is over; what happened in one that was only watched stays outside. */
  endSession(scene: string): ConsentReceipt {
    return this.#record({ act: 'session', scene: checkScene(this.schema, scene), choice: 'ended' });
  }

  /**
   * Treats the person as a minor, or no longer. While it is on, nothing but essential data is collected or
   * used, and that not to recommend, search or advertise; nothing more can be agreed to.
   *
   * Who may turn it off, such as a guardian with a secret, is for the application to check before the call.
   */
  setMinorsMode(on: boolean): ConsentReceipt {
    return this.#record({ act: 'minors-mode', on: on !== false });
  }

  /** True when the use is covered; see {@link decide}. */
  permits(use: ConsentUse): boolean {
    return this.decide(use).permitted;
  }

  /**
   * Refuses a use that is not covered.
   *
   * @throws {VelaturaError} `profile/consent-missing` with the reason in its details
   */
  require(use: ConsentUse): void {
    const decision = this.decide(use);
    if (decision.permitted) return;
    throw new VelaturaError(
      'profile/consent-missing',
      `the use is not covered by consent: ${decision.reason}`,
      { reason: decision.reason, purpose: use.purpose },
    );
  }

  /**
   * Whether a use is covered, why not, and how long the answer holds. An `at` before the newest receipt is
   * read as the time of that receipt: a clock set back revives nothing.
   *
   * @throws RangeError when `at` is not a number
   */
  decide(use: ConsentUse): ConsentDecision {
    if (!Number.isFinite(use.at)) throw new RangeError(`"at" expected milliseconds, got ${use.at}`);
    return this.#state.decide(use);
  }

  #record(act: ConsentAct): ConsentReceipt {
    const place = { person: this.person, serial: this.#receipts.length, time: this.now() };
    const proof = proveAct(this.#key, this.head, place, act);
    const receipt = Object.freeze({ ...act, ...place, proof }) as ConsentReceipt;
    this.#append(receipt);
    const errors: unknown[] = [];
    for (const listener of this.#listeners) {
      try {
        listener();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
    return receipt;
  }

  #replay(receipt: ConsentReceipt, serial: number): void {
    const proof = proveAct(this.#key, this.head, receipt, receipt);
    // Place and time need no check of their own: whoever holds the key proved them in this order.
    if (receipt.person !== this.person || !sameProof(proof, receipt.proof)) {
      throw invalidConsent('the receipt does not follow from those before it', { serial });
    }
    this.#append(receipt);
  }

  #append(receipt: ConsentReceipt): void {
    this.#state.apply(receipt);
    this.#receipts.push(receipt);
  }
}

/** True for what only a consent covers, also when it is essential data that somebody else wants. */
function isMoreThanEssential(scope: ConsentScope): boolean {
  return scope.tier !== 'essential' || scope.recipient !== undefined;
}
