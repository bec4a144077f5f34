import type { Role } from './roles.ts';

/** Who may call: anybody, whoever holds a key that is to be enrolled, a member, or a role. */
export type Access = 'anybody' | 'key-holder' | 'member' | readonly Role[];

/** Names of {@link ROUTES}. */
export type RouteId =
  | 'health'
  | 'openApi'
  | 'task'
  | 'liveModel'
  | 'model'
  | 'enrol'
  | 'checkIn'
  | 'inbox'
  | 'upload'
  | 'answer'
  | 'invite'
  | 'approve'
  | 'abort'
  | 'windUp'
  | 'status'
  | 'metrics';

/** One thing that a coordinator answers to. */
export interface Route {
  readonly id: RouteId;
  readonly method: 'GET' | 'POST' | 'PUT';
  /** With parameters as `:name`. */
  readonly path: string;
  readonly summary: string;
  readonly access: Access;
  /** Fields of the JSON body, all of them strings or numbers; null where there is none or another kind. */
  readonly body: Readonly<Record<string, 'string' | 'number' | 'string?' | 'number?'>> | null;
  /** Query parameters, all required. */
  readonly query: readonly string[];
  /** Status and content of success. */
  readonly success: readonly [status: number, content: string | null];
}

const OCTETS = 'application/octet-stream';
const JSON_TYPE = 'application/json';
const ALL_ROLES: readonly Role[] = ['operator', 'auditor', 'privacy-officer'];

/** Everything there is: the application and its OpenAPI document are both made from this list. */
export const ROUTES: readonly Route[] = [
  route('health', 'GET', '/v1/health', 'Whether the coordinator works.', 'anybody', [
    200,
    JSON_TYPE,
  ]),
  route('openApi', 'GET', '/v1/openapi.json', 'This document.', 'anybody', [200, JSON_TYPE]),
  route('task', 'GET', '/v1/task', 'What is trained, and on which terms.', 'anybody', [
    200,
    JSON_TYPE,
  ]),
  route(
    'liveModel',
    'GET',
    '/v1/models/live',
    'The newest model that an operator and a privacy officer signed.',
    'anybody',
    [200, JSON_TYPE],
  ),
  route('model', 'GET', '/v1/models/:sha256', 'A model file; ranges are answered.', 'member', [
    200,
    OCTETS,
  ]),
  {
    ...route(
      'enrol',
      'POST',
      '/v1/enrolments',
      'Makes the signing key known, by an invite.',
      'key-holder',
      [201, null],
    ),
    body: { invite: 'string' },
  },
  route('checkIn', 'POST', '/v1/check-ins', 'The member is there and may be asked.', 'member', [
    200,
    JSON_TYPE,
  ]),
  route(
    'inbox',
    'GET',
    '/v1/inbox',
    'The frame that waits for an answer of the member.',
    'member',
    [200, OCTETS],
  ),
  {
    ...route(
      'upload',
      'GET',
      '/v1/answers/:turn',
      'How much of an answer has arrived, as Upload-Offset.',
      'member',
      [204, null],
    ),
    query: ['round'],
  },
  {
    ...route(
      'answer',
      'PUT',
      '/v1/answers/:turn',
      'A piece of an answer, from Upload-Offset on; the last one with Upload-Complete ?1.',
      'member',
      [202, null],
    ),
    query: ['round'],
  },
  {
    ...route('invite', 'POST', '/v1/invites', 'Makes an invite.', ['operator'], [201, JSON_TYPE]),
    body: { account: 'string?', uses: 'number?', expiresIn: 'number?' },
  },
  {
    ...route(
      'approve',
      'POST',
      '/v1/approvals',
      'Signs a version as fit to go live.',
      ['operator', 'privacy-officer'],
      [204, null],
    ),
    body: { version: 'number', sha256: 'string', signature: 'string' },
  },
  route(
    'abort',
    'POST',
    '/v1/abort',
    'Ends the round in hand without a result.',
    ['operator'],
    [204, null],
  ),
  route('windUp', 'POST', '/v1/wind-up', 'Lets no further round begin.', ['operator'], [204, null]),
  route(
    'status',
    'GET',
    '/v1/status',
    'Where the run stands, and what its rounds reported.',
    ALL_ROLES,
    [200, JSON_TYPE],
  ),
  route(
    'metrics',
    'GET',
    '/metrics',
    'Metrics for Prometheus.',
    ['operator', 'auditor'],
    [200, 'text/plain'],
  ),
];

function route(
  id: RouteId,
  method: Route['method'],
  path: string,
  summary: string,
  access: Access,
  success: Route['success'],
): Route {
  return { ...{ id, method, path, summary, access, success }, body: null, query: [] };
}
