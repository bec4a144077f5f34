import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccountantName } from '../../../src/dp/accountant.ts';
import { createAccountant, deltaOfPlan, epsilonOfPlan } from '../../../src/dp/accounting/create.ts';
import { deltaOfGdp, epsilonOfGdp, muOfEpsilon } from '../../../src/dp/accounting/gdp.ts';
import type { DpEvent } from '../../../src/dp/event.ts';
import { composed, gaussian, laplace, plan, repeated, sampledGaussian } from './plans.ts';

/** Same numbers on every run: a property that fails shows its seed and shrinks. */
const RUNS = { seed: 20_261_121 } as const;
const MANY = { ...RUNS, numRuns: 300 } as const;
/** Methods switch between neighbours of a plan; both are right to that. */
const SLACK = 1 + 1e-6;

const between = (low: number, high: number): fc.Arbitrary<number> =>
  fc.double({ min: Math.log(low), max: Math.log(high), noNaN: true }).map(Math.exp);
const delta = between(1e-10, 0.1);

describe('Gaussian differential privacy', () => {
  it('epsilon, delta and mu are inverse to each other, rounded outwards', () => {
    fc.assert(
      fc.property(between(1e-3, 50), between(1e-30, 0.3), (mu, d) => {
        const epsilon = epsilonOfGdp(mu, d);
        expect(deltaOfGdp(mu, epsilon)).toBeLessThanOrEqual(d * (1 + 1e-9));
        if (epsilon > 0) expect(muOfEpsilon(epsilon, d)).toBeGreaterThanOrEqual(mu * (1 - 1e-9));
      }),
      MANY,
    );
  });
});

describe('sampled Gaussians', () => {
  const config = fc.record({
    q: between(1e-3, 0.5),
    sigma: between(0.6, 8),
    rounds: fc.integer({ min: 1, max: 3000 }).map((n) => 3 * n),
    delta,
  });

  it('cost more with more rounds, a higher rate, less noise and a smaller delta', () => {
    fc.assert(
      fc.property(config, between(1.05, 2), ({ q, sigma, rounds, delta: d }, factor) => {
        for (const name of ['rdp', 'pld'] as const) {
          const at = (rate: number, noise: number, count: number, small = d): number =>
            epsilonOfPlan(plan(sampledGaussian(rate, noise, count)), small, name).upper;
          const base = at(q, sigma, rounds);
          expect(at(q, sigma, Math.ceil(rounds * factor)) * SLACK).toBeGreaterThanOrEqual(base);
          expect(at(Math.min(1, q * factor), sigma, rounds) * SLACK).toBeGreaterThanOrEqual(base);
          expect(at(q, sigma / factor, rounds) * SLACK).toBeGreaterThanOrEqual(base);
          expect(at(q, sigma, rounds, d / factor) * SLACK).toBeGreaterThanOrEqual(base);
        }
      }),
      { ...RUNS, numRuns: 5 },
    );
  });

  it('PLD lies under RDP, its lower end under its upper, and all under the unsampled mechanism', () => {
    fc.assert(
      fc.property(config, ({ q, sigma, rounds, delta: d }) => {
        const subject = plan(sampledGaussian(q, sigma, rounds));
        const { lower, upper } = epsilonOfPlan(subject, d);
        expect(lower as number).toBeLessThanOrEqual(upper);
        expect(upper).toBeLessThanOrEqual(epsilonOfPlan(subject, d, 'rdp').upper * SLACK);
        const bare = epsilonOfGdp(Math.sqrt(rounds) / sigma, d);
        expect(upper).toBeLessThanOrEqual(bare * SLACK + 1e-9);
      }),
      { ...RUNS, numRuns: 25 },
    );
  });

  it('delta at epsilon is delta', () => {
    fc.assert(
      fc.property(config, ({ q, sigma, rounds, delta: d }) => {
        const subject = plan(sampledGaussian(q, sigma, rounds));
        const { lower, upper } = epsilonOfPlan(subject, d);
        if (upper < 1e-3) return;
        expect(deltaOfPlan(subject, upper).lower as number).toBeLessThanOrEqual(d * (1 + 1e-9));
        expect(deltaOfPlan(subject, lower as number).upper).toBeGreaterThanOrEqual(d * (1 - 1e-9));
      }),
      { ...RUNS, numRuns: 5 },
    );
  });
});

describe('composition', () => {
  const leaf: fc.Arbitrary<DpEvent> = fc.oneof(
    between(1, 20).map(gaussian),
    between(2, 30).map(laplace),
    fc.tuple(fc.integer({ min: 1, max: 30 }), between(0.02, 0.3)).map(
      ([sensitivity, parameter]): DpEvent => ({
        kind: 'discrete-laplace',
        parameter: parameter / sensitivity,
        sensitivity,
      }),
    ),
    between(0.05, 0.5).map((epsilon): DpEvent => ({ kind: 'exponential', epsilon })),
  );
  const names: readonly AccountantName[] = ['rdp', 'zcdp', 'pld'];

  it('does not depend on order, nor on how repetition is written', () => {
    fc.assert(
      fc.property(
        fc.array(leaf, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 4 }),
        delta,
        (events, count, d) => {
          for (const name of names) {
            const nested = plan(repeated(count, composed(...events)));
            const accountant = createAccountant(name, nested);
            for (const event of [...events].reverse()) accountant.compose(plan(event), count);
            expect(accountant.epsilon(d)).toEqual(epsilonOfPlan(nested, d, name));
          }
        },
      ),
      { ...RUNS, numRuns: 10 },
    );
  });

  it('of pure mechanisms never passes the sum of their epsilons', () => {
    const pure = fc.array(between(1, 20), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(pure, delta, (multipliers, d) => {
        const sum = multipliers.reduce((total, b) => total + 1 / b, 0);
        const subject = plan(composed(...multipliers.map(laplace)));
        for (const name of ['rdp', 'pld'] as const) {
          expect(epsilonOfPlan(subject, d, name).upper).toBeLessThanOrEqual(sum * (1 + 1e-9));
        }
      }),
      { ...RUNS, numRuns: 4 },
    );
  });
});
