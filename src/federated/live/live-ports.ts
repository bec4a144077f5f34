import type { Sha256 } from '../../core/hash-chain.ts';
import type { RandomSource } from '../../core/random-source.ts';
import type { PrivacyBudgetAccountant } from '../../dp/budget/budget.ts';
import type { ModelStore } from '../models/model-store.ts';
import type { SecAggCrypto, SigningKey } from '../secagg/crypto.ts';
import type { LiveJournal } from './live-journal.ts';
import type { LiveTask } from './live-task.ts';
import type { RoundReport, Turn } from './round-events.ts';

/** What lies ready for a member: it is asked for the answer of one step. */
export interface LiveMessage {
  readonly roundId: string;
  readonly turn: Turn;
  readonly frame: Uint8Array;
  /** Milliseconds since 1970, by the coordinator's clock. */
  readonly deadline: number;
}

/** What a check-in came to: among those who may be asked, not now, or never again. */
export type CheckIn = 'candidate' | 'later' | 'over';

/** Where frames lie until they are fetched. What it loses is put there again by the next coordinator. */
export interface Mailbox {
  /** Frames by the account they are for, in the place of all that lay there. */
  replace(frames: ReadonlyMap<string, Uint8Array>): void;
  read(account: string): Uint8Array | null;
}

/** Frames in the memory of one process. */
export class MemoryMailbox implements Mailbox {
  #frames: ReadonlyMap<string, Uint8Array> = new Map();

  replace(frames: ReadonlyMap<string, Uint8Array>): void {
    this.#frames = frames;
  }

  read(account: string): Uint8Array | null {
    return this.#frames.get(account) ?? null;
  }
}

/** Time, as a port. */
export interface LiveClock {
  /** Milliseconds since 1970. */
  now(): number;
  /**
   * Calls back at that time, or soon where it is past.
   *
   * @returns takes the call back
   */
  at(time: number, callback: () => void): () => void;
}

/** The system's clock. */
export const systemClock: LiveClock = {
  now: () => Date.now(),
  at(time, callback) {
    // Timers of more than 2³¹ milliseconds fire at once: the machine is then woken early and asks again.
    const wait = Math.min(Math.max(0, time - Date.now()), 2 ** 31 - 1);
    const timer = setTimeout(callback, wait);
    return () => clearTimeout(timer);
  },
};

/** Everything a coordinator reaches the world through. */
export interface LivePorts {
  readonly task: LiveTask;
  readonly journal: LiveJournal;
  readonly mailbox: Mailbox;
  readonly clock: LiveClock;
  readonly budget: PrivacyBudgetAccountant;
  readonly models: ModelStore;
  readonly crypto: SecAggCrypto;
  /** The server's identity, which clients know beforehand. */
  readonly signingKey: SigningKey;
  /** A `SecureRandom` wherever people are to be protected. */
  readonly random: RandomSource;
  readonly sha256?: Sha256;
  /** Hears of each round that ended. */
  readonly onReport?: (report: RoundReport) => void;
  /** Hears of work that did not succeed, and that is tried again. */
  readonly onTrouble?: (error: unknown) => void;
}
