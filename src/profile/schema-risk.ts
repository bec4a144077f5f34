import { own } from './names.ts';
import type { KindDeclaration, Obligation, ProfileSchema } from './schema.ts';

/** Tiers from the least to the most delicate; what is prohibited comes last. */
const STRICTNESS: readonly KindDeclaration['tier'][] = [
  'essential',
  'enhanced',
  'restricted',
  'prohibited',
];

/** What a kind of data asks for in a scene. */
export interface KindRisk {
  readonly tier: KindDeclaration['tier'];
  readonly obligations: ReadonlySet<Obligation>;
}

/** True when the first tier asks for less than the second. */
export function isLaxer(first: KindDeclaration['tier'], second: KindDeclaration['tier']): boolean {
  return STRICTNESS.indexOf(first) < STRICTNESS.indexOf(second);
}

/**
 * Tier and obligations of a kind in a scene: the strictest tier among the kind's own, the risk level of the
 * scene and all risk rules that name both, and the obligations of all of them together.
 *
 * In a scene of risk level `high`, enhanced data is restricted, and restricted data asks for
 * `session-consent`. A lower level adds nothing to the rules. Null for what is not declared.
 */
export function kindRisk(schema: ProfileSchema, kind: string, scene: string): KindRisk | null {
  const declared = own(schema.kinds, kind);
  const place = own(schema.scenes, scene);
  if (declared === undefined || place === undefined) return null;
  let { tier } = declared;
  const obligations = new Set<Obligation>();
  if (place.riskLevel === 'high' && tier === 'enhanced') tier = 'restricted';
  for (const rule of schema.riskRules ?? []) {
    if (!rule.kinds.includes(kind) || !rule.scenes.includes(scene)) continue;
    if (rule.tier !== undefined && isLaxer(tier, rule.tier)) tier = rule.tier;
    for (const obligation of rule.obligations) obligations.add(obligation);
  }
  if (place.riskLevel === 'high' && tier === 'restricted') obligations.add('session-consent');
  return { tier, obligations };
}
