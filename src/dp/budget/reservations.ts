import type { Population } from './account-classes.ts';
import { decodeHandles, encodeHandles, type HandleList } from './handle-set.ts';
import type { RefuseRecord } from './log-record.ts';

/** A population as it was charged, and who has come and gone since. */
export interface ChargedPopulation {
  readonly population: Population;
  /** Who joined since, and was not charged. */
  readonly joined: Set<number>;
  /** Who left since, and was. */
  readonly left: Set<number>;
}

/** What a request asked for, apart from for whom and until when: one object for all that ask the same in a row. */
export interface ReservationTerms {
  readonly scene: string;
  readonly plan: number;
  /** Units of delta. */
  readonly deltaCost: number;
  readonly model: string | null;
  /** True when the model's quota was charged, which depends on the policy of that moment. */
  readonly countsModel: boolean;
  readonly insecure: boolean;
  readonly epochs: readonly string[];
}

/** True when the request asks for what the terms say. */
export function sameTerms(
  terms: ReservationTerms,
  asked: Omit<ReservationTerms, 'countsModel'>,
  countsModel: boolean,
): boolean {
  return (
    terms.scene === asked.scene &&
    terms.plan === asked.plan &&
    terms.deltaCost === asked.deltaCost &&
    terms.model === asked.model &&
    terms.countsModel === countsModel &&
    terms.insecure === asked.insecure &&
    sameNames(terms.epochs, asked.epochs)
  );
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** What the log says about one reservation. `expired` can still be committed, late, but not released. */
export interface ReservationState {
  /** Number of its entry. */
  readonly seq: number;
  /** Start of its entry's hash: keeps a commit meant for a log that was rolled back from meeting another one. */
  readonly tag: number;
  readonly terms: ReservationTerms;
  readonly accounts: number;
  readonly expiresAt: number;
  status: 'open' | 'expired' | 'committed' | 'released';
  /** The one account charged, or −1; several are in `handles`, without an array for those of one. */
  readonly handle: number;
  /** What may still be taken back; emptied once it may not. */
  handles: HandleList | null;
  /** Where a whole population was charged; emptied with the handles. */
  pool: ChargedPopulation | null;
  /** Tells its request from any other; null while what was charged tells the same. */
  fingerprint: string | null;
  /** Open neighbours in the order of their entries. */
  before: ReservationState | null;
  after: ReservationState | null;
}

/** The accounts that a reservation without a population charged. */
export function chargedHandles({ handle, handles }: ReservationState): HandleList {
  return handle >= 0 ? [handle] : (handles as HandleList);
}

/** A refusal as it is remembered: with its handles in few bytes, since answers are kept for long. */
export interface RefusalAnswer extends Omit<RefuseRecord, 'blocked'> {
  readonly blocked: Uint8Array | null;
}

/** The first answer to an idempotency key. */
export type Answer = ReservationState | RefusalAnswer;

/** True when the answer was a refusal. */
export function isRefusal(answer: Answer): answer is RefusalAnswer {
  return 'kind' in answer;
}

/** The refusal with as few bytes as it can be remembered in. */
export function rememberedRefusal(record: RefuseRecord): RefusalAnswer {
  const { blocked } = record;
  return { ...record, blocked: blocked === null ? null : encodeHandles(blocked) };
}

/** The reverse of {@link rememberedRefusal}. */
export function refuseRecordOf(answer: RefusalAnswer): RefuseRecord {
  const { blocked } = answer;
  return { ...answer, blocked: blocked === null ? null : decodeHandles(blocked) };
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

  add(reservation: ReservationState): void {
    reservation.before = this.#last;
    if (this.#last === null) this.#first = reservation;
    else this.#last.after = reservation;
    this.#last = reservation;
    this.size++;
  }

  /** Takes out a reservation that is in. */
  close(reservation: ReservationState): void {
    const { before, after } = reservation;
    if (before === null) this.#first = after;
    else before.after = after;
    if (after === null) this.#last = before;
    else after.before = before;
    reservation.handles = null;
    reservation.pool = null;
    reservation.before = null;
    reservation.after = null;
    this.size--;
  }

  *[Symbol.iterator](): Generator<ReservationState> {
    for (let reservation = this.#first; reservation !== null; ) {
      const { after } = reservation; // it may be closed meanwhile
      yield reservation;
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

  /** Forgets reservations with lower numbers. */
  forgetBefore(seq: number): void {
    for (const [index, chunk] of this.#chunks) {
      const first = index * (1 << CHUNK_BITS);
      if (first >= seq) continue;
      if (first + (1 << CHUNK_BITS) > seq) {
        for (let at = 0; at < seq - first; at++) delete chunk[at];
        continue;
      }
      this.#chunks.delete(index);
      if (index === this.#newestIndex) this.#newestIndex = -1;
    }
  }

  /** All reservations, by number. */
  *[Symbol.iterator](): Generator<ReservationState> {
    for (const [, chunk] of [...this.#chunks].sort(([a], [b]) => a - b)) {
      for (const reservation of chunk) if (reservation !== undefined) yield reservation;
    }
  }
}

/** Reservations by the moment at which they expire, the next one first; those closed before stay in until then. */
export class Expiries {
  readonly #heap: ReservationState[] = [];

  add(reservation: ReservationState): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(reservation);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if ((heap[parent] as ReservationState).expiresAt <= reservation.expiresAt) break;
      heap[at] = heap[parent] as ReservationState;
      at = parent;
    }
    heap[at] = reservation;
  }

  /** The next one that has expired by then and is still open, taken out; null when there is none. */
  next(time: number): ReservationState | null {
    for (;;) {
      const [first] = this.#heap;
      if (first === undefined || first.expiresAt > time) return null;
      this.#removeFirst();
      if (first.status === 'open') return first;
    }
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop() as ReservationState;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && right.expiresAt < (heap[child] as ReservationState).expiresAt) {
        child++;
      }
      if ((heap[child] as ReservationState).expiresAt >= last.expiresAt) break;
      heap[at] = heap[child] as ReservationState;
      at = child;
    }
    heap[at] = last;
  }
}
