import { VelaturaError } from '../../core/errors.ts';
import { own, printable } from '../names.ts';
import { endOfDay, parsePeriod } from '../period.ts';
import { copyPlainJson } from '../plain-json.ts';
import { needsOwnConsent, type ProfileSchema, requireValidated } from '../schema.ts';

/**
 * What leaves, from the loosest to what never does.
 *
 * - `base`: data that somebody needs to be served, such as an order; leaves under a name of its own
 * - `interaction`: what somebody did; leaves as counts over enough people only
 * - `released`: models and statistics with a privacy statement; the data stays
 * - `biometric`: never
 */
export const DATA_CLASSES = ['base', 'interaction', 'released', 'biometric'] as const;
export type DataClass = (typeof DATA_CLASSES)[number];

/** Whether the law of a destination, or a contract, protects the data there. */
export const PROTECTION_LEVELS = ['equivalent', 'contract', 'none'] as const;
export type ProtectionLevel = (typeof PROTECTION_LEVELS)[number];

/** Where data may go. */
export interface ExportDestination {
  /** A recipient of the schema. */
  readonly party: string;
  /** Country or region, such as `SG`. */
  readonly country: string;
  readonly protection: ProtectionLevel;
  /** Day (UTC) on which the recipient last attested it, `YYYY-MM-DD`. */
  readonly attestedOn: string;
  /** Names of destinations to which it may pass on. */
  readonly onward: readonly string[];
}

/** Something that does not leave for somewhere, whatever else is said. */
export interface ForbiddenFlow {
  /** A kind, a data class, or `*`. */
  readonly what: string;
  /** A destination, a country, or `*`. */
  readonly where: string;
}

/** An assessment of one flow (PIPL Art. 55, GDPR Art. 35 and 46). */
export interface FlowAssessment {
  readonly flow: string;
  readonly destination: string;
  /** Kinds, or `released`. */
  readonly kinds: readonly string[];
  /** Day (UTC), `YYYY-MM-DD`. */
  readonly assessedOn: string;
}

/** What may leave, and for where. Made by `validateExportPolicy` only, immutable. */
export interface ExportPolicy {
  /** Class of each kind of the schema that may leave at all; `biometric` kinds may be named to be refused. */
  readonly kinds: Readonly<Record<string, DataClass>>;
  /** Fields of a record of each base kind that the purpose needs; all others stay. */
  readonly baseFields: Readonly<Record<string, readonly string[]>>;
  readonly destinations: Readonly<Record<string, ExportDestination>>;
  readonly negativeList: readonly ForbiddenFlow[];
  readonly assessments: readonly FlowAssessment[];
  /** How long an attestation holds, such as `P365D`. */
  readonly attestationPeriod: string;
  /** How long an assessment holds, such as `P730D`. */
  readonly assessmentPeriod: string;
  /** Fewest people behind a count of interaction data. */
  readonly minimumPeople: number;
  /** Largest epsilon of one artefact that is released; what many cost together is for the budget to bound. */
  readonly maximumEpsilon: number;
  /** Largest delta of one artefact, in [0, 1); well under one in the number of people. */
  readonly maximumDelta: number;
}

const validated = new WeakSet<ExportPolicy>();

/**
 * Checks an export policy against its schema and returns an immutable copy.
 *
 * Refused are, besides anything malformed: kinds the schema does not declare, kinds it prohibits in any class but
 * `biometric`, destinations that are no recipients of the schema, fields of kinds that are not of the class
 * `base`, onward destinations that are not named, and a minimum of people under 2.
 *
 * @throws {VelaturaError} `profile/invalid-export-policy`; details name the path
 */
export function validateExportPolicy(schema: ProfileSchema, json: unknown): ExportPolicy {
  requireValidated(schema);
  const copy = copyPlainJson(json);
  if (!copy.ok) throw invalid(copy.problem.path, `expected ${copy.problem.expected}`);
  const policy = copy.value as ExportPolicy;
  checkShape(policy);
  for (const [name, dataClass] of Object.entries(policy.kinds)) checkKind(schema, name, dataClass);
  for (const [name, fields] of Object.entries(policy.baseFields)) {
    if (own(policy.kinds, name) !== 'base') {
      throw invalid(`baseFields.${name}`, 'expected a kind of the class "base"');
    }
    if (!isTexts(fields)) throw invalid(`baseFields.${name}`, 'expected a list of names');
  }
  for (const [name, destination] of Object.entries(policy.destinations)) {
    checkDestination(schema, policy, name, destination);
  }
  policy.negativeList.forEach((entry, i) => {
    if (typeof entry?.what !== 'string' || typeof entry.where !== 'string') {
      throw invalid(`negativeList[${i}]`, 'expected "what" and "where"');
    }
  });
  policy.assessments.forEach((assessment, i) => {
    const path = `assessments[${i}]`;
    if (typeof assessment?.flow !== 'string' || !isTexts(assessment.kinds)) {
      throw invalid(path, 'expected "flow" and "kinds"');
    }
    if (own(policy.destinations, assessment.destination) === undefined) {
      throw invalid(`${path}.destination`, 'expected one of the destinations');
    }
    requireDay(assessment.assessedOn, `${path}.assessedOn`);
  });
  validated.add(policy);
  return policy;
}

/** @throws TypeError for anything but a result of {@link validateExportPolicy} */
export function requireExportPolicy(policy: ExportPolicy): void {
  if (!validated.has(policy)) {
    throw new TypeError('"policy" expected the result of validateExportPolicy, got another object');
  }
}

/** True when the negative list names this flow. */
export function isForbidden(
  policy: ExportPolicy,
  flow: { readonly kind: string; readonly dataClass: DataClass; readonly destination: string },
): boolean {
  const country = own(policy.destinations, flow.destination)?.country;
  return policy.negativeList.some(
    ({ what, where }) =>
      [flow.kind, flow.dataClass, '*'].includes(what) &&
      [flow.destination, country, '*'].includes(where),
  );
}

const MEMBERS = [
  'kinds',
  'baseFields',
  'destinations',
  'negativeList',
  'assessments',
  'attestationPeriod',
  'assessmentPeriod',
  'minimumPeople',
  'maximumEpsilon',
  'maximumDelta',
];

function checkShape(policy: ExportPolicy): void {
  if (typeof policy !== 'object' || policy === null) throw invalid('', 'expected an object');
  const strange = Object.keys(policy).find((key) => !MEMBERS.includes(key));
  if (strange !== undefined) throw invalid(printable(strange), 'is no member of an export policy');
  for (const name of ['kinds', 'baseFields', 'destinations'] as const) {
    const table: unknown = policy[name];
    if (typeof table !== 'object' || table === null || Array.isArray(table)) {
      throw invalid(name, 'expected an object');
    }
  }
  for (const name of ['negativeList', 'assessments'] as const) {
    if (!Array.isArray(policy[name])) throw invalid(name, 'expected a list');
  }
  for (const name of ['attestationPeriod', 'assessmentPeriod'] as const) {
    if (typeof policy[name] !== 'string' || parsePeriod(policy[name]) === null) {
      throw invalid(name, 'expected a period such as P365D');
    }
  }
  if (!Number.isInteger(policy.minimumPeople) || policy.minimumPeople < 2) {
    throw invalid('minimumPeople', 'expected an integer of at least 2');
  }
  if (!(policy.maximumEpsilon > 0)) throw invalid('maximumEpsilon', 'expected a positive number');
  const { maximumDelta } = policy;
  if (typeof maximumDelta !== 'number' || !(maximumDelta >= 0 && maximumDelta < 1)) {
    throw invalid('maximumDelta', 'expected a number in [0, 1)');
  }
}

function checkKind(schema: ProfileSchema, name: string, dataClass: DataClass): void {
  const path = `kinds.${name}`;
  const kind = own(schema.kinds, name);
  if (kind === undefined) throw invalid(path, 'expected a kind of the schema');
  if (!DATA_CLASSES.includes(dataClass) || dataClass === 'released') {
    throw invalid(path, 'expected "base", "interaction" or "biometric"');
  }
  if (kind.tier === 'prohibited' && dataClass !== 'biometric') {
    throw invalid(path, 'what may not be collected may not leave either');
  }
  if (kind.tier === 'restricted' && dataClass === 'base') {
    throw invalid(path, 'restricted data leaves de-identified only');
  }
}

function checkDestination(
  schema: ProfileSchema,
  policy: ExportPolicy,
  name: string,
  destination: ExportDestination,
): void {
  const path = `destinations.${name}`;
  if (typeof destination !== 'object' || destination === null) {
    throw invalid(path, 'expected a destination');
  }
  const { party, country, protection, attestedOn, onward } = destination;
  if (typeof party !== 'string' || own(schema.parties, party)?.role !== 'recipient') {
    throw invalid(`${path}.party`, 'expected a recipient of the schema');
  }
  if (!needsOwnConsent(schema, party)) {
    throw invalid(`${path}.party`, 'expected a party that the schema declares as abroad');
  }
  if (typeof country !== 'string' || country === '') {
    throw invalid(`${path}.country`, 'expected a country');
  }
  if (!PROTECTION_LEVELS.includes(protection)) {
    throw invalid(`${path}.protection`, `expected one of ${PROTECTION_LEVELS.join(', ')}`);
  }
  requireDay(attestedOn, `${path}.attestedOn`);
  if (!isTexts(onward) || !onward.every((next) => own(policy.destinations, next) !== undefined)) {
    throw invalid(`${path}.onward`, 'expected names of destinations');
  }
}

function requireDay(day: unknown, path: string): void {
  if (typeof day !== 'string' || endOfDay(day) === null) {
    throw invalid(path, 'expected a day, YYYY-MM-DD');
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}

function invalid(path: string, message: string): VelaturaError {
  const at = path === '' ? 'the export policy' : path;
  return new VelaturaError('profile/invalid-export-policy', `${at}: ${message}`, { path });
}
