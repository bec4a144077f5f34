import type { ConsentLedger } from './consent.ts';
import type { ProfileEvent } from './event.ts';
import { MAX_NAME_LENGTH } from './names.ts';
import { endOfDay, parsePeriod } from './period.ts';
import type { CollectedKind, ProfileSchema, Purpose } from './schema.ts';

/** Why the gate drops an event. */
export const GATE_REFUSALS = [
  'malformed',
  'other-person',
  'undeclared-kind',
  'prohibited-kind',
  'undeclared-scene',
  'purpose-not-declared',
  'opted-out',
  'watch-only',
  'consent-missing',
  'consent-withdrawn',
  'consent-expired',
  'notice-outdated',
  'other-controller',
  'purpose-not-agreed',
  'review-overdue',
  'in-the-future',
  'before-consent',
  'past-retention',
  'tag-not-allowed',
] as const;
/** One of {@link GATE_REFUSALS}. */
export type GateRefusal = (typeof GATE_REFUSALS)[number];

/** What became of an event. */
export type GateDecision = 'admitted' | GateRefusal;

/** What a {@link CollectionGate} is made from. */
export interface CollectionGateOptions {
  /** Consent of the one person whose events pass here; also brings schema and clock. */
  readonly consent: ConsentLedger;
  /** What the events are collected for; another purpose needs another gate. */
  readonly purpose: Purpose;
  /** Takes the admitted events. */
  readonly collect: (event: ProfileEvent) => void;
}

/** A device's clock may be this much ahead of ours before its events count as from the future. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;

/** What is known of a kind in a scene before any event comes, and the last answer of the ledger. */
interface Cell {
  readonly refusal: GateRefusal | null;
  readonly retentionMs: number;
  readonly reviewUntil: number;
  /** Tags that may be made from this kind in this scene, with the end of their review. */
  readonly tags: ReadonlyMap<string, number>;
  revision: number;
  consentRefusal: GateRefusal | null;
  since: number;
  until: number;
}

/**
 * The only way in for events of one person: an event is admitted when its kind, scene, tag and purpose are
 * declared and within review, and consent covers the use now and covered the moment at which it happened.
 * All else is dropped and counted by reason.
 *
 * Opting out, withdrawing and `watchOnly` act on the next event. What is admitted is a copy of the six
 * fields of {@link ProfileEvent}; whatever else hung on the event does not pass.
 *
 * ## Privacy
 * The counts say how often a reason came up, never for which event. They are still data of a person: to
 * send them anywhere is a release.
 */
export class CollectionGate {
  readonly purpose: Purpose;
  readonly #consent: ConsentLedger;
  readonly #collect: (event: ProfileEvent) => void;
  /** kind → scene → cell; decisions that need no event are made once. */
  readonly #cells: ReadonlyMap<string, ReadonlyMap<string, Cell>>;
  readonly #refusals = new Map<GateRefusal, number>();
  #admitted = 0;

  /** @throws RangeError when the schema does not declare the purpose */
  constructor(options: CollectionGateOptions) {
    const { schema } = options.consent;
    if (!schema.purposes.includes(options.purpose)) {
      throw new RangeError(`"purpose" expected one of ${schema.purposes.join(', ')}`);
    }
    this.purpose = options.purpose;
    this.#consent = options.consent;
    this.#collect = options.collect;
    this.#cells = tabulate(schema, options.purpose);
  }

  /** How many events were admitted. */
  get admitted(): number {
    return this.#admitted;
  }

  /** How many events were dropped, by reason; reasons that never came up are left out. */
  refusals(): ReadonlyMap<GateRefusal, number> {
    return new Map(this.#refusals);
  }

  /**
   * Admits an event or drops it.
   *
   * @param event - anything at all; what is not an event is dropped as `malformed`
   */
  offer(event: ProfileEvent): GateDecision {
    // One read of each field: a getter cannot show one value to the check and another to the collector.
    const copy = copyFields(event);
    if (copy === null) return this.#drop('malformed');
    const refusal = this.#refusal(copy);
    if (refusal !== null) return this.#drop(refusal);
    this.#collect(copy);
    this.#admitted += 1;
    return 'admitted';
  }

  #drop(reason: GateRefusal): GateRefusal {
    this.#refusals.set(reason, (this.#refusals.get(reason) ?? 0) + 1);
    return reason;
  }

  #refusal(event: ProfileEvent): GateRefusal | null {
    if (event.user !== this.#consent.person) return 'other-person';
    const scenes = this.#cells.get(event.kind);
    if (scenes === undefined) return 'undeclared-kind';
    const cell = scenes.get(event.scene);
    if (cell === undefined) return 'undeclared-scene';
    if (cell.refusal !== null) return cell.refusal;
    const now = this.#consent.now();
    const consentRefusal = this.#consentRefusal(cell, event, now);
    if (consentRefusal !== null) return consentRefusal;
    if (now >= cell.reviewUntil) return 'review-overdue';
    if (event.time > now + CLOCK_TOLERANCE_MS) return 'in-the-future';
    if (event.time < cell.since) return 'before-consent';
    if (event.time < now - cell.retentionMs) return 'past-retention';
    const tagReviewUntil = cell.tags.get(event.tag);
    if (tagReviewUntil === undefined) return 'tag-not-allowed';
    return now >= tagReviewUntil ? 'review-overdue' : null;
  }

  /** Asks the ledger only when its history has grown or the last answer has run out. */
  #consentRefusal(cell: Cell, event: ProfileEvent, now: number): GateRefusal | null {
    const { revision } = this.#consent;
    if (cell.revision !== revision || now >= cell.until) {
      const { kind, scene } = event;
      const decision = this.#consent.decide({ kind, scene, purpose: this.purpose, at: now });
      cell.revision = revision;
      cell.consentRefusal = decision.permitted ? null : decision.reason;
      cell.since = decision.permitted ? decision.since : Number.POSITIVE_INFINITY;
      cell.until = decision.permitted ? decision.until : Number.POSITIVE_INFINITY;
    }
    return cell.consentRefusal;
  }
}

function tabulate(
  schema: ProfileSchema,
  purpose: Purpose,
): ReadonlyMap<string, ReadonlyMap<string, Cell>> {
  const scenes = Object.keys(schema.scenes);
  return new Map(
    Object.entries(schema.kinds).map(([kind, declared]) => [
      kind,
      new Map(
        scenes.map((scene) => [
          scene,
          declared.tier === 'prohibited'
            ? closedCell('prohibited-kind')
            : openCell(schema, kind, declared, scene, purpose),
        ]),
      ),
    ]),
  );
}

function closedCell(refusal: GateRefusal): Cell {
  return {
    refusal,
    retentionMs: 0,
    reviewUntil: Number.NEGATIVE_INFINITY,
    tags: new Map(),
    revision: -1,
    consentRefusal: refusal,
    since: Number.POSITIVE_INFINITY,
    until: Number.NEGATIVE_INFINITY,
  };
}

function openCell(
  schema: ProfileSchema,
  kind: string,
  declared: CollectedKind,
  scene: string,
  purpose: Purpose,
): Cell {
  if (!declared.purposes.includes(purpose)) return closedCell('purpose-not-declared');
  const tags = Object.entries(schema.tags).filter(
    ([, tag]) =>
      tag.from.includes(kind) && tag.scenes.includes(scene) && tag.purposes.includes(purpose),
  );
  return {
    refusal: null,
    retentionMs: parsePeriod(declared.retention) as number,
    reviewUntil: endOfDay(declared.reviewBy) as number,
    tags: new Map(tags.map(([name, tag]) => [name, endOfDay(tag.reviewBy) as number])),
    revision: -1,
    consentRefusal: 'consent-missing',
    since: Number.POSITIVE_INFINITY,
    until: Number.NEGATIVE_INFINITY,
  };
}

/** The fields of an event, or null for what is not one. */
function copyFields(event: ProfileEvent): ProfileEvent | null {
  if (typeof event !== 'object' || event === null) return null;
  const { user, time, scene, kind, tag, value } = event;
  const wellFormed =
    typeof user === 'string' &&
    Number.isSafeInteger(time) &&
    isShort(scene) &&
    isShort(kind) &&
    isShort(tag) &&
    Number.isFinite(value) &&
    value >= 0;
  return wellFormed ? { user, time, scene, kind, tag, value } : null;
}

/** Keeps huge strings away from the hash tables. */
function isShort(name: unknown): boolean {
  return typeof name === 'string' && name.length <= MAX_NAME_LENGTH;
}
