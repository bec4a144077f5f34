import { bytesToHex } from '@noble/hashes/utils.js';
import { Hono } from 'hono';
import { VelaturaError } from '../../core/errors.ts';
import type { LiveCoordinator } from '../../federated/live/coordinator.ts';
import type { LiveTask } from '../../federated/live/live-task.ts';
import type { Turn } from '../../federated/live/round-events.ts';
import { readRoundName } from '../../federated/live/round-name.ts';
import { type SignedBy, verifyRequest } from '../../federated/live/signed-request.ts';
import { createModel } from '../../federated/models/model-architecture.ts';
import type { Bytes, SecAggCrypto } from '../../federated/secagg/crypto.ts';
import { AnswerUploads } from './answer-uploads.ts';
import type { Approvals } from './approvals.ts';
import type { MemberDirectory } from './member-directory.ts';
import { openApiDocument } from './open-api.ts';
import { problemResponse } from './problem.ts';
import { prometheusText } from './prometheus.ts';
import { readBody, readJson } from './read-body.ts';
import { RateLimiter, ReplayGuard, tooMany } from './request-guard.ts';
import { checkRoles, holderOf, type RoleHolder } from './roles.ts';
import { ROUTES, type Route, type RouteId } from './routes.ts';

/** What senders are held to. */
export interface CoordinatorLimits {
  /** Requests a second of one key or address, lasting; default 20. */
  readonly requestsPerSecond?: number;
  /** Requests of one key or address at once; default 60. */
  readonly burst?: number;
  /** Requests that are answered at once; default 256. */
  readonly inFlight?: number;
  /** Bytes of one piece of an answer; default 2²⁰. */
  readonly pieceBytes?: number;
}

/** Options of {@link coordinatorApp}. */
export interface CoordinatorAppOptions {
  readonly coordinator: LiveCoordinator;
  readonly members: MemberDirectory;
  readonly approvals: Approvals;
  readonly roles: readonly RoleHolder[];
  readonly crypto: SecAggCrypto;
  /** Public key of this coordinator. */
  readonly publicKey: Bytes;
  /** Pages that may call from a browser, such as `https://app.example`; default none. */
  readonly origins?: readonly string[];
  readonly limits?: CoordinatorLimits;
  /** Milliseconds since 1970; default the system's clock. */
  readonly now?: () => number;
  /** Whoever sent a request, for limits only; default everybody is one. */
  readonly addressOf?: (env: unknown) => string;
}

/** A request that was let in. */
interface Call {
  readonly request: Request;
  readonly url: URL;
  readonly body: Uint8Array;
  /** Parameters of the path. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Whose signature it carries; null on routes that ask for none. */
  readonly signer: SignedBy | null;
  readonly account: string;
  readonly holder: RoleHolder | null;
}

type Handler = (call: Call) => Response | Promise<Response>;

const TURNS: ReadonlySet<string> = new Set(['advertise', 'share', 'input', 'confirm', 'unmask']);
const HEX_64 = /^[0-9a-f]{64}$/;
const HEX_128 = /^[0-9a-f]{128}$/;
const LONGEST_JSON = 4096;
const INVITE_LIFE = 7 * 86_400_000;
const EXPOSED =
  'velatura-round, velatura-turn, velatura-deadline, upload-offset, retry-after, date';
const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'cross-origin',
};

/**
 * The coordinator over HTTP, as an application for any server that speaks fetch. Every route checks who calls before it
 * does anything; what a request did wrong is answered with a problem document and changes nothing for others.
 *
 * ## Privacy
 * No answer, metric or log line names an account. The server sees when each key asks, and from where.
 *
 * @throws {RangeError} for roles that are not well formed
 */
export function coordinatorApp(options: CoordinatorAppOptions): Hono {
  checkRoles(options.roles);
  const app = new Hono();
  const http = new CoordinatorHttp(options);
  for (const route of ROUTES) {
    app.on(route.method, route.path, ({ req, env }) =>
      http.answer(route, req.raw, req.param() as Record<string, string>, env),
    );
  }
  app.options('*', ({ req }) => http.preflight(req.raw));
  app.notFound(({ req }) => http.notFound(req.raw));
  return app;
}

class CoordinatorHttp {
  readonly #options: CoordinatorAppOptions;
  readonly #server: string;
  readonly #now: () => number;
  readonly #replays: ReplayGuard;
  readonly #senders: RateLimiter;
  readonly #uploads: AnswerUploads;
  readonly #pieceBytes: number;
  readonly #mostInFlight: number;
  readonly #requests = new Map<number, number>();
  readonly #handlers: Readonly<Record<RouteId, Handler>>;
  #inFlight = 0;

  constructor(options: CoordinatorAppOptions) {
    const { limits = {}, now = Date.now } = options;
    const { requestsPerSecond = 20, burst = 60, inFlight = 256, pieceBytes = 2 ** 20 } = limits;
    this.#options = options;
    this.#server = bytesToHex(options.publicKey);
    this.#now = now;
    this.#replays = new ReplayGuard(now);
    this.#senders = new RateLimiter(requestsPerSecond, burst, now);
    this.#uploads = new AnswerUploads(longestAnswer(options.coordinator.task));
    this.#pieceBytes = pieceBytes;
    this.#mostInFlight = inFlight;
    this.#handlers = this.#routes();
  }

  /** Answers one request of a route, whatever is in it. */
  async answer(
    route: Route,
    request: Request,
    parameters: Readonly<Record<string, string>>,
    env: unknown,
  ): Promise<Response> {
    this.#inFlight++;
    try {
      if (this.#inFlight > this.#mostInFlight) throw tooMany();
      this.#senders.take(`address ${this.#options.addressOf?.(env) ?? 'all'}`);
      const call = await this.#admit(route, request, parameters);
      return this.#finish(request, await this.#handlers[route.id](call));
    } catch (error) {
      return this.#finish(request, problemResponse(error));
    } finally {
      this.#inFlight--;
    }
  }

  preflight(request: Request): Response {
    const response = new Response(null, { status: 204 });
    response.headers.set('access-control-allow-methods', 'GET, POST, PUT');
    response.headers.set(
      'access-control-allow-headers',
      'authorization, content-type, content-digest, signature, signature-input, upload-offset, upload-complete, range',
    );
    response.headers.set('access-control-max-age', '600');
    return this.#finish(request, response);
  }

  notFound(request: Request): Response {
    const body = {
      type: 'about:blank',
      status: 404,
      code: null,
      title: 'not found',
      detail: 'there is nothing here',
    };
    const headers = { 'content-type': 'application/problem+json' };
    return this.#finish(request, new Response(JSON.stringify(body), { status: 404, headers }));
  }

  /** Headers that every answer has. */
  #finish(request: Request, response: Response): Response {
    this.#requests.set(response.status, (this.#requests.get(response.status) ?? 0) + 1);
    for (const [name, value] of Object.entries(SAFE_HEADERS)) response.headers.set(name, value);
    if (!response.headers.has('cache-control')) response.headers.set('cache-control', 'no-store');
    const origin = request.headers.get('origin');
    response.headers.set('vary', 'origin');
    if (origin !== null && this.#options.origins?.includes(origin) === true) {
      response.headers.set('access-control-allow-origin', origin);
      response.headers.set('access-control-expose-headers', EXPOSED);
    }
    return response;
  }

  async #admit(
    { id, access }: Route,
    request: Request,
    parameters: Readonly<Record<string, string>>,
  ): Promise<Call> {
    const url = new URL(request.url);
    const { roles, members } = this.#options;
    const nobody = { ...{ request, url, parameters }, account: '', signer: null, holder: null };
    if (access === 'anybody') return { ...nobody, body: new Uint8Array(0) };
    if (access !== 'member' && access !== 'key-holder') {
      const holder = holderOf(roles, request.headers.get('authorization'), access);
      return { ...nobody, holder, body: await readBody(request, LONGEST_JSON) };
    }
    // Before the signature is checked, which takes longer than anything else here.
    const claimed = /keyid="([0-9a-f]{64})"/.exec(
      request.headers.get('signature-input') ?? '',
    )?.[1];
    if (claimed !== undefined && access === 'member') members.accountOf(claimed);
    const limit = id === 'answer' ? this.#pieceBytes : LONGEST_JSON;
    const body = await readBody(request, limit);
    const { method } = request;
    const signer = await verifyRequest(
      this.#options.crypto,
      { method, path: url.pathname, query: url.search === '' ? '?' : url.search, body },
      request.headers,
      this.#server,
    );
    this.#senders.take(`key ${signer.key}`);
    this.#replays.admit(signer);
    const account = access === 'member' ? members.accountOf(signer.key) : '';
    return { ...nobody, body, signer, account };
  }

  #routes(): Readonly<Record<RouteId, Handler>> {
    const { coordinator, members, approvals } = this.#options;
    return {
      health: () => json({ stage: coordinator.status.stage }),
      openApi: () => json(openApiDocument()),
      task: () => json(coordinator.task),
      liveModel: () => {
        const model = approvals.live();
        if (model === null) throw unknownModel();
        return json(model);
      },
      model: (call) => this.#model(call),
      enrol: ({ body, signer }) => {
        const { invite } = fieldsOf('enrol', body);
        members.enrol((signer as SignedBy).key, invite as string);
        return new Response(null, { status: 201 });
      },
      checkIn: async ({ account, signer }) =>
        json({ state: await coordinator.checkIn({ account, key: (signer as SignedBy).key }) }),
      inbox: ({ account }) => {
        const message = coordinator.read(account);
        if (message === null) return empty();
        const { roundId, turn, frame, deadline } = message;
        return octets(frame, {
          'velatura-round': roundId,
          'velatura-turn': turn,
          'velatura-deadline': String(deadline),
        });
      },
      upload: (call) => {
        const { roundId, turn } = this.#answered(call);
        const offset = this.#uploads.offset(call.account, roundId, turn);
        return new Response(null, { status: 204, headers: { 'upload-offset': String(offset) } });
      },
      answer: (call) => this.#takeAnswer(call),
      invite: ({ body }) => {
        const { account, uses, expiresIn } = fieldsOf('invite', body);
        const expires = this.#now() + (expiresIn === undefined ? INVITE_LIFE : positive(expiresIn));
        const terms = { account: (account as string | undefined) ?? null, expires };
        return json({ invite: members.invite({ ...terms, uses: positive(uses ?? 1) }) }, 201);
      },
      approve: async ({ body, holder }) => {
        const { version, sha256, signature } = fieldsOf('approve', body);
        if (!HEX_64.test(sha256 as string) || !HEX_128.test(signature as string)) throw malformed();
        const names = await coordinator.versions();
        if (names[positive(version) - 1] !== sha256) throw unknownModel();
        approvals.approve(
          holder as RoleHolder,
          positive(version),
          sha256 as string,
          signature as string,
          this.#now(),
        );
        return empty();
      },
      abort: async () => {
        await coordinator.abort();
        return empty();
      },
      windUp: async () => {
        await coordinator.windUp();
        return empty();
      },
      status: () => json({ ...coordinator.status, taskDigest: coordinator.taskDigest }),
      metrics: () =>
        new Response(
          prometheusText(coordinator.status, {
            requests: this.#requests,
            inFlight: this.#inFlight,
            members: members.size,
          }),
          { headers: { 'content-type': 'text/plain; version=0.0.4' } },
        ),
    };
  }

  async #model({ parameters, request }: Call): Promise<Response> {
    const { sha256 = '' } = parameters;
    const bytes = HEX_64.test(sha256) ? await this.#options.coordinator.model(sha256) : null;
    if (bytes === null) throw unknownModel();
    const range = rangeOf(request.headers.get('range'), bytes.length);
    // The name is the content, so nobody ever has to ask again.
    const headers = {
      'cache-control': 'private, max-age=31536000, immutable',
      'accept-ranges': 'bytes',
      etag: `"${sha256}"`,
    };
    if (range === null) return octets(bytes, headers);
    const [start, end] = range;
    return octets(
      bytes.subarray(start, end + 1),
      { ...headers, 'content-range': `bytes ${start}-${end}/${bytes.length}` },
      206,
    );
  }

  /** The round and step that a request names, if the member is asked for just that. */
  #answered({ url, parameters, account }: Call): { readonly roundId: string; readonly turn: Turn } {
    const roundId = url.searchParams.get('round') ?? '';
    readRoundName(roundId);
    const { turn = '' } = parameters;
    if (!TURNS.has(turn)) throw malformed();
    const message = this.#options.coordinator.read(account);
    if (message?.roundId !== roundId || message.turn !== turn) {
      throw new VelaturaError('federated/round-closed', 'the round does not wait for this', {});
    }
    return { roundId, turn: turn as Turn };
  }

  async #takeAnswer(call: Call): Promise<Response> {
    const { coordinator } = this.#options;
    const { account, body, request, url, parameters } = call;
    const offset = Number(request.headers.get('upload-offset') ?? '0');
    const complete = request.headers.get('upload-complete') ?? '?1';
    if (!Number.isSafeInteger(offset) || offset < 0 || !/^\?[01]$/.test(complete))
      throw malformed();
    this.#uploads.keepOnly(coordinator.status.roundId);
    const isWhole = offset === 0 && complete === '?1';
    // A whole answer that was taken before is known by its bytes, also when nothing waits for it any more.
    const named = {
      roundId: url.searchParams.get('round') ?? '',
      turn: parameters['turn'] as Turn,
    };
    const { roundId, turn } = isWhole ? named : this.#answered(call);
    const whole = isWhole
      ? body
      : this.#uploads.add(account, { roundId, turn, offset, isLast: complete === '?1' }, body);
    if (whole !== null) await coordinator.answer(account, roundId, turn, whole);
    return new Response(null, { status: 202 });
  }
}

/** Bytes of the longest frame that a member of this task may send. */
function longestAnswer({ sum, model, cohort }: LiveTask): number {
  const { parameterCount } = createModel(model);
  const members = Math.ceil(cohort.target * cohort.overSelection);
  // Vectors are padded to whole blocks; each neighbour costs a sealed pair of shares.
  const vector = sum.kind === 'plain' ? 4 : 8;
  const padded =
    sum.kind === 'plain' ? parameterCount + 1 : 2 * (parameterCount + sum.noise.blockSize);
  return vector * padded + 128 * members + 4096;
}

/** @throws {VelaturaError} `federated/invalid-request` for other fields than the route has */
function fieldsOf(id: RouteId, body: Uint8Array): Readonly<Record<string, unknown>> {
  const { body: expected } = ROUTES.find((route) => route.id === id) as Route;
  const fields = readJson(body);
  const types = new Map(Object.entries(expected ?? {}));
  for (const [name, value] of Object.entries(fields)) {
    const type = types.get(name)?.replace('?', '');
    if (typeof value !== type) throw malformed();
    if (typeof value === 'string' && (value.length > 512 || value.includes('\0')))
      throw malformed();
  }
  for (const [name, type] of types) {
    if (!type.endsWith('?') && !Object.hasOwn(fields, name)) throw malformed();
  }
  return fields;
}

function positive(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 1 || (value as number) > 2 ** 40) {
    throw malformed();
  }
  return value as number;
}

/** The one stretch that is asked for; null for the whole, also where more than one is. */
function rangeOf(header: string | null, length: number): readonly [number, number] | null {
  const parts = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(header ?? '');
  if (parts === null) return null;
  const start = Number(parts[1]);
  const end = parts[2] === '' ? length - 1 : Math.min(Number(parts[2]), length - 1);
  return start > end ? null : [start, end];
}

function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { 'content-type': 'application/json' },
  });
}

function octets(
  bytes: Uint8Array,
  headers: Readonly<Record<string, string>>,
  status = 200,
): Response {
  return new Response(Uint8Array.from(bytes), {
    status,
    headers: { ...headers, 'content-type': 'application/octet-stream' },
  });
}

function empty(): Response {
  return new Response(null, { status: 204 });
}

function malformed(): VelaturaError {
  return new VelaturaError(
    'federated/invalid-request',
    'the request is not of the documented form',
  );
}

function unknownModel(): VelaturaError {
  return new VelaturaError('federated/unknown-model-version', 'there is no such model');
}
