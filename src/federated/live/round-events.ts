import type { VelaturaErrorCode } from '../../core/errors.ts';
import type { LimitName } from '../../dp/budget/budget.ts';

/** The steps in which clients answer, in the order of a round; a plain sum has `input` alone. */
export type Turn = 'advertise' | 'share' | 'input' | 'confirm' | 'unmask';

/** Somebody who may be asked, and the key of the device that will answer. */
export interface LiveMember {
  readonly account: string;
  /** Ed25519 identity key, hexadecimal. */
  readonly key: string;
}

/** What the public outcome of a round says beside the model. */
export interface StepFigures {
  /** Hexadecimal SHA-256 of the new model file. */
  readonly model: string;
  /** Hexadecimal SHA-256 of the server's own state behind it. */
  readonly progress: string;
  /** Estimated length of the sum over that of its noise. */
  readonly signalToNoise: number;
  /** Noisy share of clipped updates; null where nothing counts them. */
  readonly clippedShare: number | null;
}

interface Timed {
  /** Milliseconds since 1970; the machine has no clock. */
  readonly at: number;
}

/** An answer to work: `move` says to which, so that one that comes twice or late is nobody's. */
interface Answer extends Timed {
  readonly move: number;
}

/** All that can happen to a run. Plain values: they are what the journal holds. */
export type LiveEvent =
  /** The deadline of that move passed. */
  | ({ readonly kind: 'woken' } & Answer)
  | ({ readonly kind: 'checked-in' } & Timed & LiveMember)
  | ({
      readonly kind: 'drawn';
      /** 32 hexadecimal digits that no other round has. */
      readonly nonce: string;
      readonly graphSeed: Uint8Array;
      readonly cohort: readonly string[];
    } & Answer)
  | ({ readonly kind: 'reserved'; readonly reservation: string } & Answer)
  | ({
      readonly kind: 'refused';
      readonly limit: LimitName;
      /** Places in the cohort of those without whom it would pass. */
      readonly blocked: readonly number[];
    } & Answer)
  /** The first frames lie ready for these. */
  | ({ readonly kind: 'opened'; readonly recipients: readonly string[] } & Answer)
  /** A frame of one member, found good. */
  | ({
      readonly kind: 'answered';
      readonly account: string;
      readonly digest: string;
      readonly frame: Uint8Array;
    } & Answer)
  /** The frames of the next step lie ready for these. */
  | ({ readonly kind: 'advanced'; readonly recipients: readonly string[] } & Answer)
  /** The noisy sum, as little-endian doubles: from here on it is the only one of this round. */
  | ({ readonly kind: 'summed'; readonly sum: Uint8Array; readonly survivors: number } & Answer)
  | ({ readonly kind: 'stepped' } & StepFigures & Answer)
  | ({ readonly kind: 'committed'; readonly epsilonSpent: number } & Answer)
  | ({ readonly kind: 'published' } & Answer)
  /** Whether the charge was taken back; else it stays. */
  | ({ readonly kind: 'given-back'; readonly free: boolean } & Answer)
  | ({ readonly kind: 'closed' } & Answer)
  /** Work that will not succeed. */
  | ({ readonly kind: 'failed'; readonly code: VelaturaErrorCode | 'unknown' } & Answer)
  /** The operator ends the round in hand. */
  | ({ readonly kind: 'aborted' } & Timed)
  /** The operator lets no further round begin. */
  | ({ readonly kind: 'wound-up' } & Timed);

/** Why a round has no result. */
export type AbortReason =
  | 'too-few-members'
  | 'too-few-answers'
  | 'refused-by-budget'
  | 'operator'
  | VelaturaErrorCode
  | 'unknown';

/**
 * What the machine wants done next; there is never more than one thing. Each may be done again after a crash: it
 * comes to the same, or what it came to the first time was seen by nobody.
 */
export type LiveWork =
  /** Choose `count` of the candidates at random, with a nonce and a seed. */
  | { readonly kind: 'draw'; readonly candidates: readonly string[]; readonly count: number }
  | { readonly kind: 'reserve'; readonly key: string; readonly accounts: readonly string[] }
  | { readonly kind: 'open'; readonly roundId: string }
  | { readonly kind: 'advance'; readonly turn: Turn }
  | { readonly kind: 'sum' }
  | { readonly kind: 'step'; readonly sum: Uint8Array; readonly survivors: number }
  | { readonly kind: 'commit'; readonly reservation: string }
  | { readonly kind: 'publish'; readonly version: number; readonly model: string }
  | { readonly kind: 'give-back'; readonly reservation: string }
  /** Forget the frames and the mailbox of the round. */
  | { readonly kind: 'close' };

/** How one step went. Counts of public membership. */
export interface TurnTally {
  readonly turn: Turn;
  readonly asked: number;
  readonly answered: number;
  readonly bytes: number;
}

/** What a round reports when it is over. Names nobody. */
export interface RoundReport {
  readonly round: number;
  readonly roundId: string;
  readonly outcome: 'released' | 'aborted';
  readonly reason: AbortReason | null;
  /** Accounts that were charged and stay so. */
  readonly charged: number;
  readonly survivors: number;
  readonly turns: readonly TurnTally[];
  readonly signalToNoise: number | null;
  readonly clippedShare: number | null;
  /** What somebody asked in every round has spent in the scene, at the policy's delta; null where nothing was released. */
  readonly epsilonSpent: number | null;
  readonly version: number | null;
  readonly startedAt: number;
  readonly endedAt: number;
}

/** What a move of the machine causes: work that must be done, and reports for whoever listens. */
export type LiveEffect =
  | { readonly kind: 'work'; readonly move: number; readonly work: LiveWork }
  | { readonly kind: 'report'; readonly report: RoundReport };
