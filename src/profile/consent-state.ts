import { type ConsentReceipt, type ConsentScope, scopeKey } from './consent-receipt.ts';
import { own } from './names.ts';
import type { CollectedKind, ProfileSchema, Purpose } from './schema.ts';

/** Why a use is not covered. */
export type ConsentRefusal =
  | 'undeclared-kind'
  | 'prohibited-kind'
  | 'undeclared-scene'
  | 'purpose-not-declared'
  | 'opted-out'
  | 'watch-only'
  | 'consent-missing'
  | 'consent-withdrawn'
  | 'consent-expired'
  | 'notice-outdated'
  | 'other-controller'
  | 'purpose-not-agreed';

/** A use of one kind of data in one scene for one purpose. */
export interface ConsentUse {
  readonly kind: string;
  readonly scene: string;
  readonly purpose: Purpose;
  /** When it is used: milliseconds since 1970-01-01T00:00Z. */
  readonly at: number;
}

/** Whether a use is covered, and over which time. */
export type ConsentDecision =
  | {
      readonly permitted: true;
      /** Since when it has been covered without a break; data from before is not. */
      readonly since: number;
      /** First millisecond at which it no longer holds. */
      readonly until: number;
    }
  | { readonly permitted: false; readonly reason: ConsentRefusal };

type GrantReceipt = Extract<ConsentReceipt, { act: 'grant' }>;

/** What the acts recorded so far amount to. */
export class ConsentState {
  readonly #schema: ProfileSchema;
  readonly #noticeVersion: number;
  readonly #scopes = new Map<string, GrantReceipt | 'withdrawn'>();
  /** Purpose → true while opted out, else when the person opted in again. */
  readonly #optOuts = new Map<string, true | number>();
  /** Scene → true while only watching, else when that ended. */
  readonly #watchOnly = new Map<string, true | number>();
  #lastTime = Number.NEGATIVE_INFINITY;

  constructor(schema: ProfileSchema, noticeVersion: number) {
    this.#schema = schema;
    this.#noticeVersion = noticeVersion;
  }

  /** Time of the newest act; −∞ before the first. */
  get lastTime(): number {
    return this.#lastTime;
  }

  /** True when the person opted out of the purpose. */
  hasOptedOut(purpose: Purpose): boolean {
    return this.#optOuts.get(purpose) === true;
  }

  /** Takes the next act in. */
  apply(receipt: ConsentReceipt): void {
    switch (receipt.act) {
      case 'grant':
        this.#scopes.set(scopeKey(receipt.scope), receipt);
        break;
      case 'withdraw':
        this.#scopes.set(scopeKey(receipt.scope), 'withdrawn');
        break;
      case 'opt-out':
        this.#optOuts.set(receipt.purpose, true);
        break;
      case 'opt-in':
        this.#optOuts.set(receipt.purpose, receipt.time);
        break;
      case 'watch-only':
        this.#watchOnly.set(receipt.scene, receipt.on || receipt.time);
        break;
    }
    this.#lastTime = receipt.time;
  }

  /** Whether a use is covered; `at` before the newest act is read as the time of that act. */
  decide(use: ConsentUse): ConsentDecision {
    const declared = own(this.#schema.kinds, use.kind);
    if (declared === undefined) return refused('undeclared-kind');
    if (declared.tier === 'prohibited') return refused('prohibited-kind');
    if (own(this.#schema.scenes, use.scene) === undefined) return refused('undeclared-scene');
    if (!declared.purposes.includes(use.purpose)) return refused('purpose-not-declared');
    const optOut = this.#optOuts.get(use.purpose) ?? Number.NEGATIVE_INFINITY;
    if (optOut === true) return refused('opted-out');
    const watchOnly = this.#watchOnly.get(use.scene) ?? Number.NEGATIVE_INFINITY;
    if (watchOnly === true) return refused('watch-only');
    // What happened during a pause stays outside when it arrives after the pause.
    return this.#decideGranted(use, declared, Math.max(optOut, watchOnly));
  }

  #decideGranted(use: ConsentUse, declared: CollectedKind, resumed: number): ConsentDecision {
    const state = this.#scopes.get(scopeKey(scopeOf(declared, use)));
    if (state === undefined) return refused('consent-missing');
    if (state === 'withdrawn') return refused('consent-withdrawn');
    if (Math.max(use.at, this.#lastTime) >= state.expiresAt) return refused('consent-expired');
    if (state.noticeVersion !== this.#noticeVersion) return refused('notice-outdated');
    if (state.controller !== declared.controller) return refused('other-controller');
    if (!state.purposes.includes(use.purpose)) return refused('purpose-not-agreed');
    return { permitted: true, since: Math.max(state.time, resumed), until: state.expiresAt };
  }
}

/** The scope whose consent a use needs. */
function scopeOf(declared: CollectedKind, use: ConsentUse): ConsentScope {
  switch (declared.tier) {
    case 'essential':
      return { tier: 'essential' };
    case 'enhanced':
      return { tier: 'enhanced', scene: use.scene };
    case 'restricted':
      return { tier: 'restricted', scene: use.scene, kind: use.kind, explicit: true };
  }
}

function refused(reason: ConsentRefusal): ConsentDecision {
  return { permitted: false, reason };
}
