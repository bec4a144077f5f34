import { nextDown, nextUp } from '../../core/special/ulp.ts';
import type { DpEvent } from '../event.ts';

/** Events that have a finite epsilon at delta 0 by their own law. */
export type PureEvent = Extract<
  DpEvent,
  { readonly kind: 'laplace' | 'discrete-laplace' | 'exponential' | 'randomized-response' }
>;

/** True for mechanisms with a finite epsilon at delta 0. */
export function isPure(event: DpEvent): event is PureEvent {
  return (
    event.kind === 'laplace' ||
    event.kind === 'discrete-laplace' ||
    event.kind === 'exponential' ||
    event.kind === 'randomized-response'
  );
}

/**
 * Epsilon at delta 0, rounded up.
 *
 * Randomised response keeps the value with probability 1 − p + p/k and gives any other one with p/k, so
 * the ratio of the two is 1 + k(1 − p)/p.
 */
export function pureEpsilon(event: PureEvent): number {
  switch (event.kind) {
    case 'laplace':
      return nextUp(1 / event.noiseMultiplier);
    case 'discrete-laplace':
      return nextUp(event.parameter * event.sensitivity);
    case 'exponential':
      return event.epsilon;
    case 'randomized-response': {
      const odds = (event.categories * (1 - event.probability)) / nextDown(event.probability);
      return odds === 0 ? 0 : nextUp(nextUp(Math.log1p(nextUp(nextUp(odds)))));
    }
  }
}
