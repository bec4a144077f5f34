import { invalid } from './refuse.ts';

/** A constructor call: its class without module, and its keyword arguments. */
export interface ForeignEvent {
  readonly className: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Deeper calls than this are not events. */
const MAX_DEPTH = 64;
const NAME = /[A-Za-z_][\w.]*/y;
const NUMBER = /[+-]?(?:\d[\d_]*\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|inf|nan)/y;
const TEXT = /'[^'\\]*'|"[^"\\]*"/y;
const SPACE = /\s*/y;

/** Calls, lists, tuples, numbers, strings and None, as Python's repr writes them; nothing is evaluated. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): unknown {
    const value = this.#value(0);
    this.#take(SPACE);
    if (this.#at < this.#text.length) throw this.#unexpected();
    return value;
  }

  #value(depth: number): unknown {
    if (depth > MAX_DEPTH) throw this.#unexpected();
    this.#take(SPACE);
    const opening = this.#text[this.#at];
    if (opening === '[' || opening === '(') return this.#list(depth, opening === '[' ? ']' : ')');
    const quoted = this.#take(TEXT);
    if (quoted !== undefined) return quoted.slice(1, -1);
    const number = this.#take(NUMBER);
    if (number !== undefined) return toNumber(number);
    const name = this.#take(NAME);
    if (name === undefined) throw this.#unexpected();
    if (name === 'None') return null;
    if (!this.#skip('(')) throw this.#unexpected();
    return this.#call(name, depth);
  }

  #list(depth: number, closing: string): unknown[] {
    this.#at++;
    const values: unknown[] = [];
    while (!this.#skip(closing)) {
      values.push(this.#value(depth + 1));
      if (!this.#skip(',')) {
        if (!this.#skip(closing)) throw this.#unexpected();
        break;
      }
    }
    return values;
  }

  #call(name: string, depth: number): ForeignEvent {
    const fields: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    while (!this.#skip(')')) {
      this.#take(SPACE);
      const field = this.#take(NAME);
      if (field === undefined || !this.#skip('=')) throw this.#unexpected();
      fields[field] = this.#value(depth + 1);
      if (!this.#skip(',')) {
        if (!this.#skip(')')) throw this.#unexpected();
        break;
      }
    }
    const { class_name: wrapped, module_name: _, ...rest } = fields;
    const className = typeof wrapped === 'string' ? wrapped : (name.split('.').pop() as string);
    return { className, fields: rest };
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #skip(token: string): boolean {
    this.#take(SPACE);
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #unexpected(): Error {
    return invalid('event', `a Python event up to character ${this.#at}`, 'something else there');
  }
}

function toNumber(text: string): number {
  if (text.endsWith('inf')) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Infinity;
  if (text.endsWith('nan')) return Number.NaN;
  return Number(text.replaceAll('_', ''));
}

/**
 * Reads one constructor call in the form of Python's repr.
 *
 * @throws {VelaturaError} `dp/invalid-parameter` at the first character that does not fit
 */
export function parsePythonEvent(text: string): unknown {
  return new Reader(text).whole();
}
