import type { Population } from './account-classes.ts';
import type { RefuseRecord, ReserveRecord } from './log-record.ts';

/** What the log says about one reservation. `expired` can still be committed, late, but not released. */
export interface ReservationState {
  /** Number of its entry. */
  readonly seq: number;
  /** Start of its entry's hash: keeps a commit meant for a log that was rolled back from meeting another one. */
  readonly tag: number;
  readonly scene: string;
  readonly accounts: number;
  readonly expiresAt: number;
  /** Tells its request from any other; null while the charge, which tells the same, is open. */
  fingerprint: string | null;
  status: 'open' | 'expired' | 'committed' | 'released';
  /** What may still be taken back; null once it may not. */
  charge: OpenCharge | null;
}

/** A charge that may still be taken back. */
export interface OpenCharge {
  readonly reservation: ReservationState;
  readonly record: ReserveRecord;
  readonly population: Population | null;
  /** Neighbours in the order of their entries. */
  before: OpenCharge | null;
  after: OpenCharge | null;
}

/** The first answer to an idempotency key. */
export type Answer = ReservationState | RefuseRecord;

/** True when the answer was a refusal. */
export function isRefusal(answer: Answer): answer is RefuseRecord {
  return 'kind' in answer;
}

/** Charges that may still be taken back, in the order of their entries. */
export class OpenCharges {
  #first: OpenCharge | null = null;
  #last: OpenCharge | null = null;
  size = 0;

  /** Number of the first; Infinity while there is none. */
  get oldest(): number {
    return this.#first?.reservation.seq ?? Number.POSITIVE_INFINITY;
  }

  add(
    reservation: ReservationState,
    record: ReserveRecord,
    population: Population | null,
  ): OpenCharge {
    const charge: OpenCharge = { reservation, record, population, before: this.#last, after: null };
    if (this.#last === null) this.#first = charge;
    else this.#last.after = charge;
    this.#last = charge;
    reservation.charge = charge;
    this.size++;
    return charge;
  }

  /** Takes out the charge of a reservation, if it still has one. */
  close(reservation: ReservationState): void {
    const { charge } = reservation;
    if (charge === null) return;
    if (charge.before === null) this.#first = charge.after;
    else charge.before.after = charge.after;
    if (charge.after === null) this.#last = charge.before;
    else charge.after.before = charge.before;
    reservation.charge = null;
    this.size--;
  }

  *[Symbol.iterator](): Generator<OpenCharge> {
    for (let charge = this.#first; charge !== null; ) {
      const { after } = charge; // the charge may be closed meanwhile
      yield charge;
      charge = after;
    }
  }
}

const CHUNK_BITS = 12;
const CHUNK_MASK = (1 << CHUNK_BITS) - 1;

/** Reservations by the number of their entry, in chunks: numbers are dense, and old chunks can be dropped. */
export class ReservationTable {
  readonly #chunks = new Map<number, (ReservationState | undefined)[]>();
  #newest: (ReservationState | undefined)[] | null = null;
  #newestIndex = -1;

  get(seq: number): ReservationState | undefined {
    if (!Number.isSafeInteger(seq)) return undefined;
    const index = Math.floor(seq / (1 << CHUNK_BITS));
    const chunk = index === this.#newestIndex ? this.#newest : this.#chunks.get(index);
    return chunk?.[seq & CHUNK_MASK];
  }

  set(reservation: ReservationState): void {
    const { seq } = reservation;
    const index = Math.floor(seq / (1 << CHUNK_BITS));
    if (index !== this.#newestIndex) {
      let chunk = this.#chunks.get(index);
      if (chunk === undefined) {
        chunk = [];
        this.#chunks.set(index, chunk);
      }
      this.#newest = chunk;
      this.#newestIndex = index;
    }
    (this.#newest as (ReservationState | undefined)[])[seq & CHUNK_MASK] = reservation;
  }

  /** Drops reservations with lower numbers, as far as whole chunks go. */
  forgetBefore(seq: number): void {
    for (const index of this.#chunks.keys()) {
      if ((index + 1) * (1 << CHUNK_BITS) <= seq) this.#chunks.delete(index);
    }
  }

  /** All reservations, by number. */
  *[Symbol.iterator](): Generator<ReservationState> {
    for (const [, chunk] of [...this.#chunks].sort(([a], [b]) => a - b)) {
      for (const reservation of chunk) if (reservation !== undefined) yield reservation;
    }
  }
}
