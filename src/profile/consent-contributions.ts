import type { ConsentLedger } from './consent.ts';
import type { Purpose } from './schema.ts';

/**
 * What became of a contribution that was to be taken back. `unused` carries what shows it, such as the hash
 * of the signed list of survivors that does not name the person, or of the notice that the round broke off.
 */
export type ContributionFate =
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'unused'; readonly evidence: string }
  | { readonly kind: 'used' };

/** A contribution of this person to a round that is still open: the port to whatever runs the round. */
export interface OpenContribution {
  /** Unique among the person's contributions. */
  readonly id: string;
  readonly scene: string;
  readonly purpose: Purpose;
  /** Kinds of data it was made from. */
  readonly kinds: readonly string[];
  /**
   * Takes it back. `cancelled` says that it never left the device; `used`, that the sum it is part of was
   * released before. Throws or rejects when the answer is not known yet; it is asked again by `retry`.
   */
  cancel(): Promise<ContributionFate> | ContributionFate;
}

interface Entry {
  readonly contribution: OpenContribution;
  /** Set while an answer is awaited; null before the first call and after a failed one. */
  cancelling: Promise<void> | null;
  revoked: boolean;
}

/**
 * Contributions of one person to open rounds, tied to the person's consent: when a consent that one of them
 * rests on ends, it is cancelled at once, and until then it is asked for again right before it leaves.
 *
 * ## Privacy
 * Nothing can be taken out of a sum that was released. Such a contribution is reported as `used`, and its
 * cost stays booked.
 */
export class ContributionRegister {
  readonly #consent: ConsentLedger;
  readonly #open = new Map<string, Entry>();
  readonly #fates = new Map<string, ContributionFate>();
  readonly #stop: () => void;

  constructor(consent: ConsentLedger) {
    this.#consent = consent;
    this.#stop = consent.onChange(() => this.#revokeUncovered());
  }

  /**
   * Notes that a contribution is being made.
   *
   * @throws {VelaturaError} `profile/consent-missing` when consent does not cover all of its kinds now
   * @throws RangeError for an id that is open
   */
  open(contribution: OpenContribution): void {
    const { id, scene, purpose } = contribution;
    if (this.#open.has(id)) throw new RangeError('"id" expected one that is not open');
    const kinds = [...contribution.kinds];
    if (kinds.length === 0) throw new RangeError('"kinds" expected at least one kind');
    const at = this.#consent.now();
    for (const kind of kinds) this.#consent.require({ kind, scene, purpose, at });
    const copy = { id, scene, purpose, kinds, cancel: () => contribution.cancel() };
    this.#open.set(id, { contribution: copy, cancelling: null, revoked: false });
    this.#fates.delete(id);
  }

  /**
   * Whether a contribution may leave the device now; to be asked in the same turn in which it is sent. A
   * consent that ran out counts as well, though nobody withdrew it.
   */
  mayLeave(id: string): boolean {
    const entry = this.#open.get(id);
    if (entry === undefined || entry.revoked) return false;
    if (this.#covered(entry.contribution)) return true;
    this.#revoke(entry);
    return false;
  }

  /** Notes that the round ended and used the contribution as agreed. */
  close(id: string): void {
    const entry = this.#open.get(id);
    if (entry !== undefined && !entry.revoked) this.#open.delete(id);
  }

  /** Takes back everything, as when the person leaves. */
  async cancelAll(): Promise<ReadonlyMap<string, ContributionFate>> {
    for (const entry of this.#open.values()) this.#revoke(entry);
    return this.settle();
  }

  /** Asks again for contributions whose cancelling failed. */
  async retry(): Promise<ReadonlyMap<string, ContributionFate>> {
    for (const entry of this.#open.values()) if (entry.revoked) this.#revoke(entry);
    return this.settle();
  }

  /** Waits for the answers that are under way; what became of every contribution taken back, by id. */
  async settle(): Promise<ReadonlyMap<string, ContributionFate>> {
    await Promise.all([...this.#open.values()].map((entry) => entry.cancelling));
    return new Map(this.#fates);
  }

  /** Contributions that were to be taken back and of which nobody knows yet what became of them. */
  unresolved(): readonly string[] {
    return [...this.#open.values()].filter((e) => e.revoked).map((e) => e.contribution.id);
  }

  /** Stops following the consent. */
  dispose(): void {
    this.#stop();
  }

  #covered({ kinds, scene, purpose }: OpenContribution): boolean {
    const at = this.#consent.now();
    return kinds.every((kind) => this.#consent.permits({ kind, scene, purpose, at }));
  }

  #revokeUncovered(): void {
    for (const entry of this.#open.values()) {
      if (!entry.revoked && !this.#covered(entry.contribution)) this.#revoke(entry);
    }
  }

  #revoke(entry: Entry): void {
    entry.revoked = true;
    entry.cancelling ??= this.#cancel(entry).finally(() => {
      entry.cancelling = null;
    });
  }

  async #cancel(entry: Entry): Promise<void> {
    const { id } = entry.contribution;
    try {
      const fate = await entry.contribution.cancel();
      this.#fates.set(id, fate);
      this.#open.delete(id);
    } catch {
      // Stays open and revoked: it may not leave, and `retry` asks again.
    }
  }
}
