import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { epsilonOfPlan } from '../../../src/dp/accounting/index.ts';
import { dpHistogram } from '../../../src/dp/mechanisms/index.ts';
import { membershipAttack } from '../../../src/testing/index.ts';

const others = Array.from({ length: 20 }, (_, i) => [i % 2 === 0 ? 'on' : 'off']);
const data = (withTarget: boolean): string[][] => (withTarget ? [...others, ['on']] : others);

/** The attack on a table of tags with so much noise. */
function attack(noiseMultiplier: number, seed: string) {
  const random = new SeededRandom(seed);
  return membershipAttack({
    release: (withTarget) =>
      dpHistogram(data(withTarget), {
        relation: 'add-or-remove-one-user',
        categories: ['on', 'off'],
        maxCategories: 1,
        noise: { kind: 'gaussian', noiseMultiplier },
        random,
      }).value,
    score: (value) => value[0] as number,
    trials: 4000,
    confidence: 1 - 1e-9,
    delta: 1e-5,
  });
}

describe('membershipAttack', () => {
  it('finds out a table without noise', () => {
    const found = membershipAttack({
      release: (withTarget) => data(withTarget).filter(([tag]) => tag === 'on').length,
      score: (count) => count,
      trials: 400,
      confidence: 0.999,
      delta: 0,
    });
    expect(found.advantage).toBe(1);
    expect(found.epsilonAtLeast).toBeGreaterThan(3);
  });

  it.each([0.5, 1, 3])('never refutes a true claim, at a noise multiplier of %d', (noise) => {
    const plan = {
      unit: 'user',
      relation: 'add-or-remove-one-user',
      event: { kind: 'gaussian', noiseMultiplier: noise },
    } as const;
    const { epsilonAtLeast, advantage } = attack(noise, `noise ${noise}`);
    expect(epsilonAtLeast).toBeLessThan(epsilonOfPlan(plan, 1e-5, 'gdp').upper);
    expect(advantage).toBeGreaterThan(0);
  });

  it('refutes a false one', () => {
    // Noise for epsilon 18.4 that claims to be for 0.5.
    expect(attack(0.3, 'too little').epsilonAtLeast).toBeGreaterThan(0.5);
  });

  it('is fair to releases that ignore the target', () => {
    const random = new SeededRandom('blind');
    const found = membershipAttack({
      release: () => random.uniform(),
      score: (value) => value,
      trials: 2000,
      confidence: 1 - 1e-9,
      delta: 0,
    });
    expect(found.epsilonAtLeast).toBe(0);
    expect(Math.abs(found.advantage)).toBeLessThan(0.2);
  });

  it('refuses too few trials', () => {
    const question = { release: () => 1, score: () => 1, confidence: 0.9, delta: 0 };
    expect(() => membershipAttack({ ...question, trials: 3 })).toThrow(RangeError);
    expect(() => membershipAttack({ ...question, trials: 4, confidence: 1 })).toThrow(RangeError);
  });
});
