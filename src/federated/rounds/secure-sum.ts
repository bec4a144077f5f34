import type { TrustModel } from '../../dp/statement.ts';

/** What all parties of one sum agree on before anyone sends. */
export interface SumParameters {
  readonly roundId: string;
  readonly dimension: number;
  /** The sum is exact modulo 2^modulusBits, read as centred integers; 2 … 52. */
  readonly modulusBits: number;
  /** Public bound on |coordinate| of one contribution. */
  readonly contributionBound: number;
  /** Accounts asked, in any order; each may contribute once. */
  readonly cohort: readonly string[];
  /** Fewer survivors abort the sum before anything is revealed. */
  readonly minimumSurvivors: number;
}

/** The outcome: an exact sum, and over how many. */
export interface SumResult {
  /** `[dimension]`, exact integers in [−2^(modulusBits−1), 2^(modulusBits−1)). */
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
  open(parameters: SumParameters): Promise<SumSession>;
}
