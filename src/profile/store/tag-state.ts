import { dayOf, decayedSum, type Evidence, type EvidenceCell } from './evidence.ts';
import type { EvidenceRules } from './evidence-rules.ts';
import type { TagChoices, TagCorrection } from './tag-choices.ts';

/** More pieces than this are not told apart: sums stay finite whatever the values were. */
const MAX_PIECES = 1e15;

/** How evidence fades and what counts as one piece of it. Public constants, the same for everybody. */
export interface EvidenceScale {
  /** After this long a piece of evidence counts half. Milliseconds. */
  readonly halfLifeMs: number;
  /** Kind → value that counts as one piece; 1 where none is given. */
  readonly units: Readonly<Record<string, number>>;
}

/** What the device knows of one tag in one scene, from the person's own events and words. */
export interface TagState {
  readonly tag: string;
  /** The person's own word, which stands above everything below; null when there is none. */
  readonly correction: TagCorrection | null;
  readonly optedOut: boolean;
  /** Faded pieces of evidence for the tag. */
  readonly evidence: number;
  /** Events behind it that still count. */
  readonly events: number;
  /** (n + 1)/(N + K): n pieces for this tag of N that could have been, over K tags that they could be for. */
  readonly estimate: number;
  /** N/(N + K), in [0, 1): how much of the estimate is the person's own evidence rather than the even start. */
  readonly confidence: number;
  /** Share of the kinds the tag may be made from of which there is evidence, in [0, 1]. */
  readonly coverage: number;
  /** Milliseconds since the newest event that spoke for the tag; null when there is none. */
  readonly staleness: number | null;
}

/**
 * What cleaned evidence amounts to, tag by tag.
 *
 * The estimate is the posterior mean of a share under a uniform Dirichlet prior, and the confidence the weight
 * of the data in it: (n+1)/(N+K) = c · n/N + (1 − c)/K with c = N/(N+K).
 */
export function tagStates(
  evidence: Evidence,
  choices: TagChoices,
  rules: EvidenceRules,
  scale: EvidenceScale,
): readonly TagState[] {
  const now = rules.now(evidence);
  const usable = new Map<string, boolean>();
  const isUsable = (kind: string): boolean => {
    const known = usable.get(kind) ?? rules.usable(kind);
    usable.set(kind, known);
    return known;
  };
  const pieces = (kind: string, cell: EvidenceCell): number =>
    Math.min(MAX_PIECES, decayedSum(cell, dayOf(now), scale.halfLifeMs) / (scale.units[kind] ?? 1));
  const byKind = new Map<string, { pieces: number; tags: Set<string> }>();
  for (const [tag, kinds] of rules.retention) {
    for (const kind of kinds.keys()) {
      const total = byKind.get(kind) ?? { pieces: 0, tags: new Set() };
      const cell = evidence.cells.get(tag)?.get(kind);
      if (cell !== undefined && isUsable(kind)) total.pieces += pieces(kind, cell);
      total.tags.add(tag);
      byKind.set(kind, total);
    }
  }
  return [...rules.retention].map(([tag, kinds]): TagState => {
    const cells = [...kinds.keys()].flatMap((kind): [string, EvidenceCell][] => {
      const cell = evidence.cells.get(tag)?.get(kind);
      return cell !== undefined && isUsable(kind) ? [[kind, cell]] : [];
    });
    const own = cells.reduce((sum, [kind, cell]) => sum + pieces(kind, cell), 0);
    const sources = [...kinds.keys()].map((kind) => byKind.get(kind));
    const all = sources.reduce((sum, source) => sum + (source?.pieces ?? 0), 0);
    const alternatives = new Set(sources.flatMap((source) => [...(source?.tags ?? [])])).size;
    const newest = Math.max(...cells.map(([, cell]) => cell.latest));
    return {
      tag,
      correction: choices.corrections.get(tag) ?? null,
      optedOut: choices.optedOut.has(tag),
      evidence: own,
      events: cells.reduce((sum, [, cell]) => sum + eventsOf(cell), 0),
      estimate: (own + 1) / (all + alternatives),
      confidence: all / (all + alternatives),
      coverage: kinds.size === 0 ? 0 : cells.length / kinds.size,
      staleness: cells.length === 0 ? null : Math.max(0, now - newest),
    };
  });
}

function eventsOf(cell: EvidenceCell): number {
  let events = 0;
  for (const day of cell.days.values()) events += day.events;
  return events;
}
