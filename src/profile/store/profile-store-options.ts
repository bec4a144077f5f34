import type { ConsentLedger } from '../consent.ts';
import type { ProfileEvent } from '../event.ts';
import type { CollectionGate } from '../gate.ts';
import { parsePeriod } from '../period.ts';
import type { Purpose } from '../schema.ts';
import type { ProfileStorage } from './profile-storage.ts';
import type { EvidenceScale } from './tag-state.ts';

/** Bytes of the secret of a a `ProfileStore`. */
export const PROFILE_SECRET_BYTES = 32;
/** Contributions of this person that are on their way to rounds; a `ContributionRegister` is one. */
export interface PendingContributions {
  /** Stops all of them, at once. */
  cancelAll(): Promise<unknown>;
  /** Those of which it is not known that they were stopped, by id. */
  unresolved(): readonly string[];
}

/** What a `ProfileStore.open` is opened with. */
export interface ProfileStoreOptions {
  /** Of the person; also brings schema and clock. */
  readonly consent: ConsentLedger;
  /** What the profile is for. Another purpose has its own records under its own keys. */
  readonly purpose: Purpose;
  /** Of this person alone: two people never share one. */
  readonly storage: ProfileStorage;
  /**
   * Where the person's decisions lie. Default: with the rest. In a place that backups of the rest do not set
   * back, erasures outlive those backups.
   */
  readonly choicesStorage?: ProfileStorage;
  /**
   * 32 random bytes of this person on this device, from the key store of the platform. Without it the records
   * are noise, so destroying it erases every copy of them. Never the secret of a budget or of pseudonyms.
   */
  readonly secret: Uint8Array;
  /** Makes the gate through which every event has to pass. */
  readonly gate: (collect: (event: ProfileEvent) => void) => CollectionGate;
  /** How long it takes for evidence to count half: an ISO 8601 period such as `P30D`. */
  readonly halfLife: string;
  /** How long records of shown lists are kept: an ISO 8601 period. */
  readonly decisionRetention: string;
  /** Kind → value that counts as one piece of evidence, above 0; 1 where none is given. */
  readonly evidenceUnits?: Readonly<Record<string, number>>;
  readonly contributions?: PendingContributions;
  /** From `ProfileStore.checkpoint`, kept elsewhere: records older than that are refused. */
  readonly checkpoint?: ProfileCheckpoint;
  /** From `ProfileStore.backup`: restored before anything is read, so that it may stand in for damaged records. */
  readonly backup?: Uint8Array<ArrayBuffer>;
  /** Begins anew where the person left before. Default: false, and then such a store does not open. */
  readonly rejoin?: boolean;
}

/** How many decisions of the person there are, by scene. Says nothing else. */
export type ProfileCheckpoint = Readonly<Record<string, number>>;

/** Options as numbers. */
export interface StoreConstants {
  readonly scale: EvidenceScale;
  readonly decisionRetentionMs: number;
}

/** @throws RangeError for a secret of another length, an undeclared purpose, a malformed period or unit */
export function checkedConstants(options: ProfileStoreOptions): StoreConstants {
  const { consent, secret, purpose } = options;
  if (secret.length !== PROFILE_SECRET_BYTES) {
    throw new RangeError(`"secret" expected ${PROFILE_SECRET_BYTES} bytes, got ${secret.length}`);
  }
  if (!consent.schema.purposes.includes(purpose)) {
    throw new RangeError(`"purpose" expected one of ${consent.schema.purposes.join(', ')}`);
  }
  const halfLifeMs = periodOf('halfLife', options.halfLife);
  const decisionRetentionMs = periodOf('decisionRetention', options.decisionRetention);
  const units = checkedUnits(options.evidenceUnits ?? {});
  return { scale: { halfLifeMs, units }, decisionRetentionMs };
}

function periodOf(name: string, text: string): number {
  const ms = parsePeriod(text);
  if (ms === null) throw new RangeError(`"${name}" expected a period such as P30D, got "${text}"`);
  return ms;
}

function checkedUnits(units: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  for (const [kind, unit] of Object.entries(units)) {
    if (!(unit > 0 && Number.isFinite(unit))) {
      throw new RangeError(`"evidenceUnits.${kind}" expected a number above 0, got ${unit}`);
    }
  }
  return { ...units };
}
