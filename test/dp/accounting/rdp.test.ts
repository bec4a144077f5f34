import { describe, expect, it } from 'vitest';
import { epsilonOfPlan } from '../../../src/dp/accounting/create.ts';
import { RdpAccountant } from '../../../src/dp/accounting/rdp/accountant.ts';
import {
  discreteLaplaceDivergence,
  exponentialDivergence,
  laplaceDivergence,
} from '../../../src/dp/accounting/rdp/closed-forms.ts';
import { divergenceCurve } from '../../../src/dp/accounting/rdp/curve.ts';
import type { DpEvent } from '../../../src/dp/event.ts';
import type { NeighbourRelation } from '../../../src/dp/plan.ts';
import { composed, gaussian, laplace, plan, poisson, repeated } from './plans.ts';

const at = (
  event: DpEvent,
  order: number,
  relation: NeighbourRelation = 'add-or-remove-one-user',
): number => divergenceCurve(event, relation, 'event').at(order);

/** Rényi divergence of finite laws, straight from the definition. */
function divergence(p: readonly number[], q: readonly number[], order: number): number {
  let sum = 0;
  p.forEach((x, i) => {
    if (x > 0) sum += x ** order * (q[i] as number) ** (1 - order);
  });
  return Math.log(sum) / (order - 1);
}

/** Skellam noise on −reach … reach as the difference of two Poisson variables of mean mu/2. */
function skellamMasses(mu: number, reach: number): number[] {
  const poissonMass: number[] = [Math.exp(-mu / 2)];
  for (let k = 1; k <= 2 * reach + 200; k++) {
    poissonMass.push(((poissonMass[k - 1] as number) * mu) / 2 / k);
  }
  const masses: number[] = [];
  for (let d = -reach; d <= reach; d++) {
    let sum = 0;
    for (let k = Math.max(0, -d); k + d < poissonMass.length && k < poissonMass.length; k++) {
      sum += (poissonMass[k] as number) * (poissonMass[k + d] as number);
    }
    masses.push(sum);
  }
  return masses;
}

describe('Skellam noise', () => {
  it('stays over the divergence of its own law at integer orders', () => {
    for (const mu of [4, 20, 100]) {
      const reach = Math.ceil(12 * Math.sqrt(mu)) + 20;
      const masses = skellamMasses(mu, reach);
      for (const shift of [1, 2]) {
        const p = masses.slice(0, masses.length - shift);
        const q = masses.slice(shift);
        const event: DpEvent = { kind: 'skellam', mu, l1Sensitivity: shift, l2Sensitivity: shift };
        for (const order of [2, 3, 5, 8]) {
          const exact = divergence(p, q, order);
          expect(at(event, order)).toBeGreaterThanOrEqual(exact * (1 - 1e-9));
          if (mu === 100) expect(at(event, order)).toBeLessThan(exact * 1.2);
        }
      }
    }
  });

  it('lies on a chord between integer orders', () => {
    const event: DpEvent = { kind: 'skellam', mu: 50, l1Sensitivity: 3, l2Sensitivity: 2 };
    const chord = 0.5 * (2 * at(event, 3) + 3 * at(event, 4));
    expect(2.5 * at(event, 3.5)).toBeCloseTo(chord, 12);
    expect(at(event, 1.3)).toBeCloseTo(at(event, 2), 12);
  });

  it('takes the least of the proven l1 bounds', () => {
    const wide: DpEvent = {
      kind: 'skellam',
      mu: 9,
      l1Sensitivity: 100,
      l2Sensitivity: 2,
      dimension: 50,
    };
    const narrow: DpEvent = {
      kind: 'skellam',
      mu: 9,
      l1Sensitivity: 4,
      l2Sensitivity: 2,
      dimension: 50,
    };
    expect(at(wide, 2)).toBe(at(narrow, 2));
  });
});

describe('closed forms', () => {
  it('discrete Laplace equals its law', () => {
    for (const [parameter, shift] of [
      [0.2, 1],
      [0.7, 3],
      [0.05, 10],
    ] as const) {
      const reach = Math.ceil(45 / parameter);
      const k = Array.from({ length: 2 * reach + 1 }, (_, i) => i - reach);
      const p = k.map((x) => Math.exp(-parameter * Math.abs(x - shift)));
      const q = k.map((x) => Math.exp(-parameter * Math.abs(x)));
      const mass = q.reduce((sum, x) => sum + x, 0);
      for (const order of [1.3, 2, 7.5]) {
        const exact = divergence(
          p.map((x) => x / mass),
          q.map((x) => x / mass),
          order,
        );
        expect(discreteLaplaceDivergence(parameter, shift, order) / exact).toBeCloseTo(1, 9);
      }
    }
  });

  it('the exponential mechanism is worse than no two-outcome pair of its range, and as bad as one', () => {
    const epsilon = 0.8;
    for (const order of [1.5, 3, 20]) {
      let worst = 0;
      for (let i = 0; i <= 2000; i++) {
        const t = (epsilon * i) / 2000;
        const q = Math.expm1(epsilon - t) / Math.expm1(epsilon);
        const p = q * Math.exp(t);
        worst = Math.max(worst, divergence([p, 1 - p], [q, 1 - q], order));
      }
      expect(exponentialDivergence(epsilon, order)).toBeGreaterThanOrEqual(worst * (1 - 1e-12));
      expect(exponentialDivergence(epsilon, order)).toBeLessThan(worst * (1 + 1e-5));
      expect(exponentialDivergence(epsilon, order)).toBeLessThanOrEqual((order * epsilon ** 2) / 8);
    }
  });

  it('Laplace noise on a vector costs no more than on one number', () => {
    for (const order of [1.1, 2, 10, 100]) {
      const split = laplaceDivergence(0.3, order) + laplaceDivergence(0.7, order);
      expect(split).toBeLessThanOrEqual(laplaceDivergence(1, order));
    }
  });

  it('pure mechanisms end at their epsilon', () => {
    const rr: DpEvent = { kind: 'randomized-response', probability: 0.5, categories: 4 };
    expect(at(rr, 1e6)).toBeLessThanOrEqual(Math.log(5) * (1 + 1e-10));
    expect(at(rr, 1e6)).toBeGreaterThan(Math.log(5) * 0.999);
    expect(at({ kind: 'randomized-response', probability: 1, categories: 4 }, 5)).toBe(0);
  });
});

describe('Poisson samples of other mechanisms', () => {
  it('of Laplace noise, against a fine sum in both directions', () => {
    const q = 0.05;
    const epsilon = 0.8;
    const n = 200_000;
    const width = (2 * epsilon) / n;
    const logOdds = [
      -epsilon,
      epsilon,
      ...Array.from({ length: n }, (_, i) => -epsilon + (i + 0.5) * width),
    ];
    const base = [0.5, 0.5 * Math.exp(-epsilon)];
    for (let i = 0; i < n; i++) {
      base.push(0.25 * width * Math.exp(-((logOdds[i + 2] as number) + epsilon) / 2));
    }
    const mixture = base.map((mass, i) => mass * (1 + q * Math.expm1(logOdds[i] as number)));
    for (const order of [1.5, 2, 12]) {
      const exact = Math.max(divergence(mixture, base, order), divergence(base, mixture, order));
      expect(at(poisson(q, laplace(1 / epsilon)), order) / exact).toBeCloseTo(1, 7);
    }
  });

  it('never cost more than the mechanism itself', () => {
    const inner: readonly DpEvent[] = [
      laplace(2),
      { kind: 'discrete-laplace', parameter: 0.4, sensitivity: 3 },
      { kind: 'discrete-gaussian', sigma: 2, l2Sensitivity: 1 },
      gaussian(1.5),
    ];
    for (const event of inner) {
      for (const order of [1.2, 3, 10]) {
        const whole = at(event, order);
        expect(at(poisson(0.3, event), order)).toBeLessThan(whole);
        expect(at(poisson(1 - 1e-9, event), order) / whole).toBeGreaterThan(0.98);
        expect(at(poisson(1 - 1e-9, event), order)).toBeLessThanOrEqual(whole * (1 + 1e-6));
      }
    }
  });

  it('are refused where no worst pair is known', () => {
    const vector: DpEvent = { kind: 'discrete-gaussian', sigma: 2, l2Sensitivity: 1, dimension: 2 };
    const skellam: DpEvent = { kind: 'skellam', mu: 9, l1Sensitivity: 1, l2Sensitivity: 1 };
    const accountant = new RdpAccountant({ unit: 'user', relation: 'add-or-remove-one-user' });
    for (const event of [
      vector,
      skellam,
      { kind: 'zcdp', rho: 1 } as const,
      composed(gaussian(1), laplace(1)),
    ]) {
      expect(accountant.supports(plan(poisson(0.1, event)))).toMatchObject({
        supported: false,
        path: 'event.event',
      });
    }
  });
});

describe('samples of fixed size', () => {
  const fixed = (event: DpEvent): DpEvent => ({
    kind: 'fixed-size-sampled',
    sampleSize: 10,
    populationSize: 1000,
    event,
  });

  it('are bounded under replace-one only', () => {
    const accountant = new RdpAccountant({ unit: 'user', relation: 'add-or-remove-one-user' });
    expect(accountant.supports(plan(fixed(gaussian(1))))).toMatchObject({
      supported: false,
      path: 'event',
    });
    const replaced = new RdpAccountant({ unit: 'user', relation: 'replace-one-user' });
    expect(replaced.supports(plan(fixed(gaussian(1)), 'replace-one-user'))).toEqual({
      supported: true,
    });
    expect(
      replaced.supports(plan(fixed(poisson(0.1, gaussian(1))), 'replace-one-user')),
    ).toMatchObject({ supported: false, path: 'event.event' });
  });

  it('of everybody are no samples', () => {
    const all: DpEvent = {
      kind: 'fixed-size-sampled',
      sampleSize: 10,
      populationSize: 10,
      event: gaussian(2),
    };
    const delta = 1e-5;
    expect(epsilonOfPlan(plan(all), delta, 'rdp')).toEqual(
      epsilonOfPlan(plan(gaussian(2)), delta, 'rdp'),
    );
  });

  it('of pure mechanisms use their epsilon', () => {
    const capped = at(fixed(laplace(1)), 2, 'replace-one-user');
    const exact = Math.log1p(
      1e-4 * Math.min(4 * Math.expm1(at(laplace(1), 2)), Math.exp(at(laplace(1), 2)) * 2),
    );
    expect(capped).toBeLessThanOrEqual(exact * (1 + 1e-9));
  });
});

describe('RdpAccountant', () => {
  it('caps pure plans by their sum', () => {
    const { upper } = epsilonOfPlan(plan(repeated(10, laplace(5))), 1e-300, 'rdp');
    expect(upper).toBeLessThanOrEqual(2 * (1 + 1e-9));
  });

  it('widens its orders as far as it takes', () => {
    // Optimal orders near 1.05 and near 2000.
    expect(epsilonOfPlan(plan(gaussian(0.01)), 1e-5, 'rdp').upper).toBeLessThan(5600);
    expect(epsilonOfPlan(plan(gaussian(2000)), 1e-9, 'rdp').upper).toBeLessThan(0.0033);
  });

  it('prices replaced records between one and two removals', () => {
    // Half the multiplier: the replaced record moves the sum twice as far.
    for (const order of [1.5, 3, 8]) {
      const one = at(poisson(0.02, gaussian(1)), order);
      const replaced = at(poisson(0.02, gaussian(0.5)), order, 'replace-one-user');
      expect(replaced).toBeGreaterThan(one);
      expect(replaced).toBeLessThan(at(gaussian(0.5), order));
    }
  });
});
