import { VelaturaError } from '../../core/errors.ts';
import {
  type BudgetPolicy,
  type ScenePolicy,
  scenePolicyOf,
  validatePolicy,
} from '../budget/policy.ts';
import { SCALAR_CURRENCIES, type ScalarCurrency } from '../budget/scalar-currency.ts';
import { type AllocatedScene, type AllocationTerms, Allocator } from './allocator.ts';
import { MarginalCost } from './marginal-cost.ts';
import {
  fitConcaveCurve,
  type LiftedPoint,
  slopeAfter,
  type UtilityCurves,
  validateUtilityPoints,
  valueAt,
} from './utility-curve.ts';

/** What is to be shared out, over which scenes, and what epsilon is worth in each. */
export interface AllocationRequest {
  /** The guarantee of a user over all scenes. */
  readonly total: { readonly epsilon: number; readonly delta: number };
  /** In what scenes add up; default `gdp`, exact where all releases are Gaussian. */
  readonly currency?: 'gdp' | 'zcdp';
  /**
   * As in a budget policy: `perUser` and `worstCase` are caps, `default` is for scenes that are not named.
   * Default: every scene that has a curve, without a cap.
   */
  readonly scenes?: Readonly<Record<string, ScenePolicy>>;
  readonly utilityCurves: UtilityCurves;
  /** How much a scene's utility counts in the sum, such as its share of sessions; positive, default 1. */
  readonly weights?: Readonly<Record<string, number>>;
}

/** The part of one scene. */
export interface SceneAllocation {
  /** For `perUser` of the scene's policy; six digits, rounded down. */
  readonly epsilon: number;
  /** The most the policy lets the scene have. */
  readonly cap: number;
  readonly weight: number;
  /** Utility there, read off the curve. */
  readonly value: number;
  /** Utility that a little more epsilon would add, for each unit of it; not weighted. */
  readonly marginalUtility: number;
  /** What keeps the scene from more: a curve that stays flat, the policy, or the total. */
  readonly limitedBy: 'curve' | 'policy' | 'total';
}

/** One way to share out. */
export interface AllocationAlternative {
  /**
   * `favour`: one scene is served first; `total`: the best split of another total; `uncapped`: the best
   * split if the policy held no scene.
   */
  readonly kind: 'best' | 'even' | 'favour' | 'total' | 'uncapped';
  /** The scene served first, for `favour`. */
  readonly scene: string | null;
  readonly totalEpsilon: number;
  readonly epsilons: Readonly<Record<string, number>>;
  readonly utility: number;
}

/** A total shared out over scenes. */
export interface BudgetAllocation {
  readonly scenes: Readonly<Record<string, SceneAllocation>>;
  /** Weighted sum over scenes. */
  readonly utility: number;
  /** Epsilon of all scenes spent in full: certified, never above the total. */
  readonly composedEpsilon: number;
  /** Weighted utility that a little more total epsilon would add, for each unit of it. */
  readonly marginalUtility: number;
  /**
   * The best split first; then an even one, each scene served first, a quarter less and more in total, and,
   * where the policy holds a scene back, the best split without its caps.
   */
  readonly whatIf: readonly AllocationAlternative[];
  /** Measured points below the curve, by scene. */
  readonly lifted: Readonly<Record<string, readonly LiftedPoint[]>>;
  /** Scenes of the policy without a curve: nothing was set aside for them. */
  readonly withoutCurve: readonly string[];
}

/** How far the what-if table varies the total. */
const VARIATIONS = [0.75, 1.25] as const;
/** More than what rounding to six digits takes from an epsilon. */
const ROUNDING = 1 + 2e-5;

/**
 * Shares out a user's total epsilon over scenes so that the weighted sum of their utilities is greatest.
 * Curves are made concave and rising (least concave curve above the points, see {@link LiftedPoint}); with
 * them the split is the best there is, to 1e-6 of the utility and the six digits of each epsilon.
 *
 * ## Privacy
 * Costs nothing: it works on the policy and on curves. The curves themselves were measured on somebody's
 * data, which must have been public or paid for. All epsilons spent in full compose to at most the total,
 * counted in the very units of the budget's filters (allocation.proof.md).
 *
 * @throws {VelaturaError} `data/unknown-scene` for a curve or weight of a scene the policy does not know,
 * `data/invalid-value` and `data/empty` with scene and point, `dp/invalid-policy` for the total or a scene
 */
export function allocateBudget(request: AllocationRequest): BudgetAllocation {
  const { total, utilityCurves } = request;
  const policy = validatePolicy({
    version: 1,
    currency: request.currency ?? 'gdp',
    delta: total.delta,
    user: { epsilon: total.epsilon },
    scenes: request.scenes ?? { default: {} },
    // A policy must have one; nothing is reserved here.
    reservationLease: 'PT1M',
  });
  const scenes = scenesOf(policy, request);
  const terms = termsOf(policy, SCALAR_CURRENCIES[request.currency ?? 'gdp']);
  const allocator = new Allocator(terms, scenes, total.epsilon);
  const { units, price } = allocator.optimal();
  const best = alternative(allocator, 'best', units);
  const allocated = scenes.map((scene) =>
    sceneAllocation(scene, best.epsilons[scene.name] as number, total.epsilon),
  );
  return {
    scenes: Object.fromEntries(
      scenes.map(({ name }, i) => [name, allocated[i] as SceneAllocation]),
    ),
    utility: best.utility,
    composedEpsilon: allocator.composed(best.epsilons),
    marginalUtility: allocator.perEpsilon(price),
    whatIf: [
      best,
      alternative(allocator, 'even', allocator.even()),
      ...scenes.map(({ name }, i) =>
        alternative(allocator, 'favour', allocator.favouring(i), name),
      ),
      ...VARIATIONS.map((factor) => bestOf(terms, scenes, total.epsilon * factor, 'total')),
      ...(allocated.some(({ limitedBy }) => limitedBy === 'policy')
        ? [bestOf(terms, scenes.map(uncapped), total.epsilon, 'uncapped')]
        : []),
    ],
    lifted: Object.fromEntries(
      scenes
        .filter(({ curve }) => curve.lifted.length > 0)
        .map(({ name, curve }) => [name, curve.lifted]),
    ),
    withoutCurve: Object.keys(policy.scenes).filter(
      (name) => name !== 'default' && !Object.hasOwn(utilityCurves, name),
    ),
  };
}

function termsOf(policy: BudgetPolicy, currency: ScalarCurrency): AllocationTerms {
  const { delta, user } = policy;
  const most = currency.capacity(user.epsilon * Math.max(...VARIATIONS), delta);
  return { currency, delta, cost: new MarginalCost(currency, delta, Math.max(2, most)) };
}

function uncapped(scene: AllocatedScene): AllocatedScene {
  return { ...scene, cap: Number.POSITIVE_INFINITY };
}

function bestOf(
  terms: AllocationTerms,
  scenes: readonly AllocatedScene[],
  totalEpsilon: number,
  kind: AllocationAlternative['kind'],
): AllocationAlternative {
  const allocator = new Allocator(terms, scenes, totalEpsilon);
  return alternative(allocator, kind, allocator.optimal().units);
}

function scenesOf(policy: BudgetPolicy, request: AllocationRequest): readonly AllocatedScene[] {
  const { utilityCurves, weights = {} } = request;
  const names = Object.keys(utilityCurves);
  if (names.length === 0) {
    throw new VelaturaError('data/empty', 'curves: expected at least one scene');
  }
  for (const name of Object.keys(weights)) {
    if (!Object.hasOwn(utilityCurves, name)) throw unknownScene(name, 'a weight but no curve');
  }
  // Sums in another order differ in their last bits; a result must not.
  return names.sort().map((name) => {
    if (name === 'default') {
      throw unknownScene(name, 'a curve, but stands for scenes that are not named: name them');
    }
    const rules = scenePolicyOf(policy, name);
    if (rules === undefined) throw unknownScene(name, 'a curve, but the policy does not know it');
    const weight = Object.hasOwn(weights, name) ? (weights[name] as number) : 1;
    if (!(weight >= 1e-9 && weight <= 1e9)) {
      throw new VelaturaError(
        'data/invalid-value',
        `weight of "${name}": expected a number in [1e-9, 1e9]`,
        { scene: name },
      );
    }
    const points = validateUtilityPoints(name, utilityCurves[name]);
    return { name, weight, cap: capOf(rules), curve: fitConcaveCurve(name, points) };
  });
}

/** A user's spending in a scene is held by the user's quota, and by that of the user in every release. */
function capOf({ perUser, worstCase, maxReleases }: ScenePolicy): number {
  if (maxReleases === 0) return 0;
  return Math.min(
    perUser?.epsilon ?? Number.POSITIVE_INFINITY,
    worstCase?.epsilon ?? Number.POSITIVE_INFINITY,
  );
}

function unknownScene(scene: string, what: string): VelaturaError {
  return new VelaturaError('data/unknown-scene', `scene "${scene}" has ${what}`, { scene });
}

function alternative(
  allocator: Allocator,
  kind: AllocationAlternative['kind'],
  units: readonly number[],
  scene: string | null = null,
): AllocationAlternative {
  const epsilons = allocator.epsilons(units);
  const { totalEpsilon } = allocator;
  return { kind, scene, totalEpsilon, epsilons, utility: allocator.utility(epsilons) };
}

function sceneAllocation(
  { curve, weight, cap }: AllocatedScene,
  epsilon: number,
  total: number,
): SceneAllocation {
  const marginalUtility = slopeAfter(curve, epsilon * ROUNDING);
  const atCap = cap < total && epsilon * ROUNDING >= cap;
  return {
    epsilon,
    cap: Math.min(cap, total),
    weight,
    value: valueAt(curve, epsilon),
    marginalUtility,
    limitedBy: marginalUtility === 0 ? 'curve' : atCap ? 'policy' : 'total',
  };
}
