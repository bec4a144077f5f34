import { bytesToHex } from '@noble/hashes/utils.js';
import type { ConsentLedger } from '../consent.ts';
import type { TagExplanation } from '../explanation-parts.ts';
import { printable } from '../names.ts';
import type { Profile, ProfileTag, WithheldTag } from '../profile.ts';
import type { Purpose } from '../schema.ts';

const ID_BYTES = 16;

/** A tag as it was used for a list. */
export interface DecisionTag extends ProfileTag {
  /** Of its probability, for the privacy noise alone; null where nobody worked it out. */
  readonly interval: {
    readonly lower: number;
    readonly upper: number;
    readonly confidence: number;
  } | null;
  /** True when the noise alone could have made it stand out; null where nobody worked it out. */
  readonly mayBeNoise: boolean | null;
}

/** Why a person was shown a list: what it was made from, under which consent. Plain JSON. */
export interface DecisionRecord {
  /** Random. */
  readonly id: string;
  readonly scene: string;
  readonly purpose: Purpose;
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly at: number;
  readonly modelVersion: string | null;
  readonly personalised: boolean;
  readonly tags: readonly DecisionTag[];
  readonly withheld: readonly WithheldTag[];
  /** Which acts of consent were in force: those up to this one. */
  readonly consent: {
    readonly noticeVersion: number;
    readonly acts: number;
    /** Proof of the newest act. */
    readonly head: string;
  };
  /** What was shown, in order. */
  readonly items: readonly string[];
}

/** What {@link recordDecision} works from. */
export interface DecisionFacts {
  /** From which the list was made. */
  readonly profile: Profile;
  readonly consent: ConsentLedger;
  /** What was shown, in order. */
  readonly items: readonly string[];
  /** Of some or all tags, by the same model from the same features. */
  readonly explanations?: readonly TagExplanation[];
}

/**
 * The record of one shown list.
 *
 * ## Privacy
 * It is as personal as the profile, and stays where the profile is.
 *
 * @throws RangeError for an explanation of a tag that the profile does not hold, or that explains another
 * probability
 */
export function recordDecision(facts: DecisionFacts): DecisionRecord {
  const { profile, consent, items, explanations = [] } = facts;
  const byTag = new Map(explanations.map((explanation) => [explanation.tag, explanation]));
  for (const tag of byTag.keys()) {
    if (!profile.tags.some((held) => held.tag === tag)) {
      throw new RangeError(`"explanations" expected tags of the profile, got "${printable(tag)}"`);
    }
  }
  return {
    id: bytesToHex(globalThis.crypto.getRandomValues(new Uint8Array(ID_BYTES))),
    scene: profile.scene,
    purpose: profile.purpose,
    at: profile.computedAt,
    modelVersion: profile.modelVersion,
    personalised: profile.personalised,
    tags: profile.tags.map((tag) => decisionTag(tag, byTag.get(tag.tag))),
    withheld: [...profile.withheld],
    consent: {
      noticeVersion: consent.noticeVersion,
      acts: consent.revision,
      head: consent.head,
    },
    items: [...items],
  };
}

/** The record in sentences. Names are made printable; escape the text before it goes into HTML. */
export function describeDecision(record: DecisionRecord): string {
  const when = new Date(record.at).toISOString();
  if (!record.personalised) {
    return `On ${when} you were shown ${record.items.length} things that everybody is shown: nothing of you was used.`;
  }
  const lines = [
    `On ${when} you were shown ${record.items.length} things in "${printable(record.scene)}", for ${record.purpose}, by model "${printable(record.modelVersion ?? 'none')}", under your consent as of act ${record.consent.acts} (notice ${record.consent.noticeVersion}).`,
  ];
  for (const tag of record.tags) lines.push(`  ${tagLine(tag)}`);
  if (record.withheld.length > 0) {
    const names = record.withheld.map(({ tag, reason }) => `${printable(tag)} (${reason})`);
    lines.push(`Left out: ${names.join(', ')}.`);
  }
  return lines.join('\n');
}

function decisionTag(tag: ProfileTag, explanation: TagExplanation | undefined): DecisionTag {
  if (explanation === undefined || tag.source === 'person') {
    return { ...tag, interval: null, mayBeNoise: null };
  }
  const { probability, confidence, mayBeNoise } = explanation;
  // Models may predict in 32 bits.
  if (Math.abs(probability.value - tag.probability) > 1e-4) {
    throw new RangeError(`"explanations" expected the probability of tag "${printable(tag.tag)}"`);
  }
  const { lower, upper } = probability;
  return { ...tag, interval: { lower, upper, confidence }, mayBeNoise };
}

function tagLine(tag: DecisionTag): string {
  const name = printable(tag.tag);
  if (tag.source === 'person') return `${name}: as you said yourself.`;
  const probability = `${name}: ${tag.probability.toPrecision(3)}`;
  if (tag.interval === null) return `${probability}.`;
  const { lower, upper, confidence } = tag.interval;
  const between = `between ${lower.toPrecision(3)} and ${upper.toPrecision(3)} (${Number((confidence * 100).toPrecision(3))} %)`;
  return `${probability}, with the privacy noise ${between}${tag.mayBeNoise ? '; it may be noise' : ''}.`;
}
