import type { ConsentLedger } from '../consent.ts';
import type { ProfileEvent } from '../event.ts';
import { SceneData } from '../scenes.ts';
import type { Purpose } from '../schema.ts';
import {
  CHOICE_CODEC,
  type ChoiceAct,
  type ChoiceRecord,
  decided,
  emptyChoices,
} from './choice-record.ts';
import {
  cleanedLog,
  DECISION_LOG_CODEC,
  type DecisionLog,
  type LogRules,
  withRecord,
} from './decision-log.ts';
import type { DecisionRecord } from './decision-record.ts';
import {
  dayOf,
  decayedSum,
  EVIDENCE_CODEC,
  type Evidence,
  emptyEvidence,
  withEvents,
} from './evidence.ts';
import { checkConsent, checkFollowed, EvidenceRules } from './evidence-rules.ts';
import type { ProfileStorage } from './profile-storage.ts';
import type { SceneProfile } from './scene-profile.ts';
import { SealedSlot } from './sealed-slot.ts';
import { isRolledBack, isUnreadable, personLeft } from './store-errors.ts';
import {
  checkStatement,
  isOutOfHands,
  type StatedValue,
  type TagChoices,
  tagOfScene,
} from './tag-choices.ts';
import { type EvidenceScale, type TagState, tagStates } from './tag-state.ts';

/** What became of an event after the gate had admitted it. */
export type StoreOutcome =
  | 'kept'
  | 'corrected-by-person'
  | 'opted-out-of-tag'
  | 'consent-ended'
  | 'past-retention';

/** What a {@link SceneKeeper} is made from. */
export interface SceneKeeperOptions<S extends string> {
  readonly scene: S;
  readonly purpose: Purpose;
  readonly consent: ConsentLedger;
  readonly storage: ProfileStorage;
  readonly choicesStorage: ProfileStorage;
  /** Name of the records of this scene: tells nothing of the scene. */
  readonly name: string;
  /** Of this scene and no other. */
  readonly key: CryptoKey;
  readonly scale: EvidenceScale;
  /** How long records of shown lists are kept, in milliseconds. */
  readonly decisionRetentionMs: number;
}

/** Everything a scene holds, as plain data. */
export interface SceneContents {
  readonly evidence: Evidence;
  readonly choices: ChoiceRecord;
  readonly decisions: readonly DecisionRecord[];
}

/** An event that was admitted, and the acts of consent there were then. */
export interface AdmittedEvent {
  readonly event: ProfileEvent;
  readonly revision: number;
}

/** {@link SceneProfile} in three sealed records, with what only the store of the profile may do. */
export class SceneKeeper<S extends string = string> implements SceneProfile<S> {
  readonly scene: S;
  readonly #options: SceneKeeperOptions<S>;
  readonly #rules: EvidenceRules;
  readonly #evidence: SealedSlot<Evidence>;
  readonly #choices: SealedSlot<ChoiceRecord>;
  readonly #decisions: SealedSlot<DecisionLog>;

  constructor(options: SceneKeeperOptions<S>) {
    const { storage, choicesStorage, name, key } = options;
    this.scene = options.scene;
    this.#options = options;
    this.#rules = new EvidenceRules(options);
    this.#evidence = new SealedSlot({ storage, name: `e-${name}`, key, codec: EVIDENCE_CODEC });
    this.#decisions = new SealedSlot({
      storage,
      name: `d-${name}`,
      key,
      codec: DECISION_LOG_CODEC,
    });
    this.#choices = new SealedSlot({
      ...{ storage: choicesStorage, name: `c-${name}`, key, codec: CHOICE_CODEC },
    });
  }

  async tags(): Promise<SceneData<S, readonly TagState[]>> {
    const { evidence, choices } = await this.#current();
    return this.#data(tagStates(evidence, choices, this.#rules, this.#options.scale));
  }

  async counts(tags: readonly string[]): Promise<SceneData<S, Float64Array>> {
    for (const tag of tags) tagOfScene(this.#options.consent.schema, this.scene, tag);
    const { evidence } = await this.#current();
    const today = dayOf(this.#rules.now(evidence));
    const { halfLifeMs } = this.#options.scale;
    const counts = tags.map((tag) => {
      let sum = 0;
      for (const [kind, cell] of evidence.cells.get(tag) ?? []) {
        if (this.#rules.usable(kind)) sum += decayedSum(cell, today, halfLifeMs);
      }
      return Math.min(sum, Number.MAX_VALUE);
    });
    return this.#data(Float64Array.from(counts));
  }

  async choices(): Promise<SceneData<S, TagChoices>> {
    const { choices } = await this.#current();
    return this.#data(this.#declared(choices));
  }

  async correct(tag: string, value: StatedValue): Promise<void> {
    checkStatement(this.#options.consent.schema, this.scene, tag, value);
    await this.#decide({ act: 'correct', tag, value });
  }

  async withdrawCorrection(tag: string): Promise<void> {
    await this.#decide({ act: 'withdraw-correction', tag });
  }

  async optOut(tag: string): Promise<void> {
    tagOfScene(this.#options.consent.schema, this.scene, tag);
    await this.#decide({ act: 'opt-out', tag });
  }

  async optIn(tag: string): Promise<void> {
    await this.#decide({ act: 'opt-in', tag });
  }

  async erase(tag?: string): Promise<void> {
    if (tag !== undefined) tagOfScene(this.#options.consent.schema, this.scene, tag);
    await this.#decide(tag === undefined ? { act: 'erase-all' } : { act: 'erase', tag });
  }

  /** Removes what has passed its retention or lost its consent, from the storage too. */
  async sweep(): Promise<void> {
    await this.#current();
    await this.#cleanDecisions();
  }

  async keepDecision(record: DecisionRecord): Promise<void> {
    if (record.scene !== this.scene || record.purpose !== this.#options.purpose) {
      throw new RangeError('"record" expected a list of the same scene and purpose');
    }
    const rules = await this.#logRules();
    await this.#decisions.update(async (log) => {
      const choices = await this.#openChoices();
      return withRecord(cleanedLog(log, choices, rules), record, choices, rules);
    });
  }

  async decisions(): Promise<SceneData<S, readonly DecisionRecord[]>> {
    return this.#data(await this.#cleanDecisions());
  }

  /**
   * Takes admitted events in; for the store of the profile only.
   *
   * @returns what became of each
   */
  async take(admitted: readonly AdmittedEvent[]): Promise<readonly StoreOutcome[]> {
    let outcomes: readonly StoreOutcome[] = [];
    await this.#evidence.update(async (evidence) => {
      const choices = await this.#openChoices();
      const cleaned = this.#rules.cleaned(evidence, choices);
      outcomes = admitted.map((entry) => this.#outcome(entry, choices, cleaned.latest));
      const kept = admitted.filter((_, i) => outcomes[i] === 'kept').map(({ event }) => event);
      if (kept.length === 0 && isSettled(evidence, cleaned)) return null;
      return { ...cleaned, cells: withEvents(cleaned.cells, kept) };
    });
    return outcomes;
  }

  /** Everything, for exports and backups. */
  async contents(): Promise<SceneContents> {
    const current = await this.#current();
    return { ...current, decisions: await this.#cleanDecisions() };
  }

  /** True when the person left this scene. */
  async hasLeft(): Promise<boolean> {
    return (await this.#choices.load()).value.left;
  }

  /** How many decisions of the person are on record. */
  async serial(): Promise<number> {
    return (await this.#choices.load()).value.serial;
  }

  /** Forgets everything but that the person left, readable or not. May be called again. */
  async leave(): Promise<void> {
    const at = this.#options.consent.now();
    const act = { act: 'leave' } as const;
    const broken = (error: unknown): boolean => isUnreadable(error) || isRolledBack(error);
    await mend(
      () => this.#choices.update((choices) => (choices.left ? null : decided(choices, act, at))),
      () => this.#choices.replace(decided(emptyChoices(), act, at)),
      broken,
    );
    const { serial: applied } = (await this.#choices.load()).value;
    const isBlank = (data: Evidence | DecisionLog): boolean =>
      data.origin === '' && data.applied === applied;
    // Also where nothing was kept: a writer that read before the person left must find its record changed.
    const evidence = { ...emptyEvidence(), applied };
    await mend(
      () => this.#evidence.update((old) => (isBlank(old) ? null : evidence)),
      () => this.#evidence.replace(evidence),
      broken,
    );
    const log = { ...DECISION_LOG_CODEC.empty(), applied };
    await mend(
      () => this.#decisions.update((old) => (isBlank(old) ? null : log)),
      () => this.#decisions.replace(log),
      broken,
    );
  }

  /** Begins anew after the person left. */
  async rejoin(): Promise<void> {
    const at = this.#options.consent.now();
    await this.#choices.update((choices) =>
      choices.left ? decided(choices, { act: 'rejoin' }, at) : null,
    );
  }

  /**
   * Puts evidence from a backup in the place of what is there, as far as the person's decisions and consent
   * still allow it.
   *
   * @throws {VelaturaError} `profile/store-rolled-back` when the backup knows decisions that are missing here
   */
  async restore(backup: Omit<SceneContents, 'decisions'>): Promise<void> {
    await this.#choices.update((choices) => {
      if (choices.left) throw personLeft();
      const { origin, serial } = backup.choices;
      const newer = serial > choices.serial && (choices.serial === 0 || choices.origin === origin);
      return newer ? backup.choices : null;
    });
    const cleaned = async (current: Evidence): Promise<Evidence> => {
      const choices = await this.#openChoices();
      // Of two histories of decisions, or where some are missing, none can be told to be the whole one.
      checkFollowed(current, choices);
      checkConsent(current, this.#options.consent);
      // Also a backup does not turn the clock back.
      const latest = Math.max(current.latest, backup.evidence.latest);
      return this.#rules.cleaned({ ...backup.evidence, latest }, choices);
    };
    await mend(
      () => this.#evidence.update(cleaned),
      async () => this.#evidence.replace(await cleaned(emptyEvidence())),
    );
    // What was shown is in no backup.
    await mend(
      () => this.#cleanDecisions(),
      () => this.#decisions.replace(DECISION_LOG_CODEC.empty()),
    );
  }

  #data<T>(value: T): SceneData<S, T> {
    return new SceneData(this.scene, value, [this.#options.purpose]);
  }

  /** What holds now. What may not lie any longer is removed from the storage at the same time. */
  async #current(): Promise<{ readonly evidence: Evidence; readonly choices: ChoiceRecord }> {
    const { value } = await this.#evidence.load();
    const choices = await this.#openChoices();
    const cleaned = this.#rules.cleaned(value, choices);
    if (isSettled(value, cleaned)) return { evidence: cleaned, choices };
    const evidence = await this.#evidence.update(async (newest) =>
      this.#rules.cleaned(newest, await this.#openChoices()),
    );
    return { evidence, choices };
  }

  async #cleanDecisions(): Promise<readonly DecisionRecord[]> {
    const rules = await this.#logRules();
    const log = await this.#decisions.update(async (log) => {
      const cleaned = cleanedLog(log, await this.#openChoices(), rules);
      return cleaned.records === log.records ? null : cleaned;
    });
    return log.records;
  }

  /** Also here a clock that is set back revives nothing: the evidence knows the latest time. */
  async #logRules(): Promise<LogRules> {
    const { evidence } = await this.#current();
    const now = this.#rules.now(evidence);
    return {
      keptFrom: now - this.#options.decisionRetentionMs,
      tagEnded: (tag, acts) => this.#rules.tagEnded(tag, acts, now),
    };
  }

  /** @throws {VelaturaError} `profile/left` */
  async #openChoices(): Promise<ChoiceRecord> {
    const { value } = await this.#choices.load();
    if (value.left) throw personLeft();
    return value;
  }

  async #decide(act: ChoiceAct): Promise<void> {
    const at = this.#options.consent.now();
    await this.#choices.update((choices) => {
      if (choices.left) throw personLeft();
      return decided(choices, act, at);
    });
    await this.#evidence.update(async (evidence) =>
      this.#rules.cleaned(evidence, await this.#openChoices()),
    );
    await this.#cleanDecisions();
  }

  #outcome({ event, revision }: AdmittedEvent, choices: TagChoices, now: number): StoreOutcome {
    const { consent, purpose } = this.#options;
    const { tag, kind, time } = event;
    if (choices.optedOut.has(tag)) return 'opted-out-of-tag';
    if (isOutOfHands(choices, tag)) return 'corrected-by-person';
    if (consent.revision !== revision) {
      // The person acted between the gate and here.
      const use = { kind, scene: this.scene, purpose, at: consent.now() };
      const decision = consent.decide(use);
      if (!decision.permitted || time < decision.since) return 'consent-ended';
    }
    const first = this.#rules.firstDay(tag, kind, now);
    return first === null || dayOf(time) < first ? 'past-retention' : 'kept';
  }

  /** Without choices about tags that the schema has dropped. */
  #declared(choices: ChoiceRecord): TagChoices {
    const { schema } = this.#options.consent;
    const declared = <V>(map: ReadonlyMap<string, V>): ReadonlyMap<string, V> =>
      new Map([...map].filter(([tag]) => schema.tags[tag]?.scenes.includes(this.scene) === true));
    return { corrections: declared(choices.corrections), optedOut: declared(choices.optedOut) };
  }
}

/** True when cleaning has nothing to write: other tabs find in the record which acts of consent to know. */
function isSettled(evidence: Evidence, cleaned: Evidence): boolean {
  return cleaned.cells === evidence.cells && cleaned.head === evidence.head;
}

/** Tries the first, and where a record is broken, by default one that cannot be read, the second. */
async function mend(
  first: () => Promise<unknown>,
  second: () => Promise<unknown>,
  broken: (error: unknown) => boolean = isUnreadable,
): Promise<void> {
  try {
    await first();
  } catch (error) {
    if (!broken(error)) throw error;
    await second();
  }
}
