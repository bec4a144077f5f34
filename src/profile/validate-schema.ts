import { VelaturaError } from '../core/errors.ts';
import { own } from './names.ts';
import { copyPlainJson } from './plain-json.ts';
import {
  collectedKind,
  type FlowDeclaration,
  type KindDeclaration,
  markValidated,
  type PartyRole,
  type ProfileSchema,
  type Purpose,
  type TagDeclaration,
} from './schema.ts';
import { findShapeProblem } from './schema-shape.ts';
import { forbiddenTerm } from './vocabulary.ts';

/**
 * Checks a profile schema and returns an immutable copy of it, the only form in which gate, consent, scenes
 * and profile accept one.
 *
 * Refused are, besides anything malformed: purposes outside the closed list, sources other than
 * `first-party`, a legal basis that does not fit the tier, prohibited kinds that declare anything else, tags
 * from the forbidden vocabulary, tags made from undeclared or prohibited kinds or for purposes for which
 * their data was not collected, flows that carry tags their scene does not have, and names that nothing
 * declares.
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
  return markValidated(schema);
}

function checkKind(schema: ProfileSchema, kind: KindDeclaration, path: string): void {
  if (kind.tier === 'prohibited') return;
  checkPurposes(schema.purposes, kind.purposes, 'the schema', path);
  checkParties(schema, kind, path);
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
  });
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
