import type { GateRefusal } from './gate-refusal.ts';
import { parsePeriod } from './period.ts';
import {
  type CollectedKind,
  type ProfileSchema,
  type Purpose,
  requireValidated,
  type ValueRange,
} from './schema.ts';
import { reviewEnd } from './schema-review.ts';
import { kindRisk } from './schema-risk.ts';

/** What is known of a kind in a scene before any event comes, whoever the person is. */
export interface GateRule {
  /** Number of the rule in its table. */
  readonly index: number;
  /** Why no event can pass; null when that depends on the event. */
  readonly refusal: GateRefusal | null;
  readonly retentionMs: number;
  readonly reviewUntil: number;
  /** Tags that may be made from this kind in this scene, with the end of their review. */
  readonly tags: ReadonlyMap<string, number>;
  readonly value: ValueRange | null;
  readonly fromText: boolean;
  readonly withPlace: boolean;
}

/** What a gate collects for. */
export interface GateTarget {
  readonly purpose: Purpose;
  /** Whether events leave the gate de-identified. */
  readonly deIdentified: boolean;
}

/** kind → scene → rule. */
export type GateRules = ReadonlyMap<string, ReadonlyMap<string, GateRule>>;

const tables = new WeakMap<ProfileSchema, Map<string, GateRules>>();

/** The rules of a schema for a target: made once, shared by the gates of all persons. */
export function gateRules(schema: ProfileSchema, target: GateTarget): GateRules {
  requireValidated(schema);
  const known = tables.get(schema) ?? new Map<string, GateRules>();
  tables.set(schema, known);
  const key = JSON.stringify([target.purpose, target.deIdentified]);
  const rules = known.get(key) ?? makeRules(schema, target);
  known.set(key, rules);
  return rules;
}

function makeRules(schema: ProfileSchema, target: GateTarget): GateRules {
  const scenes = Object.keys(schema.scenes);
  let count = 0;
  return new Map(
    Object.entries(schema.kinds).map(([kind, declared]) => [
      kind,
      new Map(
        scenes.map((scene) => {
          const index = count;
          count += 1;
          return [scene, { ...makeRule(schema, kind, declared, scene, target), index }] as const;
        }),
      ),
    ]),
  );
}

function makeRule(
  schema: ProfileSchema,
  kind: string,
  declared: ProfileSchema['kinds'][string],
  scene: string,
  target: GateTarget,
): Omit<GateRule, 'index'> {
  const risk = kindRisk(schema, kind, scene);
  if (declared.tier === 'prohibited' || risk === null || risk.tier === 'prohibited') {
    return { ...CLOSED, refusal: 'prohibited-kind' };
  }
  if (!declared.purposes.includes(target.purpose))
    return { ...CLOSED, refusal: 'purpose-not-declared' };
  const { obligations } = risk;
  // De-identified data is on its way off the device, whoever takes it.
  if (obligations.has('on-device-only') && target.deIdentified)
    return { ...CLOSED, refusal: 'on-device-only' };
  if (obligations.has('coarse-only') && !target.deIdentified)
    return { ...CLOSED, refusal: 'not-de-identified' };
  return openRule(schema, kind, declared, scene, target.purpose);
}

/** A rule by which nothing passes, but for the reason. */
const CLOSED = {
  retentionMs: 0,
  reviewUntil: Number.NEGATIVE_INFINITY,
  tags: new Map<string, number>(),
  value: null,
  fromText: false,
  withPlace: false,
} as const;

function openRule(
  schema: ProfileSchema,
  kind: string,
  declared: CollectedKind,
  scene: string,
  purpose: Purpose,
): Omit<GateRule, 'index'> {
  const tags = Object.entries(schema.tags).filter(
    ([, tag]) =>
      tag.from.includes(kind) && tag.scenes.includes(scene) && tag.purposes.includes(purpose),
  );
  return {
    refusal: null,
    retentionMs: parsePeriod(declared.retention) as number,
    reviewUntil: reviewEnd(schema, declared),
    tags: new Map(tags.map(([name, tag]) => [name, reviewEnd(schema, tag)])),
    value: declared.value ?? null,
    fromText: declared.derivedFrom === 'text',
    withPlace: declared.place === 'coarse',
  };
}
