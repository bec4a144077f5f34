import { invalid } from '../accounting/refuse.ts';
import type { MechanismOptions } from './terms.ts';

/**
 * How much the bounds cut away. **Not protected**: it is computed from the data without noise, so it may help
 * to choose bounds on public data, and otherwise stays on the machine that holds the data.
 */
export interface LocalClipping {
  /** Values, or whole vectors, that were beyond the bounds. */
  readonly clipped: number;
  /** Records beyond the number that one user may contribute, or outside the declared categories. */
  readonly dropped: number;
}

/** Options of what is bounded on the way in. */
export interface ClippingOptions {
  /** Told once, before the noise is drawn, what the bounds cut away; see {@link LocalClipping}. */
  readonly onClipped?: (local: LocalClipping) => void;
}

/** Most records of one user that any mechanism takes. */
export const MAX_CONTRIBUTIONS: number = 2 ** 20;

/** What every statistic over records is told. */
export interface RecordOptions extends MechanismOptions, ClippingOptions {
  /** Most records of one user that count; the first ones are kept. A public integer in [1, 2²⁰]. */
  readonly maxContributions: number;
}

/** Public bounds of a value; what lies beyond is clipped. */
export interface ValueBounds {
  readonly lowerBound: number;
  readonly upperBound: number;
}

/** @throws {VelaturaError} `dp/invalid-parameter` unless lowerBound < upperBound, both finite */
export function requireBounds({ lowerBound, upperBound }: ValueBounds): void {
  for (const [name, value] of Object.entries({ lowerBound, upperBound })) {
    if (!Number.isFinite(value)) throw invalid(name, 'a finite number', value);
  }
  if (!(lowerBound < upperBound)) {
    throw invalid('upperBound', `a number over lowerBound ${lowerBound}`, upperBound);
  }
}
