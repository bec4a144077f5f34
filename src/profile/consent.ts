import { isWellFormedText } from '../core/cbor.ts';
import { VelaturaError } from '../core/errors.ts';
import { type Clock, MonotoneClock } from './clock.ts';
import {
  type ConsentAct,
  type ConsentReceipt,
  type ConsentScope,
  isReceiptShaped,
  proveAct,
  sameProof,
} from './consent-receipt.ts';
import { type ConsentDecision, ConsentState, type ConsentUse } from './consent-state.ts';
import { own, printable } from './names.ts';
import { copyPlainJson } from './plain-json.ts';
import { collectedKind, type ProfileSchema, type Purpose, requireValidated } from './schema.ts';

/** What a {@link ConsentLedger} is made from. */
export interface ConsentLedgerOptions {
  readonly schema: ProfileSchema;
  /** Account whose consent this is. */
  readonly person: string;
  /** Secret of this person's device, at least 32 bytes; it proves receipts. */
  readonly key: Uint8Array;
  /** Version of the notice in force; consent to another version no longer counts. */
  readonly noticeVersion: number;
  /** Default: the clock of the platform. */
  readonly clock?: Clock;
}

/** What a grant says. */
export interface ConsentGrant {
  readonly scope: ConsentScope;
  readonly purposes: readonly Purpose[];
  readonly controller: string;
  /** First millisecond at which it no longer holds; after now. */
  readonly expiresAt: number;
}

const MINIMUM_KEY_BYTES = 32;

/**
 * Consent of one person: an append-only history of receipts, each proven by the one before it, and the
 * answer to whether a use is covered now.
 *
 * Granting and withdrawing are one call each, for one scope each. Whatever was never granted is refused, and
 * a withdrawal holds from the moment it is called, whatever the clock says.
 *
 * ## Privacy
 * The history is personal data and stays on the person's device. A proof shows that this ledger's key made
 * a receipt; it convinces only whoever holds the key.
 */
export class ConsentLedger {
  readonly schema: ProfileSchema;
  readonly person: string;
  readonly noticeVersion: number;
  readonly #key: Uint8Array;
  readonly #clock: MonotoneClock;
  readonly #receipts: ConsentReceipt[] = [];
  readonly #state: ConsentState;

  /** @throws TypeError or RangeError for an unchecked schema, an empty person, a short key or a bad version */
  constructor(options: ConsentLedgerOptions) {
    requireValidated(options.schema);
    const { person, key, noticeVersion } = options;
    const named = typeof person === 'string' && person !== '' && person.length <= 256;
    if (!named || !isWellFormedText(person)) {
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
   * Records that the person agreed, to one scope.
   *
   * @throws {VelaturaError} `profile/invalid-consent` when scope, purposes or controller are not declared,
   * the consent has expired or a restricted item is not explicit; `profile/prohibited-kind`
   */
  grant(grant: ConsentGrant): ConsentReceipt {
    const { controller, expiresAt } = grant;
    const purposes = Object.freeze([...grant.purposes]);
    const scope = this.#checkScope(grant.scope);
    if (own(this.schema.parties, controller)?.role !== 'controller') {
      throw invalidConsent(`"${printable(controller)}" is not a declared controller`, {});
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
      noticeVersion: this.noticeVersion,
      expiresAt,
    });
  }

  /**
   * Records that the person no longer agrees, or never did: at once, in one call.
   *
   * @throws {VelaturaError} `profile/invalid-consent` when the scope is not declared
   */
  withdraw(scope: ConsentScope): ConsentReceipt {
    return this.#record({ act: 'withdraw', scope: this.#checkScope(scope) });
  }

  /** Ends every use for a purpose, of whatever tier: nothing is collected for it any more. */
  optOut(purpose: Purpose): ConsentReceipt {
    return this.#record({ act: 'opt-out', purpose: this.#checkPurpose(purpose) });
  }

  /** Takes an opt-out back. It grants nothing: consents that ended meanwhile stay ended. */
  optIn(purpose: Purpose): ConsentReceipt {
    return this.#record({ act: 'opt-in', purpose: this.#checkPurpose(purpose) });
  }

  /** True when the person opted out of the purpose. */
  hasOptedOut(purpose: Purpose): boolean {
    return this.#state.hasOptedOut(purpose);
  }

  /** Switches a scene to watching only: then nothing of it is collected or used, whatever was granted. */
  setWatchOnly(scene: string, on: boolean): ConsentReceipt {
    if (own(this.schema.scenes, scene) === undefined) {
      throw invalidConsent(`scene "${printable(scene)}" is not declared`, {});
    }
    return this.#record({ act: 'watch-only', scene, on });
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

  #checkPurpose(purpose: Purpose): Purpose {
    if (!this.schema.purposes.includes(purpose)) {
      throw invalidConsent('the purpose is not declared', { purposes: this.schema.purposes });
    }
    return purpose;
  }

  /** A frozen copy of a scope whose names are declared and fit its tier. */
  #checkScope(scope: ConsentScope): ConsentScope {
    if (scope.tier === 'essential') return Object.freeze({ tier: scope.tier });
    if (scope.tier !== 'enhanced' && scope.tier !== 'restricted') {
      throw invalidConsent('the scope is of no tier for which consent can be given', {});
    }
    const { scene } = scope;
    if (own(this.schema.scenes, scene) === undefined) {
      throw invalidConsent(`scene "${printable(scene)}" is not declared`, {});
    }
    if (scope.tier === 'enhanced') return Object.freeze({ tier: scope.tier, scene });
    const { kind } = scope;
    if (own(this.schema.kinds, kind)?.tier === 'prohibited') {
      throw new VelaturaError('profile/prohibited-kind', `kind "${kind}" cannot be agreed to`, {
        kind,
      });
    }
    if (collectedKind(this.schema, kind)?.tier !== 'restricted') {
      throw invalidConsent(
        `"${printable(kind)}" is not a declared kind of the tier "restricted"`,
        {},
      );
    }
    if (scope.explicit !== true) {
      throw invalidConsent('consent to a restricted kind is explicit, or it is none', { kind });
    }
    return Object.freeze({ tier: scope.tier, scene, kind, explicit: true });
  }

  #record(act: ConsentAct): ConsentReceipt {
    const place = { person: this.person, serial: this.#receipts.length, time: this.now() };
    const proof = proveAct(this.#key, this.head, place, act);
    const receipt = Object.freeze({ ...act, ...place, proof }) as ConsentReceipt;
    this.#append(receipt);
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

function invalidConsent(
  message: string,
  details: Readonly<Record<string, string | number | readonly string[]>>,
): VelaturaError {
  return new VelaturaError('profile/invalid-consent', message, details);
}
