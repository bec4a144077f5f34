/** Public facts that bins are chosen by. */
export interface ScoreEdgeOptions {
  /** `logit` of a probability, or the probability itself. */
  readonly scale: 'logit' | 'probability';
  /** Guess of how common a tag is, in (0, 1). */
  readonly labelDensity: number;
  readonly bins: number;
}

/** Logits on either side of the guessed density that the edges part. */
const LOGIT_REACH = 3;

/**
 * Edges of score bins, evenly spaced on the logit scale around the guessed density.
 *
 * @returns `[bins − 1]`, ascending
 */
export function scoreEdges({ scale, labelDensity, bins }: ScoreEdgeOptions): number[] {
  const centre = Math.log(labelDensity / (1 - labelDensity));
  return Array.from({ length: bins - 1 }, (_, i) => {
    const logit = centre + LOGIT_REACH * ((2 * (i + 1)) / bins - 1);
    return scale === 'logit' ? logit : 1 / (1 + Math.exp(-logit));
  });
}

const FEWEST_BINS = 4;
const MOST_BINS = 128;

/**
 * How many bins balance what they hide, about 1/(2B) of an AUC, against their noise, about
 * z·s·√(B/6)/positives, as far as public guesses tell.
 *
 * @param positives - people with a tag
 * @param noise - z·s, deviations of a count that the interval allows for; 0 without noise
 */
export function balancedBins(positives: number, noise: number): number {
  if (noise === 0) return MOST_BINS;
  const balance = Math.round(((Math.sqrt(6) * positives) / (2 * noise)) ** (2 / 3));
  return Math.min(MOST_BINS, Math.max(FEWEST_BINS, balance));
}
