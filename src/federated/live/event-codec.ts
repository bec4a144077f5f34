import { decodeCanonical, encodeCanonical } from '../../core/cbor.ts';
import { VelaturaError } from '../../core/errors.ts';
import type { LiveEvent } from './round-events.ts';
import type { RunState } from './run-state.ts';

const VERSION = 1;

/** One entry of a journal: an event, or all that was before it. */
export type JournalEntry =
  | { readonly kind: 'event'; readonly event: LiveEvent }
  | { readonly kind: 'state'; readonly taskDigest: string; readonly state: RunState };

/** @throws {VelaturaError} `core/non-canonical` */
export function encodeEvent(event: LiveEvent): Uint8Array {
  return encodeCanonical([VERSION, 'event', event]);
}

/**
 * A state in which no round is in hand.
 *
 * @throws {RangeError} for any other
 */
export function encodeRun(taskDigest: string, state: RunState): Uint8Array {
  const { kind } = state.stage;
  if (kind !== 'idle' && kind !== 'finished') {
    throw new RangeError(`"state" expected a run between rounds, got one at "${kind}"`);
  }
  return encodeCanonical([VERSION, 'state', taskDigest, { ...state }]);
}

/** @throws {VelaturaError} `federated/state-mismatch` for what these functions did not write */
export function decodeEntry(bytes: Uint8Array): JournalEntry {
  let fields: unknown;
  try {
    fields = decodeCanonical(bytes);
  } catch (cause) {
    throw damaged({ cause });
  }
  if (!Array.isArray(fields) || fields[0] !== VERSION) throw damaged();
  const [, kind, ...rest] = fields;
  if (kind === 'event') return { kind, event: rest[0] as LiveEvent };
  if (kind === 'state') {
    return { kind, taskDigest: rest[0] as string, state: rest[1] as RunState };
  }
  throw damaged();
}

function damaged(options?: ErrorOptions): VelaturaError {
  return new VelaturaError(
    'federated/state-mismatch',
    'the journal of the federation is damaged, or was written by another version',
    {},
    options,
  );
}
