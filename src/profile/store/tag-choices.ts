import { VelaturaError } from '../../core/errors.ts';
import { printable } from '../names.ts';
import { requireTag } from '../scenes.ts';
import type { ProfileSchema, TagDeclaration } from '../schema.ts';

/** What a person says of a tag: that it fits or not, or which of its levels fits. */
export type StatedValue = boolean | string;

/** A tag as the person put it right. */
export interface TagCorrection {
  readonly value: StatedValue;
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly at: number;
}

/**
 * What a person decided about the tags of one scene. It stands above evidence and models: no event, no
 * retraining and no new model changes it, only the person does.
 */
export interface TagChoices {
  readonly corrections: ReadonlyMap<string, TagCorrection>;
  /** Tags the person wants neither kept nor shown, and since when. */
  readonly optedOut: ReadonlyMap<string, number>;
}

/** Of a person who decided nothing, such as one that was made up. */
export const NO_CHOICES: TagChoices = Object.freeze({
  corrections: new Map<string, TagCorrection>(),
  optedOut: new Map<string, number>(),
});

/** True when no evidence of the tag is kept or taken: the person's word stands in its place. */
export function isOutOfHands(choices: TagChoices, tag: string): boolean {
  return choices.corrections.has(tag) || choices.optedOut.has(tag);
}

/**
 * Refuses a statement that the schema has no room for.
 *
 * @throws {VelaturaError} `profile/unknown-tag`; `profile/flow-unauthorised` for a tag of another scene;
 * `data/invalid-value` for a level the tag does not have
 */
export function checkStatement(
  schema: ProfileSchema,
  scene: string,
  tag: string,
  value: StatedValue,
): void {
  const { values } = tagOfScene(schema, scene, tag);
  const fits = values === undefined ? typeof value === 'boolean' : isLevel(values, value);
  if (fits) return;
  throw new VelaturaError(
    'data/invalid-value',
    values === undefined
      ? `tag "${printable(tag)}" is on or off: expected true or false`
      : `tag "${printable(tag)}" expected one of its levels, or false`,
    { tag: printable(tag), values: values ?? ['true', 'false'] },
  );
}

/**
 * The declaration of a tag of a scene.
 *
 * @throws {VelaturaError} `profile/unknown-tag`; `profile/flow-unauthorised` for a tag of another scene
 */
export function tagOfScene(schema: ProfileSchema, scene: string, tag: string): TagDeclaration {
  requireTag(schema, tag);
  const declared = schema.tags[tag] as TagDeclaration;
  if (declared.scenes.includes(scene)) return declared;
  throw new VelaturaError(
    'profile/flow-unauthorised',
    `tag "${tag}" is not declared for scene "${scene}"`,
    { tag, scene },
  );
}

/** `false` says that no level fits. */
function isLevel(values: readonly string[], value: StatedValue): boolean {
  return value === false || (typeof value === 'string' && values.includes(value));
}
