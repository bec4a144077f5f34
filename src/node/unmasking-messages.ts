import type { LaneWords, UnmaskingTask, UnmaskingTerms } from '../federated/index.ts';
import type { SentError } from './simulation-messages.ts';

/** What a thread is asked. */
export interface UnmaskingRequest {
  readonly terms: UnmaskingTerms;
  readonly tasks: readonly UnmaskingTask[];
}

/** What it answers. */
export type UnmaskingReply =
  | { readonly masks: readonly LaneWords[]; readonly error: null }
  | { readonly masks: null; readonly error: SentError };
