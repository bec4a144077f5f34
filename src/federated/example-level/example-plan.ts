import { calibrateNoise, epsilonOfPlan, sampledRoundsEvent } from '../../dp/accounting/index.ts';
import { invalid } from '../../dp/accounting/refuse.ts';
import type { DpEvent } from '../../dp/event.ts';
import type { NeighbourRelation, Plan } from '../../dp/plan.ts';
import type { ExampleSampler } from './example-sampler.ts';

/** The guarantee of a run and how much noise it takes: exactly one of `epsilon` and `noiseMultiplier`. */
export interface ExampleGuarantee {
  readonly relation: NeighbourRelation;
  readonly delta: number;
  /** Of the whole run; the noise is calibrated to it with the PLD accountant. */
  readonly epsilon?: number;
  /** Noise deviation of a step over its sensitivity, under the relation; 0 is non-private. */
  readonly noiseMultiplier?: number;
}

/** The event of so many steps. */
function stepsEvent(sampler: ExampleSampler, steps: number, noiseMultiplier: number): DpEvent {
  const { sampling, samplingRate, population } = sampler;
  if (noiseMultiplier === 0) return { kind: 'non-private' };
  if (sampling.kind !== 'fixed-size') {
    return sampledRoundsEvent({ samplingRate, rounds: steps, noiseMultiplier });
  }
  const event: DpEvent = { kind: 'gaussian', noiseMultiplier };
  const sampleSize = sampling.batchSize;
  return {
    kind: 'repeated',
    count: steps,
    event: { kind: 'fixed-size-sampled', sampleSize, populationSize: population, event },
  };
}

/**
 * The plan of a run, and its noise multiplier.
 *
 * @throws {VelaturaError} `dp/invalid-parameter`, `dp/no-solution`; `dp/unsupported-event` for a relation
 * under which such samples have no proven bound
 */
export function examplePlan(
  sampler: ExampleSampler,
  steps: number,
  guarantee: ExampleGuarantee,
): { readonly plan: Plan; readonly noiseMultiplier: number } {
  const { relation, delta, epsilon, noiseMultiplier } = guarantee;
  if ((epsilon === undefined) === (noiseMultiplier === undefined)) {
    throw new TypeError('"guarantee" expected either "epsilon" or "noiseMultiplier"');
  }
  if (!Number.isSafeInteger(steps) || steps < 1) {
    throw new RangeError(`"steps" expected a positive integer, got ${steps}`);
  }
  if (epsilon !== undefined) {
    return calibrateNoise({ epsilon, delta, relation, unit: 'example' }, (noise) =>
      stepsEvent(sampler, steps, noise),
    );
  }
  const given = noiseMultiplier as number;
  if (!(given >= 0 && given < Number.POSITIVE_INFINITY)) {
    throw invalid('noiseMultiplier', 'a finite number of at least 0', given);
  }
  const plan: Plan = { unit: 'example', relation, event: stepsEvent(sampler, steps, given) };
  // Refuses what cannot be priced before anybody's data is read.
  if (given !== 0) epsilonOfPlan(plan, delta);
  return { plan, noiseMultiplier: given };
}
