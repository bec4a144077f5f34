/**
 * Many users that exist in one place only because they are simulated. Rows are handed out one user at a time,
 * so that a million users need no more memory than one.
 */
export interface SimulatedPopulation {
  /** Number of users; they are numbered from 0. At most 2³². */
  readonly size: number;
  /** Features of a row. */
  readonly inputDimension: number;
  /** Labels of a row. */
  readonly outputDimension: number;
  /** Account id of a user. */
  account(user: number): string;
  /** Number of rows of a user; may be 0. */
  rowsOf(user: number): number;
  /**
   * Writes the first rows of a user to the start of the arrays, row-major.
   *
   * @param rows - how many, at most `rowsOf(user)`
   * @param features - `[rows, inputDimension]` or longer
   * @param labels - `[rows, outputDimension]` or longer
   */
  write(user: number, rows: number, features: Float32Array, labels: Float32Array): void;
}
