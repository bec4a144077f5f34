import { VelaturaError } from '../../core/errors.ts';
import { muOfEpsilon } from '../accounting/gdp.ts';
import { checkDelta } from '../delta-check.ts';
import type { Plan } from '../plan.ts';
import type { PrivacyStatement } from '../statement.ts';
import { planStatement } from './plan-statement.ts';
import {
  type PricedAlternative,
  priceCandidate,
  priceOneShot,
  ranked,
  shortlist,
  type TrainingAlternative,
} from './price-training.ts';
import { sensitivityInClips } from './signal-model.ts';
import { trainingCandidates } from './training-candidates.ts';
import { resolveRequest, type TrainingRequest, type TrainingTerms } from './training-request.ts';

/** A training plan that keeps to its target. */
export interface TrainingPlan {
  /** What the whole run costs one user. */
  readonly plan: Plan;
  readonly statement: PrivacyStatement;
  readonly choice: TrainingAlternative;
  readonly clippingNorm: number;
  /** Noise on each number of a round's sum, in units of the update. */
  readonly noiseStddev: number;
  /** Best first, the choice at the head. */
  readonly alternatives: readonly TrainingAlternative[];
  /** What a careful planner should be told. */
  readonly notes: readonly string[];
}

/**
 * population · µ under which learnt tag models were worse than popularity, as measured on public data of a
 * shop (1,952 users) and of a web site (19,072).
 */
const LEAST_STRENGTH = 150;

/**
 * Plans a private training run from public facts: how many rounds, who is asked in each, and how much noise
 * keeps all of it within (epsilon, delta) for every user; and what other choices would cost.
 *
 * Choices are compared by a public model of the signal-to-noise ratio ({@link roundSignalToNoise}) and of
 * convex optimisation under such noise ({@link predictedError}). Everybody in every round is priced by exact
 * GDP, fixed groups in turn by what one account's rounds cost, samples by the PLD accountant.
 *
 * ## Privacy
 * Costs nothing: no data is read. The plan's certified epsilon is at most the target; the guarantee holds
 * for whoever keeps to the plan, its clip and its way of asking.
 *
 * @throws {VelaturaError} `dp/invalid-parameter`, `dp/delta-too-large`, `dp/no-solution` when no cohort is
 * within the limits
 */
export function planTraining(request: TrainingRequest): TrainingPlan {
  const terms = resolveRequest(request);
  const warning = checkDelta(
    terms.delta,
    terms.population,
    request.allowLargeDelta === undefined ? {} : { allowLargeDelta: request.allowLargeDelta },
  );
  const priced = shortlist(trainingCandidates(terms), terms).map((candidate) =>
    priceCandidate(candidate, terms),
  );
  if (priced.length === 0) {
    throw new VelaturaError(
      'dp/no-solution',
      `no cohort of ${terms.minimumCohort} to ${terms.maximumCohort} of ${terms.population} users fits ${terms.participation.join(', ')}`,
      { population: terms.population, participation: terms.participation },
    );
  }
  const [best, ...others] = ranked(priced) as [PricedAlternative, ...PricedAlternative[]];
  const choice: TrainingAlternative = { ...best.alternative, chosen: true };
  const oneShot = terms.linear === undefined ? [] : [priceOneShot(terms, terms.linear)];
  const rest = [...others, ...oneShot].map(({ alternative }) => alternative);
  return {
    plan: best.plan,
    statement: planStatement({ ...terms, ...best, choice, warning }),
    choice,
    clippingNorm: terms.clippingNorm,
    noiseStddev: choice.noiseMultiplier * sensitivityInClips(terms.relation) * terms.clippingNorm,
    alternatives: [choice, ...rest.sort((a, b) => a.predictedError - b.predictedError)],
    notes: notesOn(choice, terms),
  };
}

function notesOn(choice: TrainingAlternative, terms: TrainingTerms): readonly string[] {
  const notes: string[] = [];
  const mu = muOfEpsilon(terms.epsilon, terms.delta) / sensitivityInClips(terms.relation);
  const strength = terms.population * mu;
  if (strength < LEAST_STRENGTH) {
    notes.push(
      `population · µ is ${strength.toPrecision(3)}: under about ${LEAST_STRENGTH} learnt tag models were worse than popularity on the shop and web data tried`,
    );
  }
  if (choice.signalToNoise < 1) {
    notes.push('the noise is expected to be louder than the signal even over the whole run');
  }
  if (choice.participation === 'poisson') {
    notes.push(
      'samples amplify only where nobody learns who is in them, the aggregator included; draw each round once, after the budget has agreed, and charge everybody',
    );
  }
  if (choice.participation === 'rotating') {
    notes.push(
      `groups are fixed and public before the first round; no account is asked in more than ${choice.participations} rounds`,
    );
  }
  return notes;
}
