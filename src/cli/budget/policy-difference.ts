import { durationMilliseconds } from '../../dp/budget/duration.ts';
import { type BudgetPolicy, type ScenePolicy, scenePolicyOf } from '../../dp/budget/policy.ts';

/** What a change does to those who ask for data. */
export type ChangeDirection = 'stricter' | 'looser' | 'other';

/** One thing that another policy says differently. */
export interface PolicyChange {
  /** Path in the policy, such as `scenes.live-food.perUser.epsilon`. */
  readonly path: string;
  readonly from: string | number | null;
  readonly to: string | number | null;
  readonly direction: ChangeDirection;
  /** The change in words. */
  readonly text: string;
}

type Value = string | number | undefined;

/** How a rule is told, and compared. */
interface Rule {
  readonly path: string;
  readonly what: string;
  /** Whether a larger value allows more, or less; null where neither can be said. */
  readonly larger: 'looser' | 'stricter' | null;
  /** Where the rule is absent. */
  readonly absent: string;
}

/** What differs between two policies, in the order in which a policy is written. */
export function policyChanges(from: BudgetPolicy, to: BudgetPolicy): readonly PolicyChange[] {
  const names = (field: 'scenes' | 'models' | 'groups'): readonly string[] => [
    ...new Set([...Object.keys(from[field] ?? {}), ...Object.keys(to[field] ?? {})]),
  ];
  return [
    ...termChanges(from, to),
    ...names('scenes').flatMap((name) => sceneChanges(name, from, to)),
    ...names('models').flatMap((name) => {
      const of = ({ models }: BudgetPolicy): Value => models?.[name]?.epsilon;
      return changed(limit(`models.${name}.epsilon`, `model "${name}": epsilon a user`), [
        of(from),
        of(to),
      ]);
    }),
    ...names('groups').flatMap((name) => groupChange(name, from, to)),
  ];
}

function limit(path: string, what: string): Rule {
  return { path, what, larger: 'looser', absent: 'no limit' };
}

function termChanges(from: BudgetPolicy, to: BudgetPolicy): readonly PolicyChange[] {
  const fixed = (path: string, what: string, of: (policy: BudgetPolicy) => unknown) =>
    changed({ path, what, larger: null, absent: 'none' }, [written(of(from)), written(of(to))]);
  const share = {
    path: 'additiveDelta',
    what: 'the part of delta that releases may spend by themselves',
    larger: null,
    absent: 'none',
  };
  return [
    ...fixed('currency', 'the currency', ({ currency }) => currency),
    ...fixed('plannedRun', 'the planned run', ({ plannedRun }) => plannedRun),
    ...fixed('epoch', 'the epochs', ({ epoch }) => epoch),
    ...changed(limit('user.epsilon', 'epsilon a user over all scenes'), [
      from.user.epsilon,
      to.user.epsilon,
    ]),
    ...changed(limit('delta', 'delta a user'), [from.delta, to.delta]),
    ...changed(share, [from.additiveDelta, to.additiveDelta]),
    ...fixed('reservationLease', 'the lease of a reservation', (p) => p.reservationLease),
  ];
}

/** A group's limit stands in place of everyone's, also where that is the smaller one. */
function groupChange(name: string, from: BudgetPolicy, to: BudgetPolicy): readonly PolicyChange[] {
  const rule = {
    path: `groups.${name}.user.epsilon`,
    what: `group "${name}": epsilon a user over all scenes`,
    larger: 'looser',
    absent: 'as everyone',
  } as const;
  const of = ({ groups }: BudgetPolicy): Value => groups?.[name]?.user.epsilon;
  return changed(
    rule,
    [of(from), of(to)],
    [of(from) ?? from.user.epsilon, of(to) ?? to.user.epsilon],
  );
}

/** The rules that hold in a scene, be they its own or the default's. */
function sceneChanges(name: string, from: BudgetPolicy, to: BudgetPolicy): readonly PolicyChange[] {
  const isDefault = name === 'default';
  const subject = isDefault ? 'scenes not named' : `scene "${name}"`;
  const before = scenePolicyOf(from, name);
  const after = scenePolicyOf(to, name);
  if (before === undefined || after === undefined) {
    const known = after !== undefined;
    return [
      {
        path: `scenes.${name}`,
        from: known ? null : 'known',
        to: known ? 'known' : null,
        direction: known ? 'looser' : 'stricter',
        text: known
          ? `${subject}: known from now on (looser)`
          : `${subject}: no longer known, every request is refused (stricter)`,
      },
    ];
  }
  const field = (key: string, what: string, of: (scene: ScenePolicy) => Value) =>
    changed(limit(`scenes.${name}.${key}`, `${subject}: ${what}`), [of(before), of(after)]);
  return [
    ...field('perUser.epsilon', 'epsilon a user', ({ perUser }) => perUser?.epsilon),
    ...field(
      'worstCase.epsilon',
      'epsilon of somebody in every release',
      ({ worstCase }) => worstCase?.epsilon,
    ),
    ...field('maxReleases', 'releases', ({ maxReleases }) => maxReleases),
    ...changed(
      {
        path: `scenes.${name}.minAggregationInterval`,
        what: `${subject}: time between releases`,
        larger: 'stricter',
        absent: 'none',
      },
      [before.minAggregationInterval, after.minAggregationInterval],
    ),
  ];
}

function written(value: unknown): Value {
  return value === undefined || typeof value === 'string' ? value : JSON.stringify(value);
}

/** @param effective - what the values amount to, where that is not what is written */
function changed(
  { path, what, larger, absent }: Rule,
  [from, to]: readonly [Value, Value],
  effective: readonly [Value, Value] = [from, to],
): readonly PolicyChange[] {
  if (from === to) return [];
  const [old, now] = effective.map((value) => size(value, larger));
  const direction =
    larger === null || old === undefined || now === undefined || old === now
      ? 'other'
      : now > old === (larger === 'looser')
        ? 'looser'
        : 'stricter';
  const words = `${what}: ${from ?? absent} → ${to ?? absent}`;
  return [
    {
      path,
      from: from ?? null,
      to: to ?? null,
      direction,
      text: direction === 'other' ? words : `${words} (${direction})`,
    },
  ];
}

/** A value as a number; without one, what binds least. */
function size(value: Value, larger: Rule['larger']): number {
  if (value === undefined) return larger === 'stricter' ? 0 : Number.POSITIVE_INFINITY;
  return typeof value === 'number' ? value : (durationMilliseconds(value) ?? 0);
}
