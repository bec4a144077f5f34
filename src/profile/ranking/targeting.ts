import { VelaturaError } from '../../core/errors.ts';
import { printable } from '../names.ts';
import type { ProfileTag } from '../profile.ts';
import { requireScene, requireTag } from '../scenes.ts';
import {
  type ProfileSchema,
  type Purpose,
  requireValidated,
  type TagDeclaration,
} from '../schema.ts';
import { kindRisk } from '../schema-risk.ts';

/** Why a tag is no input of a list. */
export type TargetingRefusal =
  | 'vulnerability'
  | 'purpose-not-declared'
  | 'sensitive'
  | 'no-advertising';

/** A tag as a ranker sees it. */
export type TagInput = Pick<ProfileTag, 'tag' | 'probability' | 'level'>;

/** A list that is to be ranked. */
export interface TargetingUse {
  readonly scene: string;
  readonly purpose: Purpose;
  /** Tags that mark a vulnerability, besides those that {@link vulnerabilityTerm} knows. */
  readonly vulnerabilityTags: readonly string[];
}

/** Words for states in which people are easily talked into things. */
// biome-ignore format: a word list reads better in rows
const VULNERABILITY_WORDS: ReadonlySet<string> = new Set([
  'anxious', 'bankrupt', 'bereaved', 'bereavement', 'breakup', 'child', 'compulsive', 'debt', 'debts',
  'desperate', 'dieting', 'divorced', 'elderly', 'foreclosure', 'gambler', 'gambling', 'grief', 'grieving',
  'homesick', 'illiterate', 'impulse', 'impulsive', 'insomnia', 'insomniac', 'jobless', 'loneliness',
  'lonely', 'minor', 'minors', 'overspender', 'payday', 'poverty', 'sleepless', 'stressed', 'suggestible',
  'teen', 'teenager', 'underage', 'unemployed', 'vulnerable', 'widow', 'widowed', 'widower',
]);
/** The same in Chinese, matched anywhere. */
// biome-ignore format: a word list reads better in rows
const VULNERABILITY_SUBSTRINGS: readonly string[] = [
  '未成年', '儿童', '老年', '老人', '孤独', '失业', '负债', '欠债', '冲动', '失眠', '离异', '丧偶', '赌', '贫困', '焦虑',
];

/**
 * The word of a tag name that marks a vulnerability; null when there is none. The list is small and catches the
 * honest mistake; whoever knows better names tags in the policy.
 */
export function vulnerabilityTerm(name: string): string | null {
  const folded = name
    .normalize('NFKC')
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1-$2')
    .toLowerCase();
  const found = VULNERABILITY_SUBSTRINGS.find((term) => folded.includes(term));
  if (found !== undefined) return found;
  const words = folded.split(/[^\p{L}\p{M}\p{N}]+/u);
  return words.find((word) => VULNERABILITY_WORDS.has(word)) ?? null;
}

/**
 * Why a tag may not decide what somebody is shown, or null when it may.
 *
 * - `vulnerability`: never, for any purpose
 * - `purpose-not-declared`: the schema does not give the tag this purpose
 * - `sensitive`: not for advertising
 * - `no-advertising`: a risk rule of the schema keeps the data it is made from out of advertising
 *
 * @throws {VelaturaError} `data/unknown-scene`; `profile/unknown-tag`
 */
export function targetingRefusal(
  schema: ProfileSchema,
  tag: string,
  use: TargetingUse,
): TargetingRefusal | null {
  requireValidated(schema);
  requireScene(schema, use.scene);
  requireTag(schema, tag);
  if (use.vulnerabilityTags.includes(tag) || vulnerabilityTerm(tag) !== null) {
    return 'vulnerability';
  }
  const { sensitivity, from, values, purposes } = schema.tags[tag] as TagDeclaration;
  if (values?.some((value) => vulnerabilityTerm(value) !== null) === true) return 'vulnerability';
  if (!purposes.includes(use.purpose)) return 'purpose-not-declared';
  if (use.purpose !== 'advertising') return null;
  if (sensitivity === 'sensitive') return 'sensitive';
  const barred = from.some(
    (kind) => kindRisk(schema, kind, use.scene)?.obligations.has('no-advertising') === true,
  );
  return barred ? 'no-advertising' : null;
}

/**
 * Refuses a ranking that is configured to use a tag it must not.
 *
 * @throws {VelaturaError} `profile/ranking-refused` naming the first such tag; `data/unknown-scene`;
 * `profile/unknown-tag`
 */
export function requireTargetable(
  schema: ProfileSchema,
  tags: readonly string[],
  use: TargetingUse,
): void {
  for (const tag of tags) {
    const reason = targetingRefusal(schema, tag, use);
    if (reason === null) continue;
    throw new VelaturaError(
      'profile/ranking-refused',
      `tag "${printable(tag)}" may not decide what somebody is shown for ${use.purpose}: ${reason}`,
      { tag: printable(tag), reason, scene: use.scene },
    );
  }
}

/**
 * The tags of a profile or segment that may decide what somebody is shown, and those left out.
 *
 * @throws {VelaturaError} `profile/flow-unauthorised` when they are of another scene
 */
export function targetingInputs(
  schema: ProfileSchema,
  portrait: { readonly scene: string; readonly tags: readonly TagInput[] },
  use: TargetingUse,
): {
  readonly tags: readonly TagInput[];
  readonly withheld: readonly { readonly tag: string; readonly reason: TargetingRefusal }[];
} {
  if (portrait.scene !== use.scene) {
    const [from, to] = [printable(portrait.scene), printable(use.scene)];
    throw new VelaturaError(
      'profile/flow-unauthorised',
      `tags of scene "${from}" may not rank scene "${to}"`,
      { from, to },
    );
  }
  const tags: TagInput[] = [];
  const withheld: { tag: string; reason: TargetingRefusal }[] = [];
  for (const { tag, probability, level } of portrait.tags) {
    const reason = targetingRefusal(schema, tag, use);
    if (reason !== null) withheld.push({ tag, reason });
    else tags.push(level === undefined ? { tag, probability } : { tag, probability, level });
  }
  return { tags, withheld };
}
