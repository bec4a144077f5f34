import { type AverageState, addIterate, type WeightAveraging } from './server-averaging.ts';
import { initialState, type ServerOptimiser } from './server-optimiser.ts';

/** What happened to the noise of a run, in public facts. */
export interface NoisePath {
  readonly optimiser: ServerOptimiser;
  readonly averaging: WeightAveraging;
  /** Rounds of the whole run. */
  readonly rounds: number;
  /** Rounds that were released, ascending, counted from 1. */
  readonly released: readonly number[];
  /** Of round r, at [r − 1]. */
  readonly learningRates: readonly number[];
  /** Of the correlation of the noise, as in `CorrelationStrategy`; [1] for independent noise. */
  readonly coefficients: readonly number[];
}

/**
 * Deviation of one parameter that a run gives out, over the deviation of one coordinate of independent noise
 * in one update, as if gradients did not react to the noise. Null where the optimiser is not linear.
 *
 * A linear rule is known by what it makes of one unit of noise in one round, so it is run on just that, a
 * round at a time. O(rounds²).
 */
export function noiseResponse(path: NoisePath): number | null {
  if (!path.optimiser.linear) return null;
  let energy = 0;
  for (const source of path.released) energy += impulse(path, source) ** 2;
  return Math.sqrt(energy);
}

/** What the run gives out when the only update is one unit of independent noise drawn in round `source`. */
function impulse(path: NoisePath, source: number): number {
  const { optimiser, averaging, rounds, released, learningRates, coefficients } = path;
  const state = initialState(optimiser, 1);
  const parameter = new Float64Array(1);
  const average: AverageState = { weight: 0, sum: new Float64Array(1) };
  // As correlated noise is made; that of lost rounds counts as zero.
  const noise = new Float64Array(rounds + 1);
  for (const round of released) {
    let unit = round === source ? 1 : 0;
    for (let j = 1; j < coefficients.length && j < round; j++) {
      unit -= (coefficients[j] as number) * (noise[round - j] as number);
    }
    noise[round] = unit;
    const learningRate = learningRates[round - 1] as number;
    optimiser.step(parameter, { update: [unit], learningRate, noiseStddev: 0 }, state);
    addIterate(averaging, average, parameter, round, rounds);
  }
  return average.weight === 0
    ? (parameter[0] as number)
    : (average.sum[0] as number) / average.weight;
}
