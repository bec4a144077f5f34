import { epsilonOfPlan } from '../../dp/accounting/index.ts';
import { checkDelta } from '../../dp/delta-check.ts';
import { isInsecure, type Plan } from '../../dp/plan.ts';
import { type PrivacyStatement, UNCOVERED_SIDE_CHANNELS } from '../../dp/statement.ts';
import type { ExampleSampler } from './example-sampler.ts';
import type { ExampleLevelOptions } from './train-example-level.ts';

/**
 * What a run of example-level training claims.
 *
 * @throws {VelaturaError} `dp/delta-too-large`
 */
export function exampleStatement(facts: {
  readonly options: ExampleLevelOptions;
  readonly plan: Plan;
  readonly sampler: ExampleSampler;
  readonly capacity: number;
}): PrivacyStatement {
  const { options, plan, sampler, capacity } = facts;
  const { guarantee, clip, random, charge, simulation } = options;
  const isPrivate = plan.event.kind !== 'non-private';
  const warning = checkDelta(guarantee.delta, sampler.population);
  return {
    unit: 'example',
    relation: guarantee.relation,
    epsilon: isPrivate ? epsilonOfPlan(plan, guarantee.delta, 'pld') : null,
    delta: guarantee.delta,
    accountant: isPrivate ? 'pld' : 'none',
    trustModel: {
      server: 'trusted: it holds the examples and trains on them',
      otherClients: 'see the model: the noise protects single examples against them',
      modelReaders:
        'see the model and every step of its training: the noise protects single examples',
    },
    sybilAssumption:
      'the unit is one example: a person with k of them is protected as a group of k only',
    bounds: [
      clippingBound(clip),
      `${sampler.population} examples and a batch of ${sampler.expectedSize} taken as public`,
      `sums in float32 of at most ${capacity} examples, with their error inside the sensitivity`,
    ],
    sideChannelsNotCovered: [
      ...UNCOVERED_SIDE_CHANNELS,
      'the time that a step takes',
      'the refusal of unusable examples, before anything is reserved or released',
    ],
    insecure: isPrivate && isInsecure(random),
    simulation:
      charge === undefined
        ? (simulation ?? 'Nothing was charged: a budget of examples was not given')
        : null,
    warnings: warning === null ? [] : [warning],
  };
}

function clippingBound(clip: ExampleLevelOptions['clip']): string {
  switch (clip.kind) {
    case 'global':
      return `gradients of examples clipped to norm ${clip.norm}`;
    case 'layers':
      return `gradients of examples clipped to norms ${clip.norms.join(', ')} by layers`;
    case 'adaptive':
      return `gradients of examples clipped to a norm that starts at ${clip.initialNorm} and follows their ${clip.targetQuantile} quantile by noisy counts`;
  }
}
