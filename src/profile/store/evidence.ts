import type { ProfileEvent } from '../event.ts';
import type { SlotCodec } from './sealed-slot.ts';

export const DAY_MS = 86_400_000;

/** What one day brought. */
export interface EvidenceDay {
  /** Sum of the values of the events. */
  readonly sum: number;
  readonly events: number;
}

/** What one kind of data said of one tag. */
export interface EvidenceCell {
  /** Time of the newest event, in milliseconds since 1970-01-01T00:00Z. */
  readonly latest: number;
  /** By number of the UTC day since 1970-01-01. */
  readonly days: ReadonlyMap<number, EvidenceDay>;
}

/** Tag → kind → evidence. */
export type EvidenceCells = ReadonlyMap<string, ReadonlyMap<string, EvidenceCell>>;

/**
 * What is known of one person in one scene: sums by tag, kind and day, no single event. Days rather than one
 * running average, so that what is past its retention can be taken out again exactly.
 */
export interface Evidence {
  /** History of decisions that this belongs to; empty before the first. */
  readonly origin: string;
  /** Number of the last of the person's decisions that was followed here. */
  readonly applied: number;
  /** How many acts of consent were followed here. */
  readonly receipts: number;
  /** Proof of the last of them; empty before the first. */
  readonly head: string;
  /** Latest time ever seen: a clock that is set back later revives nothing. */
  readonly latest: number;
  readonly cells: EvidenceCells;
}

export function emptyEvidence(): Evidence {
  return { origin: '', applied: 0, receipts: 0, head: '', latest: 0, cells: new Map() };
}

/** Number of the UTC day of a moment. */
export function dayOf(time: number): number {
  return Math.floor(time / DAY_MS);
}

/**
 * Adds events, in any order, to cells of their own.
 *
 * @returns new cells; those that no event touches are shared with the old
 */
export function withEvents(cells: EvidenceCells, events: readonly ProfileEvent[]): EvidenceCells {
  const tags = new Map(cells);
  const fresh = new Map<string, Map<string, { latest: number; days: Map<number, EvidenceDay> }>>();
  for (const { tag, kind, time, value } of events) {
    let kinds = fresh.get(tag);
    if (kinds === undefined) {
      kinds = new Map();
      fresh.set(tag, kinds);
      tags.set(tag, new Map(tags.get(tag)));
    }
    let cell = kinds.get(kind);
    if (cell === undefined) {
      const old = tags.get(tag)?.get(kind);
      cell = { latest: old?.latest ?? time, days: new Map(old?.days) };
      kinds.set(kind, cell);
      (tags.get(tag) as Map<string, EvidenceCell>).set(kind, cell);
    }
    cell.latest = Math.max(cell.latest, time);
    const day = cell.days.get(dayOf(time));
    cell.days.set(dayOf(time), {
      // Two finite sums can pass the largest number; then the largest is near enough.
      sum: Math.min((day?.sum ?? 0) + value, Number.MAX_VALUE),
      events: (day?.events ?? 0) + 1,
    });
  }
  return tags;
}

/**
 * Only the cells and days that `keeps` names; the same object where that is all of them.
 *
 * @param keeps - first day that stays, or null when nothing of the cell does
 */
export function keepingFrom(
  cells: EvidenceCells,
  keeps: (tag: string, kind: string) => number | null,
): EvidenceCells {
  let changed = false;
  const tags = new Map<string, ReadonlyMap<string, EvidenceCell>>();
  for (const [tag, kinds] of cells) {
    const kept = new Map<string, EvidenceCell>();
    for (const [kind, cell] of kinds) {
      const first = keeps(tag, kind);
      const days = first === null ? [] : [...cell.days].filter(([day]) => day >= first);
      if (days.length === cell.days.size) {
        kept.set(kind, cell);
        continue;
      }
      changed = true;
      if (days.length > 0) kept.set(kind, { latest: cell.latest, days: new Map(days) });
    }
    if (kept.size > 0) tags.set(tag, kept);
  }
  return changed ? tags : cells;
}

/**
 * Σ sum · 2^(−age/halfLife) over the days of a cell, the age in whole days.
 *
 * @param today - number of a day; days after it count as today
 */
export function decayedSum(cell: EvidenceCell, today: number, halfLifeMs: number): number {
  let total = 0;
  for (const [day, { sum }] of cell.days) {
    total += sum * 2 ** ((-Math.max(0, today - day) * DAY_MS) / halfLifeMs);
  }
  return Math.min(total, Number.MAX_VALUE);
}

export const EVIDENCE_CODEC: SlotCodec<Evidence> = {
  empty: emptyEvidence,
  encode: encodeEvidence,
  decode: decodeEvidence,
};

/** Evidence as plain data. */
export function encodeEvidence({
  origin,
  applied,
  receipts,
  head,
  latest,
  cells,
}: Evidence): unknown {
  const rows = [...cells].map(([tag, kinds]) => [
    tag,
    [...kinds].map(([kind, cell]) => [
      kind,
      cell.latest,
      [...cell.days].flatMap(([day, { sum, events }]) => [day, sum, events]),
    ]),
  ]);
  return [origin, applied, receipts, head, latest, rows];
}

export function decodeEvidence(contents: unknown): Evidence {
  const [origin, applied, receipts, head, latest, rows] = contents as [
    string,
    number,
    number,
    string,
    number,
    [string, [string, number, number[]][]][],
  ];
  const cells = new Map(
    rows.map(([tag, kinds]) => [
      tag,
      new Map(
        kinds.map(([kind, newest, flat]): [string, EvidenceCell] => [
          kind,
          { latest: newest, days: new Map(daysOf(flat)) },
        ]),
      ),
    ]),
  );
  return { origin, applied, receipts, head, latest, cells };
}

function* daysOf(flat: readonly number[]): Iterable<[number, EvidenceDay]> {
  for (let i = 0; i < flat.length; i += 3) {
    yield [flat[i] as number, { sum: flat[i + 1] as number, events: flat[i + 2] as number }];
  }
}
