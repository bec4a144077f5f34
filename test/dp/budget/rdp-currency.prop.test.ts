import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createAccountant } from '../../../src/dp/accounting/create.ts';
import { rdpCurrency } from '../../../src/dp/budget/rdp-currency.ts';
import type { DpEvent } from '../../../src/dp/event.ts';
import type { Plan } from '../../../src/dp/plan.ts';

const TERMS = { unit: 'user', relation: 'add-or-remove-one-user' } as const;

const gaussian = fc
  .double({ min: 0.5, max: 100, noNaN: true })
  .map((noiseMultiplier): DpEvent => ({ kind: 'gaussian', noiseMultiplier }));
const release: fc.Arbitrary<DpEvent> = fc.oneof(
  gaussian,
  fc.record({
    kind: fc.constant('poisson-sampled'),
    samplingRate: fc.double({ min: 1e-4, max: 0.5, noNaN: true }),
    event: gaussian,
  }),
  fc.record({
    kind: fc.constant('laplace'),
    noiseMultiplier: fc.double({ min: 1, max: 50, noNaN: true }),
  }),
  fc.record({
    kind: fc.constant('skellam'),
    mu: fc.double({ min: 1e3, max: 1e7, noNaN: true }),
    l1Sensitivity: fc.constant(300),
    l2Sensitivity: fc.constant(30),
    dimension: fc.constant(100),
  }),
  fc.record({
    kind: fc.constant('exponential'),
    epsilon: fc.double({ min: 0.01, max: 1, noNaN: true }),
  }),
);
const run = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 200 }), release), { minLength: 1, maxLength: 3 })
  .map(
    (parts): DpEvent => ({
      kind: 'composed',
      events: parts.map(([count, event]) => ({ kind: 'repeated', count, event })),
    }),
  );

it('never admits more than its epsilon, whatever was planned and whatever comes', () => {
  let refused = 0;
  let shares = 0;
  fc.assert(
    fc.property(
      run,
      fc.array(release, { minLength: 1, maxLength: 5 }),
      fc.double({ min: 0.05, max: 10, noNaN: true }),
      fc.constantFrom(1e-5, 1e-6, 1e-8),
      (planned, releases, epsilon, delta) => {
        const currency = rdpCurrency(planned, TERMS.unit, TERMS.relation);
        const most = currency.capacity(epsilon, delta);
        const spent = new Float64Array(currency.width);
        const accountant = createAccountant('rdp', TERMS);
        for (const event of releases) {
          const plan: Plan = { ...TERMS, event };
          const cost = currency.cost(plan);
          expect(cost.every((units) => units >= 1 && Number.isInteger(units))).toBe(true);
          let count = Number.POSITIVE_INFINITY;
          for (const [k, units] of cost.entries()) {
            const room = (most[k] as number) - (spent[k] as number);
            count = Math.min(count, Math.floor(room / units), 1e9);
          }
          if (count === 0) {
            refused++;
            continue;
          }
          // As many as fit: then the next kind of release must find nothing that was not counted.
          const used = Math.max(1, Math.floor(count / 2));
          for (const [k, units] of cost.entries()) (spent[k] as number) += used * units;
          accountant.compose(plan, used);
        }
        const actual = accountant.epsilon(delta).upper;
        expect(actual).toBeLessThanOrEqual(epsilon);
        const shown = currency.epsilon(spent, delta);
        expect(shown).toBeLessThanOrEqual(epsilon);
        expect(shown).toBeGreaterThanOrEqual(Math.min(actual, epsilon) * (1 - 1e-9));
        shares += actual / epsilon;
      },
    ),
    { numRuns: 150 },
  );
  // The property would hold of a filter that admits nothing as well.
  expect(refused).toBeGreaterThan(0);
  expect(shares / 150).toBeGreaterThan(0.3);
});
