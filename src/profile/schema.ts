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

/** A legal person that decides about data or receives it. */
export interface PartyDeclaration {
  readonly role: PartyRole;
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
  readonly controller: string;
  readonly recipients: readonly string[];
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
  readonly sensitivity: 'normal' | 'sensitive';
  readonly reviewBy: string;
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
 * scenes and profile enforce. Made by `validateSchema` only, immutable. File format: JSON.
 */
export interface ProfileSchema {
  readonly version: 1;
  readonly parties: Readonly<Record<string, PartyDeclaration>>;
  readonly purposes: readonly Purpose[];
  readonly scenes: Readonly<Record<string, SceneDeclaration>>;
  readonly flows: readonly FlowDeclaration[];
  readonly kinds: Readonly<Record<string, KindDeclaration>>;
  readonly tags: Readonly<Record<string, TagDeclaration>>;
  readonly sensitiveCombinations: readonly SensitiveCombination[];
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

/** The declaration of a kind that may be collected; undefined for undeclared and prohibited ones. */
export function collectedKind(schema: ProfileSchema, kind: string): CollectedKind | undefined {
  const declaration = own(schema.kinds, kind);
  return declaration === undefined || declaration.tier === 'prohibited' ? undefined : declaration;
}
