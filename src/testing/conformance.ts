/** One check of a conformance suite: throws when the subject fails it. Hand it to any test runner. */
export interface ConformanceCase {
  readonly name: string;
  run(): void | Promise<void>;
}

/** Throws with the message unless the condition holds. */
export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** Throws unless the two are within `tolerance` of each other, relative to the larger (or 1). */
export function checkClose(
  actual: number,
  expected: number,
  tolerance: number,
  what: string,
): void {
  const scale = Math.max(1, Math.abs(actual), Math.abs(expected));
  check(
    Math.abs(actual - expected) <= tolerance * scale,
    `${what}: expected ${expected} within ${tolerance}, got ${actual}`,
  );
}

/** Runs `body` and returns the code of the error it throws; fails when it throws none. */
export async function errorCode(body: () => unknown): Promise<string> {
  try {
    await body();
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).name;
  }
  throw new Error('expected an error, but none was thrown');
}
