import { VelaturaError } from '../../core/errors.ts';

/** A refusal of a node for want of a proven bound. */
export function unsupported(path: string, reason: string): VelaturaError {
  return new VelaturaError('dp/unsupported-event', `${path}: ${reason}`, { path, reason });
}

/** A refusal of a value outside its range. */
export function invalid(path: string, expected: string, got: unknown): VelaturaError {
  const shown = typeof got === 'number' || typeof got === 'string' ? got : typeof got;
  return new VelaturaError('dp/invalid-parameter', `${path}: expected ${expected}, got ${shown}`, {
    path,
    expected,
  });
}

/**
 * Refuses a delta that bounds nothing.
 *
 * @throws {VelaturaError} `dp/invalid-parameter` outside (0, 1)
 */
export function requireDelta(delta: number): void {
  if (!(delta > 0 && delta < 1)) throw invalid('delta', 'a number in (0, 1)', delta);
}

/**
 * Refuses an epsilon that means nothing.
 *
 * @throws {VelaturaError} `dp/invalid-parameter` when negative or not finite
 */
export function requireEpsilon(epsilon: number): void {
  if (!(epsilon >= 0 && epsilon < Number.POSITIVE_INFINITY)) {
    throw invalid('epsilon', 'a finite number of at least 0', epsilon);
  }
}
