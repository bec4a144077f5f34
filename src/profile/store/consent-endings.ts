import type { ConsentLedger } from '../consent.ts';
import type { ConsentReceipt, ConsentScope } from '../consent-receipt.ts';
import type { GrantReceipt } from '../consent-scopes.ts';
import type { ConsentRefusal } from '../consent-state.ts';
import { collectedKind, type Purpose } from '../schema.ts';
import { kindRisk } from '../schema-risk.ts';

/** Where and for what data is kept, and under whose consent. */
export interface ConsentPlace {
  readonly consent: ConsentLedger;
  readonly scene: string;
  readonly purpose: Purpose;
}

/**
 * Answers of the ledger after which data of a kind may not lie any longer. All others are pauses: what
 * lies is not used, and counts again when the pause ends within its retention.
 */
const FINAL: ReadonlySet<ConsentRefusal> = new Set<ConsentRefusal>([
  'undeclared-kind',
  'prohibited-kind',
  'undeclared-scene',
  'purpose-not-declared',
  'consent-missing',
  'consent-withdrawn',
  'consent-expired',
  'other-controller',
  'purpose-not-agreed',
]);

/** When the consent for the kinds of data of one place ended last. See `choice-record.proof.md`. */
export class ConsentEndings {
  readonly #place: ConsentPlace;
  /** Kind → acts up to the one that shows its last ending; of the revision below. */
  readonly #shown = new Map<string, number>();
  #revision = -1;

  constructor(place: ConsentPlace) {
    this.#place = place;
  }

  /**
   * True when data of the kind that was taken under the first `acts` acts of consent may not lie any longer.
   * A consent that ended and was given again since has still ended once.
   */
  endedSince(kind: string, acts: number, at: number): boolean {
    const { consent, scene, purpose } = this.#place;
    const decision = consent.decide({ kind, scene, purpose, at });
    if (!decision.permitted && FINAL.has(decision.reason)) return true;
    return acts < consent.revision && this.#lastShown(kind) > acts;
  }

  #lastShown(kind: string): number {
    const { consent } = this.#place;
    if (this.#revision !== consent.revision) this.#shown.clear();
    this.#revision = consent.revision;
    let last = this.#shown.get(kind);
    if (last === undefined) {
      last = this.#findLast(kind, consent.receipts());
      this.#shown.set(kind, last);
    }
    return last;
  }

  #findLast(kind: string, receipts: readonly ConsentReceipt[]): number {
    const { consent, purpose } = this.#place;
    const controller = collectedKind(consent.schema, kind)?.controller;
    let last = 0;
    let grant: GrantReceipt | null = null;
    for (const [i, receipt] of receipts.entries()) {
      if (receipt.act === 'withdraw') {
        if (!this.#covers(receipt.scope, kind)) continue;
        last = i + 1;
        grant = null;
      } else if (receipt.act === 'grant') {
        if (!this.#covers(receipt.scope, kind) || receipt.controller !== controller) continue;
        // Nobody notes an expiry; the next grant shows it.
        const held =
          grant !== null && receipt.time < grant.expiresAt && grant.purposes.includes(purpose);
        if (!held) last = i + 1;
        grant = receipt;
      }
    }
    return last;
  }

  /** True for the scope whose consent the kind needs here; passing data on is another matter. */
  #covers(scope: ConsentScope, kind: string): boolean {
    const { consent, scene } = this.#place;
    if (scope.recipient !== undefined) return false;
    if (scope.tier !== kindRisk(consent.schema, kind, scene)?.tier) return false;
    if (scope.tier === 'essential') return true;
    return scope.scene === scene && (scope.tier === 'enhanced' || scope.kind === kind);
  }
}
