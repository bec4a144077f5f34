import { VelaturaError } from '../core/errors.ts';
import type { VerifySignature } from '../core/signed-head.ts';
import { type Clock, MonotoneClock } from './clock.ts';
import { verifyReceipts } from './consent-export.ts';
import { sameProof } from './consent-receipt.ts';
import {
  type ConsentDecision,
  type ConsentReader,
  ConsentState,
  type ConsentUse,
} from './consent-state.ts';
import { parsePeriod } from './period.ts';
import { type ProfileSchema, requireValidated } from './schema.ts';

/** What a {@link ReceivedConsent} is made from. */
export interface ReceivedConsentOptions {
  readonly schema: ProfileSchema;
  /** Account whose consent this is. */
  readonly person: string;
  /** 32 bytes: the key of the person's device, as enrolled. */
  readonly publicKey: Uint8Array;
  readonly verify: VerifySignature;
  /** Version of the notice in force; consent to another version no longer counts. */
  readonly noticeVersion: number;
  /**
   * How long the last word of the device is trusted, an ISO 8601 period such as `P1D`. Somebody who holds
   * back a withdrawal delays it by at most this much.
   */
  readonly freshFor: string;
  /** Default: the clock of the platform. */
  readonly clock?: Clock;
}

/**
 * What one person agreed to, as seen away from the person's device, such as on an edge box: known from
 * signed receipts alone, and only until their news is old.
 *
 * It cannot grant or withdraw anything. A history that contradicts what was shown before is refused, so an
 * earlier state cannot be played back.
 */
export class ReceivedConsent implements ConsentReader {
  readonly schema: ProfileSchema;
  readonly person: string;
  readonly #options: ReceivedConsentOptions;
  readonly #freshMs: number;
  readonly #clock: MonotoneClock;
  readonly #state: ConsentState;
  /** Proofs of the receipts taken in, by their serial. */
  readonly #proofs: string[] = [];
  #signedAt = Number.NEGATIVE_INFINITY;
  #revision = 0;

  /** @throws TypeError for an unchecked schema; RangeError for a malformed period or version */
  constructor(options: ReceivedConsentOptions) {
    requireValidated(options.schema);
    const freshMs = parsePeriod(options.freshFor);
    if (freshMs === null) {
      throw new RangeError(`"freshFor" expected a period such as P1D, got "${options.freshFor}"`);
    }
    if (!Number.isSafeInteger(options.noticeVersion) || options.noticeVersion < 1) {
      throw new RangeError(
        `"noticeVersion" expected an integer of at least 1, got ${options.noticeVersion}`,
      );
    }
    this.schema = options.schema;
    this.person = options.person;
    this.#options = { ...options, publicKey: Uint8Array.from(options.publicKey) };
    this.#freshMs = freshMs;
    this.#clock = new MonotoneClock(options.clock ?? Date.now);
    this.#state = new ConsentState(options.schema, options.noticeVersion);
  }

  get revision(): number {
    return this.#revision;
  }

  now(): number {
    return Math.max(this.#clock.now(), this.#state.lastTime);
  }

  /**
   * Takes in signed receipts: those that follow on what is known, and any number of known ones before them.
   * A document with the newest known receipt alone confirms that nothing has changed.
   *
   * @param json - parsed JSON, of anybody
   * @returns how many receipts were new
   * @throws {VelaturaError} `profile/invalid-consent` when the document is forged, of another person, older
   * than the last one, signed ahead of the clock, with a gap, or in contradiction to what was taken in;
   * nothing of it counts then
   */
  async accept(json: unknown): Promise<number> {
    const { receipts, signedAt } = await verifyReceipts(
      json,
      this.#options.publicKey,
      this.#options.verify,
    );
    // Everything below runs in one turn: two documents at once cannot interleave.
    if (signedAt < this.#signedAt) throw stale('an earlier document than the last one');
    if (signedAt > this.now() + CLOCK_TOLERANCE_MS) throw stale('signed in the future');
    const first = receipts[0]?.serial ?? -1;
    if (first < 0) throw stale('it shows no receipt');
    if (first > this.#proofs.length) throw stale('receipts are missing before it');
    let time = Number.NEGATIVE_INFINITY;
    receipts.forEach((receipt, i) => {
      const known = this.#proofs[first + i];
      const continues =
        receipt.person === this.person &&
        receipt.serial === first + i &&
        receipt.time >= time &&
        receipt.time <= signedAt &&
        (known === undefined || sameProof(known, receipt.proof));
      if (!continues) throw stale('the receipts do not follow from what is known');
      time = receipt.time;
    });
    // A document that ends before what is known would confirm a state that has passed.
    if (first + receipts.length < this.#proofs.length) {
      throw stale('it ends before what is known');
    }
    const fresh = receipts.slice(this.#proofs.length - first);
    if (fresh[0] !== undefined && fresh[0].time < this.#state.lastTime) {
      throw stale('it goes back in time');
    }
    for (const receipt of fresh) {
      this.#state.apply(receipt);
      this.#proofs.push(receipt.proof);
    }
    this.#signedAt = signedAt;
    this.#revision += 1;
    return fresh.length;
  }

  decide(use: ConsentUse): ConsentDecision {
    if (!Number.isFinite(use.at)) throw new RangeError(`"at" expected milliseconds, got ${use.at}`);
    const decision = this.#state.decide(use);
    if (!decision.permitted) return decision;
    const trustedUntil = this.#signedAt + this.#freshMs;
    if (use.at >= trustedUntil) return { permitted: false, reason: 'consent-unconfirmed' };
    return { ...decision, until: Math.min(decision.until, trustedUntil) };
  }
}

/** A device's clock may be this much ahead of ours. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;

function stale(message: string): VelaturaError {
  return new VelaturaError('profile/invalid-consent', `signed receipts: ${message}`);
}
