import type { SceneData } from '../scenes.ts';
import type { DecisionRecord } from './decision-record.ts';
import type { StatedValue, TagChoices } from './tag-choices.ts';
import type { TagState } from './tag-state.ts';

/**
 * What is kept of one person in one scene: evidence by tag, the person's decisions, and the lists shown.
 *
 * All it hands out is typed as data of its scene. What the person decided holds from the moment a call
 * resolves, in every tab and process that shares the storage, and through crashes and restored backups
 * (`choice-record.proof.md`).
 */
export interface SceneProfile<S extends string = string> {
  readonly scene: S;
  /**
   * What is known of every tag of the scene.
   *
   * @throws {VelaturaError} `profile/left`, `profile/store-*`, like all methods
   */
  tags(): Promise<SceneData<S, readonly TagState[]>>;
  /**
   * Faded sums of values by tag, in the units of the events: what features are built from. Tags that the
   * person corrected or opted out of have none.
   *
   * @returns `[tags]`
   * @throws {VelaturaError} also `profile/unknown-tag`, `profile/flow-unauthorised`
   */
  counts(tags: readonly string[]): Promise<SceneData<S, Float64Array>>;
  /** The person's corrections and opt-outs: what `computeProfile` puts above the model. */
  choices(): Promise<SceneData<S, TagChoices>>;
  /**
   * Puts a tag right, in the person's own words: true or false, or one of its levels. The evidence of the tag
   * is erased and none is taken until the correction is withdrawn.
   *
   * @throws {VelaturaError} also `profile/unknown-tag`, `profile/flow-unauthorised`, `data/invalid-value`
   */
  correct(tag: string, value: StatedValue): Promise<void>;
  /** Takes the person's word back: the tag is again what events and models make of it, from now on. */
  withdrawCorrection(tag: string): Promise<void>;
  /**
   * Keeps a tag out of the profile: its evidence is erased, none is taken, and no model shows it.
   *
   * @throws {VelaturaError} also `profile/unknown-tag`, `profile/flow-unauthorised`
   */
  optOut(tag: string): Promise<void>;
  /** Lets a tag be kept again, from now on. */
  optIn(tag: string): Promise<void>;
  /**
   * Erases what is known of one tag, or of all; also from records of shown lists and from backups that are
   * restored later. The person's own words stay: corrections and opt-outs are not evidence.
   *
   * @throws {VelaturaError} also `profile/unknown-tag`, `profile/flow-unauthorised`
   */
  erase(tag?: string): Promise<void>;
  /** Keeps the record of a list that was shown in this scene. */
  keepDecision(record: DecisionRecord): Promise<void>;
  /** The lists that were shown in this scene, oldest first. */
  decisions(): Promise<SceneData<S, readonly DecisionRecord[]>>;
}
