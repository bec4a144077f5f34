import { type ErrorDetails, VelaturaError, type VelaturaErrorCode } from '../core/errors.ts';
import type { CohortSum, CohortTerms } from '../federated/simulation/cohort-trainer.ts';

/** What a thread is asked. */
export type SimulationRequest =
  | { readonly kind: 'load'; readonly module: string; readonly data: unknown }
  | { readonly kind: 'prepare'; readonly terms: CohortTerms }
  | {
      readonly kind: 'sum';
      readonly round: number;
      readonly parameters: Float32Array;
      /** Of all threads, in shared memory. */
      readonly users: Uint32Array;
      /** `[1]`, in shared memory: position of the first user whom no thread has taken. */
      readonly next: Int32Array;
    };

/** An error as it crosses to another thread. */
export interface SentError {
  readonly kind: 'VelaturaError' | 'RangeError' | 'TypeError' | 'Error';
  readonly message: string;
  readonly code: VelaturaErrorCode | null;
  readonly details: ErrorDetails;
}

/** What a thread answers; `sum` only to a sum. */
export type SimulationReply =
  | { readonly sum: CohortSum | null; readonly error: null }
  | { readonly sum: null; readonly error: SentError };

export function sentError(error: unknown): SentError {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof VelaturaError) {
    return { kind: 'VelaturaError', message, code: error.code, details: error.details };
  }
  const kind =
    error instanceof RangeError ? 'RangeError' : error instanceof TypeError ? 'TypeError' : 'Error';
  return { kind, message, code: null, details: {} };
}

export function receivedError({ kind, message, code, details }: SentError): Error {
  if (code !== null) return new VelaturaError(code, message, details);
  if (kind === 'RangeError') return new RangeError(message);
  return kind === 'TypeError' ? new TypeError(message) : new Error(message);
}
