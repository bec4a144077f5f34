import { noticeDigest } from './consent-notice.ts';
import { type ConsentReceipt, type ConsentScope, scopeKey } from './consent-receipt.ts';
import type { ProfileSchema } from './schema.ts';

/** Why no act covers a scope. */
export type ScopeRefusal =
  | 'consent-missing'
  | 'consent-withdrawn'
  | 'consent-expired'
  | 'notice-outdated'
  | 'other-controller';

/** An act by which a person agreed. */
export type GrantReceipt = Extract<ConsentReceipt, { act: 'grant' }>;

/** What was decided about one scope. */
interface ScopeState {
  /** Key of the same scope without a recipient. */
  readonly base: string;
  /** The newest acts by controller; empty after a withdrawal. */
  readonly grants: Map<string, GrantReceipt>;
  withdrawn: boolean;
  /** When the person was last asked without agreeing, or withdrew; null when neither. */
  declinedAt: number | null;
}

/** What one person agreed to, scope by scope. */
export class ConsentScopes {
  readonly #schema: ProfileSchema;
  readonly #noticeVersion: number;
  readonly #scopes = new Map<string, ScopeState>();

  constructor(schema: ProfileSchema, noticeVersion: number) {
    this.#schema = schema;
    this.#noticeVersion = noticeVersion;
  }

  grant(receipt: GrantReceipt): void {
    const state = this.#state(receipt.scope);
    state.grants.set(receipt.controller, receipt);
    state.declinedAt = null;
  }

  /** Passing data on rests on the consent for the data: agreeing to that anew is not agreeing to this. */
  withdraw(scope: ConsentScope, time: number): void {
    const withdrawn = this.#state(scope);
    const key = scopeKey(scope);
    for (const state of this.#scopes.values()) {
      if (state !== withdrawn && state.base !== key) continue;
      state.grants.clear();
      state.withdrawn = true;
      state.declinedAt = time;
    }
  }

  /** A question that nobody answered counts as declined. */
  ask(scope: ConsentScope, time: number): void {
    this.#state(scope).declinedAt = time;
  }

  /** When the person last declined a scope, by withdrawing or by not answering; null when never since. */
  declinedAt(scope: ConsentScope): number | null {
    return this.#scopes.get(scopeKey(scope))?.declinedAt ?? null;
  }

  /** The act that covers a scope at a time under the notice in force, or why none does. */
  find(scope: ConsentScope, controller: string, at: number): GrantReceipt | ScopeRefusal {
    const state = this.#scopes.get(scopeKey(scope));
    const grant = state?.grants.get(controller);
    if (state === undefined) return 'consent-missing';
    if (grant === undefined) {
      if (state.grants.size > 0) return 'other-controller';
      return state.withdrawn ? 'consent-withdrawn' : 'consent-missing';
    }
    if (at >= grant.expiresAt) return 'consent-expired';
    const current =
      grant.noticeVersion === this.#noticeVersion &&
      grant.notice === noticeDigest(this.#schema, scope, controller);
    return current ? grant : 'notice-outdated';
  }

  #state(scope: ConsentScope): ScopeState {
    const key = scopeKey(scope);
    const known = this.#scopes.get(key);
    if (known !== undefined) return known;
    const { recipient: _, ...data } = scope;
    const base = scopeKey(data as ConsentScope);
    const state = { base, grants: new Map(), withdrawn: false, declinedAt: null };
    this.#scopes.set(key, state);
    return state;
  }
}
