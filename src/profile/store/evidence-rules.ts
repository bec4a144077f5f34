import type { ConsentLedger } from '../consent.ts';
import { sameProof } from '../consent-receipt.ts';
import { parsePeriod } from '../period.ts';
import { collectedKind, type ProfileSchema, type Purpose, type TagDeclaration } from '../schema.ts';
import { type ChoiceRecord, erasedSince } from './choice-record.ts';
import { ConsentEndings, type ConsentPlace } from './consent-endings.ts';
import { DAY_MS, type Evidence, type EvidenceCells, keepingFrom } from './evidence.ts';
import { rolledBack } from './store-errors.ts';

/** The tags of a scene for a purpose, each with the kinds it is made from and how long they may lie. */
export class EvidenceRules {
  /** Tag → kind → milliseconds: the shorter of the retentions of tag and kind. */
  readonly retention: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly #place: ConsentPlace;
  readonly #endings: ConsentEndings;

  constructor(place: ConsentPlace) {
    this.#place = place;
    this.#endings = new ConsentEndings(place);
    this.retention = retentionTable(place);
  }

  /** The time by which evidence is judged: never before what its record has seen. */
  now(evidence: Evidence): number {
    return Math.max(this.#place.consent.now(), evidence.latest);
  }

  /** True when evidence of the kind may be used now. */
  usable(kind: string): boolean {
    const { consent, scene, purpose } = this.#place;
    return consent.permits({ kind, scene, purpose, at: consent.now() });
  }

  /**
   * True when nothing that a model made of the tag under the first `acts` acts of consent may lie any longer.
   *
   * @param now - as {@link now} tells it
   */
  tagEnded(tag: string, acts: number, now: number): boolean {
    const kinds = this.retention.get(tag);
    if (kinds === undefined) return true;
    return [...kinds.keys()].some((kind) => this.#endings.endedSince(kind, acts, now));
  }

  /** First day of which evidence may still lie; null when none may. */
  firstDay(tag: string, kind: string, now: number): number | null {
    const retention = this.retention.get(tag)?.get(kind);
    return retention === undefined ? null : Math.floor((now - retention) / DAY_MS) + 1;
  }

  /**
   * Evidence without what was erased, withdrawn or has passed its retention.
   *
   * @throws {VelaturaError} `profile/store-rolled-back` when the decisions or the consent that it has followed
   * are not there any more
   */
  cleaned(evidence: Evidence, choices: ChoiceRecord): Evidence {
    const { consent } = this.#place;
    checkFollowed(evidence, choices);
    checkConsent(evidence, consent);
    const erased = erasedSince(choices, evidence.applied);
    // A clock that once ran ahead is forgiven only when everything goes.
    const now = erased === 'all' ? consent.now() : this.now(evidence);
    return {
      origin: choices.origin,
      applied: choices.serial,
      receipts: consent.revision,
      head: consent.head,
      latest: now,
      cells: this.#cleanedCells(evidence, erased, now),
    };
  }

  #cleanedCells(
    evidence: Evidence,
    erased: 'all' | ReadonlySet<string>,
    now: number,
  ): EvidenceCells {
    if (erased === 'all') return evidence.cells.size === 0 ? evidence.cells : new Map();
    const gone = new Map<string, boolean>();
    const isGone = (kind: string): boolean => {
      const known = gone.get(kind) ?? this.#endings.endedSince(kind, evidence.receipts, now);
      gone.set(kind, known);
      return known;
    };
    return keepingFrom(evidence.cells, (tag, kind) =>
      erased.has(tag) || isGone(kind) ? null : this.firstDay(tag, kind, now),
    );
  }
}

/**
 * Refuses a record of data that has followed decisions which the record of decisions does not know.
 *
 * @throws {VelaturaError} `profile/store-rolled-back`
 */
export function checkFollowed(
  data: { readonly origin: string; readonly applied: number },
  choices: ChoiceRecord,
): void {
  if (data.origin !== '' && (data.origin !== choices.origin || data.applied > choices.serial)) {
    throw rolledBack("the record of the person's decisions is older than the profile");
  }
}

/**
 * Refuses a history of consent that is not the one that the evidence has followed, or its continuation.
 *
 * @throws {VelaturaError} `profile/store-rolled-back`
 */
export function checkConsent({ receipts, head }: Evidence, consent: ConsentLedger): void {
  if (receipts === 0) return;
  if (receipts > consent.revision) {
    throw rolledBack('the history of consent is shorter than the profile has seen');
  }
  const proof =
    receipts === consent.revision ? consent.head : consent.receipts()[receipts - 1]?.proof;
  if (!sameProof(proof as string, head)) {
    throw rolledBack('the history of consent is another than the profile has seen');
  }
}

function retentionTable({
  consent: { schema },
  scene,
  purpose,
}: ConsentPlace): ReadonlyMap<string, ReadonlyMap<string, number>> {
  return new Map(
    tagsOf(schema, scene, purpose).map(([tag, declared]) => {
      const longest = parsePeriod(declared.retention) as number;
      const kinds = declared.from.flatMap((kind): [string, number][] => {
        const retention = collectedKind(schema, kind)?.retention;
        if (retention === undefined) return [];
        return [[kind, Math.min(longest, parsePeriod(retention) as number)]];
      });
      return [tag, new Map(kinds)];
    }),
  );
}

function tagsOf(
  schema: ProfileSchema,
  scene: string,
  purpose: Purpose,
): readonly [string, TagDeclaration][] {
  return Object.entries(schema.tags).filter(
    ([, tag]) => tag.scenes.includes(scene) && tag.purposes.includes(purpose),
  );
}
