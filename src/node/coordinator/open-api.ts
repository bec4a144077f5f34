import { ROUTES, type Route } from './routes.ts';

/** The OpenAPI 3.1 document of a coordinator, made from the routes that it answers to. */
export function openApiDocument(): Readonly<Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of ROUTES) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Velatura coordinator', version: '1' },
    paths,
    components: {
      securitySchemes: {
        signature: {
          ...{ type: 'apiKey', in: 'header', name: 'Signature' },
          description:
            'HTTP Message Signatures (RFC 9421), Ed25519, label "v", over "@method" "@path" "@query" "content-digest", with created, nonce (32 hexadecimal digits), keyid (the public key, hexadecimal), alg "ed25519" and tag "velatura-live-v1-" followed by the public key of the coordinator',
        },
        role: { type: 'http', scheme: 'bearer' },
      },
      schemas: {
        problem: {
          type: 'object',
          properties: {
            type: { type: 'string' },
            status: { type: 'integer' },
            code: { type: ['string', 'null'] },
            title: { type: 'string' },
            detail: { type: 'string' },
            serverTime: { type: 'number', description: 'milliseconds since 1970' },
            offset: { type: 'integer' },
          },
          required: ['type', 'status', 'code', 'title', 'detail'],
        },
      },
    },
  };
}

function operationOf({ id, path, summary, access, body, query, success }: Route): unknown {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: 'path' }));
  const inQuery = query.map((name) => ({ name, in: 'query' }));
  const [status, content] = success;
  return {
    operationId: id,
    summary,
    parameters: [...inPath, ...inQuery].map((parameter) => ({
      ...{ ...parameter, required: true, schema: { type: 'string' } },
    })),
    ...(body === null ? {} : { requestBody: bodyOf(body) }),
    security: securityOf(access),
    responses: {
      [status]: {
        description: 'done',
        ...(content === null ? {} : { content: { [content]: {} } }),
      },
      default: {
        description: 'refused',
        content: {
          'application/problem+json': { schema: { $ref: '#/components/schemas/problem' } },
        },
      },
    },
  };
}

function bodyOf(fields: NonNullable<Route['body']>): unknown {
  const entries = Object.entries(fields);
  return {
    required: true,
    content: {
      'application/json': {
        schema: {
          type: 'object',
          additionalProperties: false,
          properties: Object.fromEntries(
            entries.map(([name, type]) => [name, { type: type.replace('?', '') }]),
          ),
          required: entries.filter(([, type]) => !type.endsWith('?')).map(([name]) => name),
        },
      },
    },
  };
}

function securityOf(access: Route['access']): readonly unknown[] {
  if (access === 'anybody') return [];
  return access === 'member' || access === 'key-holder' ? [{ signature: [] }] : [{ role: [] }];
}
