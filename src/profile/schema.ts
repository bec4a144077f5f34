import { own } from './names.ts';

/** Purposes for which data may be used. The list is closed: a purpose that could mean anything is none. */
export const PURPOSES = [
  'recommendation',
  'search',
  'advertising',
  'order-fulfilment',
  'payment',
  'customer-service',
  'fraud-prevention',
  'service-security',
  'legal-obligation',
  'fairness-audit',
] as const;
/** One of {@link PURPOSES}. */
export type Purpose = (typeof PURPOSES)[number];

/** Who a party is to the person: decides about the data, or receives it. */
export const PARTY_ROLES = ['controller', 'recipient'] as const;
export type PartyRole = (typeof PARTY_ROLES)[number];

/** What a party does in a live shop or feed. A `plugin` is code of somebody else inside the page. */
export const PARTY_TYPES = [
  'platform',
  'merchant',
  'streamer',
  'agency',
  'payment',
  'plugin',
] as const;
/** One of {@link PARTY_TYPES}. */
export type PartyType = (typeof PARTY_TYPES)[number];

/** How much is at stake for the person in a scene. */
export const RISK_LEVELS = ['normal', 'elevated', 'high'] as const;
export type RiskLevel = (typeof RISK_LEVELS)[number];

/** Whether a scene shows advertising from the person's own profile, only from groups, or not at all. */
export const ADVERTISING_MODES = ['none', 'indirect-only', 'direct'] as const;
export type AdvertisingMode = (typeof ADVERTISING_MODES)[number];

/** Tiers of data that may be collected, from the least to the most delicate. */
export const COLLECTED_TIERS = ['essential', 'enhanced', 'restricted'] as const;
export type CollectedTier = (typeof COLLECTED_TIERS)[number];

/** Legal bases that fit each tier. */
export const LEGAL_BASES = {
  essential: ['contract', 'legal-obligation'],
  enhanced: ['consent'],
  restricted: ['explicit-consent'],
} as const;
export type LegalBasis = (typeof LEGAL_BASES)[CollectedTier][number];

/**
 * What a risk rule can ask for besides a tier.
 *
 * - `session-consent`: nothing is collected or used before the person has begun a session of the scene
 * - `coarse-only`: the gate passes it de-identified, or not at all
 * - `on-device-only`: it is passed on to no recipient, and no gate lets it off the device
 * - `no-advertising`: never for the purpose `advertising`, whatever the mode of the scene
 * - `impact-assessment`: the rule names the day of the assessment (PIPL Art. 55, GDPR Art. 35)
 */
export const OBLIGATIONS = [
  'session-consent',
  'coarse-only',
  'on-device-only',
  'no-advertising',
  'impact-assessment',
] as const;
/** One of {@link OBLIGATIONS}. */
export type Obligation = (typeof OBLIGATIONS)[number];

/** What happens to kinds and tags whose review is overdue. */
export const OVERDUE_REVIEW_POLICIES = ['refuse', 'warn'] as const;
export type OverdueReviewPolicy = (typeof OVERDUE_REVIEW_POLICIES)[number];

/** A legal person that decides about data or receives it. */
export interface PartyDeclaration {
  readonly role: PartyRole;
  /** May be left out where the party's name is one of the types, and for controllers: then `platform`. */
  readonly type?: PartyType;
  /** True when the data leaves the country with it. Default: false. */
  readonly abroad?: boolean;
}

/** A context of use. */
export interface SceneDeclaration {
  readonly riskLevel: RiskLevel;
  readonly advertising: AdvertisingMode;
}

/** Leave to use some tags of one scene in another, for some purposes. */
export interface FlowDeclaration {
  readonly from: string;
  readonly to: string;
  readonly purposes: readonly Purpose[];
  readonly tags: readonly string[];
  readonly controller: string;
  readonly recipients: readonly string[];
}

/** A kind of data that may be collected where its tier's consent was given. */
export interface CollectedKind {
  readonly tier: CollectedTier;
  /** Only what the person does here: data bought, fingerprinted or taken by an SDK cannot be declared. */
  readonly source: 'first-party';
  readonly legalBasis: LegalBasis;
  readonly purposes: readonly Purpose[];
  /** ISO 8601 period, such as `P90D`. */
  readonly retention: string;
  /** Last day (UTC) on which the declaration holds without a new review, `YYYY-MM-DD`. */
  readonly reviewBy: string;
  /** Day (UTC) of the last review; `reviewBy` is then at most half a year later. */
  readonly reviewedOn?: string;
  readonly controller: string;
  readonly recipients: readonly string[];
  /** How much of a value is needed: more than `max` counts as `max`, and the rest of a `step` is dropped. */
  readonly value?: ValueRange;
  /** `text`: counts made on the device from text, such as comments, that goes nowhere. */
  readonly derivedFrom?: 'text';
  /** `coarse`: may carry the place, as the cell of a grid. */
  readonly place?: 'coarse';
}

/** Range and resolution of the values of a kind; `step` is above 0 and at most `max`. */
export interface ValueRange {
  readonly max: number;
  readonly step: number;
}

/** A kind of data that is refused outright. */
export interface ProhibitedKind {
  readonly tier: 'prohibited';
}

export type KindDeclaration = CollectedKind | ProhibitedKind;

/** A label of a profile. */
export interface TagDeclaration {
  /** A fact, or an inference. */
  readonly kind: 'descriptive' | 'predictive';
  /** Levels, in order; a tag without them is on or off. */
  readonly values?: readonly string[];
  /** Kinds of data from which it may be made. */
  readonly from: readonly string[];
  readonly scenes: readonly string[];
  readonly purposes: readonly Purpose[];
  readonly retention: string;
  /** A `sensitive` tag is made only from kinds that are restricted in each of its scenes. */
  readonly sensitivity: 'normal' | 'sensitive';
  readonly reviewBy: string;
  /** Day (UTC) of the last review; `reviewBy` is then at most half a year later. */
  readonly reviewedOn?: string;
}

/** What some kinds of data ask for in some scenes, beyond their own tier. */
export interface RiskRule {
  readonly kinds: readonly string[];
  readonly scenes: readonly string[];
  /** Stricter than the tier of the kinds, or as strict. */
  readonly tier?: Exclude<KindDeclaration['tier'], 'essential'>;
  readonly obligations: readonly Obligation[];
  /** Day (UTC) of the impact assessment, where one is asked for. */
  readonly assessedOn?: string;
}

/** Tags that are harmless alone and reveal something together. */
export interface SensitiveCombination {
  readonly tags: readonly string[];
  /** What they would reveal, in words. */
  readonly reveals: string;
  readonly action: 'refuse';
}

/**
 * What may be collected about people, from where, for what and for how long: the promise that gate, consent,
 * scenes and profile enforce. Made by `validateSchema` only, immutable. File format: JSON, described by
 * `velatura/profile-schema.json`.
 */
export interface ProfileSchema {
  readonly version: 1;
  /** Where the JSON Schema of the format is; for editors. */
  readonly $schema?: string;
  readonly parties: Readonly<Record<string, PartyDeclaration>>;
  readonly purposes: readonly Purpose[];
  readonly scenes: Readonly<Record<string, SceneDeclaration>>;
  readonly flows: readonly FlowDeclaration[];
  readonly kinds: Readonly<Record<string, KindDeclaration>>;
  readonly tags: Readonly<Record<string, TagDeclaration>>;
  readonly sensitiveCombinations: readonly SensitiveCombination[];
  readonly riskRules?: readonly RiskRule[];
  /** Default: `refuse`. */
  readonly overdueReview?: OverdueReviewPolicy;
}

const validated = new WeakSet<ProfileSchema>();

/** Records that a schema has passed every check; for `validateSchema` only. */
export function markValidated(schema: ProfileSchema): ProfileSchema {
  validated.add(schema);
  return schema;
}

/**
 * Refuses a schema that nobody has checked, whatever its type says.
 *
 * @throws TypeError for anything but a result of `validateSchema`
 */
export function requireValidated(schema: ProfileSchema): void {
  if (!validated.has(schema)) {
    throw new TypeError('"schema" expected the result of validateSchema, got another object');
  }
}

/**
 * What a declared party does: its type, or else its name where that is a type, or else `platform` for a
 * controller. Null for a recipient of which nothing is said; `validateSchema` refuses those.
 */
export function partyType(name: string, party: PartyDeclaration): PartyType | null {
  if (party.type !== undefined) return party.type;
  const named = PARTY_TYPES.find((type) => type === name);
  return named ?? (party.role === 'controller' ? 'platform' : null);
}

/**
 * True for a recipient to whom data is passed only by an act of consent of its own: code of somebody else in
 * the page, and whoever takes data abroad (PIPL Art. 23, 39).
 */
export function needsOwnConsent(schema: ProfileSchema, recipient: string): boolean {
  const party = own(schema.parties, recipient);
  return party === undefined || party.abroad === true || partyType(recipient, party) === 'plugin';
}

/** The declaration of a kind that may be collected; undefined for undeclared and prohibited ones. */
export function collectedKind(schema: ProfileSchema, kind: string): CollectedKind | undefined {
  const declaration = own(schema.kinds, kind);
  return declaration === undefined || declaration.tier === 'prohibited' ? undefined : declaration;
}
