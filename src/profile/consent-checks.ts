import { VelaturaError } from '../core/errors.ts';
import { consentNotice } from './consent-notice.ts';
import type { ConsentScope } from './consent-receipt.ts';
import { own, printable } from './names.ts';
import { needsOwnConsent, type ProfileSchema, type Purpose } from './schema.ts';
import { kindRisk } from './schema-risk.ts';

/** A purpose that the schema declares. */
export function checkPurpose(schema: ProfileSchema, purpose: Purpose): Purpose {
  if (!schema.purposes.includes(purpose)) {
    throw invalidConsent('the purpose is not declared', { purposes: schema.purposes });
  }
  return purpose;
}

/** Refuses whoever is not declared as a controller. */
export function checkController(schema: ProfileSchema, controller: string): void {
  if (own(schema.parties, controller)?.role !== 'controller') {
    throw invalidConsent(`"${printable(controller)}" is not a declared controller`, {});
  }
}

/** A scene that the schema declares. */
export function checkScene(schema: ProfileSchema, scene: string): string {
  // A list of one name would pass for the name.
  if (typeof scene !== 'string' || own(schema.scenes, scene) === undefined) {
    throw invalidConsent(`scene "${printable(String(scene))}" is not declared`, {});
  }
  return scene;
}

/** The recipients of an act, frozen: declared for its data, and alone where they need an act of their own. */
export function checkRecipients(
  schema: ProfileSchema,
  scope: ConsentScope,
  controller: string,
  recipients: readonly string[],
): readonly string[] {
  if (scope.recipient !== undefined) {
    if (recipients.some((name) => name !== scope.recipient)) {
      throw invalidConsent('a consent for one recipient names no other', {});
    }
    return Object.freeze([scope.recipient]);
  }
  if (recipients.length === 0) return Object.freeze([]);
  const { summary } = consentNotice(schema, scope, controller, 0);
  const declared = new Set(summary.recipients.map((party) => party.name));
  for (const name of recipients) {
    if (!declared.has(name)) {
      throw invalidConsent(`"${printable(name)}" is no recipient of this data`, {});
    }
    if (needsOwnConsent(schema, name)) {
      throw invalidConsent(`"${name}" needs a consent of its own`, { recipient: name });
    }
  }
  return Object.freeze([...new Set(recipients)]);
}

/** A frozen copy of a scope whose names are declared and fit its tier. */
export function checkScope(schema: ProfileSchema, scope: ConsentScope): ConsentScope {
  const { recipient } = scope;
  if (recipient === undefined) return Object.freeze(checkTier(schema, scope));
  if (own(schema.parties, recipient)?.role !== 'recipient') {
    throw invalidConsent(`"${printable(recipient)}" is not a declared recipient`, {});
  }
  return Object.freeze({ ...checkTier(schema, scope), recipient });
}

function checkTier(schema: ProfileSchema, scope: ConsentScope): ConsentScope {
  if (scope.tier === 'essential') return { tier: scope.tier };
  if (scope.tier !== 'enhanced' && scope.tier !== 'restricted') {
    throw invalidConsent('the scope is of no tier for which consent can be given', {});
  }
  const scene = checkScene(schema, scope.scene);
  if (scope.tier === 'enhanced') return { tier: scope.tier, scene };
  const { kind } = scope;
  const tier = kindRisk(schema, kind, scene)?.tier;
  if (tier === 'prohibited') {
    throw new VelaturaError('profile/prohibited-kind', `kind "${kind}" cannot be agreed to`, {
      kind,
    });
  }
  if (tier !== 'restricted') {
    throw invalidConsent(
      `"${printable(kind)}" is not a declared kind of the tier "restricted" there`,
      {},
    );
  }
  if (scope.explicit !== true) {
    throw invalidConsent('consent to a restricted kind is explicit, or it is none', { kind });
  }
  return { tier: scope.tier, scene, kind, explicit: true };
}

/** The refusal of an act that cannot be recorded. */
export function invalidConsent(
  message: string,
  details: Readonly<Record<string, string | number | readonly string[]>>,
): VelaturaError {
  return new VelaturaError('profile/invalid-consent', message, details);
}
