import { VelaturaError } from '../core/errors.ts';

/** How {@link checkDelta} may be overridden, by name. */
export interface DeltaCheckOptions {
  /** Takes a delta of 1/√population or more, and warns instead of refusing. */
  readonly allowLargeDelta?: boolean;
}

/**
 * Holds delta against the number of people it is about. With probability delta everything may be lost, and
 * a mechanism that publishes one person in full out of n satisfies (0, 1/n): delta should be far below 1/n.
 *
 * @param delta - in (0, 1), over all releases together
 * @param population - public number of people
 * @returns a warning when delta is at least 1/population, else null
 * @throws {VelaturaError} `dp/delta-too-large` at 1/√population and above; `dp/invalid-parameter`
 */
export function checkDelta(
  delta: number,
  population: number,
  options: DeltaCheckOptions = {},
): string | null {
  if (!(delta > 0 && delta < 1)) {
    throw new VelaturaError(
      'dp/invalid-parameter',
      `"delta" expected a number in (0, 1), got ${delta}`,
      {
        name: 'delta',
      },
    );
  }
  if (!(population >= 1) || !Number.isFinite(population)) {
    throw new RangeError(`"population" expected a number of at least 1, got ${population}`);
  }
  if (delta >= 1 / Math.sqrt(population) && options.allowLargeDelta !== true) {
    throw new VelaturaError(
      'dp/delta-too-large',
      `delta ${delta} is at least 1/√${population}: it protects nobody`,
      { delta, population },
    );
  }
  return delta >= 1 / population
    ? `delta ${delta} is at least 1/${population}: one person in the data may be revealed in full`
    : null;
}
