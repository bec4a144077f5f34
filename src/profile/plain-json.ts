import { printable } from './names.ts';

/** What {@link copyPlainJson} found wrong, and where. */
export interface PlainJsonProblem {
  /** Such as `tags.kitchen.from[0]`; empty for the whole. */
  readonly path: string;
  readonly expected: string;
}

/** A frozen copy, or the first problem. */
export type PlainJsonResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: PlainJsonProblem };

const MAX_DEPTH = 16;
const MAX_NODES = 200_000;
const MAX_STRING_LENGTH = 256;
const HOSTILE_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Copies a value that should be plain JSON into frozen arrays and frozen objects without a prototype.
 *
 * Everything from outside passes here before it is looked at: getters, proxies and class instances cannot
 * change their answer between check and use, and a key such as `__proto__` is an error rather than being
 * dropped silently, as schema libraries do.
 */
export function copyPlainJson(json: unknown): PlainJsonResult {
  try {
    return { ok: true, value: new Copier().copy(json, '', 0) };
  } catch (error) {
    if (error instanceof Problem) return { ok: false, problem: error.problem };
    throw error;
  }
}

class Problem {
  readonly problem: PlainJsonProblem;
  constructor(path: string, expected: string) {
    this.problem = { path, expected };
  }
}

class Copier {
  #nodes = 0;

  copy(value: unknown, path: string, depth: number): unknown {
    this.#nodes += 1;
    if (depth > MAX_DEPTH) throw new Problem(path, `at most ${MAX_DEPTH} levels`);
    if (this.#nodes > MAX_NODES) throw new Problem(path, `at most ${MAX_NODES} values`);
    if (value === null || typeof value === 'boolean') return value;
    if (typeof value === 'number') {
      if (!Number.isFinite(value)) throw new Problem(path, 'a finite number');
      return value + 0; // −0 becomes 0: the two must not tell equal documents apart
    }
    if (typeof value === 'string') {
      if (value.length > MAX_STRING_LENGTH) {
        throw new Problem(path, `at most ${MAX_STRING_LENGTH} characters`);
      }
      return value;
    }
    if (Array.isArray(value)) return this.#copyArray(value, path, depth);
    if (typeof value === 'object') return this.#copyObject(value, path, depth);
    throw new Problem(path, 'plain JSON');
  }

  #copyArray(array: readonly unknown[], path: string, depth: number): unknown {
    if (array.length > MAX_NODES) throw new Problem(path, `at most ${MAX_NODES} values`);
    const out: unknown[] = [];
    for (let i = 0; i < array.length; i++)
      out.push(this.copy(array[i], `${path}[${i}]`, depth + 1));
    return Object.freeze(out);
  }

  #copyObject(object: object, path: string, depth: number): unknown {
    const prototype: unknown = Object.getPrototypeOf(object);
    // Another realm's Object.prototype is told by its own null prototype.
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
      throw new Problem(path, 'a plain object');
    }
    const out: Record<string, unknown> = Object.create(null);
    for (const key of Object.keys(object)) {
      if (key.length > MAX_STRING_LENGTH) {
        throw new Problem(path, `keys of at most ${MAX_STRING_LENGTH} characters`);
      }
      if (HOSTILE_KEYS.has(key)) throw new Problem(path, `no key "${key}"`);
      const at = path === '' ? printable(key) : `${path}.${printable(key)}`;
      out[key] = this.copy((object as Record<string, unknown>)[key], at, depth + 1);
    }
    return Object.freeze(out);
  }
}
