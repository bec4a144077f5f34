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
  /** Tells its request from any other; null while it has a record, which tells the same. */
  fingerprint: string | null;
  status: 'open' | 'expired' | 'committed' | 'released';
  /** What may still be taken back; null once it may not. */
  record: ReserveRecord | null;
  population: Population | null;
  /** Open neighbours in the order of their entries. */
  before: ReservationState | null;
  after: ReservationState | null;
}

/** A reservation whose charge may still be taken back. */
export type OpenReservation = ReservationState & { readonly record: ReserveRecord };

/** The first answer to an idempotency key. */
export type Answer = ReservationState | RefuseRecord;

/** True when the answer was a refusal. */
export function isRefusal(answer: Answer): answer is RefuseRecord {
  return 'kind' in answer;
}

/** Reservations whose charges may still be taken back, in the order of their entries. */
export class OpenReservations {
  #first: ReservationState | null = null;
  #last: ReservationState | null = null;
  size = 0;

  /** Number of the first; Infinity while there is none. */
  get oldest(): number {
    return this.#first?.seq ?? Number.POSITIVE_INFINITY;
  }

  add(reservation: OpenReservation): void {
    reservation.before = this.#last;
    if (this.#last === null) this.#first = reservation;
    else this.#last.after = reservation;
    this.#last = reservation;
    this.size++;
  }

  /** Takes a reservation out, if it is still in. */
  close(reservation: ReservationState): void {
    const { before, after } = reservation;
    if (reservation.record === null) return;
    if (before === null) this.#first = after;
    else before.after = after;
    if (after === null) this.#last = before;
    else after.before = before;
    reservation.record = null;
    reservation.population = null;
    reservation.before = null;
    reservation.after = null;
    this.size--;
  }

  *[Symbol.iterator](): Generator<OpenReservation> {
    for (let reservation = this.#first; reservation !== null; ) {
      const { after } = reservation; // it may be closed meanwhile
      yield reservation as OpenReservation;
      reservation = after;
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
