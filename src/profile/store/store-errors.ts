import { VelaturaError } from '../../core/errors.ts';

/** The storage did not answer. */
export function storageUnavailable(what: string, cause?: unknown): VelaturaError {
  return new VelaturaError(
    'profile/store-unavailable',
    what,
    {},
    cause === undefined ? {} : { cause },
  );
}

/** A record does not open under the key of this person and place. */
export function unreadable(cause?: unknown): VelaturaError {
  return new VelaturaError(
    'profile/store-unreadable',
    'a record of the profile was sealed with another key, altered, or moved from another place',
    {},
    cause === undefined ? {} : { cause },
  );
}

/** The storage holds less than is known to have happened. */
export function rolledBack(what: string): VelaturaError {
  return new VelaturaError('profile/store-rolled-back', what);
}

/** The person is gone. */
export function personLeft(): VelaturaError {
  return new VelaturaError('profile/left', 'the person left: nothing of the profile is kept');
}

/** True when an older record came back. */
export function isRolledBack(error: unknown): boolean {
  return error instanceof VelaturaError && error.code === 'profile/store-rolled-back';
}

/** True when a record is there and does not open. */
export function isUnreadable(error: unknown): boolean {
  return error instanceof VelaturaError && error.code === 'profile/store-unreadable';
}
