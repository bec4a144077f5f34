import type { RankingMetrics } from '../../federated/index.ts';

/** Everything one quickstart found out: the source of the table, the JSON document and the report. */
export interface QuickstartResult {
  /** Folder the run wrote to. */
  readonly out: string;
  readonly seconds: number;
  readonly data: DataSummary;
  readonly limits: BudgetLimits;
  readonly scenes: readonly SceneResult[];
  readonly budget: BudgetSpending;
  readonly sweep: UtilitySweep;
  readonly scoring: ScoringSummary;
  readonly explanation: TagExplanation;
}

/** Who takes part, and what the gates let through. */
export interface DataSummary {
  readonly customers: number;
  readonly evaluation: number;
  readonly clients: number;
  /** Clients who refused consent to everything (simulated). */
  readonly refusedConsent: number;
  /** Clients enrolled by scene (simulated, after consent). */
  readonly enrolled: Readonly<Record<string, number>>;
  readonly enrolledInAll: number;
  /** Raw events offered to the clients' gates, and what became of them. */
  readonly events: {
    readonly offered: number;
    readonly admitted: number;
    /** Reason → count. */
    readonly refused: Readonly<Record<string, number>>;
  };
}

export interface BudgetLimits {
  readonly delta: number;
  /** Epsilon of a user over all scenes: the guarantee. */
  readonly user: number;
  /** Epsilon of a user in one scene. */
  readonly scenes: Readonly<Record<string, number>>;
}

/** One round as shown. */
export interface RoundReport {
  readonly round: number;
  readonly cohort: number;
  /** Noisy and paid for, so it may lie outside [0, 1]; null for one-shot. */
  readonly clippedShare: number | null;
  /** Deviation of the noise in `clippedShare`. */
  readonly clippedShareStddev: number | null;
  readonly signalToNoise: number;
  /** Epsilon spent so far in the scene by an account present in every release. */
  readonly epsilonSoFar: number;
  /** On the public evaluation set; null where not measured each round. */
  readonly precisionAt3: number | null;
}

/** A scene's training. */
export interface SceneResult {
  readonly scene: string;
  readonly method: 'fedavg' | 'one-shot';
  /** Accounts asked for at first. */
  readonly asked: number;
  /** Accounts the budget refused before the run. */
  readonly refused: number;
  /** The budget's words; null when nobody was refused. */
  readonly refusal: string | null;
  readonly cohort: number;
  readonly rounds: readonly RoundReport[];
  /** Epsilon of the whole scene for an account present in every release. */
  readonly epsilon: number;
  readonly metrics: RankingMetrics;
  readonly baselines: {
    readonly popularity: RankingMetrics;
    readonly ownHistory: RankingMetrics;
    /** Not private; simulation on public data. */
    readonly nonPrivate: RankingMetrics;
  };
  /** The privacy statement in sentences. */
  readonly statement: string;
}

/** What accounts have spent over all scenes. */
export interface BudgetSpending {
  readonly accounts: number;
  readonly epsilonMax: number;
  readonly epsilonMean: number;
  readonly epsilonByScene: Readonly<Record<string, number>>;
  /** `counts[i]` accounts spent more than edges[i] and at most edges[i + 1]. */
  readonly histogram: { readonly edges: readonly number[]; readonly counts: readonly number[] };
  readonly logEntries: number;
  /** Hex head of the hash chain. */
  readonly head: string;
}

/** What the sweep compares: the two methods of the scenes, and one that starts from nothing. */
export type SweepMethod = SceneResult['method'] | 'one-shot-without-prior';

export interface SweepPoint {
  readonly method: SweepMethod;
  /** Infinity is non-private. */
  readonly epsilon: number;
  /** Precision@3 on the evaluation set: mean and deviation over noise draws. */
  readonly mean: number;
  readonly sd: number;
}

/** Utility against epsilon: a simulation on public data, not charged. */
export interface UtilitySweep {
  readonly scene: string;
  readonly repeats: number;
  readonly points: readonly SweepPoint[];
  readonly popularity: number;
  readonly ownHistory: number;
}

export interface RankedItem {
  readonly rank: number;
  readonly id: string;
  readonly name: string;
  readonly tags: readonly string[];
  /** Decrypted score, in units of the plain one. */
  readonly score: number;
  readonly plainScore: number;
}

/** The encrypted scoring of the catalogue. */
export interface ScoringSummary {
  readonly items: number;
  readonly dimensions: number;
  readonly parameters: string;
  readonly upBytes: number;
  readonly downBytes: number;
  /** Bytes of the whole item matrix, if the client were sent it instead. */
  readonly matrixBytes: number;
  readonly encryptMs: number;
  readonly serverMs: number;
  readonly decryptMs: number;
  /** Largest |decrypted − plain integer score| seen and the stated bound, in units of the plain score. */
  readonly maxError: number;
  readonly errorBound: number;
  /** Share of the plain integer top 100 found in the encrypted top 100. */
  readonly recallAt100: number;
  readonly top: readonly RankedItem[];
  /** A sample of items: plain float score against decrypted score. */
  readonly scatter: readonly { readonly plain: number; readonly encrypted: number }[];
}

/** Why one tag is in the profile. */
export interface TagExplanation {
  readonly tag: string;
  readonly probability: number;
  /** In sentences. */
  readonly text: string;
  /** Largest contributions to the logit, by size. */
  readonly contributions: readonly { readonly feature: string; readonly contribution: number }[];
  /** Half width of the interval that the privacy noise gives the logit. */
  readonly noiseHalfWidth: number;
  readonly mayBeNoise: boolean;
}
