import { VelaturaError } from '../../core/errors.ts';
import { contentDigest, type SignedDocument, signDocument } from '../../core/signed-document.ts';
import type { HeadSigner } from '../../core/signed-head.ts';
import type { PrivacyStatement } from '../../dp/statement.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import { type Clock, MonotoneClock } from '../clock.ts';
import type { ConsentReader, ConsentUse } from '../consent-state.ts';
import type { ProfileEvent } from '../event.ts';
import { own, printable } from '../names.ts';
import { endOfDay, parsePeriod } from '../period.ts';
import { requireScene } from '../scenes.ts';
import { collectedKind, type ProfileSchema, type Purpose } from '../schema.ts';
import {
  type BaseRecord,
  countInteractions,
  type InteractionCount,
  type NamedRecord,
  nameRecords,
} from './de-identify.ts';
import {
  type DataClass,
  type ExportDestination,
  type ExportPolicy,
  isForbidden,
  requireExportPolicy,
} from './export-policy.ts';

/** Why the gate lets nothing through. */
export type ExportRefusal =
  | 'unknown-destination'
  | 'kind-not-listed'
  | 'negative-list'
  | 'no-protection'
  | 'attestation-expired'
  | 'assessment-missing'
  | 'consent-missing'
  | 'before-consent'
  | 'past-retention'
  | 'in-the-future'
  | 'purpose-not-declared'
  | 'no-privacy-statement'
  | 'epsilon-too-large'
  | 'delta-too-large'
  | 'too-few-people';

/** A flow that somebody wants. */
export interface ExportFlow {
  /** Names the flow in records and assessments. */
  readonly flow: string;
  /** Who asks, for the log. */
  readonly actor: string;
  readonly destination: string;
  readonly scene: string;
  readonly purpose: Purpose;
  /** Time over which data flows: milliseconds since 1970-01-01T00:00Z. */
  readonly from: number;
  readonly until: number;
}

/** Data of people, of one kind. */
export interface PersonalExport extends ExportFlow {
  readonly kind: string;
  /** Records, for a kind of the class `base`. */
  readonly records?: readonly BaseRecord[];
  /** Events, for a kind of the class `interaction`; those of other kinds are left out. */
  readonly events?: readonly ProfileEvent[];
  /** Most that one person counts for in one count. */
  readonly valueCap?: number;
  /** Consent of a person; null for somebody of whom nobody knows it. */
  readonly consentOf: (account: string) => ConsentReader | null;
}

/** A model or a statistic: the data stays. */
export interface ReleasedExport extends ExportFlow {
  /** SHA-256 of the bytes of the artefact, in hexadecimal. */
  readonly digest: string;
  readonly statement: PrivacyStatement;
}

/** What accompanies whatever leaves. */
export interface ExportStatement {
  readonly version: 1;
  readonly flow: string;
  readonly destination: string;
  readonly party: string;
  readonly country: string;
  readonly protection: ExportDestination['protection'];
  readonly dataClass: DataClass;
  /** Kind of data, or null for what was released. */
  readonly kind: string | null;
  readonly scene: string;
  readonly purpose: Purpose;
  readonly from: number;
  readonly until: number;
  /** `record`: of at most a day; `assessment`: continuous, with its day. */
  readonly basis:
    | { readonly by: 'record' }
    | { readonly by: 'assessment'; readonly assessedOn: string };
  /** How long the recipient may keep it, as the schema says of the kind; null for what was released. */
  readonly retention: string | null;
  readonly deIdentification: string;
  readonly privacy: PrivacyStatement | null;
  /** SHA-256 of what left: of its canonical CBOR, or as given for a release. */
  readonly digest: string;
  readonly exportedAt: number;
}

/** Something that may leave, with its signed statement. */
export interface ExportEnvelope<T> {
  readonly statement: SignedDocument<ExportStatement>;
  readonly payload: T;
}

/** Purpose of the signature of an {@link ExportStatement}. */
export const EXPORT_PURPOSE = 'export-statement';

/** Flows up to that go by a simple record. */
const SIMPLE_FLOW_MS = 24 * 3_600_000;

/** A flow that went by a simple record, so that many short ones are seen for the long one they are. */
export interface FlowRecord {
  /** Who gets it, and where: two names for one destination do not make two flows. */
  readonly party: string;
  readonly country: string;
  readonly what: string;
  readonly from: number;
  readonly until: number;
}

/** What an {@link ExportGate} is made from. */
export interface ExportGateOptions {
  readonly schema: ProfileSchema;
  readonly policy: ExportPolicy;
  readonly log: AuditLog;
  readonly signer: HeadSigner;
  /** At least 32 random bytes, for the names of people at destinations. */
  readonly secret: Uint8Array;
  /** {@link ExportGate.records} of an earlier gate. */
  readonly records?: readonly FlowRecord[];
  /** Default: `Date.now`. */
  readonly clock?: Clock;
}

/**
 * The only way out for data: looks at its class, where it goes, on which footing and with whose consent, makes it
 * poorer before it goes, signs a statement that goes with it, and logs what went and what was refused. Of what kind
 * an event is it says itself; of base records the caller says it.
 *
 * Prohibited kinds and biometrics never leave; this is decided before consent is looked at. Flows of at most 24
 * hours go by a record; longer ones, and short ones that follow each other within a day to more than 24 hours, need
 * an assessment that holds. What reaches the same party in the same country is one flow, under whatever names.
 *
 * ## Privacy
 * What leaves is out of the reach of this library. Base records are pseudonymous; interaction data is counts over
 * enough people; only what was released with noise carries a guarantee, and that for itself alone: the limits of
 * epsilon and delta are for one artefact, and what many of them cost together is for the budget to bound.
 */
export class ExportGate {
  readonly #options: ExportGateOptions;
  readonly #clock: MonotoneClock;
  readonly #records: FlowRecord[];

  constructor(options: ExportGateOptions) {
    requireExportPolicy(options.policy);
    this.#options = options;
    this.#clock = new MonotoneClock(options.clock ?? Date.now);
    this.#records = [...(options.records ?? [])];
  }

  /** Flows so far; keep them for the next gate. */
  get records(): readonly FlowRecord[] {
    return [...this.#records];
  }

  /**
   * Data of people. All of it goes, or nothing: a single record that its person's consent does not cover, that is
   * from before it, or that is past the retention of its kind, stops the others too.
   *
   * @throws {VelaturaError} `profile/prohibited-kind` for what never leaves, whatever the consent;
   * `profile/export-refused` with the reason; `data/unknown-scene`; `data/unwritable` when the log cannot be
   * written, and then nothing leaves
   */
  async exportData(
    request: PersonalExport,
  ): Promise<ExportEnvelope<readonly NamedRecord[] | readonly InteractionCount[]>> {
    const { schema, policy, secret } = this.#options;
    const { kind, scene, purpose } = request;
    const dataClass = own(policy.kinds, kind);
    const declared = collectedKind(schema, kind);
    // First of all: nothing that anybody agreed to can change it.
    if (dataClass === 'biometric' || own(schema.kinds, kind)?.tier === 'prohibited') {
      await this.#note(request, dataClass ?? 'biometric', 'prohibited-class');
      throw new VelaturaError(
        'profile/prohibited-kind',
        `data of kind "${printable(kind)}" never leaves, whatever anybody agreed to`,
        { kind: printable(kind) },
      );
    }
    requireScene(schema, scene);
    if (dataClass === undefined || declared === undefined) {
      throw await this.#refused(request, 'base', 'kind-not-listed');
    }
    // Nothing is awaited from here to the record of the flow, so that two flows at once see each other.
    const admitted = this.#admit(request, dataClass, kind);
    if (typeof admitted === 'string') throw await this.#refused(request, dataClass, admitted);
    const { destination } = admitted;
    if (!declared.purposes.includes(purpose)) {
      throw await this.#refused(request, dataClass, 'purpose-not-declared');
    }
    const records = request.records ?? [];
    const events = (request.events ?? []).filter(
      (event) => event.kind === kind && event.scene === scene,
    );
    const items =
      dataClass === 'base'
        ? records.map(({ account, time }) => ({ account, time }))
        : events.map(({ user, time }) => ({ account: user, time }));
    const at = this.#clock.now();
    const use = { kind, scene, purpose, recipient: destination.party, at };
    const retentionMs = parsePeriod(declared.retention) as number;
    const uncovered = uncoveredBecause(items, use, retentionMs, request.consentOf);
    if (uncovered !== null) throw await this.#refused(request, dataClass, uncovered);
    const { baseFields, minimumPeople } = policy;
    const payload =
      dataClass === 'base'
        ? nameRecords(records, own(baseFields, kind) ?? [], request.destination, secret)
        : countInteractions(events, minimumPeople, request.valueCap ?? 1);
    if (payload.length === 0) throw await this.#refused(request, dataClass, 'too-few-people');
    const statement = await this.#pass(request, {
      dataClass,
      kind,
      ...admitted,
      retention: declared.retention,
      deIdentification:
        dataClass === 'base'
          ? 'pseudonymous: a keyed name for this destination, listed fields only'
          : `counts by tag and day of at least ${minimumPeople} people each; not differentially private`,
      privacy: null,
      digest: contentDigest(payload),
    });
    return { statement, payload };
  }

  /**
   * A model or a statistic moves, while the data stays. Needs no consent of single people and a privacy statement
   * that holds. Its epsilon and delta are held against the policy for this artefact alone; the gate adds up none.
   *
   * @throws {VelaturaError} `profile/export-refused` with the reason; `data/unknown-scene`; `data/unwritable`
   */
  async exportReleased(request: ReleasedExport): Promise<SignedDocument<ExportStatement>> {
    const { schema, policy } = this.#options;
    requireScene(schema, request.scene);
    const admitted = this.#admit(request, 'released', 'released');
    if (typeof admitted === 'string') throw await this.#refused(request, 'released', admitted);
    const { statement, digest } = request;
    const { epsilon, delta, insecure, simulation } = statement;
    if (epsilon === null || insecure || simulation !== null || statement.unit !== 'user') {
      throw await this.#refused(request, 'released', 'no-privacy-statement');
    }
    if (!(epsilon.upper <= policy.maximumEpsilon)) {
      throw await this.#refused(request, 'released', 'epsilon-too-large');
    }
    if (!(delta >= 0 && delta <= policy.maximumDelta)) {
      throw await this.#refused(request, 'released', 'delta-too-large');
    }
    return this.#pass(request, {
      dataClass: 'released',
      kind: null,
      ...admitted,
      retention: null,
      deIdentification: 'none: released with noise, see the privacy statement',
      privacy: statement,
      digest,
    });
  }

  /** Destination and footing, which do not depend on the people; or why there is none. */
  #admit(
    request: ExportFlow,
    dataClass: DataClass,
    kind: string,
  ): { destination: ExportDestination; basis: ExportStatement['basis'] } | ExportRefusal {
    const { policy } = this.#options;
    const { from, until } = request;
    if (!Number.isSafeInteger(from) || !Number.isSafeInteger(until) || from > until) {
      throw new RangeError('"from" and "until" expected whole milliseconds in order');
    }
    const destination = own(policy.destinations, request.destination);
    if (destination === undefined) return 'unknown-destination';
    if (isForbidden(policy, { kind, dataClass, destination: request.destination })) {
      return 'negative-list';
    }
    // What carries its own guarantee needs none of the destination.
    if (destination.protection === 'none' && dataClass !== 'released') return 'no-protection';
    const now = this.#clock.now();
    if (!holds(destination.attestedOn, policy.attestationPeriod, now)) {
      return 'attestation-expired';
    }
    const record = flowRecord(request, destination, kind, now);
    if (this.#spanWith(record) <= SIMPLE_FLOW_MS) return { destination, basis: { by: 'record' } };
    const assessment = policy.assessments.find(
      (found) =>
        found.flow === request.flow &&
        found.destination === request.destination &&
        found.kinds.includes(kind) &&
        holds(found.assessedOn, policy.assessmentPeriod, now),
    );
    if (assessment === undefined) return 'assessment-missing';
    return { destination, basis: { by: 'assessment', assessedOn: assessment.assessedOn } };
  }

  /** How long data of the kind flows there, with all flows that are less than a day apart taken as one. */
  #spanWith({ party, country, what, from, until }: FlowRecord): number {
    const near = this.#records.filter(
      (r) => r.party === party && r.country === country && r.what === what,
    );
    let [first, last] = [from, until];
    for (let grown = true; grown; ) {
      grown = false;
      for (const record of near) {
        const apart =
          record.from >= last + SIMPLE_FLOW_MS || record.until <= first - SIMPLE_FLOW_MS;
        if (apart || (record.from >= first && record.until <= last)) continue;
        [first, last] = [Math.min(first, record.from), Math.max(last, record.until)];
        grown = true;
      }
    }
    return last - first;
  }

  async #pass(
    request: ExportFlow,
    found: Pick<
      ExportStatement,
      'dataClass' | 'kind' | 'basis' | 'retention' | 'deIdentification' | 'privacy' | 'digest'
    > & { readonly destination: ExportDestination },
  ): Promise<SignedDocument<ExportStatement>> {
    const { flow, actor, destination, scene, purpose, from, until } = request;
    const { destination: place, ...rest } = found;
    const { party, country, protection } = place;
    const exportedAt = this.#clock.now();
    const content: ExportStatement = {
      version: 1,
      flow,
      destination,
      party,
      country,
      protection,
      scene,
      purpose,
      from,
      until,
      ...rest,
      exportedAt,
    };
    const { dataClass, digest, kind } = found;
    this.#records.push(flowRecord(request, place, kind ?? 'released', exportedAt));
    const signed = await signDocument(EXPORT_PURPOSE, content, this.#options.signer);
    this.#options.log.append({ kind: 'export', actor, flow, destination, dataClass, digest });
    await this.#options.log.flush();
    return signed;
  }

  async #refused(
    request: ExportFlow,
    dataClass: DataClass,
    reason: ExportRefusal,
  ): Promise<VelaturaError> {
    await this.#note(request, dataClass, reason);
    return new VelaturaError(
      'profile/export-refused',
      `nothing leaves for "${printable(request.destination)}": ${reason}`,
      { destination: printable(request.destination), dataClass, reason },
    );
  }

  async #note(request: ExportFlow, dataClass: DataClass, reason: string): Promise<void> {
    const { actor, flow } = request;
    const destination = printable(request.destination);
    const { log } = this.#options;
    log.append({ kind: 'export-refused', actor, flow, destination, dataClass, reason });
    await log.flush();
  }
}

/** The time of a flow, in which the moment of the export lies, whatever its request says. */
function flowRecord(
  { from, until }: ExportFlow,
  { party, country }: ExportDestination,
  what: string,
  now: number,
): FlowRecord {
  return { party, country, what, from: Math.min(from, now), until: Math.max(until, now) };
}

/** Why consent and retention do not cover all of these; null when they do. */
function uncoveredBecause(
  items: readonly { readonly account: string; readonly time: number }[],
  use: ConsentUse,
  retentionMs: number,
  consentOf: PersonalExport['consentOf'],
): ExportRefusal | null {
  const since = new Map<string, number>();
  for (const { account } of items) {
    if (since.has(account)) continue;
    const consent = consentOf(account);
    const decision = consent?.person === account ? consent.decide(use) : null;
    if (decision?.permitted !== true) return 'consent-missing';
    since.set(account, decision.since);
  }
  for (const { account, time } of items) {
    // Nor does a time that is none come through here.
    if (!(time <= use.at)) return 'in-the-future';
    if (time < (since.get(account) as number)) return 'before-consent';
    if (time < use.at - retentionMs) return 'past-retention';
  }
  return null;
}

/** True when a day is past and its period has not ended. */
function holds(day: string, period: string, now: number): boolean {
  const end = endOfDay(day) as number;
  const begin = end - 86_400_000;
  return now >= begin && now < end + (parsePeriod(period) as number);
}
