import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

/** The pair (noise moved by s, noise) as the masses of min(max(Y, 0), s), which is sufficient. */
function pair(parameter: number, shift: number): { p: number[]; q: number[] } {
  const r = Math.exp(-parameter);
  const q = Array.from({ length: shift + 1 }, (_, k) =>
    k === 0 ? 1 / (1 + r) : (r ** k * (k === shift ? 1 : 1 - r)) / (1 + r),
  );
  return { p: [...q].reverse(), q };
}

/** max over events of P − e^t·Q for independent coordinates. */
function hockeyStick(parameter: number, shifts: readonly number[], t: number): number {
  let joint = { p: [1], q: [1] };
  for (const shift of shifts) {
    const { p, q } = pair(parameter, shift);
    joint = {
      p: joint.p.flatMap((a) => p.map((b) => a * b)),
      q: joint.q.flatMap((a) => q.map((b) => a * b)),
    };
  }
  return joint.p.reduce(
    (sum, p, i) => sum + Math.max(0, p - Math.exp(t) * (joint.q[i] as number)),
    0,
  );
}

/** The same for real Laplace noise of that epsilon. */
function laplaceHockeyStick(epsilon: number, t: number): number {
  if (t >= epsilon) return 0;
  return t <= -epsilon ? -Math.expm1(t) : -Math.expm1((t - epsilon) / 2);
}

const parameter = fc.oneof(
  fc.double({ min: 1e-3, max: 4, noNaN: true }),
  fc.constantFrom(1e-3, 0.1, 1, 3),
);
const threshold = fc.double({ min: -1.2, max: 1.2, noNaN: true });

describe('discrete-laplace.proof.md', () => {
  it('§1: noise on several coordinates hides no less than on one of the same l1 shift', () => {
    fc.assert(
      fc.property(
        parameter,
        fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 4 }),
        threshold,
        (a, shifts, share) => {
          const total = shifts.reduce((sum, s) => sum + s, 0);
          const t = share * a * total;
          expect(hockeyStick(a, shifts, t)).toBeLessThanOrEqual(
            hockeyStick(a, [total], t) * (1 + 1e-12) + 1e-15,
          );
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('§2: real Laplace noise of parameter · s + 2 ln cosh(parameter/2) reveals no less', () => {
    fc.assert(
      fc.property(parameter, fc.integer({ min: 1, max: 50 }), threshold, (a, shift, share) => {
        const epsilon = a * shift + 2 * Math.log(Math.cosh(a / 2));
        const t = share * epsilon;
        expect(hockeyStick(a, [shift], t)).toBeLessThanOrEqual(
          laplaceHockeyStick(epsilon, t) * (1 + 1e-12) + 1e-15,
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('§2 is tight: with any less of it the bound breaks', () => {
    const [a, shift] = [0.5, 4];
    const t = a * shift - a;
    const least = hockeyStick(a, [shift], t);
    const epsilon = a * shift + 2 * Math.log(Math.cosh(a / 2));
    expect(laplaceHockeyStick(epsilon, t)).toBeCloseTo(least, 14);
    expect(laplaceHockeyStick(epsilon - 1e-6, t)).toBeLessThan(least);
  });
});
