import { VelaturaError } from '../core/errors.ts';
import type { DroppedBits } from './dropped-bits.ts';
import { MAX_FEATURES, MAX_ITEMS } from './limits.ts';
import { MAX_PRIME_BITS } from './modular.ts';

/** The one head of a catalogue that names none. */
export const DEFAULT_HEADS: readonly string[] = Object.freeze(['score']);

/** The most heads of one catalogue. */
const MAX_HEADS = 64;

/**
 * What a client must know about a catalogue to ask it: plain JSON, public. All values are claims of the
 * server. The client refuses those that cannot be (`parametersOf`) before it looks at a profile; a wrong one that can be
 * spoils scores. `profileNormBound` decides which profiles are refused, so an application that does not trust the
 * server with that pins its own.
 */
export interface CatalogueDescription {
  /** SHA-256 over parameters, shape, scales, integer items and biases: 64 hex digits. */
  readonly version: string;
  /** The parameter set, 16 hex digits. */
  readonly parametersId: string;
  /** Rows of the catalogue, one per item and head: row i·heads + h is head h of item i. */
  readonly items: number;
  /** Names of the heads, at least one. */
  readonly heads: readonly string[];
  /** Features per item and per profile. */
  readonly dimensions: number;
  /** The largest Euclidean norm a profile vector may have. */
  readonly profileNormBound: number;
  /** Integer profile = round(profileScale · profile). */
  readonly profileScale: number;
  /** Integer score = scoreScale · score. */
  readonly scoreScale: number;
  /**
   * How far an encrypted score may lie from the same score computed in plain integers, in units of the
   * score; fails for a reply with probability below 2⁻⁴⁰. 0 means exact.
   */
  readonly scoreErrorBound: number;
  /** Low bits that replies leave out of the residues of the first and of the second polynomial. */
  readonly droppedBits: DroppedBits;
  /** Features in one ciphertext of a query, from 1 on. */
  readonly featuresPerCiphertext: number;
}

/**
 * Checks a description that came from outside.
 *
 * @param value - parsed JSON
 * @throws {VelaturaError} `he/malformed-message` naming the field
 */
export function parseCatalogueDescription(value: unknown): CatalogueDescription {
  if (typeof value !== 'object' || value === null) {
    throw new VelaturaError('he/malformed-message', 'a catalogue description must be an object');
  }
  const fields = value as Record<string, unknown>;
  const hex = (name: string, digits: number): string => {
    const text = fields[name];
    if (typeof text !== 'string' || !/^[0-9a-f]*$/.test(text) || text.length !== digits) {
      throw wrong(name, `${digits} hex digits`);
    }
    return text;
  };
  const number = (name: string, minimum: number, maximum: number): number => {
    const got = fields[name];
    if (typeof got !== 'number' || !(got >= minimum && got <= maximum)) {
      throw wrong(name, `a number from ${minimum} to ${maximum}`);
    }
    return got;
  };
  const integer = (name: string, maximum: number): number => {
    const got = number(name, 1, maximum);
    if (!Number.isInteger(got)) throw wrong(name, 'an integer');
    return got;
  };
  const items = integer('items', MAX_ITEMS);
  return Object.freeze({
    version: hex('version', 64),
    parametersId: hex('parametersId', 16),
    items,
    heads: parseHeads(fields['heads'], items),
    dimensions: integer('dimensions', MAX_FEATURES),
    profileNormBound: number('profileNormBound', Number.MIN_VALUE, Number.MAX_VALUE),
    profileScale: number('profileScale', Number.MIN_VALUE, Number.MAX_VALUE),
    scoreScale: number('scoreScale', Number.MIN_VALUE, Number.MAX_VALUE),
    scoreErrorBound: number('scoreErrorBound', 0, Number.MAX_VALUE),
    droppedBits: parseDroppedBits(fields['droppedBits']),
    featuresPerCiphertext: integer('featuresPerCiphertext', MAX_FEATURES),
  });
}

function parseHeads(value: unknown, items: number): readonly string[] {
  const heads: unknown[] = Array.isArray(value) ? value : [];
  const named = heads.every((name) => typeof name === 'string' && name.length > 0);
  const fits = heads.length > 0 && heads.length <= MAX_HEADS && items % heads.length === 0;
  if (!named || !fits || new Set(heads).size !== heads.length) {
    throw wrong('heads', `from 1 to ${MAX_HEADS} different names, a divisor of the items`);
  }
  return Object.freeze(heads as string[]);
}

function parseDroppedBits(value: unknown): DroppedBits {
  const bits: unknown[] = Array.isArray(value) ? value : [];
  const fits = (drop: unknown): boolean =>
    Number.isInteger(drop) && (drop as number) >= 0 && (drop as number) < MAX_PRIME_BITS;
  if (bits.length !== 2 || !bits.every(fits)) {
    throw wrong('droppedBits', `two integers from 0 to ${MAX_PRIME_BITS - 1}`);
  }
  return Object.freeze([bits[0] as number, bits[1] as number] as const);
}

function wrong(name: string, expected: string): VelaturaError {
  return new VelaturaError(
    'he/malformed-message',
    `field "${name}" of a catalogue description must be ${expected}`,
    { field: name },
  );
}
