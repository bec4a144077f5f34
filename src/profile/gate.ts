import type { ConsentReader } from './consent-state.ts';
import type { ProfileEvent } from './event.ts';
import { type DeIdentification, DeIdentifier } from './gate-deidentify.ts';
import {
  type CollectedEvent,
  coarseValue,
  copyEvent,
  copyPlace,
  copyText,
  type OfferedEvent,
  type OfferedText,
  type Place,
} from './gate-event.ts';
import type { GateDecision, GateRefusal } from './gate-refusal.ts';
import { type GateRule, type GateRules, gateRules } from './gate-rules.ts';
import { GateTally } from './gate-tally.ts';
import type { Purpose } from './schema.ts';
import type { TextCounter } from './text-counter.ts';

/** What a {@link CollectionGate} is made from. */
export interface CollectionGateOptions {
  /** Consent of the one person whose events pass here; also brings schema and clock. */
  readonly consent: ConsentReader;
  /** What the events are collected for; another purpose needs another gate. */
  readonly purpose: Purpose;
  /** Takes the admitted events. */
  readonly collect: (event: CollectedEvent) => void;
  /** Party to whom the events are passed on, beyond the controller of their kind; needs `deIdentify`. */
  readonly recipient?: string;
  /** Makes events coarse. Needed wherever they leave the person's device, or come from an edge box. */
  readonly deIdentify?: DeIdentification;
  /** Counts what kinds made from text are made of. Default: such kinds are dropped. */
  readonly text?: TextCounter;
  /** Counts shared with other gates, such as those of all persons of an edge box. */
  readonly tally?: GateTally;
  /** Told about every event that is dropped: the reason, and nothing of the event. */
  readonly onRefusal?: (reason: GateRefusal) => void;
}

/** A device's clock may be this much ahead of ours before its events count as from the future. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;

/** The last answer of the ledger for one rule. */
interface Answer {
  revision: number;
  refusal: GateRefusal | null;
  since: number;
  until: number;
}

/**
 * The only way in for events of one person: an event is admitted when its kind, scene, tag and purpose are
 * declared and within review, and consent covers the use now and covered the moment at which it happened.
 * All else is dropped and counted by reason.
 *
 * Opting out, withdrawing and `watchOnly` act on the next event. What is admitted is a copy of the six
 * fields of {@link ProfileEvent}, with the value at the resolution that its kind declares; whatever else hung
 * on the event (addresses, device ids, text) does not pass. With `deIdentify` account, time and place are
 * coarse as well.
 *
 * ## Privacy
 * The counts say how often a reason came up, never for which event. They are still data of a person: to
 * send them anywhere is a release.
 */
export class CollectionGate {
  readonly purpose: Purpose;
  readonly #consent: ConsentReader;
  readonly #collect: (event: CollectedEvent) => void;
  readonly #recipient: string | null;
  readonly #deIdentifier: DeIdentifier | null;
  readonly #text: TextCounter | null;
  readonly #onRefusal: ((reason: GateRefusal) => void) | null;
  readonly #rules: GateRules;
  /** By index of the rule; made when a rule is first asked for. */
  readonly #answers: Answer[] = [];
  readonly #counts = new GateTally();
  readonly #shared: GateTally | null;
  /** Period of the shared tally in which this gate has counted. */
  #joined = -1;
  /** Time of the event at hand; the clock is read once for each. */
  #now = 0;

  /**
   * @throws RangeError when the schema does not declare the purpose or the recipient, or events would be
   * passed on as they are
   */
  constructor(options: CollectionGateOptions) {
    const { consent, purpose, recipient, deIdentify } = options;
    const { schema } = consent;
    if (!schema.purposes.includes(purpose)) {
      throw new RangeError(`"purpose" expected one of ${schema.purposes.join(', ')}`);
    }
    if (recipient !== undefined && deIdentify === undefined) {
      throw new RangeError('"deIdentify" expected where events are passed on to a recipient');
    }
    this.purpose = purpose;
    this.#consent = consent;
    this.#collect = options.collect;
    this.#recipient = recipient ?? null;
    this.#deIdentifier = deIdentify === undefined ? null : new DeIdentifier(deIdentify);
    this.#text = options.text ?? null;
    this.#shared = options.tally ?? null;
    this.#onRefusal = options.onRefusal ?? null;
    this.#rules = gateRules(schema, { purpose, deIdentified: deIdentify !== undefined });
  }

  /** How many events were admitted. */
  get admitted(): number {
    return this.#counts.admitted;
  }

  /** How many events were dropped, by reason; reasons that never came up are left out. */
  refusals(): ReadonlyMap<GateRefusal, number> {
    return this.#counts.refusals();
  }

  /**
   * Admits an event or drops it.
   *
   * @param event - anything at all; what is not an event is dropped as `malformed`
   */
  offer(event: OfferedEvent): GateDecision {
    // One read of each field: a getter cannot show one value to the check and another to the collector.
    const copy = copyEvent(event);
    if (copy === null) return this.#note('malformed');
    const found = this.#findRule(copy);
    if (typeof found === 'string') return this.#note(found);
    if (found.fromText) return this.#note('raw-text');
    const place = found.withPlace && this.#deIdentifier !== null ? copyPlace(event) : null;
    return this.#note(this.#pass(found, copy, place));
  }

  /**
   * Counts what a text of the person says about tags, and takes the counts in as one event a tag. The text
   * is dropped, whatever the answer; it is not even looked at without consent. Each count is an event of its
   * own in {@link admitted} and {@link refusals}.
   *
   * @param offered - anything at all; what is no text is dropped as `malformed`
   * @returns `admitted` when at least one count was
   */
  offerText(offered: OfferedText): GateDecision {
    const copy = copyText(offered);
    if (copy === null) return this.#note('malformed');
    const found = this.#findRule(copy);
    if (typeof found === 'string') return this.#note(found);
    if (!found.fromText || this.#text === null) return this.#note('raw-text');
    const { user, time, scene, kind } = copy;
    const decisions = [...this.#text.count(copy.text)].map(([tag, value]) =>
      this.#note(this.#pass(found, { user, time, scene, kind, tag, value }, null)),
    );
    if (decisions.length === 0) return this.#note('nothing-counted');
    return decisions.find((decision) => decision === 'admitted') ?? (decisions[0] as GateDecision);
  }

  #note(decision: GateDecision): GateDecision {
    this.#counts.count(decision);
    const shared = this.#shared;
    if (shared !== null) {
      if (this.#joined !== shared.period) {
        this.#joined = shared.period;
        shared.join();
      }
      shared.count(decision);
    }
    if (decision !== 'admitted' && this.#onRefusal !== null) this.#onRefusal(decision);
    return decision;
  }

  /** The rule by which the event may pass as far as its tag allows, or why it may not. */
  #findRule(event: Omit<ProfileEvent, 'tag' | 'value'>): GateRule | GateRefusal {
    if (event.user !== this.#consent.person) return 'other-person';
    const scenes = this.#rules.get(event.kind);
    if (scenes === undefined) return 'undeclared-kind';
    const rule = scenes.get(event.scene);
    if (rule === undefined) return 'undeclared-scene';
    if (rule.refusal !== null) return rule.refusal;
    const now = this.#consent.now();
    this.#now = now;
    const answer = this.#answer(rule, event, now);
    if (answer.refusal !== null) return answer.refusal;
    if (now >= rule.reviewUntil) return 'review-overdue';
    if (event.time > now + CLOCK_TOLERANCE_MS) return 'in-the-future';
    if (event.time < answer.since) return 'before-consent';
    return event.time < now - rule.retentionMs ? 'past-retention' : rule;
  }

  #pass(rule: GateRule, event: ProfileEvent, place: Place | null): GateDecision {
    const tagReviewUntil = rule.tags.get(event.tag);
    if (tagReviewUntil === undefined) return 'tag-not-allowed';
    if (this.#now >= tagReviewUntil) return 'review-overdue';
    const needed = { ...event, value: coarseValue(event.value, rule.value) };
    const shown = this.#deIdentifier === null ? needed : this.#deIdentifier.apply(needed, place);
    if (shown === null) return 'rare-value';
    this.#collect(shown);
    return 'admitted';
  }

  /** Asks the ledger only when its history has grown or the last answer has run out. */
  #answer(rule: GateRule, { kind, scene }: { kind: string; scene: string }, now: number): Answer {
    const { revision } = this.#consent;
    const known = this.#answers[rule.index];
    if (known !== undefined && known.revision === revision && now < known.until) return known;
    const decision = this.#consent.decide({
      kind,
      scene,
      purpose: this.purpose,
      ...(this.#recipient === null ? {} : { recipient: this.#recipient }),
      at: now,
    });
    const answer = {
      revision,
      refusal: decision.permitted ? null : decision.reason,
      since: decision.permitted ? decision.since : Number.POSITIVE_INFINITY,
      until: decision.permitted ? decision.until : Number.POSITIVE_INFINITY,
    };
    this.#answers[rule.index] = answer;
    return answer;
  }
}
