import { type ScoringCatalogue, scorePlain } from './catalogue.ts';
import { topK } from './top-k.ts';

/** What the recall of a catalogue is measured with. */
export interface RecallOptions {
  /** `[rows, dimensions]`: the floats that the catalogue was made from. */
  readonly items: Float32Array;
  /** `[profiles, dimensions]`: made up or public ones, within the profile bound. */
  readonly profiles: Float32Array;
  /** How many of the best rows count. */
  readonly topK: number;
}

/**
 * How many of the best rows by floats are among the best by the catalogue's integers: what rounding items and profiles
 * costs, without encryption. Takes profiles × rows × dimensions multiplications, twice.
 *
 * @returns from 0 to 1, the mean over the profiles
 */
export function quantisationRecall(catalogue: ScoringCatalogue, options: RecallOptions): number {
  const { items, profiles, topK: k } = options;
  const { dimensions, items: rows } = catalogue.description;
  if (items.length !== rows * dimensions) {
    throw new RangeError(`"items" expected ${rows * dimensions} values, got ${items.length}`);
  }
  if (profiles.length === 0 || profiles.length % dimensions !== 0) {
    throw new RangeError(
      `"profiles" expected rows of ${dimensions}, got ${profiles.length} values`,
    );
  }
  if (!Number.isInteger(k) || k < 1 || k > rows) {
    throw new RangeError(`"topK" expected an integer in [1, ${rows}], got ${k}`);
  }
  let found = 0;
  const scores = new Float64Array(rows);
  for (let at = 0; at < profiles.length; at += dimensions) {
    const profile = profiles.subarray(at, at + dimensions);
    for (let row = 0; row < rows; row++) {
      let score = 0;
      for (let i = 0; i < dimensions; i++) {
        score += (items[row * dimensions + i] as number) * (profile[i] as number);
      }
      scores[row] = score;
    }
    const wanted = new Set(topK(scores, k));
    for (const row of topK(scorePlain(catalogue, profile), k)) if (wanted.has(row)) found++;
  }
  return (found * dimensions) / (profiles.length * k);
}
