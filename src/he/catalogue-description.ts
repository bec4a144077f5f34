import { VelaturaError } from '../core/errors.ts';
import { MAX_FEATURES, MAX_ITEMS } from './limits.ts';

/**
 * What a client must know about a catalogue to ask it: plain JSON, public. All values are claims of the
 * server; a wrong one spoils scores, not privacy (the client checks what it encrypts itself).
 */
export interface CatalogueDescription {
  /** SHA-256 over parameters, scales, integer items and biases: 64 hex digits. */
  readonly version: string;
  /** The parameter set, 16 hex digits. */
  readonly parametersId: string;
  /** Items in the catalogue. */
  readonly items: number;
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
  return Object.freeze({
    version: hex('version', 64),
    parametersId: hex('parametersId', 16),
    items: integer('items', MAX_ITEMS),
    dimensions: integer('dimensions', MAX_FEATURES),
    profileNormBound: number('profileNormBound', Number.MIN_VALUE, Number.MAX_VALUE),
    profileScale: number('profileScale', Number.MIN_VALUE, Number.MAX_VALUE),
    scoreScale: number('scoreScale', Number.MIN_VALUE, Number.MAX_VALUE),
    scoreErrorBound: number('scoreErrorBound', 0, Number.MAX_VALUE),
  });
}

function wrong(name: string, expected: string): VelaturaError {
  return new VelaturaError(
    'he/malformed-message',
    `field "${name}" of a catalogue description must be ${expected}`,
    { field: name },
  );
}
