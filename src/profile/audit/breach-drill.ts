import type { AuditRecord } from './audit-record.ts';

/** What was exposed, and when. */
export interface BreachQuestion {
  /** Names of the keys, files, stores, backups or services that got into other hands. */
  readonly objects: readonly string[];
  /** First and last moment at which somebody else may have had them: milliseconds since 1970. */
  readonly from: number;
  readonly until: number;
}

/** What one scene lost. */
export interface SceneExposure {
  readonly scene: string;
  /** Tags and kinds of data. */
  readonly items: readonly string[];
  /** Names of the people in the log; the holder of the log's secret can find the accounts. */
  readonly subjects: readonly string[];
}

/** Whom and what a breach exposed. */
export interface BreachReport {
  /** Everything that was open: the objects asked about and all that they open, in turn. */
  readonly objects: readonly string[];
  readonly scenes: readonly SceneExposure[];
  /** All people exposed, in any scene. */
  readonly subjects: readonly string[];
  /** Objects asked about that the log does not know: what they held nobody can say. */
  readonly unknown: readonly string[];
}

interface Custody {
  readonly scene: string;
  readonly items: readonly string[];
  readonly subjects: readonly string[];
  readonly opens: readonly string[];
  /** Since when it has been in the object. */
  readonly since: number;
}

/**
 * Which people, scenes and data a key or file exposed: by the entries that say what each object held and which
 * objects a key opens, followed through. What was put in after the last moment, and objects destroyed before the
 * first one, are not counted.
 *
 * A key opens what it once sealed for as long as a copy of the sealed object is there: an object that was
 * destroyed in between counts as exposed, because it was open for a while.
 *
 * @throws RangeError when `until` is before `from`
 */
export function breachReport(
  records: Iterable<AuditRecord>,
  question: BreachQuestion,
): BreachReport {
  const { from, until } = question;
  if (!(from <= until)) throw new RangeError(`"until" expected at least ${from}, got ${until}`);
  const holdings = new Map<string, Custody[]>();
  const destroyedAt = new Map<string, number>();
  for (const record of records) {
    if (record.kind === 'custody') {
      const { object, scene, items, subjects, opens, time } = record;
      // An object that is filled again after its destruction is there again.
      destroyedAt.delete(object);
      const list = holdings.get(object) ?? [];
      list.push({ scene, items, subjects, opens, since: time });
      holdings.set(object, list);
    } else if (record.kind === 'destruction') {
      if (record.time < from) holdings.delete(record.object);
      destroyedAt.set(record.object, record.time);
    }
  }
  const known = new Set([...holdings.keys(), ...destroyedAt.keys()]);
  const reached = new Set<string>();
  const waiting = [...question.objects];
  const scenes = new Map<string, { items: Set<string>; subjects: Set<string> }>();
  for (let object = waiting.pop(); object !== undefined; object = waiting.pop()) {
    if (reached.has(object)) continue;
    reached.add(object);
    for (const custody of holdings.get(object) ?? []) {
      if (custody.since > until) continue;
      waiting.push(...custody.opens);
      const exposure = scenes.get(custody.scene) ?? { items: new Set(), subjects: new Set() };
      scenes.set(custody.scene, exposure);
      for (const item of custody.items) exposure.items.add(item);
      for (const subject of custody.subjects) exposure.subjects.add(subject);
    }
  }
  const exposed = [...scenes].filter(([, { items, subjects }]) => items.size + subjects.size > 0);
  return {
    objects: [...reached].filter((object) => holdings.has(object)).sort(),
    scenes: exposed
      .map(([scene, { items, subjects }]) => ({
        scene,
        items: [...items].sort(),
        subjects: [...subjects].sort(),
      }))
      .sort((a, b) => (a.scene < b.scene ? -1 : 1)),
    subjects: [...new Set(exposed.flatMap(([, { subjects }]) => [...subjects]))].sort(),
    unknown: [...reached].filter((object) => !known.has(object)).sort(),
  };
}
