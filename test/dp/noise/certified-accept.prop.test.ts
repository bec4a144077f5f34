import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RandomSource } from '../../../src/core/random-source.ts';
import { accepts, acceptsExactly, type Proposal } from '../../../src/dp/noise/certified-accept.ts';
import type { CertifiedLaw } from '../../../src/dp/noise/certified-law.ts';
import { gaussianLaw } from '../../../src/dp/noise/gaussian-law.ts';
import { laplaceLaw } from '../../../src/dp/noise/laplace-law.ts';
import { LazyUniform } from '../../../src/dp/noise/lazy-uniform.ts';
import { poissonSideLaw } from '../../../src/dp/noise/poisson-law.ts';
import { skellamLaw } from '../../../src/dp/noise/skellam-law.ts';
import { ScriptedRandom } from './subjects.ts';

const LAWS: Readonly<Record<string, CertifiedLaw>> = {
  'rounded Gaussian': gaussianLaw(37.7, true),
  'rounded Gaussian, wide': gaussianLaw(2 ** 21 + 0.3, true),
  'discrete Gaussian': gaussianLaw(37.7, false),
  'discrete Laplace': laplaceLaw(0.021),
  Skellam: skellamLaw(55.5),
  'Poisson over': poissonSideLaw(77.7, 1),
  'Poisson under': poissonSideLaw(77.7, -1),
};
/** In standard deviations. */
const place = fc.integer({ min: 0, max: 4000 }).map((thousandths) => thousandths / 1000);
const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });

/** A law that gives the doubles nothing to decide with. */
function blind(law: CertifiedLaw): CertifiedLaw {
  return { ...law, weight: () => Number.NaN, weightBeyond: 2 };
}

function proposalOf(law: CertifiedLaw, place: number, head: number): Proposal {
  const unitExponent = law.continuous ? -1 : 0;
  return {
    height: 1.25,
    position: Math.max(1, Math.floor((place * law.spread) / 2 ** unitExponent)),
    unitExponent,
    head,
    headBits: 10,
  };
}

describe('accepts', () => {
  for (const [name, law] of Object.entries(LAWS)) {
    it(`agrees with integers alone on the same digits: ${name}`, () => {
      fc.assert(
        fc.property(
          place,
          fc.integer({ min: 0, max: 1023 }),
          fc.array(word, { minLength: 24, maxLength: 24 }),
          (at, head, words) => {
            const proposal = proposalOf(law, at, head);
            const fast = accepts(law, proposal, new ScriptedRandom(words));
            expect(accepts(blind(law), proposal, new ScriptedRandom(words))).toBe(fast);
          },
        ),
        { numRuns: 300, seed: 20_261 },
      );
    });

    it(`brings in digits until the uniform number leaves the weight: ${name}`, () => {
      fc.assert(
        fc.property(place, fc.boolean(), (at, under) => {
          const proposal: Proposal = { ...proposalOf(law, at, 0), height: 1, headBits: 0 };
          // A point whose fraction is known to be 0.111… lies, to 320 digits, at the next position.
          const position = BigInt(proposal.position) + (law.continuous ? 1n : 0n);
          const [weight] = law.weightBounds(position, -proposal.unitExponent, 160);
          const digits = Array.from({ length: 5 }, (_, i) =>
            Number((weight >> BigInt(128 - 32 * i)) & 0xffff_ffffn),
          );
          // Equal to the weight in the first three words, then on one side of it by a whole word.
          digits[3] = under ? 0 : 0xffff_ffff;
          const uniform = new ScriptedRandom([...digits, 0, 0, 0, 0, 0]);
          const ones: RandomSource = {
            uint32: () => 0xffff_ffff,
            fillUint32: (target) => target.fill(0xffff_ffff),
          };
          const fraction = law.continuous ? new LazyUniform(ones) : undefined;
          expect(acceptsExactly(law, proposal, new LazyUniform(uniform), fraction)).toBe(under);
          expect(uniform.used).toBeGreaterThanOrEqual(4);
        }),
        { numRuns: 40, seed: 20_262 },
      );
    });
  }

  it('does not trust a double inside its error', () => {
    // uniform · height is 2⁻³² of the weight under it: the double may not decide, the integers accept.
    const law = gaussianLaw(100, false);
    const [weight] = law.weightBounds(150n, 0, 96);
    const words = [64, 32, 0].map((shift) => Number((weight >> BigInt(shift)) & 0xffff_ffffn));
    const proposal: Proposal = { height: 1, position: 150, unitExponent: 0, head: 0, headBits: 0 };
    const below = new ScriptedRandom([words[0] as number, (words[1] as number) - 1, 0, 0]);
    expect(accepts(law, proposal, below)).toBe(true);
    expect(below.used).toBeGreaterThan(1);
    const above = new ScriptedRandom([words[0] as number, (words[1] as number) + 1, 0, 0]);
    expect(accepts(law, proposal, above)).toBe(false);
    expect(above.used).toBeGreaterThan(1);
  });
});
