import type { TrustModel } from '../../dp/statement.ts';

/** What all parties of one sum agree on before anyone sends. */
export interface SumParameters {
  readonly roundId: string;
  readonly dimension: number;
  /** The sum is exact modulo 2^modulusBits, read as centred integers; 2 … 52. */
  readonly modulusBits: number;
  /**
   * Public bound on |coordinate| of one contribution, under which no sum can pass the modulus. Null for residues modulo
   * 2^modulusBits, with noise in them: that their sum wraps is then for the caller to rule out.
   */
  readonly contributionBound: number | null;
  /** Accounts asked, in any order; each may contribute once. */
  readonly cohort: readonly string[];
  /**
   * Fewer survivors abort the sum before anything is revealed; members that may work together with the server do
   * not count.
   */
  readonly minimumSurvivors: number;
  /** The noise in each contribution, in words that all members agree on. Default `none`. */
  readonly noise?: string;
}

/** The outcome: an exact sum, and over how many. */
export interface SumResult {
  /** `[dimension]`, exact integers modulo 2^modulusBits, in [−2^(modulusBits−1), 2^(modulusBits−1)). */
  readonly sum: Float64Array;
  readonly survivors: number;
}

/** One sum in progress. */
export interface SumSession {
  readonly parameters: SumParameters;
  /**
   * Takes one account's vector of integers.
   *
   * @throws {VelaturaError} `federated/invalid-contribution`, `federated/duplicate-contribution`,
   * `federated/round-closed`; the session goes on without it
   */
  contribute(account: string, vector: Float64Array): Promise<void>;
  /**
   * Ends the session.
   *
   * @throws {VelaturaError} `federated/cohort-too-small`: nothing is revealed
   */
  close(): Promise<SumResult>;
}

/**
 * Adds integer vectors of many clients modulo 2^b: bit-exact, or not at all.
 *
 * Conformance suite: `secureSumConformance` in `velatura/testing`.
 */
export interface SecureSum {
  readonly name: 'plain' | 'secagg-plus';
  /** Who sees what while it runs. */
  readonly trust: TrustModel;
  /** Chance that one sum shows more than itself: part of the delta of what is released through it. */
  readonly disclosure: number;
  open(parameters: SumParameters): Promise<SumSession>;
}
