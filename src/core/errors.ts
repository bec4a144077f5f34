/**
 * Every way in which Velatura refuses, with what it means. The set is closed: a program may switch on
 * `code` and trust that the list here is whole. Codes are added, never renamed.
 */
export const ERROR_CODES = {
  'cli/usage': 'the command line asks for something that does not exist',
  'core/aborted': 'the caller stopped the work through its AbortSignal',
  'core/broken-chain': 'a log entry does not follow from the one before it',
  'core/invalid-head': 'text that is no head of a log: neither a hash nor a signed head',
  'core/malformed-frame': 'bytes that are not a whole frame of the expected type',
  'core/non-canonical': 'CBOR that is not in its one canonical form, or a value that has none',
  'data/empty': 'a table without a single usable row',
  'data/in-use': 'a file that one writer may have open at a time is open already',
  'data/invalid-value': 'a field of a file holds what it must not',
  'data/missing-column': 'a table lacks a column that is needed',
  'data/missing-file': 'a file is not there or cannot be read',
  'data/truncated': 'a file ends in the middle',
  'data/unknown-scene': 'data names a scene that nobody declared',
  'data/unwritable': 'a folder or file cannot be written',
  'dp/budget-corrupt': 'a budget file is damaged, altered, rolled back or not a budget',
  'dp/budget-exceeded': 'a limit on privacy loss would be passed; nothing was booked',
  'dp/budget-unavailable':
    'the store of the budget did not answer or could not write; nothing was booked',
  'dp/delta-too-large': 'delta is so large that it protects nobody',
  'dp/idempotency-conflict': 'an idempotency key came back with another request',
  'dp/infinite-cost': 'the event costs infinitely much in the currency of this budget',
  'dp/insecure-release': 'noise from a seeded generator may not be booked in a real budget',
  'dp/invalid-accounts': 'the set of accounts is empty, has duplicates or is not well formed',
  'dp/invalid-contribution':
    'the input of one user to a mechanism has the wrong shape or holds what is no number',
  'dp/invalid-epoch': "an epoch is missing, not one of the budget's calendar, or not yet begun",
  'dp/invalid-parameter': 'a privacy parameter is outside its range',
  'dp/invalid-policy': 'a budget policy contradicts itself or asks for what is not supported',
  'dp/keys-rotated':
    'the account keys of the budget were made anew elsewhere; open it again with all its secrets',
  'dp/no-solution': 'no noise, rate or number of rounds meets the target',
  'dp/relation-mismatch': 'the plan counts neighbours or units in another way than the accountant',
  'dp/reservation-closed': 'the reservation was committed, released or has expired',
  'dp/reservation-unknown': 'no reservation of that id exists',
  'dp/scene-frozen': 'the scene takes no more charges',
  'dp/unknown-group': 'the policy does not know the group',
  'dp/unknown-population': 'nobody has joined a population of that name',
  'dp/unknown-scene': 'the policy does not know the scene',
  'dp/unsupported-event':
    'no proven bound exists here for that event; it is refused rather than guessed',
  'federated/clock-skew':
    'a request was signed by a clock that is too far from that of the coordinator',
  'federated/cohort-too-small': 'fewer accounts than the declared minimum',
  'federated/coordinator-busy': 'another coordinator runs this federation',
  'federated/coordinator-superseded':
    'another coordinator took the federation over; this one may do nothing more',
  'federated/duplicate-contribution': 'an account contributed twice to one sum',
  'federated/forbidden': 'whoever asks has not the role for it',
  'federated/insecure-transport': 'a coordinator without TLS that is not on this machine',
  'federated/invalid-contribution': 'a contribution has the wrong shape, range or norm',
  'federated/invalid-invite': 'an invite that was never given out, was used up or has expired',
  'federated/invalid-model-file':
    'bytes that are not a whole model file, or one of another shape than expected',
  'federated/invalid-request': 'a request to a coordinator is not well formed',
  'federated/invalid-task': 'the task of a federation contradicts itself or is not well formed',
  'federated/non-finite': 'a vector holds NaN or an infinity',
  'federated/not-enrolled': 'no account has this key',
  'federated/replayed-request': 'a signed request came a second time',
  'federated/round-closed': 'the round takes no more contributions',
  'federated/secagg-bad-share':
    'shares of a secure sum do not fit what their owner committed to; nothing was released',
  'federated/secagg-forged': 'a signature, key or seal of a secure sum does not hold',
  'federated/secagg-malformed':
    'bytes that are not a whole message of a secure sum, or of another round, sender or size',
  'federated/secagg-out-of-step': 'a message of a secure sum came twice, too early or too late',
  'federated/secagg-too-weak':
    'a secure sum has weaker parameters than its clients demand, or none can be found',
  'federated/secagg-unsafe':
    'the server of a secure sum asks for what could reveal more than the sum; the client left',
  'federated/state-mismatch': 'a saved run is damaged, or belongs to a run of other options',
  'federated/too-large': 'a request is larger than anything that belongs to the round',
  'federated/too-many-requests': 'more requests than one sender is allowed; try again later',
  'federated/unauthenticated': 'a request carries no signature or token that holds',
  'federated/unknown-model-version': 'no model was published under that version',
  'federated/unreachable': 'the coordinator gave no answer that can be used',
  'federated/volatile-journal':
    'a run that is paid for at once has no durable record of the rounds that began',
  'federated/worker-lost':
    'a thread of a simulation or training ended before its work was done; what was saved stands',
  'federated/wrap-around': 'a sum could pass the modulus; the round was not opened',
  'he/failed-audit': 'a server returned scores that are not those of its catalogue',
  'he/insecure-parameters': 'the parameters are under 128-bit security',
  'he/invalid-parameters': 'the parameters do not fit together',
  'he/key-used': 'a key for one query has encrypted one before',
  'he/malformed-message': 'bytes that are not a message of the agreed size, set or range',
  'he/provider-failure': 'the cryptographic library failed',
  'he/too-many-queries': 'a caller or all of them together ask a scoring server too much',
  'he/value-out-of-range': 'a feature, item or bias is beyond the stated bound',
  'he/worker-failed': 'a thread that scores has ended or failed',
  'he/wrong-catalogue': 'a reply was made from another catalogue or version',
  'he/wrong-query': 'a reply belongs to another query',
  'profile/consent-missing': 'nobody agreed to this use',
  'profile/export-refused':
    'data may not leave for that destination: class, destination, consent, assessment or attestation stop it',
  'profile/flow-unauthorised': 'data of one scene may not be used in the other',
  'profile/gate-tampered':
    'a report of a gate is forged, missing or out of order, or the gate does not do what it reports',
  'profile/invalid-consent': 'a consent receipt is forged, stale or not well formed',
  'profile/invalid-export-policy':
    'an export policy contradicts itself or the schema, or allows what may never leave',
  'profile/invalid-schema': 'a profile schema contradicts itself or declares what is forbidden',
  'profile/leave-incomplete':
    'the person left and the profile is gone, but something that is on its way was not stopped; leave again',
  'profile/left': 'the person left: nothing of the profile is kept or taken',
  'profile/prohibited-kind': 'this kind of data may not be collected at all',
  'profile/ranking-refused':
    'a list may not be ranked from this: a tag that must not be targeted, a segment that is too small, or advertising where there is none',
  'profile/review-out-of-turn':
    'an objection or review that does not fit where the decision stands, or who made it',
  'profile/store-rolled-back': 'the records of a profile are older than what is known of them',
  'profile/store-unavailable':
    'the storage of a profile did not answer; what was not acknowledged may not be there',
  'profile/store-unreadable':
    'a record of a profile was sealed with another key, altered, or moved from another place',
  'profile/unfair':
    'a model, price or tag passes a limit of the fairness policy, or nobody can say that it does not',
  'profile/unknown-decision': 'no decision was made under that handle',
  'profile/unknown-tag': 'the schema does not declare the tag',
  'tfjs/unavailable': 'TensorFlow.js or a backend of it is not installed here',
  'tfjs/unsupported-model': 'a layers model whose gradients would be wrong or cannot be computed',
} as const;

/** The closed set of error codes: `area/what-is-wrong`. */
export type VelaturaErrorCode = keyof typeof ERROR_CODES;

/** Structured facts about an error: shapes, limits, names of fields; never a value of a person. */
export type ErrorDetails = Readonly<
  Record<string, string | number | boolean | null | readonly string[] | readonly number[]>
>;

/** The one error class. Programmer mistakes (wrong type, wrong call order) are TypeError and RangeError. */
export class VelaturaError extends Error {
  override readonly name = 'VelaturaError';
  /** What went wrong, for programs. */
  readonly code: VelaturaErrorCode;
  /** What went wrong, in numbers and names. Holds no personal data. */
  readonly details: ErrorDetails;

  /**
   * @param code - one of {@link ERROR_CODES}
   * @param message - one sentence for a person: what was expected, what came
   * @param details - shapes and limits; never values of people
   * @param options - `cause` of the error, if another one led to it
   */
  constructor(
    code: VelaturaErrorCode,
    message: string,
    details: ErrorDetails = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}

/**
 * Throws `core/aborted` when the signal has fired.
 *
 * @throws {VelaturaError} `core/aborted`
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) {
    throw new VelaturaError('core/aborted', 'stopped by the caller', {}, { cause: signal.reason });
  }
}
