import type { AccountantName, CertifiedInterval } from '../accountant.ts';
import type { DpEvent } from '../event.ts';
import type { Plan } from '../plan.ts';
import { epsilonOfPlan } from './create.ts';
import { describeEvent, shown } from './describe-event.ts';
import { type Leaf, leavesOf, mergedLeaves } from './leaves.ts';
import { divergenceCurve } from './rdp/curve.ts';
import { epsilonOfCurve } from './rdp/readouts.ts';
import { totalCurve } from './rdp/total.ts';
import { validatePlan } from './validate.ts';

/** What one part of a plan contributes. */
export interface EpsilonPart {
  /** Where it stands in the tree. */
  readonly path: string;
  readonly event: DpEvent;
  /** How often it is used. */
  readonly count: number;
  readonly description: string;
  /** Upper epsilon of this part alone, at the same delta. */
  readonly alone: number;
  /** Upper epsilon of the plan without this part. */
  readonly without: number;
  /** Upper epsilon of the plan if this part were not sampled; null where it is not, or cannot be priced. */
  readonly unsampled: number | null;
  /** Part of the Rényi divergence at the order that decides; the shares add up to 1. */
  readonly share: number;
}

/** Where an epsilon comes from, in figures and in words. */
export interface EpsilonExplanation {
  readonly epsilon: CertifiedInterval;
  readonly delta: number;
  readonly accountant: AccountantName;
  /** Largest share first. */
  readonly parts: readonly EpsilonPart[];
  /** Upper epsilon if every use of every part were added up at this delta each: what composition saves. */
  readonly naive: number;
  readonly text: string;
}

/**
 * Explains where the epsilon of a plan comes from: what each part costs alone, what the plan would cost
 * without it, what sampling saves, and what the careful accounting saves over adding up.
 *
 * @param delta - in (0, 1)
 * @param accountant - default `pld`
 * @throws {VelaturaError} `dp/unsupported-event`, `dp/invalid-parameter`
 */
export function explainEpsilon(
  plan: Plan,
  delta: number,
  accountant: AccountantName = 'pld',
): EpsilonExplanation {
  validatePlan(plan);
  const epsilon = epsilonOfPlan(plan, delta, accountant);
  const leaves = mergedLeaves(leavesOf(plan.event));
  const upper = (some: readonly Leaf[]): number =>
    some.length === 0
      ? 0
      : epsilonOfPlan({ ...plan, event: eventOf(some) }, delta, accountant).upper;
  const shares = sharesOf(leaves, plan, delta);
  const parts = leaves.map((leaf, i): EpsilonPart => {
    const others = leaves.filter((other) => other !== leaf);
    const bare = withoutSampling(leaf);
    return {
      path: leaf.path,
      event: leaf.event,
      count: leaf.count,
      description: `${leaf.count === 1 ? '' : `${leaf.count} × `}${describeEvent(leaf.event)}`,
      alone: upper([leaf]),
      without: upper(others),
      unsampled: bare === undefined ? null : upper([...others, bare]),
      share: shares[i] as number,
    };
  });
  parts.sort((a, b) => b.share - a.share);
  const naive = leaves.reduce((sum, leaf) => sum + leaf.count * upper([{ ...leaf, count: 1 }]), 0);
  const explanation = { epsilon, delta, accountant, parts, naive };
  return { ...explanation, text: textOf(explanation) };
}

function eventOf(leaves: readonly Leaf[]): DpEvent {
  return {
    kind: 'composed',
    events: leaves.map(({ event, count }) => ({ kind: 'repeated', count, event })),
  };
}

function withoutSampling(leaf: Leaf): Leaf | undefined {
  const { event } = leaf;
  if (event.kind !== 'poisson-sampled' && event.kind !== 'fixed-size-sampled') return undefined;
  const [bare] = leavesOf(event.event);
  return bare && { ...bare, count: bare.count * leaf.count };
}

/** Shares of the Rényi divergence at the order that gives the least epsilon. */
function sharesOf(leaves: readonly Leaf[], plan: Plan, delta: number): readonly number[] {
  const open = leaves.findIndex(({ event }) => event.kind === 'non-private');
  if (open >= 0) return leaves.map((_, i) => (i === open ? 1 : 0));
  const { order } = epsilonOfCurve(totalCurve(leaves, plan.relation), delta);
  const sizes = leaves.map(({ event, count, path }) => {
    const curve = divergenceCurve(event, plan.relation, path);
    return count * (order === Number.POSITIVE_INFINITY ? curve.pure : curve.at(order));
  });
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return sizes.map((size) => (total > 0 ? size / total : 1 / sizes.length));
}

function textOf(explanation: Omit<EpsilonExplanation, 'text'>): string {
  const { epsilon, delta, accountant, parts, naive } = explanation;
  const { lower, upper } = epsilon;
  const least = lower?.toPrecision(6);
  let certainty = '';
  if (least === upper.toPrecision(6)) certainty = '; certified to six digits';
  else if (least !== undefined) certainty = `; the true value is at least ${least}`;
  const lines = [
    `Epsilon is at most ${upper.toPrecision(6)} at delta ${delta} (${accountant} accountant${certainty}).`,
  ];
  for (const part of parts) {
    const unsampled =
      part.unsampled === null
        ? ''
        : ` Without the sampling the plan would cost ${shown(part.unsampled)}.`;
    lines.push(
      `${part.description} (${part.path}): ${shown(100 * part.share)} % of the divergence; ` +
        `alone ${shown(part.alone)}, the rest without it ${shown(part.without)}.${unsampled}`,
    );
  }
  if (Number.isFinite(naive) && naive > upper * 1.001) {
    lines.push(
      `Adding up the epsilons of all uses would give ${shown(naive)}, and a larger delta with it.`,
    );
  }
  return lines.join('\n');
}
