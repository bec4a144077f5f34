import { describe, it } from 'vitest';
import { GdpAccountant } from '../../../src/dp/accounting/gdp-accountant.ts';
import { PldAccountant } from '../../../src/dp/accounting/pld/accountant.ts';
import { RdpAccountant } from '../../../src/dp/accounting/rdp/accountant.ts';
import { ZcdpAccountant } from '../../../src/dp/accounting/zcdp-accountant.ts';
import type { DpEvent } from '../../../src/dp/event.ts';
import type { NeighbourRelation } from '../../../src/dp/plan.ts';
import {
  type AccountantSubject,
  accountantConformance,
} from '../../../src/testing/accountant-conformance.ts';
import { composed, gaussian, laplace, poisson } from './plans.ts';

const skellam: DpEvent = {
  kind: 'skellam',
  mu: 400,
  l1Sensitivity: 4,
  l2Sensitivity: 2,
  dimension: 4,
};
const unproven = poisson(0.1, composed(gaussian(2), laplace(2)));
const fixed: DpEvent = {
  kind: 'fixed-size-sampled',
  sampleSize: 10,
  populationSize: 1000,
  event: gaussian(1),
};

const gdp: AccountantSubject = {
  create: (options) => new GdpAccountant(options),
  events: [gaussian(3), gaussian(7)],
  refused: laplace(1),
};
const zcdp: AccountantSubject = {
  create: (options) => new ZcdpAccountant(options),
  events: [gaussian(3), laplace(9)],
  refused: poisson(0.1, gaussian(1)),
};
const rdp = (...events: [DpEvent, DpEvent]): AccountantSubject => ({
  create: (options) => new RdpAccountant(options),
  events,
  refused: unproven,
});
const pld = (
  events: [DpEvent, DpEvent],
  relation: NeighbourRelation = 'add-or-remove-one-user',
): AccountantSubject => ({
  // A coarse lattice: this suite asks how an accountant behaves, not how many digits it has.
  create: (options) => new PldAccountant({ ...options, accuracy: 1e-5 }),
  events,
  refused: unproven,
  relation,
});

const subjects: Readonly<Record<string, AccountantSubject>> = {
  gdp,
  zcdp,
  'rdp, sampled Gaussian': rdp(poisson(0.05, gaussian(1)), gaussian(5)),
  'rdp, Skellam and Laplace': rdp(skellam, laplace(5)),
  'pld, Gaussians': pld([gaussian(3), gaussian(7)]),
  'pld, sampled Gaussian': pld([poisson(0.05, gaussian(1)), gaussian(5)]),
  'pld, randomised response and exponential': pld([
    { kind: 'randomized-response', probability: 0.7, categories: 5 },
    { kind: 'exponential', epsilon: 0.3 },
  ]),
  'pld, integer noise': pld([
    { kind: 'discrete-gaussian', sigma: 5, l2Sensitivity: 1 },
    { kind: 'discrete-laplace', parameter: 0.2, sensitivity: 2 },
  ]),
  'pld, by Rényi curves': pld([skellam, { kind: 'zcdp', rho: 0.01 }]),
  'pld, replace-one': pld([fixed, poisson(0.1, gaussian(1))], 'replace-one-user'),
  'pld, zero-out': pld([poisson(0.1, gaussian(1)), laplace(4)], 'zero-out-one-user'),
};

for (const [name, subject] of Object.entries(subjects)) {
  describe(`accountant conformance: ${name}`, () => {
    for (const { name: what, run } of accountantConformance(subject)) it(what, run);
  });
}
