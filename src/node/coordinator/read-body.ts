import { VelaturaError } from '../../core/errors.ts';

const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * The whole body of a request, read no further than it may be long.
 *
 * @throws {VelaturaError} `federated/too-large`; `federated/invalid-request` when it broke off
 */
export async function readBody(request: Request, limit: number): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length') ?? 0) > limit) throw tooLarge(limit);
  if (request.body === null) return new Uint8Array(0);
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = request.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > limit) throw tooLarge(limit);
      parts.push(value);
    }
  } catch (cause) {
    await reader.cancel().catch(() => {});
    if (cause instanceof VelaturaError) throw cause;
    throw new VelaturaError('federated/invalid-request', 'the body broke off', {}, { cause });
  }
  return new Uint8Array(Buffer.concat(parts, length));
}

/**
 * JSON of an object whose keys are only names.
 *
 * @throws {VelaturaError} `federated/invalid-request`, also for keys that reach into prototypes
 */
export function readJson(body: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(
      new TextDecoder('utf-8', { fatal: true }).decode(body),
      (key, part: unknown) => {
        if (FORBIDDEN_KEYS.has(key)) throw new SyntaxError(`the key ${key}`);
        return part;
      },
    );
  } catch (cause) {
    throw new VelaturaError('federated/invalid-request', 'expected JSON', {}, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new VelaturaError('federated/invalid-request', 'expected a JSON object');
  }
  return value as Readonly<Record<string, unknown>>;
}

function tooLarge(limit: number): VelaturaError {
  return new VelaturaError('federated/too-large', `a body expected at most ${limit} bytes`, {
    limit,
  });
}
