import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { throwIfAborted } from '../../src/core/errors.ts';
import { ERROR_CODES, VelaturaError } from '../../src/index.ts';

const SOURCE = resolve(import.meta.dirname, '../../src');

function sources(folder: string): string {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .map((path) => (statSync(path).isDirectory() ? sources(path) : readFileSync(path, 'utf8')))
    .join('\n');
}

describe('error codes', () => {
  const all = sources(SOURCE);

  it('are areas and words, in order', () => {
    const codes = Object.keys(ERROR_CODES);
    for (const code of codes)
      expect(code).toMatch(/^(cli|core|data|dp|federated|he|profile|tfjs)\/[a-z-]+$/);
    expect(codes).toEqual([...codes].sort());
  });

  it.each(Object.keys(ERROR_CODES))('%s is used', (code) => {
    const uses = all.split(`'${code}'`).length - 1;
    // Once in the list itself; a code nobody can meet would be a promise not kept.
    expect(uses).toBeGreaterThan(1);
  });
});

describe('VelaturaError', () => {
  it('carries code, details and cause', () => {
    const cause = new Error('inner');
    const error = new VelaturaError('dp/budget-exceeded', 'no', { limit: 1 }, { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'VelaturaError', code: 'dp/budget-exceeded', cause });
    expect(error.details).toEqual({ limit: 1 });
  });
});

describe('throwIfAborted', () => {
  it('throws once the signal fired, with its reason as cause', () => {
    expect(() => throwIfAborted(undefined)).not.toThrow();
    expect(() => throwIfAborted(new AbortController().signal)).not.toThrow();
    const reason = new Error('enough');
    expect(() => throwIfAborted(AbortSignal.abort(reason))).toThrow(
      expect.objectContaining({ code: 'core/aborted', cause: reason }),
    );
  });
});
