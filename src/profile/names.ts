/** Longest name of a tag, scene, kind, party or purpose, in UTF-16 units. */
export const MAX_NAME_LENGTH = 64;

const NAME = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._-]*$/u;
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/**
 * True for a string that may name a tag, scene, kind, party or purpose: letters and digits of any script,
 * then also `.`, `_`, `-`, in Unicode NFC, at most {@link MAX_NAME_LENGTH} long.
 *
 * Names of members that every object inherits (`constructor`, `__proto__`, …) are refused, because a
 * program that keeps tags in a plain object would read or overwrite those members.
 */
export function isName(text: unknown): text is string {
  return (
    typeof text === 'string' &&
    text.length <= MAX_NAME_LENGTH &&
    NAME.test(text) &&
    text.normalize('NFC') === text &&
    !(text in Object.prototype) &&
    text !== 'prototype'
  );
}

/**
 * Text that is safe to print: control, bidirectional and other invisible characters are replaced, and it is
 * cut at {@link MAX_NAME_LENGTH}. Escaping for HTML is the business of whoever writes HTML.
 */
export function printable(text: string): string {
  const shown = text.slice(0, MAX_NAME_LENGTH).replace(UNPRINTABLE, '\uFFFD');
  return text.length > MAX_NAME_LENGTH ? `${shown}…` : shown;
}

/** A member of a record that is its own, so that a hostile name never finds an inherited one. */
export function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
