import { epsilonOfPlan } from '../../dp/accounting/index.ts';
import type { Refusal } from '../../dp/budget/budget.ts';
import { checkDelta } from '../../dp/delta-check.ts';
import { divideGaussianEvenly } from '../../dp/divide-gaussian.ts';
import { isInsecure, type Plan } from '../../dp/plan.ts';
import { type PrivacyStatement, UNCOVERED_SIDE_CHANNELS } from '../../dp/statement.ts';
import { LogisticModel } from '../models/logistic-model.ts';
import type { TagModel } from '../models/tag-model.ts';
import type { FederatedClient } from '../rounds/client.ts';
import { type RoundEnvironment, type RoundMetrics, roundPlan } from '../rounds/private-round.ts';
import { constantFeature, priorParameters, type TagTaskPrior } from './feature-design.ts';
import { type FedAvgRound, runFedAvg } from './fedavg.ts';
import { type OneShotOptions, runOneShot } from './one-shot.ts';

/** What is to be learnt, in public facts only. */
export interface TagTask {
  readonly tags: readonly string[];
  /** Names of the features, the constant first. */
  readonly features: readonly string[];
  readonly prior: TagTaskPrior;
  /** Public guess of the number of clients: divisor of sums and scale of steps. */
  readonly population: number;
}

/** How to train. */
export interface TagTrainingOptions {
  readonly runId: string;
  readonly method: 'fedavg' | 'one-shot';
  /**
   * Of the whole run, as if it were one Gaussian release: rounds share it. 0 is non-private. Get it from
   * `calibrateGaussian({ epsilon, delta })`.
   */
  readonly noiseMultiplier: number;
  /** At which the statement gives epsilon: the delta that the noise was calibrated for. */
  readonly delta: number;
  /** See `UpdateEncoderOptions.clippingFlagWeight`; rounds of `fedavg` only. */
  readonly clippingFlagWeight?: number;
  /** Called after each round, and waited for. */
  readonly onRound?: (round: FedAvgRound) => void | Promise<void>;
}

export type TagTrainingOutcome =
  | {
      readonly kind: 'trained';
      readonly model: TagModel;
      readonly plan: Plan;
      readonly rounds: readonly RoundMetrics[];
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * Rounds of federated averaging. With a persistence prior only a residual is left to learn, so fewer and
 * smaller steps do; both caps grow with population · µ, because noise allows no more.
 */
function fedAvgSchedule(
  task: TagTask,
  noiseMultiplier: number,
): { rounds: number; totalStep: number } {
  const strength = noiseMultiplier === 0 ? Infinity : task.population / noiseMultiplier;
  return task.prior.persistence !== 0
    ? { rounds: 20, totalStep: Math.min(0.15 * strength, 150) }
    : { rounds: 40, totalStep: Math.min(0.6 * strength, 1000) };
}

/** A good bound for residuals of probabilities near the guessed density: their expected norm. */
export function labelNormBound(tags: number, labelDensity: number): number {
  return Math.min(2, Math.sqrt(tags * labelDensity * (1 - labelDensity)));
}

/**
 * Plan of a whole run, before anything is charged: what `trainTagModel` will cost each client.
 */
export function tagTrainingPlan(
  environment: Pick<RoundEnvironment, 'relation'>,
  task: TagTask,
  options: Pick<TagTrainingOptions, 'method' | 'noiseMultiplier'>,
): Plan {
  const { releases, noiseMultiplier } = releaseSchedule(task, options);
  const single = roundPlan(noiseMultiplier, environment.relation);
  if (releases === 1 || noiseMultiplier === 0) return single;
  return { ...single, event: { kind: 'repeated', count: releases, event: single.event } };
}

/** How many releases a run makes, and the noise of each. */
function releaseSchedule(
  task: TagTask,
  options: Pick<TagTrainingOptions, 'method' | 'noiseMultiplier'>,
): { readonly releases: number; readonly noiseMultiplier: number } {
  const { method, noiseMultiplier } = options;
  const releases = method === 'one-shot' ? 1 : fedAvgSchedule(task, noiseMultiplier).rounds;
  return {
    releases,
    noiseMultiplier: noiseMultiplier === 0 ? 0 : divideGaussianEvenly(noiseMultiplier, releases),
  };
}

/**
 * Trains one tag model privately on the clients: the one call behind the quickstart.
 *
 * ## Privacy
 * Unit: user. Costs every client given the plan of {@link tagTrainingPlan}, at most
 * `gaussian{noiseMultiplier}`; asks the budget of the environment before each release. Features and labels
 * are read on the clients only. Step sizes, clips and rounds come from public facts.
 *
 * @throws {VelaturaError} `dp/delta-too-large`; as `runPrivateRound`
 * @see docs/privacy-model.md
 */
export async function trainTagModel(
  environment: RoundEnvironment,
  task: TagTask,
  clients: readonly FederatedClient[],
  options: TagTrainingOptions,
): Promise<TagTrainingOutcome> {
  const plan = tagTrainingPlan(environment, task, options);
  const statement = trainingStatement(environment, task, options, plan);
  const common = { tags: task.tags, features: task.features, statement };
  const { prior, tags, features, population } = task;
  const { noiseMultiplier } = releaseSchedule(task, options);

  if (options.method === 'one-shot') {
    const oneShot: OneShotOptions = {
      roundId: `${options.runId}/one-shot`,
      inputDimension: features.length,
      outputDimension: tags.length,
      constantFeature: constantFeature(prior.beta),
      labelDensity: prior.labelDensity,
      // Slope of the logistic prior where it starts.
      persistence: prior.persistence * prior.labelDensity * (1 - prior.labelDensity),
      labelClip: labelNormBound(tags.length, prior.labelDensity),
      momentWeight: 0.5,
      noiseMultiplier,
    };
    const outcome = await runOneShot(environment, clients, oneShot);
    if (outcome.kind === 'refused') return outcome;
    const { weights, weightNoiseStddev, metrics } = outcome.result;
    const offsets = new Float32Array(tags.length).fill(prior.labelDensity);
    const model: TagModel = { ...common, kind: 'linear', weights, offsets, weightNoiseStddev };
    return { kind: 'trained', model, plan, rounds: [metrics] };
  }

  const model = new LogisticModel({
    inputDimension: features.length,
    outputDimension: tags.length,
  });
  const { rounds, totalStep } = fedAvgSchedule(task, options.noiseMultiplier);
  const run = runFedAvg(environment, model, priorParameters(model, prior), clients, {
    runId: options.runId,
    rounds,
    localSteps: 1,
    localLearningRate: 1,
    clippingNorm: labelNormBound(tags.length, prior.labelDensity),
    noiseMultiplier,
    normaliser: population,
    serverLearningRate: totalStep / rounds,
    averagedShare: 0.5,
    ...(options.clippingFlagWeight === undefined
      ? {}
      : { clippingFlagWeight: options.clippingFlagWeight }),
  });
  const reports: RoundMetrics[] = [];
  for (;;) {
    const step = await run.next();
    if (!step.done) {
      reports.push(step.value.metrics);
      await options.onRound?.(step.value);
      continue;
    }
    if (step.value.refusal !== null) return { kind: 'refused', refusal: step.value.refusal };
    return {
      kind: 'trained',
      model: {
        ...common,
        kind: 'logistic',
        weights: step.value.parameters,
        offsets: new Float32Array(tags.length),
        weightNoiseStddev: step.value.parameterNoiseStddev,
      },
      plan,
      rounds: reports,
    };
  }
}

function trainingStatement(
  environment: RoundEnvironment,
  task: TagTask,
  options: TagTrainingOptions,
  plan: Plan,
): PrivacyStatement {
  const isPrivate = options.noiseMultiplier !== 0;
  const warning = checkDelta(options.delta, task.population);
  return {
    unit: 'user',
    relation: environment.relation,
    epsilon: isPrivate ? epsilonOfPlan(plan, options.delta, 'gdp') : null,
    delta: options.delta,
    accountant: isPrivate ? 'gdp' : 'none',
    trustModel: environment.secureSum.trust,
    sybilAssumption: 'one person holds one account; whoever enrols accounts vouches for that',
    bounds: [
      'features of norm at most 1, by normalisation on the device',
      `updates clipped to norm ${labelNormBound(task.tags.length, task.prior.labelDensity).toFixed(3)}`,
      `population taken as ${task.population}, labels guessed ${task.prior.labelDensity} dense`,
    ],
    sideChannelsNotCovered: UNCOVERED_SIDE_CHANNELS,
    insecure: isPrivate && isInsecure(environment.random),
    simulation:
      environment.budget === null
        ? 'Simulation on public data: nothing was charged to anybody'
        : null,
    warnings: warning === null ? [] : [warning],
  };
}
