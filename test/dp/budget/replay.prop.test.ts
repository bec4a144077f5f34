import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openBudget } from '../../../src/dp/budget/accountant.ts';
import type { ReserveRequest } from '../../../src/dp/budget/budget.ts';
import { MemoryBudgetStore } from '../../../src/dp/budget/memory-store.ts';
import type { BudgetPolicy } from '../../../src/dp/budget/policy.ts';
import { replayLog } from '../../../src/dp/budget/replay.ts';

const terms = { unit: 'user', relation: 'zero-out-one-user' } as const;
const policy: BudgetPolicy = {
  version: 1,
  currency: 'gdp',
  delta: 1e-6,
  additiveDelta: 1e-7,
  user: { epsilon: 4 },
  scenes: { default: {} },
  reservationLease: 'PT10M',
};
const EPOCHS = ['2026-09', '2026-10', '2026-11'] as const;

const step = fc.record({
  scene: fc.constantFrom('a', 'b'),
  epochs: fc.subarray([...EPOCHS], { minLength: 1 }),
  cohort: fc.constantFrom(['x'], ['x', 'y'], ['y', 'z'], null),
  noiseMultiplier: fc.constantFrom(6, 9, 14),
  delta: fc.constantFrom(0, 1e-9),
  end: fc.constantFrom('commit', 'release', 'leave open', 'expire'),
});

describe('replay', () => {
  it.each([true, false])(
    'agrees with the odometer of the open budget (renewing: %s)',
    async (renews) => {
      const epoch = { kind: 'calendar', length: 'P1M', timeField: 'time' } as const;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          const store = new MemoryBudgetStore();
          let now = Date.UTC(2026, 10, 22);
          const budget = await openBudget({
            ...terms,
            policy: renews ? { ...policy, epoch } : policy,
            store,
            secrets: [new Uint8Array(32)],
            clock: () => now,
          });
          await budget.join('everyone', ['x', 'y', 'z']);
          for (const [
            i,
            { scene, epochs, cohort, noiseMultiplier, delta, end },
          ] of steps.entries()) {
            const who = cohort === null ? { population: 'everyone' } : { accounts: cohort };
            const request: ReserveRequest = {
              ...who,
              scene,
              plan: { ...terms, event: { kind: 'gaussian', noiseMultiplier } },
              idempotencyKey: String(i),
              sensitivityPerEpoch: true,
              delta,
              ...(renews ? { epochs } : {}),
            };
            const decision = await budget.reserve(request);
            if (decision.kind === 'refused') continue;
            const { id } = decision.reservation;
            if (end === 'expire') {
              now += 3_600_000;
              await expect(budget.release(id)).rejects.toThrow('expired');
            } else if (end !== 'leave open') {
              await budget[end](id);
            }
          }
          const { scopes } = await replayLog(store.read(-1), 'zcdp');
          const known = new Set((await budget.summary()).flatMap(({ scene }) => scene ?? []));
          for (const scene of [null, ...known]) {
            for (const name of renews ? [null, ...EPOCHS] : [null]) {
              const found = scopes.find((scope) => scope.scene === scene && scope.epoch === name);
              const odometer = await budget.odometer({
                ...(scene === null ? {} : { scene }),
                ...(name === null ? {} : { epoch: name }),
                accountant: 'zcdp',
              });
              expect(found?.epsilon?.upper ?? 0).toBe(odometer.upper);
            }
          }
          await budget.close();
        }),
        { numRuns: 60 },
      );
    },
  );
});
