import * as v from 'valibot';
import { printable } from './names.ts';

/** An object used as a table: any keys that fit, one shape of value. `v.record` alone would take a list. */
export function dictionary<K extends v.GenericSchema<string>, T extends v.GenericSchema>(
  key: K,
  value: T,
): v.SchemaWithPipe<
  readonly [
    v.CustomSchema<Record<string, unknown>, v.ErrorMessage<v.CustomIssue> | undefined>,
    v.RecordSchema<K, T, string>,
  ]
> {
  return v.pipe(
    v.custom<Record<string, unknown>>((input) => !Array.isArray(input), 'expected an object'),
    v.record(key, value, 'expected an object'),
  );
}

/** Where an issue is, such as `tags.kitchen.from[0]`, safe to print; empty for the whole. */
export function issuePath(issue: v.BaseIssue<unknown>): string {
  return (issue.path ?? [])
    .map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${printable(String(key))}`))
    .join('')
    .replace(/^\./, '');
}
