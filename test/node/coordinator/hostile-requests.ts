import type { RandomSource } from '../../../src/core/random-source.ts';
import { uniformInteger } from '../../../src/core/random-source.ts';
import { ROUTES } from '../../../src/node/coordinator/routes.ts';
import { TOKENS } from './bench.ts';

const STRINGS = [
  ...['', '\0', '../../etc/passwd', '%2e%2e%2f', '__proto__', 'constructor', 'null', '-1', '1e309'],
  ...[
    'tags/1/',
    '0'.repeat(64),
    'a'.repeat(3000),
    '\u{1f600}',
    '"',
    "';drop table members;--",
    'advertise',
    'input',
  ],
];
const BODIES = [
  ...['', '{', '[]', 'null', '1', '"x"', '{"__proto__":{"role":"operator"}}', '{"invite":1}'],
  ...['{"constructor":{"prototype":{"isAdmin":true}}}', '{"invite":"x","more":1}', '{"uses":-1}'],
  ...[
    '{"uses":1e999}',
    `{"invite":"${'x'.repeat(5000)}"}`,
    '{"version":1,"sha256":"..","signature":""}',
  ],
];

/** One request that no client of ours would send. */
export interface HostileRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
}

/** Draws a request: a real route bent in some way. */
export function hostileRequest(random: RandomSource): HostileRequest {
  const pick = <T>(from: readonly T[]): T => from[uniformInteger(random, from.length)] as T;
  const chance = (of: number): boolean => uniformInteger(random, of) === 0;
  const route = pick(ROUTES);
  const path = route.path.replaceAll(/:\w+/g, () => encodeURIComponent(pick(STRINGS)));
  const query = chance(2)
    ? `?round=${encodeURIComponent(pick(STRINGS))}&${encodeURIComponent(pick(STRINGS))}`
    : '';
  const method = chance(4)
    ? pick(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])
    : route.method;
  const headers: Record<string, string> = {};
  // Never with a right of the operator that ends the run: what is tried is who may not.
  if (chance(2))
    headers['authorization'] = `Bearer ${pick([TOKENS.auditor, 'x'.repeat(40), 'Basic'])}`;
  if (chance(2)) {
    headers['signature-input'] = pick([
      'v=()',
      `v=("@method" "@path" "@query" "content-digest");created=${pick(['0', '9', '1795344000'])};nonce="${'0'.repeat(32)}";keyid="${'0'.repeat(64)}";alg="ed25519";tag="velatura-live-v1-${'0'.repeat(64)}"`,
    ]);
    headers['signature'] = pick([`v=:${'A'.repeat(86)}==:`, 'v=::', 'x']);
    headers['content-digest'] = 'sha-256=::';
  }
  if (chance(3)) headers['upload-offset'] = pick(['-1', '1e3', 'NaN', '99999999999999999999', '0']);
  if (chance(3))
    headers['range'] = pick(['bytes=0-', 'bytes=-5', 'bytes=9-1', 'bytes=0-1,2-3', 'x']);
  if (method === 'GET' || chance(4)) return { method, path: path + query, headers, body: null };
  const noise = Uint8Array.from({ length: uniformInteger(random, 200) }, () => random.uint32());
  const body = chance(3) ? noise : pick(BODIES);
  return { method, path: path + query, headers, body: chance(50) ? 'y'.repeat(2 ** 21) : body };
}

/** Sends it, and says what is wrong with the answer; null where nothing is. */
export async function wrongAnswer(
  url: string,
  request: HostileRequest,
  onStatus: (status: number) => void = () => {},
): Promise<string | null> {
  const { method, path, headers, body } = request;
  const response = await fetch(url + path, {
    ...{ method, headers },
    ...(body === null ? {} : { body: typeof body === 'string' ? body : Uint8Array.from(body) }),
  });
  const text = await response.text();
  const { status } = response;
  onStatus(status);
  if (status >= 500) return `status ${status}`;
  if (response.headers.get('content-security-policy') === null) return 'no policy';
  if (status < 400) return null;
  const type = response.headers.get('content-type');
  if (type !== 'application/problem+json') return `content type ${type}`;
  const problem = JSON.parse(text) as { status?: unknown; detail?: unknown };
  if (problem.status !== status || typeof problem.detail !== 'string') return `problem ${text}`;
  return /sqlite|node_modules|\.ts:/i.test(text) ? `it tells too much: ${text}` : null;
}
