import { describe, expect, it } from 'vitest';
import { epsilonOfGdp } from '../../../src/dp/accounting/gdp.ts';
import { deltaOfZcdp, epsilonOfZcdp, rhoOfEpsilon } from '../../../src/dp/accounting/zcdp.ts';

describe('conversion of zCDP', () => {
  it('is never under a Gaussian of that rho, and not far above it', () => {
    for (const rho of [1e-8, 1e-4, 0.01, 0.5, 3, 50, 1e4]) {
      for (const delta of [0.1, 1e-5, 1e-10, 1e-100]) {
        const bound = epsilonOfZcdp(rho, delta);
        const exact = epsilonOfGdp(Math.sqrt(2 * rho), delta);
        expect(bound).toBeGreaterThanOrEqual(exact);
        // Bun & Steinke's closed form, proposition 1.3, is looser.
        expect(bound).toBeLessThanOrEqual(rho + 2 * Math.sqrt(rho * -Math.log(delta)));
      }
    }
  });

  it('is inverted from below', () => {
    for (const epsilon of [1e-3, 0.1, 1, 10, 300]) {
      for (const delta of [0.1, 1e-5, 1e-12]) {
        const rho = rhoOfEpsilon(epsilon, delta);
        expect(epsilonOfZcdp(rho, delta)).toBeLessThanOrEqual(epsilon);
        expect(epsilonOfZcdp(rho * (1 + 1e-6), delta)).toBeGreaterThan(epsilon);
        expect(deltaOfZcdp(rho, epsilon)).toBeLessThanOrEqual(delta * (1 + 1e-9));
        expect(deltaOfZcdp(rho, epsilon)).toBeGreaterThan(delta * (1 - 1e-6));
      }
    }
  });

  it('costs nothing for nothing', () => {
    expect(epsilonOfZcdp(0, 1e-6)).toBe(0);
    expect(deltaOfZcdp(0, 0)).toBe(0);
    expect(deltaOfZcdp(1, 1e4)).toBeLessThan(1e-300);
    expect(deltaOfZcdp(1e6, 1)).toBe(1);
  });

  it('refuses what has no meaning', () => {
    expect(() => epsilonOfZcdp(-1, 0.1)).toThrow(/rho/);
    expect(() => epsilonOfZcdp(1, 0)).toThrow(/delta/);
    expect(() => rhoOfEpsilon(-1, 0.1)).toThrow(/epsilon/);
    expect(() => deltaOfZcdp(1, Number.NaN)).toThrow(/epsilon/);
  });
});
