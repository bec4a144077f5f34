import { VelaturaError } from '../core/errors.ts';
import { own } from './names.ts';
import { halfYearAfter } from './period.ts';
import { copyPlainJson } from './plain-json.ts';
import {
  collectedKind,
  type FlowDeclaration,
  type KindDeclaration,
  markValidated,
  type PartyRole,
  type ProfileSchema,
  type Purpose,
  partyType,
  type RiskRule,
  type TagDeclaration,
} from './schema.ts';
import { isLaxer, kindRisk } from './schema-risk.ts';
import { findShapeProblem } from './schema-shape.ts';
import { forbiddenTerm } from './vocabulary.ts';

/**
 * Checks a profile schema and returns an immutable copy of it, the only form in which gate, consent, scenes
 * and profile accept one.
 *
 * Refused are, besides anything malformed: purposes outside the closed list, sources other than
 * `first-party`, a legal basis that does not fit the tier, prohibited kinds that declare anything else, tags
 * from the forbidden vocabulary, tags made from undeclared or prohibited kinds or for purposes for which
 * their data was not collected, sensitive tags made from anything but restricted data, flows that carry tags
 * their scene does not have or that complete a sensitive combination where they arrive, alone or together, risk rules that ask
 * for less than the kind does, reviews put off for longer than half a year, recipients of which nobody says
 * what they do, and names that nothing declares.
 *
 * The shape alone is described by `velatura/profile-schema.json`, for editors and other languages; names in
 * Unicode NFC and everything that compares two places of the file are checked here only.
 *
 * @param json - parsed JSON of a schema file
 * @throws {VelaturaError} `profile/invalid-schema`; details name the path
 */
export function validateSchema(json: unknown): ProfileSchema {
  const copy = copyPlainJson(json);
  if (!copy.ok) throw invalid(copy.problem.path, `expected ${copy.problem.expected}`);
  const problem = findShapeProblem(copy.value);
  if (problem !== null) throw invalid(problem.path, problem.message);
  const schema = copy.value as ProfileSchema;
  for (const [name, party] of Object.entries(schema.parties)) {
    if (partyType(name, party) === null) {
      throw invalid(`parties.${name}.type`, 'expected what the recipient does');
    }
  }
  // Before the tags, whose tiers they decide.
  (schema.riskRules ?? []).forEach((rule, i) => {
    checkRiskRule(schema, rule, `riskRules[${i}]`);
  });
  for (const [name, kind] of Object.entries(schema.kinds)) {
    checkKind(schema, kind, `kinds.${name}`);
  }
  for (const [name, tag] of Object.entries(schema.tags)) checkTag(schema, name, tag);
  schema.flows.forEach((flow, i) => {
    checkFlow(schema, flow, `flows[${i}]`);
  });
  schema.sensitiveCombinations.forEach((combination, i) => {
    checkDeclared(schema.tags, combination.tags, 'tag', `sensitiveCombinations[${i}].tags`);
  });
  schema.flows.forEach((flow, i) => {
    checkCompletes(schema, flow, schema.flows.slice(0, i), `flows[${i}].tags`);
  });
  return markValidated(schema);
}

function checkKind(schema: ProfileSchema, kind: KindDeclaration, path: string): void {
  if (kind.tier === 'prohibited') return;
  checkPurposes(schema.purposes, kind.purposes, 'the schema', path);
  checkParties(schema, kind, path);
  checkReview(kind, path);
  if (kind.value !== undefined && kind.value.step > kind.value.max) {
    throw invalid(`${path}.value.step`, 'expected at most the maximum');
  }
  if (kind.place !== undefined && kind.tier === 'essential') {
    throw invalid(`${path}.place`, 'where somebody is needs consent; essential data comes without');
  }
}

function checkRiskRule(schema: ProfileSchema, rule: RiskRule, path: string): void {
  checkDeclared(schema.kinds, rule.kinds, 'kind', `${path}.kinds`);
  checkDeclared(schema.scenes, rule.scenes, 'scene', `${path}.scenes`);
  for (const name of rule.kinds) {
    const kind = schema.kinds[name] as KindDeclaration;
    if (rule.tier !== undefined && isLaxer(rule.tier, kind.tier)) {
      throw invalid(`${path}.tier`, `kind "${name}" is of the tier "${kind.tier}" already`);
    }
    const coarse = rule.obligations.includes('coarse-only') && kind.tier !== 'prohibited';
    if (coarse && kind.value === undefined) {
      throw invalid(
        `${path}.obligations`,
        `kind "${name}" declares no "value", so nothing says how coarse`,
      );
    }
  }
  const assessed = rule.obligations.includes('impact-assessment');
  if (assessed !== (rule.assessedOn !== undefined)) {
    throw invalid(
      `${path}.assessedOn`,
      'expected the day of the assessment, where one is asked for',
    );
  }
}

function checkReview(
  declaration: { readonly reviewBy: string; readonly reviewedOn?: string },
  path: string,
): void {
  const { reviewBy, reviewedOn } = declaration;
  if (reviewedOn === undefined) return;
  const latest = halfYearAfter(reviewedOn) as string;
  // Days as YYYY-MM-DD sort as text.
  if (reviewBy > latest || reviewBy < reviewedOn) {
    throw invalid(`${path}.reviewBy`, `expected a day from ${reviewedOn} to ${latest}`);
  }
}

/** Flows to one scene must not bring together there what the schema keeps apart. */
function checkCompletes(
  schema: ProfileSchema,
  flow: FlowDeclaration,
  earlier: readonly FlowDeclaration[],
  path: string,
): void {
  const arrived = new Set(
    [...earlier, flow].filter(({ to }) => to === flow.to).flatMap(({ tags }) => tags),
  );
  for (const { tags } of schema.sensitiveCombinations) {
    const brought = tags.some((tag) => flow.tags.includes(tag));
    const there = (tag: string): boolean =>
      arrived.has(tag) || (schema.tags[tag] as TagDeclaration).scenes.includes(flow.to);
    if (brought && tags.every(there)) {
      throw invalid(path, `the flow completes the sensitive combination ${tags.join(', ')}`);
    }
  }
}

function checkTag(schema: ProfileSchema, name: string, tag: TagDeclaration): void {
  const path = `tags.${name}`;
  for (const text of [name, ...(tag.values ?? [])]) {
    const term = forbiddenTerm(text);
    if (term !== null) throw invalid(path, `"${text}" is forbidden vocabulary ("${term}")`);
  }
  checkDeclared(schema.scenes, tag.scenes, 'scene', `${path}.scenes`);
  checkPurposes(schema.purposes, tag.purposes, 'the schema', path);
  tag.from.forEach((from, i) => {
    const kind = collectedKind(schema, from);
    if (kind === undefined) {
      const state = own(schema.kinds, from) === undefined ? 'not declared' : 'prohibited';
      throw invalid(`${path}.from[${i}]`, `kind "${from}" is ${state}`);
    }
    checkPurposes(kind.purposes, tag.purposes, `kind "${from}"`, path);
    if (tag.sensitivity === 'sensitive') {
      const lax = tag.scenes.find((scene) => {
        const risk = kindRisk(schema, from, scene);
        return risk !== null && isLaxer(risk.tier, 'restricted');
      });
      if (lax !== undefined) {
        throw invalid(
          `${path}.from[${i}]`,
          `a sensitive tag needs restricted data, which "${from}" is not in scene "${lax}"`,
        );
      }
    }
  });
  checkReview(tag, path);
}

function checkFlow(schema: ProfileSchema, flow: FlowDeclaration, path: string): void {
  checkDeclared(schema.scenes, [flow.from], 'scene', `${path}.from`);
  checkDeclared(schema.scenes, [flow.to], 'scene', `${path}.to`);
  if (flow.from === flow.to) throw invalid(path, 'a flow leads from one scene to another');
  checkPurposes(schema.purposes, flow.purposes, 'the schema', path);
  checkParties(schema, flow, path);
  checkDeclared(schema.tags, flow.tags, 'tag', `${path}.tags`);
  flow.tags.forEach((name, i) => {
    const tag = schema.tags[name] as TagDeclaration;
    if (!tag.scenes.includes(flow.from)) {
      throw invalid(`${path}.tags[${i}]`, `tag "${name}" does not exist in scene "${flow.from}"`);
    }
    checkPurposes(tag.purposes, flow.purposes, `tag "${name}"`, path);
  });
}

function checkDeclared(
  declared: Readonly<Record<string, unknown>>,
  names: readonly string[],
  what: string,
  path: string,
): void {
  for (const name of names) {
    if (own(declared, name) === undefined) throw invalid(path, `${what} "${name}" is not declared`);
  }
}

function checkPurposes(
  allowed: readonly Purpose[],
  purposes: readonly Purpose[],
  by: string,
  path: string,
): void {
  for (const purpose of purposes) {
    if (!allowed.includes(purpose)) {
      throw invalid(`${path}.purposes`, `"${purpose}" is not a purpose of ${by}`);
    }
  }
}

function checkParties(
  schema: ProfileSchema,
  use: { readonly controller: string; readonly recipients: readonly string[] },
  path: string,
): void {
  const expectRole = (party: string, role: PartyRole, at: string): void => {
    if (own(schema.parties, party)?.role !== role) {
      throw invalid(at, `"${party}" is not a party with the role "${role}"`);
    }
  };
  expectRole(use.controller, 'controller', `${path}.controller`);
  for (const party of use.recipients) expectRole(party, 'recipient', `${path}.recipients`);
}

function invalid(path: string, message: string): VelaturaError {
  const at = path === '' ? 'the schema' : path;
  return new VelaturaError('profile/invalid-schema', `${at}: ${message}`, { path });
}
