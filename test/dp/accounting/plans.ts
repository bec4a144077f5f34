import type { DpEvent } from '../../../src/dp/event.ts';
import type { NeighbourRelation, Plan } from '../../../src/dp/plan.ts';

/** Short constructors of events, so that a test reads like the table it checks. */
export const gaussian = (noiseMultiplier: number): DpEvent => ({
  kind: 'gaussian',
  noiseMultiplier,
});
export const laplace = (noiseMultiplier: number): DpEvent => ({ kind: 'laplace', noiseMultiplier });
export const poisson = (samplingRate: number, event: DpEvent): DpEvent => ({
  kind: 'poisson-sampled',
  samplingRate,
  event,
});
export const repeated = (count: number, event: DpEvent): DpEvent => ({
  kind: 'repeated',
  count,
  event,
});
export const composed = (...events: DpEvent[]): DpEvent => ({ kind: 'composed', events });
export const sampledGaussian = (
  samplingRate: number,
  noiseMultiplier: number,
  count: number,
): DpEvent => repeated(count, poisson(samplingRate, gaussian(noiseMultiplier)));

export const plan = (
  event: DpEvent,
  relation: NeighbourRelation = 'add-or-remove-one-user',
): Plan => ({ unit: 'user', relation, event });
