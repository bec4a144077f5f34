import { describe, expect, it } from 'vitest';
import {
  Expiries,
  OpenReservations,
  type ReservationState,
  ReservationTable,
} from '../../../src/dp/budget/reservations.ts';

const TERMS = {
  scene: 's',
  plan: 0,
  deltaCost: 0,
  model: null,
  countsModel: false,
  insecure: false,
  epochs: [],
} as const;

function reservation(seq: number, expiresAt = 0): ReservationState {
  return {
    seq,
    tag: 0,
    terms: TERMS,
    accounts: 1,
    expiresAt,
    status: 'open',
    handle: 1,
    handles: null,
    pool: null,
    fingerprint: null,
    before: null,
    after: null,
  };
}

describe('ReservationTable', () => {
  it('forgets exactly those before a number, also the newest chunk', () => {
    const table = new ReservationTable();
    for (const seq of [3, 4, 4095, 4096, 9000]) table.set(reservation(seq));
    table.forgetBefore(4);
    expect([...table].map(({ seq }) => seq)).toEqual([4, 4095, 4096, 9000]);
    table.forgetBefore(20_000);
    for (const seq of [3, 4, 4095, 4096, 9000]) expect(table.get(seq)).toBeUndefined();
    table.set(reservation(9000));
    expect(table.get(9000)?.seq).toBe(9000);
    expect(table.get(Number.NaN)).toBeUndefined();
  });
});

describe('OpenReservations', () => {
  it('keeps the order of entries, whoever is closed', () => {
    const open = new OpenReservations();
    const all = [1, 2, 3, 4].map((seq) => reservation(seq));
    for (const each of all) open.add(each);
    open.close(all[1] as ReservationState);
    open.close(all[0] as ReservationState);
    expect([...open].map(({ seq }) => seq)).toEqual([3, 4]);
    expect([open.oldest, open.size]).toEqual([3, 2]);
    open.close(all[3] as ReservationState);
    open.close(all[2] as ReservationState);
    expect([[...open], open.oldest, open.size]).toEqual([[], Number.POSITIVE_INFINITY, 0]);
  });
});

describe('Expiries', () => {
  it('gives those that expired, the first one first, and passes over those closed', () => {
    const expiries = new Expiries();
    const times = [50, 10, 40, 20, 30, 10, 60];
    const all = times.map((time, i) => reservation(i, time));
    for (const each of all) expiries.add(each);
    (all[3] as ReservationState).status = 'committed';
    const due: number[] = [];
    for (let next = expiries.next(45); next !== null; next = expiries.next(45)) {
      due.push(next.expiresAt);
    }
    expect(due).toEqual([10, 10, 30, 40]);
    expect(expiries.next(100)?.expiresAt).toBe(50);
  });
});
