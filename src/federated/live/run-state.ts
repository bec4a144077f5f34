import { mostColluders } from '../secagg/collusion.ts';
import type {
  AbortReason,
  LiveMember,
  LiveWork,
  RoundReport,
  StepFigures,
  Turn,
  TurnTally,
} from './round-events.ts';

/** The round in hand. */
export interface RoundFacts {
  readonly id: string;
  readonly cohort: readonly LiveMember[];
  readonly graphSeed: Uint8Array;
  readonly startedAt: number;
  /** Reserves asked for, each without those whom the last refusal named. */
  readonly attempt: number;
  /** Id of the reservation; null before it is there. */
  readonly reservation: string | null;
  readonly turns: readonly TurnTally[];
  readonly survivors: number;
}

/** A result on its way out. */
interface Outcome {
  readonly figures: StepFigures;
  readonly epsilonSpent: number | null;
}

/** Where a run stands. Each stage but the waiting ones has one piece of work. */
export type Stage =
  | { readonly kind: 'idle' }
  | { readonly kind: 'selecting'; readonly candidates: ReadonlyMap<string, string> }
  | { readonly kind: 'drawing'; readonly candidates: ReadonlyMap<string, string> }
  | { readonly kind: 'reserving'; readonly round: RoundFacts }
  | { readonly kind: 'opening'; readonly round: RoundFacts }
  | {
      readonly kind: 'collecting';
      readonly round: RoundFacts;
      readonly turn: Turn;
      readonly expected: ReadonlySet<string>;
      /** By account: the digest of what was taken. */
      readonly answers: ReadonlyMap<string, string>;
      readonly bytes: number;
    }
  | { readonly kind: 'advancing'; readonly round: RoundFacts; readonly turn: Turn }
  | { readonly kind: 'summing'; readonly round: RoundFacts }
  | { readonly kind: 'stepping'; readonly round: RoundFacts; readonly sum: Uint8Array }
  | ({ readonly kind: 'committing'; readonly round: RoundFacts } & Outcome)
  | ({ readonly kind: 'publishing'; readonly round: RoundFacts } & Outcome)
  | { readonly kind: 'giving-back'; readonly round: RoundFacts; readonly reason: AbortReason }
  | { readonly kind: 'closing'; readonly report: RoundReport }
  | { readonly kind: 'finished' };

/** A whole run: a value that events turn into other values. */
export interface RunState {
  /** Counts the moves of the machine; an answer names the one it belongs to. */
  readonly move: number;
  /** Rounds that were drawn. */
  readonly round: number;
  /** The published version from which the next round starts, its file and the server's state behind it. */
  readonly version: number;
  readonly model: string;
  readonly progress: string;
  readonly stage: Stage;
  /** When the machine wants to be woken, milliseconds since 1970; null where it waits for work. */
  readonly deadline: number | null;
  /** True when no further round may begin. */
  readonly ending: boolean;
  /** What the ended rounds reported, oldest first. */
  readonly reports: readonly RoundReport[];
}

/** What of a task the machine goes by. */
export interface RunRules {
  readonly taskId: string;
  readonly taskDigest: string;
  readonly turns: readonly Turn[];
  readonly rounds: number;
  /** Members to ask, at most. */
  readonly asked: number;
  /** Answers without which a round has no result, of members that do not work with the server. */
  readonly minimum: number;
  /** Null for a plain sum, whose members add no noise. */
  readonly corruptShare: number | null;
  readonly checkIn: number;
  readonly step: number;
  readonly coolDown: number;
}

/** Answers that a cohort of that many has to give in every step. */
export function neededAnswers({ minimum, corruptShare }: RunRules, members: number): number {
  return minimum + (corruptShare === null ? 0 : mostColluders(corruptShare, members, true));
}

/** The work a state waits for, or null: all that a restart has to take up again. */
export function outstanding(state: RunState, rules: RunRules): LiveWork | null {
  const { stage } = state;
  switch (stage.kind) {
    case 'idle':
    case 'selecting':
    case 'collecting':
    case 'finished':
      return null;
    case 'drawing': {
      const candidates = [...stage.candidates.keys()].sort();
      return { kind: 'draw', candidates, count: Math.min(rules.asked, candidates.length) };
    }
    case 'reserving': {
      const { id, attempt, cohort } = stage.round;
      return {
        kind: 'reserve',
        key: `${id}/${attempt}`,
        accounts: cohort.map(({ account }) => account),
      };
    }
    case 'opening':
      return { kind: 'open', roundId: stage.round.id };
    case 'advancing':
      return { kind: 'advance', turn: stage.turn };
    case 'summing':
      return { kind: 'sum' };
    case 'stepping':
      return { kind: 'step', sum: stage.sum, survivors: stage.round.survivors };
    case 'committing':
      return { kind: 'commit', reservation: stage.round.reservation as string };
    case 'publishing':
      return { kind: 'publish', version: state.version + 1, model: stage.figures.model };
    case 'giving-back':
      return { kind: 'give-back', reservation: stage.round.reservation as string };
    case 'closing':
      return { kind: 'close' };
  }
}
