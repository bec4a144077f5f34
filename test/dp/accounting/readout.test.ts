import { describe, expect, it } from 'vitest';
import { normalCdf, normalQuantile } from '../../../src/core/special/normal.ts';
import type { Accountant } from '../../../src/dp/accountant.ts';
import { createAccountant } from '../../../src/dp/accounting/create.ts';
import {
  gdpMu,
  membershipAdvantage,
  truePositiveRate,
} from '../../../src/dp/accounting/readout.ts';
import type { DpEvent } from '../../../src/dp/event.ts';
import { gaussian, laplace, plan, repeated, sampledGaussian } from './plans.ts';

function withEvent(event: DpEvent, name: 'pld' | 'gdp' | 'rdp' = 'pld'): Accountant {
  const accountant = createAccountant(name, plan(event));
  accountant.compose(plan(event));
  return accountant;
}

describe('read-outs of a Gaussian mechanism', () => {
  const mu = 0.8;
  const accountant = withEvent(gaussian(1 / mu), 'gdp');

  it('true positives follow the trade-off function Φ(Φ⁻¹(x) + µ)', () => {
    for (const x of [1e-6, 1e-3, 0.05, 0.3, 0.7, 0.95]) {
      const exact = normalCdf(normalQuantile(x) + mu);
      const rate = truePositiveRate(accountant, x);
      expect(rate).toBeGreaterThanOrEqual(exact * (1 - 1e-12));
      expect(rate).toBeLessThanOrEqual(exact * (1 + 1e-4));
    }
  });

  it('the advantage is 2Φ(µ/2) − 1', () => {
    expect(membershipAdvantage(accountant)).toBeCloseTo(2 * normalCdf(mu / 2) - 1, 12);
  });

  it('µ is found again, whatever the least delta', () => {
    for (const least of [1e-2, 1e-6, 1e-12]) {
      const found = gdpMu(accountant, least);
      expect(found).toBeGreaterThanOrEqual(mu * (1 - 1e-9));
      expect(found).toBeLessThanOrEqual(mu * 1.02);
    }
  });
});

describe('read-outs of other transcripts', () => {
  it('µ of a sampled mechanism grows as delta shrinks, and covers the curve', () => {
    const accountant = withEvent(sampledGaussian(0.01, 1, 1000));
    const mus = [1e-4, 1e-8, 1e-12].map((least) => gdpMu(accountant, least));
    expect(mus[0] as number).toBeLessThan(mus[1] as number);
    expect(mus[1] as number).toBeLessThan(mus[2] as number);
    const cover = withEvent(gaussian(1 / (mus[1] as number)), 'gdp');
    for (const delta of [1e-2, 1e-4, 1e-6, 1e-8]) {
      expect(cover.epsilon(delta).upper).toBeGreaterThanOrEqual(
        accountant.epsilon(delta).upper * (1 - 1e-9),
      );
    }
  });

  it('pure mechanisms bound true positives by e^ε·x', () => {
    const accountant = withEvent(repeated(2, laplace(2)));
    for (const x of [1e-5, 0.01]) {
      const rate = truePositiveRate(accountant, x);
      expect(rate).toBeLessThanOrEqual(Math.E * x * (1 + 1e-4));
      expect(rate).toBeGreaterThan(x);
    }
  });

  it('nothing composed tells nothing', () => {
    const empty = createAccountant('pld', plan(gaussian(1)));
    expect(truePositiveRate(empty, 0.2)).toBeCloseTo(0.2, 14);
    expect(membershipAdvantage(empty)).toBe(0);
    expect(gdpMu(empty, 1e-6)).toBe(0);
  });

  it('no protection tells everything', () => {
    const open = withEvent({ kind: 'non-private' });
    expect(truePositiveRate(open, 0.2)).toBe(1);
    expect(membershipAdvantage(open)).toBe(1);
    expect(gdpMu(open, 1e-6)).toBe(Number.POSITIVE_INFINITY);
  });

  it('refuses rates outside (0, 1)', () => {
    const accountant = withEvent(gaussian(1), 'gdp');
    for (const x of [0, 1, -1, Number.NaN]) {
      expect(() => truePositiveRate(accountant, x)).toThrow(/falsePositiveRate/);
      expect(() => gdpMu(accountant, x)).toThrow(/delta/);
    }
  });
});
