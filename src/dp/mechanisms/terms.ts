import { VelaturaError } from '../../core/errors.ts';
import type { RandomSource } from '../../core/random-source.ts';
import { SecureRandom } from '../../core/secure-random.ts';
import { invalid, unsupported } from '../accounting/refuse.ts';
import { validatePlan } from '../accounting/validate.ts';
import type { DpEvent } from '../event.ts';
import { isInsecure, NEIGHBOUR_RELATIONS, type NeighbourRelation, type Plan } from '../plan.ts';

/** What every mechanism is told besides its own parameters. */
export interface MechanismOptions {
  /** Which two data sets are neighbours; sensitivities are computed under it. */
  readonly relation: NeighbourRelation;
  /** Confidence of the interval in `error`, in (0, 1). Default 0.95. */
  readonly confidence?: number;
  /** Default: the platform's cryptographic generator. Any other one makes the release insecure. */
  readonly random?: RandomSource;
}

/** The same with every default filled in. */
export interface Terms {
  readonly relation: NeighbourRelation;
  readonly confidence: number;
  readonly random: RandomSource;
  readonly insecure: boolean;
}

let secureRandom: SecureRandom | undefined;

/** @throws {VelaturaError} `dp/invalid-parameter`, `dp/unsupported-event` for an unknown relation */
export function termsOf(options: MechanismOptions): Terms {
  const { relation, confidence = 0.95 } = options;
  if (!NEIGHBOUR_RELATIONS.includes(relation)) {
    throw unsupported('relation', `unknown relation "${String(relation).slice(0, 40)}"`);
  }
  if (!(confidence > 0 && confidence < 1)) {
    throw invalid('confidence', 'a number in (0, 1)', confidence);
  }
  secureRandom ??= new SecureRandom();
  const random = options.random ?? secureRandom;
  return { relation, confidence, random, insecure: isInsecure(random) };
}

/** The plan of a release that protects users; refuses an event no accountant would take. */
export function userPlan(relation: NeighbourRelation, event: DpEvent): Plan {
  return validatePlan({ unit: 'user', relation, event });
}

/** @throws {VelaturaError} `dp/invalid-parameter` unless `value` is in (0, ∞) */
export function requirePositive(name: string, value: number): void {
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) {
    throw invalid(name, 'a positive finite number', value);
  }
}

/** @throws {VelaturaError} `dp/invalid-parameter` unless `value` is an integer in [1, largest] */
export function requireCount(name: string, value: number, largest: number): void {
  if (!(Number.isInteger(value) && value >= 1 && value <= largest)) {
    throw invalid(name, `an integer in [1, ${largest}]`, value);
  }
}

/** A refusal of one user's input; says what was expected and never what came. */
export function invalidContribution(expected: string): VelaturaError {
  return new VelaturaError('dp/invalid-contribution', `a contribution expected ${expected}`, {
    expected,
  });
}
