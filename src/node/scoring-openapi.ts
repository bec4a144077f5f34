const PROBLEM = { $ref: '#/components/responses/Problem' };

/** The OpenAPI 3.1 document of the scoring routes: plain JSON. */
export function scoringOpenApi(): Readonly<Record<string, unknown>> {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Velatura encrypted scoring',
      version: '1',
      description:
        'Scores a profile that the server never sees. Queries and replies are binary; docs/he.md has their format.',
    },
    paths: {
      '/v1/catalogue': {
        get: {
          operationId: 'getCatalogue',
          summary: 'What a client must know to encrypt a query',
          responses: {
            200: {
              description: 'The catalogue of now; its version is the ETag',
              content: { 'application/json': { schema: ref('CatalogueDescription') } },
            },
            304: { description: 'The version is the one in If-None-Match' },
            405: PROBLEM,
          },
        },
      },
      '/v1/scores': {
        post: {
          operationId: 'score',
          summary: 'Scores an encrypted profile against every item',
          requestBody: {
            required: true,
            content: {
              'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
            },
          },
          responses: {
            200: {
              description: 'The encrypted scores, shard by shard',
              headers: {
                'Velatura-Catalogue-Version': {
                  description: 'Hash of the item matrix that was scored; in the reply as well',
                  schema: hex(64),
                },
              },
              content: {
                'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
              },
            },
            ...Object.fromEntries(
              [400, 405, 408, 409, 415, 429, 500, 503].map((status) => [status, PROBLEM]),
            ),
          },
        },
      },
      '/v1/openapi.json': {
        get: {
          operationId: 'getOpenApi',
          summary: 'This document',
          responses: {
            200: {
              description: 'OpenAPI 3.1',
              content: { 'application/json': { schema: { type: 'object' } } },
            },
            405: PROBLEM,
          },
        },
      },
    },
    components: {
      schemas: {
        CatalogueDescription: {
          type: 'object',
          additionalProperties: false,
          properties: {
            version: hex(64),
            parametersId: hex(16),
            items: { type: 'integer', minimum: 1 },
            heads: { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 },
            dimensions: { type: 'integer', minimum: 1 },
            profileNormBound: { type: 'number', exclusiveMinimum: 0 },
            profileScale: { type: 'number', exclusiveMinimum: 0 },
            scoreScale: { type: 'number', exclusiveMinimum: 0 },
            scoreErrorBound: { type: 'number', minimum: 0 },
            droppedBits: {
              type: 'array',
              items: { type: 'integer', minimum: 0, maximum: 27 },
              minItems: 2,
              maxItems: 2,
            },
            featuresPerCiphertext: { type: 'integer', minimum: 1 },
          },
          required: [
            'version',
            'parametersId',
            'items',
            'heads',
            'dimensions',
            'profileNormBound',
            'profileScale',
            'scoreScale',
            'scoreErrorBound',
            'droppedBits',
            'featuresPerCiphertext',
          ],
        },
        Problem: {
          type: 'object',
          additionalProperties: false,
          properties: {
            type: { type: 'string', pattern: '^urn:velatura:problem:' },
            title: { type: 'string' },
            status: { type: 'integer' },
            code: { type: 'string' },
          },
          required: ['type', 'title', 'status', 'code'],
        },
      },
      responses: {
        Problem: {
          description: 'What was wrong; `code` is stable',
          content: { 'application/problem+json': { schema: ref('Problem') } },
        },
      },
    },
  };
}

function ref(name: string): { readonly $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}

function hex(digits: number): { readonly type: 'string'; readonly pattern: string } {
  return { type: 'string', pattern: `^[0-9a-f]{${digits}}$` };
}
