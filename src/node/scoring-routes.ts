import { type Context, Hono } from 'hono';
import { VelaturaError, type VelaturaErrorCode } from '../core/errors.ts';
import type { ShardedScorer, StreamedReply } from '../he/sharded-scorer.ts';
import { DEFAULT_SCORING_LIMITS, ScoringGate, type ScoringLimits } from './scoring-limits.ts';
import { scoringOpenApi } from './scoring-openapi.ts';

/** What the routes of a scoring server need. */
export interface ScoringRoutesOptions {
  readonly scorer: ShardedScorer;
  /** Limits that differ from {@link DEFAULT_SCORING_LIMITS}. */
  readonly limits?: Partial<ScoringLimits>;
  /**
   * Who shares a rate: an address, or the account that a layer in front has authenticated. Behind a proxy the
   * address is the proxy's.
   */
  readonly callerOf: (context: Context) => string;
}

/** What is refused before the scorer has seen it. */
type RequestProblem = 'not-found' | 'method-not-allowed' | 'unsupported-media-type' | 'timeout';

const STATUS: Readonly<Partial<Record<VelaturaErrorCode, number>>> = {
  'he/malformed-message': 400,
  'he/insecure-parameters': 400,
  'he/wrong-catalogue': 409,
  'he/too-many-queries': 429,
  'he/worker-failed': 503,
};

const PROBLEMS: Readonly<Record<RequestProblem, { status: number; title: string }>> = {
  'not-found': { status: 404, title: 'there is nothing at this path' },
  'method-not-allowed': { status: 405, title: 'the path does not answer to this method' },
  'unsupported-media-type': { status: 415, title: 'a query is application/octet-stream' },
  timeout: { status: 408, title: 'the query did not arrive in time' },
};

const FAILED = 'the server could not score the query';

/**
 * The routes of a scoring server, for `startScoringServer` or an application of one's own: `GET /v1/catalogue`,
 * `POST /v1/scores`, `GET /v1/openapi.json`. Errors are problem+json (RFC 9457).
 *
 * ## Privacy
 * A query is ciphertext and is neither logged nor kept. That, when and from where somebody asks is in the hands of
 * whoever runs the server: callers are held for their rate, in memory only.
 */
export function scoringRoutes(options: ScoringRoutesOptions): Hono {
  const { scorer, callerOf } = options;
  const limits = { ...DEFAULT_SCORING_LIMITS, ...options.limits };
  const gate = new ScoringGate(limits);
  const app = new Hono();

  app.get('/v1/openapi.json', (context) => context.json(scoringOpenApi()));

  app.get('/v1/catalogue', (context) => {
    const etag = `"${scorer.description.version}"`;
    context.header('ETag', etag);
    context.header('Cache-Control', 'no-cache');
    if (context.req.header('If-None-Match') === etag) return context.body(null, 304);
    return context.json(scorer.description);
  });

  app.post('/v1/scores', async (context) => {
    const type = context.req.header('Content-Type')?.split(';', 1)[0]?.trim().toLowerCase();
    if (type !== 'application/octet-stream') return problem('unsupported-media-type');
    const leave = gate.enter(callerOf(context));
    const deadline = AbortSignal.timeout(limits.queryMilliseconds);
    try {
      const query = await readQuery(context.req.raw, scorer.queryBytes, deadline);
      const { version } = scorer.description;
      const reply = await scorer.score(query);
      if (deadline.aborted) return timedOut(leave);
      return new Response(streamOf(reply, deadline, leave), {
        headers: {
          'Content-Type': 'application/octet-stream',
          'Content-Length': String(reply.bytes),
          'Cache-Control': 'no-store',
          'Velatura-Catalogue-Version': version,
        },
      });
    } catch (error) {
      if (deadline.aborted) return timedOut(leave);
      leave();
      throw error;
    }
  });

  for (const path of ['/v1/openapi.json', '/v1/catalogue', '/v1/scores']) {
    app.all(path, () => problem('method-not-allowed'));
  }
  app.notFound(() => problem('not-found'));
  app.onError((error) => {
    if (!(error instanceof VelaturaError)) return problemOf(500, 'internal', FAILED);
    const { code, message, details } = error;
    const limited = details['limited'] === 'server';
    const status = limited ? 503 : (STATUS[code] ?? 500);
    // What goes wrong inside is not the caller's business.
    const response = problemOf(status, code, status < 500 || limited ? message : FAILED);
    const retryAfter = details['retryAfterSeconds'];
    if (retryAfter !== undefined) response.headers.set('Retry-After', String(retryAfter));
    return response;
  });
  return app;
}

/** The body, never more of it than a query has. */
async function readQuery(
  request: Request,
  expected: number,
  deadline: AbortSignal,
): Promise<Uint8Array> {
  const announced = request.headers.get('Content-Length');
  if (announced !== null && Number(announced) !== expected) throw wrongLength(expected, announced);
  const query = new Uint8Array(expected);
  let at = 0;
  const reader = request.body?.getReader();
  if (reader === undefined) throw wrongLength(expected, 0);
  const stop = (): void => void reader.cancel().catch(() => undefined);
  deadline.addEventListener('abort', stop);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (at + value.length > expected) {
        stop();
        throw wrongLength(expected, 'more');
      }
      query.set(value, at);
      at += value.length;
    }
  } finally {
    deadline.removeEventListener('abort', stop);
  }
  if (at !== expected) throw wrongLength(expected, at);
  return query;
}

function streamOf(
  { pieces }: StreamedReply,
  deadline: AbortSignal,
  leave: () => void,
): ReadableStream<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    start(controller) {
      // A reader that does not read must not hold its place for ever.
      const stop = (): void => {
        leave();
        controller.error(new Error('the reply was not read in time'));
      };
      // A signal that has fired calls no listener that comes later.
      if (deadline.aborted) stop();
      else deadline.addEventListener('abort', stop);
    },
    async pull(controller) {
      try {
        const { done, value } = await iterator.next();
        if (done !== true) {
          controller.enqueue(value);
          return;
        }
        leave();
        controller.close();
      } catch (error) {
        leave();
        throw error;
      }
    },
    cancel: leave,
  });
}

function timedOut(leave: () => void): Response {
  leave();
  return problem('timeout');
}

function wrongLength(expected: number, got: number | string): VelaturaError {
  return new VelaturaError(
    'he/malformed-message',
    `a query to this catalogue has ${expected} bytes, got ${got}`,
    { expected },
  );
}

function problem(kind: RequestProblem): Response {
  const { status, title } = PROBLEMS[kind];
  return problemOf(status, kind, title);
}

function problemOf(status: number, code: string, title: string): Response {
  const type = `urn:velatura:problem:${code}`;
  return new Response(JSON.stringify({ type, title, status, code }), {
    status,
    headers: { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' },
  });
}
