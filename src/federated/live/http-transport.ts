import { bytesToHex } from '@noble/hashes/utils.js';
import { ERROR_CODES, VelaturaError, type VelaturaErrorCode } from '../../core/errors.ts';
import type { Bytes, SecAggCrypto, SigningKey } from '../secagg/crypto.ts';
import type { LiveTransport } from './live-client.ts';
import type { CheckIn, LiveMessage } from './live-ports.ts';
import type { Turn } from './round-events.ts';
import { signRequest } from './signed-request.ts';

/** Options of {@link HttpTransport}. */
export interface HttpTransportOptions {
  /** Where the coordinator is, such as `https://tags.example/`. */
  readonly url: string;
  readonly identity: SigningKey;
  /** Public key of the coordinator, known beforehand. */
  readonly server: Bytes;
  readonly crypto: SecAggCrypto;
  /** Bytes of an answer that are sent at once; default 2¹⁹. */
  readonly chunkBytes?: number;
  /** Milliseconds until a request is given up; default 30,000. */
  readonly timeout?: number;
  /** Default the platform's. */
  readonly fetch?: typeof fetch;
  readonly now?: () => number;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const DEFAULT_CHUNK = 2 ** 19;
const DEFAULT_TIMEOUT = 30_000;
/** Longest model file or frame that is read. */
const LONGEST_ANSWER = 2 ** 29;
const NONCE_BYTES = 16;
const TURNS: ReadonlySet<string> = new Set(['advertise', 'share', 'input', 'confirm', 'unmask']);

interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The way to a coordinator over HTTP, in a browser and in Node: requests are signed, answers are sent in pieces that can
 * be taken up where they broke off, and nothing goes over a line without TLS.
 *
 * ## Privacy
 * The coordinator and whoever watches the line see when a device asks and how much it sends. A clock that is off is
 * set right by what the coordinator says, for this connection only.
 */
export class HttpTransport implements LiveTransport {
  readonly #options: HttpTransportOptions;
  readonly #base: URL;
  readonly #server: string;
  /** Milliseconds by which the coordinator's clock is ahead. */
  #skew = 0;

  /** @throws {VelaturaError} `federated/insecure-transport` for plain HTTP to anywhere but this machine */
  constructor(options: HttpTransportOptions) {
    this.#options = options;
    this.#base = new URL(options.url.endsWith('/') ? options.url : `${options.url}/`);
    this.#server = bytesToHex(options.server);
    const { protocol, hostname } = this.#base;
    if (protocol !== 'https:' && !(protocol === 'http:' && LOOPBACK.test(hostname))) {
      throw new VelaturaError(
        'federated/insecure-transport',
        `a coordinator expected https, got ${protocol}//${hostname}`,
      );
    }
  }

  /** Makes this key known, by an invite. */
  async enrol(invite: string, signal?: AbortSignal): Promise<void> {
    await this.#signed({
      method: 'POST',
      path: 'v1/enrolments',
      body: new TextEncoder().encode(JSON.stringify({ invite })),
      headers: { 'content-type': 'application/json' },
      signal,
    });
  }

  async task(signal?: AbortSignal): Promise<unknown> {
    const response = await this.#send({ method: 'GET', path: 'v1/task', signal });
    return JSON.parse(new TextDecoder().decode(await bodyOf(response)));
  }

  async checkIn(signal?: AbortSignal): Promise<CheckIn> {
    const response = await this.#signed({ method: 'POST', path: 'v1/check-ins', signal });
    const { state } = JSON.parse(new TextDecoder().decode(await bodyOf(response))) as {
      state?: unknown;
    };
    if (state === 'candidate' || state === 'later' || state === 'over') return state;
    throw unusable('what a check-in came to');
  }

  async read(signal?: AbortSignal): Promise<LiveMessage | null> {
    const response = await this.#signed({ method: 'GET', path: 'v1/inbox', signal });
    const frame = await bodyOf(response);
    if (response.status === 204) return null;
    const roundId = response.headers.get('velatura-round');
    const turn = response.headers.get('velatura-turn');
    const deadline = Number(response.headers.get('velatura-deadline'));
    if (roundId === null || turn === null || !TURNS.has(turn) || !Number.isFinite(deadline)) {
      throw unusable('a message');
    }
    return { roundId, turn: turn as Turn, frame, deadline };
  }

  async answer(
    roundId: string,
    turn: Turn,
    frame: Uint8Array,
    signal?: AbortSignal,
  ): Promise<void> {
    const path = `v1/answers/${turn}?round=${encodeURIComponent(roundId)}`;
    const size = this.#options.chunkBytes ?? DEFAULT_CHUNK;
    let offset = frame.length > size ? await this.#offset(path, signal) : 0;
    if (offset > frame.length) throw unusable('how much of an answer is there');
    do {
      const end = Math.min(frame.length, offset + size);
      await this.#signed({
        method: 'PUT',
        path,
        body: frame.slice(offset, end),
        headers: {
          'upload-offset': String(offset),
          'upload-complete': end === frame.length ? '?1' : '?0',
        },
        signal,
      });
      offset = end;
    } while (offset < frame.length);
  }

  async model(sha256: string, signal?: AbortSignal): Promise<Uint8Array> {
    return bodyOf(await this.#signed({ method: 'GET', path: `v1/models/${sha256}`, signal }));
  }

  /** How much of an answer has arrived. */
  async #offset(path: string, signal: AbortSignal | undefined): Promise<number> {
    const response = await this.#signed({ method: 'GET', path, signal });
    const offset = Number(response.headers.get('upload-offset') ?? Number.NaN);
    if (!Number.isSafeInteger(offset) || offset < 0)
      throw unusable('how much of an answer is there');
    return offset;
  }

  /** Signs and sends; where the clock is off, once more by the coordinator's. */
  async #signed(request: HttpRequest): Promise<Response> {
    try {
      return await this.#send(request, await this.#signature(request));
    } catch (error) {
      if (!(error instanceof VelaturaError) || error.code !== 'federated/clock-skew') throw error;
      const { serverTime } = error.details;
      if (typeof serverTime !== 'number') throw error;
      this.#skew = serverTime - this.#now();
      return this.#send(request, await this.#signature(request));
    }
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  #signature({
    method,
    path,
    body = new Uint8Array(0),
  }: HttpRequest): Promise<Record<string, string>> {
    const { pathname, search } = new URL(path, this.#base);
    const { identity, crypto } = this.#options;
    return signRequest(
      { method, path: pathname, query: search === '' ? '?' : search, body },
      identity,
      {
        created: Math.floor((this.#now() + this.#skew) / 1000),
        nonce: bytesToHex(crypto.randomBytes(NONCE_BYTES)),
        server: this.#server,
      },
    );
  }

  async #send(
    { method, path, body, headers = {}, signal }: HttpRequest,
    signature: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const timeout = AbortSignal.timeout(this.#options.timeout ?? DEFAULT_TIMEOUT);
    let response: Response;
    try {
      response = await (this.#options.fetch ?? fetch)(new URL(path, this.#base), {
        ...{ method, headers: { ...headers, ...signature } },
        ...(body === undefined ? {} : { body: Uint8Array.from(body) }),
        // A coordinator that sends people elsewhere is not the one they agreed to.
        ...{
          redirect: 'error',
          credentials: 'omit',
          cache: 'no-store',
          referrerPolicy: 'no-referrer',
        },
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
    } catch (cause) {
      if (signal?.aborted === true) {
        throw new VelaturaError('core/aborted', 'stopped by the caller', {}, { cause });
      }
      throw unreachable('it gave no answer', { cause });
    }
    if (response.ok) return response;
    throw await problemOf(response);
  }
}

/** The whole body of an answer, unless it is longer than anything that belongs there. */
async function bodyOf(response: Response): Promise<Uint8Array> {
  try {
    const parts: Uint8Array[] = [];
    let length = 0;
    for (let reader = response.body?.getReader(); reader !== undefined; ) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > LONGEST_ANSWER) throw unusable('an answer of any sensible length');
      parts.push(value);
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  } catch (cause) {
    throw cause instanceof VelaturaError ? cause : unreachable('its answer broke off', { cause });
  }
}

/** The error that a problem document tells of. */
async function problemOf(response: Response): Promise<VelaturaError> {
  const { status } = response;
  const text = new TextDecoder().decode(await bodyOf(response));
  let problem: { readonly [field: string]: unknown } = {};
  try {
    problem = JSON.parse(text) as typeof problem;
  } catch {
    // Not from a coordinator, or not from one that is well.
  }
  const { code, detail, serverTime } = problem;
  const isKnown = typeof code === 'string' && Object.hasOwn(ERROR_CODES, code);
  if (!isKnown || status >= 500 || status === 429) {
    return unreachable(`it answered ${status}`, {});
  }
  return new VelaturaError(
    code as VelaturaErrorCode,
    typeof detail === 'string' ? detail.slice(0, 500) : `the coordinator answered ${status}`,
    { status, ...(typeof serverTime === 'number' ? { serverTime } : {}) },
  );
}

function unreachable(what: string, options: ErrorOptions): VelaturaError {
  return new VelaturaError(
    'federated/unreachable',
    `no use of the coordinator: ${what}`,
    {},
    options,
  );
}

function unusable(what: string): VelaturaError {
  return unreachable(`expected ${what}`, {});
}
