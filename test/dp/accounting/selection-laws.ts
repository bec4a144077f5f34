import type { DivergenceCurve } from '../../../src/dp/accounting/rdp/fixed-size.ts';
import type { SelectionRuns } from '../../../src/dp/event.ts';

/** Probabilities of the numbers of runs 0, 1, 2, …, by their definition, up to a tail under 1e-18. */
export function runWeights(runs: SelectionRuns): readonly number[] {
  const weights: number[] = [];
  if (runs.kind === 'poisson') {
    const last = Math.ceil(runs.mean + 12 * Math.sqrt(runs.mean) + 40);
    for (let k = 0, p = Math.exp(-runs.mean); k <= last; k++, p *= runs.mean / k) weights.push(p);
    return weights;
  }
  const { shape, stop } = runs;
  weights.push(0);
  let weight = 1;
  for (let k = 1; weight > 1e-18 * stop; k++) {
    weights.push(weight);
    weight *= ((1 - stop) * (k + shape)) / (k + 1);
  }
  const total = weights.reduce((sum, value) => sum + value, 0);
  return weights.map((value) => value / total);
}

/**
 * Law of the greatest of so many outcomes, in the order of `law`; first the probability that there was none.
 *
 * @param law - probabilities of one run's outcomes, the worst first
 */
export function selectedLaw(law: readonly number[], weights: readonly number[]): number[] {
  const selected = [weights[0] as number];
  let below = 0;
  for (const [i, mass] of law.entries()) {
    const upTo = i === law.length - 1 ? 1 : below + mass;
    // upToᵏ − belowᵏ by its recurrence in k: nothing is subtracted, so nothing cancels.
    let difference = 0;
    let power = 1;
    let sum = 0;
    for (let k = 1; k < weights.length; k++) {
      difference = upTo * difference + mass * power;
      power *= below;
      sum += (weights[k] as number) * difference;
    }
    selected.push(sum);
    below = upTo;
  }
  return selected;
}

/** Rényi divergence of that order, by definition. */
export function renyi(p: readonly number[], q: readonly number[], order: number): number {
  let sum = 0;
  p.forEach((mass, i) => {
    if (mass > 0) sum += mass * (mass / (q[i] as number)) ** (order - 1);
  });
  return Math.log(sum) / (order - 1);
}

/** The exact curve of a pair of neighbours, in the worse direction. */
export function exactCurve(p: readonly number[], q: readonly number[]): DivergenceCurve {
  const ratios = p.map((mass, i) => Math.abs(Math.log(mass / (q[i] as number))));
  const pure = Math.max(...ratios);
  return {
    pure,
    at: (order) =>
      order > 500 ? pure : Math.min(pure, Math.max(renyi(p, q, order), renyi(q, p, order), 0)),
  };
}
