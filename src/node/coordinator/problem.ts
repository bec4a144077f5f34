import { VelaturaError, type VelaturaErrorCode } from '../../core/errors.ts';

/** HTTP status of the errors that a request may meet; any other is a fault of the coordinator. */
const STATUS: Partial<Record<VelaturaErrorCode, number>> = {
  'core/aborted': 503,
  'data/unwritable': 503,
  'federated/clock-skew': 401,
  'federated/coordinator-superseded': 503,
  'federated/duplicate-contribution': 409,
  'federated/forbidden': 403,
  'federated/invalid-contribution': 422,
  'federated/invalid-invite': 403,
  'federated/invalid-request': 400,
  'federated/not-enrolled': 403,
  'federated/replayed-request': 401,
  'federated/round-closed': 409,
  'federated/secagg-bad-share': 422,
  'federated/secagg-forged': 422,
  'federated/secagg-malformed': 422,
  'federated/secagg-out-of-step': 409,
  'federated/too-large': 413,
  'federated/too-many-requests': 429,
  'federated/unauthenticated': 401,
  'federated/unknown-model-version': 404,
};
/** Seconds after which trying again may help. */
const RETRY_AFTER: Partial<Record<number, string>> = { 429: '1', 503: '5' };

/**
 * An error as a problem document (RFC 9457). What a request cannot have caused is not described: it may hold what
 * is nobody's business.
 */
export function problemResponse(error: unknown): Response {
  const known = error instanceof VelaturaError ? STATUS[error.code] : undefined;
  const status = known ?? 500;
  const retryAfter = RETRY_AFTER[status];
  const { code, message, details } =
    known === undefined
      ? { code: null, message: 'the coordinator failed', details: {} }
      : (error as VelaturaError);
  const { serverTime, offset } = details as { serverTime?: unknown; offset?: unknown };
  return new Response(
    JSON.stringify({
      type: code === null ? 'about:blank' : `urn:velatura:${code}`,
      ...{ status, code, title: code ?? 'failure', detail: message },
      ...(serverTime === undefined ? {} : { serverTime }),
      ...(offset === undefined ? {} : { offset }),
    }),
    {
      status,
      headers: {
        'content-type': 'application/problem+json',
        ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }),
      },
    },
  );
}
