import type { ChainEntry, ChainHead } from '../../core/hash-chain.ts';
import { AccountTable, keyWords } from './account-table.ts';
import { Balances } from './balances.ts';
import {
  corruptAt,
  handlesOf,
  type LogRecord,
  type OpenRecord,
  type RefuseRecord,
  type ReserveRecord,
} from './log-record.ts';
import { saturatingSum } from './units.ts';

/** Sums over releases as if one account had been in all of them. */
export interface ScopeTotals {
  /** Reservations that were not given back. */
  releases: number;
  refused: number;
  /** Units. */
  cost: number;
  deltaCost: number;
}

/** What the log says about one scene. */
export interface SceneState extends ScopeTotals {
  readonly name: string;
  /** Its column in the balances. */
  readonly column: number;
  frozen: boolean;
  /** Latest commit or expiry in the scene: when the last release ended; −∞ before the first. */
  lastEnd: number;
  /** Open reservations in order: id to expiry. */
  readonly open: Map<string, number>;
}

/** A scene before its first entry. */
export function emptyScene(name: string, column: number): SceneState {
  return {
    name,
    column,
    releases: 0,
    refused: 0,
    cost: 0,
    deltaCost: 0,
    frozen: false,
    lastEnd: Number.NEGATIVE_INFINITY,
    open: new Map(),
  };
}

/** What the log says about one reservation. `expired` can still be committed, late, but not released. */
export interface ReservationState {
  readonly id: string;
  readonly scene: string;
  readonly accounts: number;
  readonly expiresAt: number;
  status: 'open' | 'expired' | 'committed' | 'released';
}

/** The first answer to an idempotency key. */
export interface Answer {
  readonly bodyHash: Uint8Array;
  readonly outcome: ReservationState | RefuseRecord;
}

/** True when the answer was a refusal. */
export function isRefusal(outcome: Answer['outcome']): outcome is RefuseRecord {
  return 'kind' in outcome;
}

/**
 * Balances as a deterministic fold over the log: the same entries give the same state in every process,
 * whatever stored them. An entry that contradicts those before it throws, and the state is of no use then.
 *
 * Time comes only from the entries and never goes back.
 */
export class BudgetState {
  /** The terms; null before the first entry. */
  opened: OpenRecord | null = null;
  head: ChainHead;
  time: number = Number.NEGATIVE_INFINITY;
  readonly accounts: AccountTable = new AccountTable();
  readonly balances: Balances = new Balances();
  readonly scenes: Map<string, SceneState> = new Map();
  readonly total: ScopeTotals = { releases: 0, refused: 0, cost: 0, deltaCost: 0 };
  readonly reservations: Map<string, ReservationState> = new Map();
  readonly answers: Map<string, Answer> = new Map();
  /** Charges of open reservations, in order of expiry: all have the same lease and time never goes back. */
  readonly #open = new Map<string, ReserveRecord>();

  /** @param start - head of the empty chain */
  constructor(start: ChainHead) {
    this.head = start;
  }

  /**
   * Takes in the next entry, whose place in the chain the caller has checked.
   *
   * @throws {VelaturaError} `dp/budget-corrupt` when it contradicts the entries before it
   */
  apply(entry: ChainEntry, record: LogRecord): void {
    const { seq } = entry;
    if ((record.kind === 'open') !== (seq === 0)) {
      throw corruptAt(seq, 'expected the terms of the budget first, and only there');
    }
    if (record.time < this.time)
      throw corruptAt(seq, 'its time is before that of the entry before it');
    switch (record.kind) {
      case 'open':
        this.opened = record;
        break;
      case 'intern': {
        if (record.first !== this.accounts.size)
          throw corruptAt(seq, 'handles are not consecutive');
        const words = keyWords(record.keys);
        for (let i = 0; i * 4 < words.length; i++) this.accounts.intern(words, i);
        this.balances.growTo(this.accounts.size);
        if (this.accounts.size !== record.first + words.length / 4) {
          throw corruptAt(seq, 'an account appears twice');
        }
        break;
      }
      case 'reserve':
        this.#reserve(seq, record);
        break;
      case 'refuse':
        if (this.answers.has(record.idempotencyKey))
          throw corruptAt(seq, 'its key was answered before');
        this.scene(record.scene).refused++;
        this.total.refused++;
        this.answers.set(record.idempotencyKey, { bodyHash: record.bodyHash, outcome: record });
        break;
      case 'commit':
        this.#commit(seq, record.id, record.time);
        break;
      case 'release':
        this.#release(seq, record.id, record.time);
        break;
      case 'expire':
        this.#known(seq, record.id);
        break;
      case 'freeze':
        this.scene(record.scene).frozen = true;
        break;
    }
    this.#advance(record.time);
    this.head = { seq, hash: entry.hash };
  }

  /** The scene's state, created empty when the log has not named it yet. */
  scene(name: string): SceneState {
    let scene = this.scenes.get(name);
    if (scene === undefined) {
      scene = emptyScene(name, this.balances.addColumn());
      this.scenes.set(name, scene);
    }
    return scene;
  }

  #known(seq: number, id: string): ReservationState {
    const reservation = this.reservations.get(id);
    if (reservation === undefined) throw corruptAt(seq, 'it names no reservation');
    return reservation;
  }

  #reserve(seq: number, record: ReserveRecord): void {
    const { id, cost, deltaCost } = record;
    if (this.reservations.has(id)) throw corruptAt(seq, 'its reservation exists already');
    if (this.answers.has(record.idempotencyKey))
      throw corruptAt(seq, 'its key was answered before');
    const handles = handlesOf(record.handles);
    for (let i = 0; i < handles.length; i++) {
      if ((handles[i] as number) >= this.accounts.size)
        throw corruptAt(seq, 'it charges nobody known');
    }
    const scene = this.scene(record.scene);
    this.balances.add(handles, scene.column, cost, deltaCost);
    for (const totals of [scene, this.total]) {
      totals.releases++;
      totals.cost = saturatingSum(totals.cost, cost);
      totals.deltaCost = saturatingSum(totals.deltaCost, deltaCost);
    }
    const reservation: ReservationState = {
      id,
      scene: record.scene,
      accounts: handles.length,
      expiresAt: record.expiresAt,
      status: 'open',
    };
    this.reservations.set(id, reservation);
    this.answers.set(record.idempotencyKey, { bodyHash: record.bodyHash, outcome: reservation });
    this.#open.set(id, record);
    scene.open.set(id, record.expiresAt);
  }

  #commit(seq: number, id: string, time: number): void {
    const reservation = this.#known(seq, id);
    if (reservation.status === 'released' || reservation.status === 'committed') {
      throw corruptAt(seq, 'it commits a closed reservation');
    }
    reservation.status = 'committed';
    this.#end(reservation, time);
  }

  #release(seq: number, id: string, time: number): void {
    const reservation = this.#known(seq, id);
    const charge = this.#open.get(id);
    if (charge === undefined || time >= charge.expiresAt) {
      throw corruptAt(seq, 'it releases a closed reservation');
    }
    const scene = this.scene(reservation.scene);
    this.balances.add(handlesOf(charge.handles), scene.column, -charge.cost, -charge.deltaCost);
    for (const totals of [scene, this.total]) {
      totals.releases--;
      totals.cost -= charge.cost;
      totals.deltaCost -= charge.deltaCost;
    }
    reservation.status = 'released';
    this.#open.delete(id);
    scene.open.delete(id);
  }

  /** The release is over at `time`: the interval to the next one begins. */
  #end(reservation: ReservationState, time: number): void {
    const scene = this.scene(reservation.scene);
    scene.lastEnd = Math.max(scene.lastEnd, time);
    scene.open.delete(reservation.id);
    this.#open.delete(reservation.id);
  }

  #advance(time: number): void {
    this.time = time;
    for (const [id, { expiresAt }] of this.#open) {
      if (expiresAt > time) return;
      const reservation = this.reservations.get(id) as ReservationState;
      reservation.status = 'expired';
      this.#end(reservation, expiresAt);
    }
  }
}
