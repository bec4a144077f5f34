import { describe, expect, it } from 'vitest';
import { ACCOUNTANT_NAMES, createAccountant } from '../../../src/dp/accounting/create.ts';
import { transcriptEpsilon } from '../../../src/dp/budget/transcript-epsilon.ts';
import type { DpEvent } from '../../../src/dp/event.ts';
import type { Plan } from '../../../src/dp/plan.ts';

const TERMS = { unit: 'user', relation: 'add-or-remove-one-user' } as const;
const DELTA = 1e-6;

function plan(event: DpEvent): Plan {
  return { ...TERMS, event };
}

const GAUSSIAN = plan({ kind: 'gaussian', noiseMultiplier: 5 });
const OTHER = plan({ kind: 'gaussian', noiseMultiplier: 8 });
const SAMPLED = plan({
  kind: 'poisson-sampled',
  samplingRate: 0.01,
  event: { kind: 'gaussian', noiseMultiplier: 1 },
});

describe('transcriptEpsilon', () => {
  it.each(ACCOUNTANT_NAMES)('is what the %s accountant says after the same uses', (name) => {
    const accountant = createAccountant(name, TERMS);
    accountant.compose(GAUSSIAN, 3);
    accountant.compose(OTHER, 7);
    const uses = [
      [GAUSSIAN, 2],
      [OTHER, 7],
      [GAUSSIAN, 1],
    ] as const;
    expect(transcriptEpsilon(uses, TERMS, DELTA, name)).toEqual(accountant.epsilon(DELTA));
  });

  it('is nothing for nothing', () => {
    expect(transcriptEpsilon([], TERMS, DELTA, 'pld')).toEqual({ lower: 0, upper: 0 });
  });

  it('is lower under a tighter accountant', () => {
    const uses = [[SAMPLED, 1000]] as const;
    const pld = transcriptEpsilon(uses, TERMS, DELTA, 'pld').upper;
    expect(pld).toBeLessThan(transcriptEpsilon(uses, TERMS, DELTA, 'rdp').upper);
  });

  it('names accountant, plan and node where an event has no proven bound', () => {
    const uses = [
      [GAUSSIAN, 1],
      [plan({ kind: 'repeated', count: 2, event: SAMPLED.event }), 5],
    ] as const;
    expect(() => transcriptEpsilon(uses, TERMS, DELTA, 'gdp')).toThrow(
      expect.objectContaining({
        code: 'dp/unsupported-event',
        details: {
          accountant: 'gdp',
          plan: 1,
          path: 'event.event',
          reason: expect.stringContaining('not a Gaussian'),
        },
        message: expect.stringContaining('the gdp accountant cannot price plan 1'),
      }),
    );
  });

  it('refuses other terms, and counts that are none', () => {
    const other: Plan = { ...GAUSSIAN, relation: 'replace-one-user' };
    expect(() => transcriptEpsilon([[other, 1]], TERMS, DELTA, 'rdp')).toThrow(
      expect.objectContaining({ code: 'dp/relation-mismatch' }),
    );
    for (const count of [0, -1, 1.5, Number.NaN]) {
      expect(() => transcriptEpsilon([[GAUSSIAN, count]], TERMS, DELTA, 'rdp')).toThrow(
        expect.objectContaining({ code: 'dp/invalid-parameter' }),
      );
    }
  });

  // One composition after another would take a minute.
  it('adds up thousands of different plans at once', { timeout: 5000 }, () => {
    const uses = Array.from(
      { length: 5000 },
      (_, i) => [plan({ kind: 'gaussian', noiseMultiplier: 100 + i / 7 }), 1] as const,
    );
    expect(transcriptEpsilon(uses, TERMS, DELTA, 'gdp').upper).toBeGreaterThan(0.1);
  });
});
