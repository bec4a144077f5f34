import { VelaturaError, type VelaturaErrorCode } from '../core/errors.ts';

/** Exit codes of the command; stable. */
export const EXIT = { done: 0, failed: 1, refused: 2, usage: 64 } as const;

/** Errors that are a "no" of a budget or a policy rather than a failure. */
const REFUSALS: ReadonlySet<VelaturaErrorCode> = new Set([
  'dp/budget-exceeded',
  'dp/scene-frozen',
  'dp/insecure-release',
  'profile/consent-missing',
  'profile/export-refused',
  'profile/flow-unauthorised',
  'profile/prohibited-kind',
  'profile/ranking-refused',
  'profile/unfair',
]);

/** The exit code an error stands for. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof VelaturaError)) return EXIT.failed;
  if (error.code === 'cli/usage') return EXIT.usage;
  return REFUSALS.has(error.code) ? EXIT.refused : EXIT.failed;
}
