import type { ConsentReceipt, ConsentScope } from './consent-receipt.ts';
import { ConsentScopes, type ScopeRefusal } from './consent-scopes.ts';
import { own } from './names.ts';
import {
  type CollectedKind,
  collectedKind,
  needsOwnConsent,
  type ProfileSchema,
  type Purpose,
} from './schema.ts';
import { kindRisk } from './schema-risk.ts';

/** Why a use is not covered. */
export type ConsentRefusal =
  | 'undeclared-kind'
  | 'prohibited-kind'
  | 'undeclared-scene'
  | 'purpose-not-declared'
  | 'advertising-not-allowed'
  | 'recipient-not-declared'
  | 'on-device-only'
  | 'minors-mode'
  | 'opted-out'
  | 'watch-only'
  | 'session-not-begun'
  | ScopeRefusal
  | 'consent-unconfirmed'
  | 'purpose-not-agreed'
  | 'recipient-not-agreed';

/** A use of one kind of data in one scene for one purpose. */
export interface ConsentUse {
  readonly kind: string;
  readonly scene: string;
  readonly purpose: Purpose;
  /** Party to whom the controller would pass the data on; left out when it stays with the controller. */
  readonly recipient?: string;
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

/** Whoever knows what one person agreed to: the person's own ledger, or somebody whom it was shown. */
export interface ConsentReader {
  readonly schema: ProfileSchema;
  readonly person: string;
  /** Grows with every act; an earlier answer of `decide` holds until it ends or this changes. */
  readonly revision: number;
  /** Milliseconds since 1970-01-01T00:00Z; never runs back. */
  now(): number;
  decide(use: ConsentUse): ConsentDecision;
}

/** Purposes that treat a minor by an inferred profile (PIPL Art. 31, Minors in Cyberspace Art. 24). */
const NOT_FOR_MINORS: readonly Purpose[] = ['recommendation', 'search', 'advertising'];

/** A session that nobody ended is over after a day. */
const SESSION_LIMIT_MS = 86_400_000;

/** On, or off since when: what happened while it was on stays outside when it arrives later. */
type Pause = true | number;

/** What the acts recorded so far amount to. */
export class ConsentState {
  readonly #schema: ProfileSchema;
  readonly #scopes: ConsentScopes;
  readonly #optOuts = new Map<string, Pause>();
  readonly #watchOnly = new Map<string, Pause>();
  /** Of the session in which the person only watches. */
  readonly #sessionPauses = new Map<string, Pause>();
  /** Scenes with a session that was begun as agreed, and when. */
  readonly #sessions = new Map<string, number>();
  #minorsMode: Pause = Number.NEGATIVE_INFINITY;
  #lastTime = Number.NEGATIVE_INFINITY;

  constructor(schema: ProfileSchema, noticeVersion: number) {
    this.#schema = schema;
    this.#scopes = new ConsentScopes(schema, noticeVersion);
  }

  /** Time of the newest act; −∞ before the first. */
  get lastTime(): number {
    return this.#lastTime;
  }

  /** True while the person is treated as a minor. */
  get minorsMode(): boolean {
    return this.#minorsMode === true;
  }

  /** True when the person opted out of the purpose. */
  hasOptedOut(purpose: Purpose): boolean {
    return this.#optOuts.get(purpose) === true;
  }

  /** True when the person only watches the scene, for good or in this session. */
  isWatchOnly(scene: string): boolean {
    return this.#watchOnly.get(scene) === true || this.#sessionPauses.get(scene) === true;
  }

  /** When the person last declined a scope, by withdrawing or by not answering; null when never since. */
  declinedAt(scope: ConsentScope): number | null {
    return this.#scopes.declinedAt(scope);
  }

  /** True while an act covers the scope under the notice in force. */
  holds(scope: ConsentScope, controller: string, at: number): boolean {
    return typeof this.#scopes.find(scope, controller, at) !== 'string';
  }

  /** Takes the next act in. */
  apply(receipt: ConsentReceipt): void {
    const { time } = receipt;
    switch (receipt.act) {
      case 'grant':
        this.#scopes.grant(receipt);
        break;
      case 'withdraw':
        this.#scopes.withdraw(receipt.scope, time);
        break;
      case 'ask':
        this.#scopes.ask(receipt.scope, time);
        break;
      case 'opt-out':
        this.#optOuts.set(receipt.purpose, true);
        break;
      case 'opt-in':
        this.#optOuts.set(receipt.purpose, time);
        break;
      case 'watch-only':
        this.#watchOnly.set(receipt.scene, receipt.on || time);
        break;
      case 'session':
        this.#applySession(receipt.scene, receipt.choice, time);
        break;
      case 'minors-mode':
        this.#minorsMode = receipt.on || time;
        break;
    }
    this.#lastTime = time;
  }

  /** Whether a use is covered; `at` before the newest act is read as the time of that act. */
  decide(use: ConsentUse): ConsentDecision {
    const risk = kindRisk(this.#schema, use.kind, use.scene);
    const declared = collectedKind(this.#schema, use.kind);
    if (risk === null) {
      const known = own(this.#schema.kinds, use.kind) !== undefined;
      if (!known) return refused('undeclared-kind');
      return refused(declared === undefined ? 'prohibited-kind' : 'undeclared-scene');
    }
    if (declared === undefined || risk.tier === 'prohibited') return refused('prohibited-kind');
    const reason = this.#refusedOutright(use, declared, risk.obligations);
    if (reason !== null) return refused(reason);
    const pauses = this.#pauses(use, risk.tier);
    if (typeof pauses === 'string') return refused(pauses);
    if (!risk.obligations.has('session-consent')) {
      return this.#decideGranted(use, declared, risk.tier, pauses);
    }
    const begun = this.#sessions.get(use.scene) ?? Number.NEGATIVE_INFINITY;
    const ends = begun + SESSION_LIMIT_MS;
    if (Math.max(use.at, this.#lastTime) >= ends) return refused('session-not-begun');
    const decision = this.#decideGranted(use, declared, risk.tier, Math.max(pauses, begun));
    return decision.permitted ? { ...decision, until: Math.min(decision.until, ends) } : decision;
  }

  /** What the schema alone refuses. */
  #refusedOutright(
    use: ConsentUse,
    declared: CollectedKind,
    obligations: ReadonlySet<string>,
  ): ConsentRefusal | null {
    if (!declared.purposes.includes(use.purpose)) return 'purpose-not-declared';
    if (use.purpose === 'advertising') {
      // Indirect advertising goes by groups; the person's own data has no part in it.
      const mode = own(this.#schema.scenes, use.scene)?.advertising;
      if (mode !== 'direct' || obligations.has('no-advertising')) return 'advertising-not-allowed';
    }
    if (use.recipient === undefined) return null;
    if (!declared.recipients.includes(use.recipient)) return 'recipient-not-declared';
    return obligations.has('on-device-only') ? 'on-device-only' : null;
  }

  /** When the last pause over a use ended, or the name of the one that lasts. */
  #pauses(use: ConsentUse, tier: CollectedKind['tier']): number | ConsentRefusal {
    const { recipient } = use;
    const forMinors =
      tier === 'essential' &&
      !NOT_FOR_MINORS.includes(use.purpose) &&
      (recipient === undefined || !needsOwnConsent(this.#schema, recipient));
    const minors = forMinors ? Number.NEGATIVE_INFINITY : this.#minorsMode;
    if (minors === true) return 'minors-mode';
    const optOut = this.#optOuts.get(use.purpose) ?? Number.NEGATIVE_INFINITY;
    if (optOut === true) return 'opted-out';
    const standing = this.#watchOnly.get(use.scene) ?? Number.NEGATIVE_INFINITY;
    const session = this.#sessionPauses.get(use.scene) ?? Number.NEGATIVE_INFINITY;
    if (standing === true || session === true) return 'watch-only';
    return Math.max(minors, optOut, standing, session);
  }

  #decideGranted(
    use: ConsentUse,
    declared: CollectedKind,
    tier: CollectedKind['tier'],
    resumed: number,
  ): ConsentDecision {
    const scope = scopeOf(tier, use);
    const { controller } = declared;
    const { recipient } = use;
    const at = Math.max(use.at, this.#lastTime);
    const base = this.#scopes.find(scope, controller, at);
    const grants: (typeof base | ConsentRefusal)[] = [base];
    if (recipient !== undefined) {
      const apart = needsOwnConsent(this.#schema, recipient);
      const named = !apart && typeof base !== 'string' && base.recipients.includes(recipient);
      const own = this.#scopes.find({ ...scope, recipient }, controller, at);
      if (!named) grants.push(!apart && typeof own === 'string' ? 'recipient-not-agreed' : own);
    }
    let since = resumed;
    let until = Number.POSITIVE_INFINITY;
    for (const grant of grants) {
      if (typeof grant === 'string') return refused(grant);
      if (!grant.purposes.includes(use.purpose)) return refused('purpose-not-agreed');
      since = Math.max(since, grant.time);
      until = Math.min(until, grant.expiresAt);
    }
    return { permitted: true, since, until };
  }

  #applySession(scene: string, choice: string, time: number): void {
    if (this.#sessionPauses.get(scene) === true) this.#sessionPauses.set(scene, time);
    this.#sessions.delete(scene);
    if (choice === 'watch-only') this.#sessionPauses.set(scene, true);
    if (choice === 'as-agreed') this.#sessions.set(scene, time);
  }
}

/** The scope whose consent a use needs. */
function scopeOf(tier: CollectedKind['tier'], use: ConsentUse): ConsentScope {
  switch (tier) {
    case 'essential':
      return { tier };
    case 'enhanced':
      return { tier, scene: use.scene };
    case 'restricted':
      return { tier, scene: use.scene, kind: use.kind, explicit: true };
  }
}

function refused(reason: ConsentRefusal): ConsentDecision {
  return { permitted: false, reason };
}
