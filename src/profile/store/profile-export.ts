import type { ConsentLedger } from '../consent.ts';
import type { ConsentReceipt } from '../consent-receipt.ts';
import type { Purpose } from '../schema.ts';
import type { DecisionRecord } from './decision-record.ts';
import { DAY_MS, type Evidence } from './evidence.ts';
import type { SceneContents } from './scene-keeper.ts';
import type { StatedValue } from './tag-choices.ts';
import type { TagState } from './tag-state.ts';

/** Evidence of one day. */
export interface ExportedEvidence {
  readonly tag: string;
  readonly kind: string;
  /** UTC, `YYYY-MM-DD`. */
  readonly day: string;
  /** Sum of the values of the events of that day. */
  readonly sum: number;
  readonly events: number;
}

/** Everything that is kept of a person in one scene. */
export interface ExportedScene {
  readonly tags: readonly TagState[];
  readonly evidence: readonly ExportedEvidence[];
  readonly corrections: readonly {
    readonly tag: string;
    readonly value: StatedValue;
    readonly at: number;
  }[];
  readonly optedOut: readonly { readonly tag: string; readonly at: number }[];
  readonly decisions: readonly DecisionRecord[];
}

/**
 * Everything that is kept of a person, in the clear, for the person to take along (GDPR Art. 20, PIPL Art. 45).
 * Plain JSON; times are milliseconds since 1970-01-01T00:00Z.
 */
export interface ProfileExport {
  readonly format: 'velatura/profile-export';
  readonly version: 1;
  readonly person: string;
  readonly purpose: Purpose;
  readonly exportedAt: number;
  readonly scenes: Readonly<Record<string, ExportedScene>>;
  readonly consent: readonly ConsentReceipt[];
}

/** One scene as it is exported. */
export function exportScene(contents: SceneContents, tags: readonly TagState[]): ExportedScene {
  const { evidence, choices, decisions } = contents;
  return {
    tags,
    evidence: [...evidenceRows(evidence)],
    corrections: [...choices.corrections].map(([tag, correction]) => ({ tag, ...correction })),
    optedOut: [...choices.optedOut].map(([tag, at]) => ({ tag, at })),
    decisions,
  };
}

/** The scenes of a person with the person's consent. */
export function exportProfile(
  consent: ConsentLedger,
  purpose: Purpose,
  scenes: readonly (readonly [string, ExportedScene])[],
): ProfileExport {
  return {
    format: 'velatura/profile-export',
    version: 1,
    person: consent.person,
    purpose,
    exportedAt: consent.now(),
    scenes: Object.fromEntries(scenes),
    consent: consent.receipts(),
  };
}

function* evidenceRows(evidence: Evidence): Iterable<ExportedEvidence> {
  for (const [tag, kinds] of evidence.cells) {
    for (const [kind, cell] of kinds) {
      for (const [day, { sum, events }] of cell.days) {
        yield { tag, kind, day: new Date(day * DAY_MS).toISOString().slice(0, 10), sum, events };
      }
    }
  }
}
