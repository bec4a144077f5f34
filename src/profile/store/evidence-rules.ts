import type { ConsentLedger } from '../consent.ts';
import type { ConsentReceipt } from '../consent-receipt.ts';
import type { ConsentRefusal } from '../consent-state.ts';
import { parsePeriod } from '../period.ts';
import { collectedKind, type ProfileSchema, type Purpose, type TagDeclaration } from '../schema.ts';
import { kindRisk } from '../schema-risk.ts';
import { type ChoiceRecord, erasedSince } from './choice-record.ts';
import { DAY_MS, type Evidence, type EvidenceCells, keepingFrom } from './evidence.ts';
import { rolledBack } from './store-errors.ts';

/** Where and for what evidence is kept. */
export interface EvidencePlace {
  readonly consent: ConsentLedger;
  readonly scene: string;
  readonly purpose: Purpose;
}

/**
 * Answers of the ledger after which evidence of a kind may not lie any longer. All others are pauses: what
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

/** The tags of a scene for a purpose, each with the kinds it is made from and how long they may lie. */
export class EvidenceRules {
  /** Tag → kind → milliseconds: the shorter of the retentions of tag and kind. */
  readonly retention: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly #place: EvidencePlace;

  constructor(place: EvidencePlace) {
    this.#place = place;
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
    if (evidence.receipts > consent.revision) {
      throw rolledBack('the history of consent is shorter than the profile has seen');
    }
    const erased = erasedSince(choices, evidence.applied);
    // A clock that once ran ahead is forgiven only when everything goes.
    const now = erased === 'all' ? consent.now() : this.now(evidence);
    return {
      origin: choices.origin,
      applied: choices.serial,
      receipts: consent.revision,
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
    const { consent, scene, purpose } = this.#place;
    const news =
      evidence.receipts === consent.revision ? [] : consent.receipts().slice(evidence.receipts);
    const gone = new Map<string, boolean>();
    const isGone = (kind: string): boolean => {
      let answer = gone.get(kind);
      if (answer === undefined) {
        const decision = consent.decide({ kind, scene, purpose, at: now });
        answer = news.some((receipt) => this.#withdraws(receipt, kind));
        answer ||= !decision.permitted && FINAL.has(decision.reason);
        gone.set(kind, answer);
      }
      return answer;
    };
    return keepingFrom(evidence.cells, (tag, kind) =>
      erased.has(tag) || isGone(kind) ? null : this.firstDay(tag, kind, now),
    );
  }

  /** A consent that was withdrawn and given again in between has still ended once. */
  #withdraws(receipt: ConsentReceipt, kind: string): boolean {
    if (receipt.act !== 'withdraw' || receipt.scope.recipient !== undefined) return false;
    const { schema } = this.#place.consent;
    const { scope } = receipt;
    const { scene } = this.#place;
    if (scope.tier !== kindRisk(schema, kind, scene)?.tier) return false;
    if (scope.tier === 'essential') return true;
    return scope.scene === scene && (scope.tier === 'enhanced' || scope.kind === kind);
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

function retentionTable({
  consent: { schema },
  scene,
  purpose,
}: EvidencePlace): ReadonlyMap<string, ReadonlyMap<string, number>> {
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
