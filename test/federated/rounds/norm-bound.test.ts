import { describe, expect, it } from 'vitest';
import { NormBoundedSum, PlainSum, type SecureSum } from '../../../src/federated/index.ts';
import { secureSumConformance } from '../../../src/testing/index.ts';

const parameters = {
  roundId: 'r',
  dimension: 2,
  modulusBits: 52,
  cohort: ['a', 'b'],
  minimumSurvivors: 0,
};

async function takes(contributionBound: number, vector: readonly number[]): Promise<boolean> {
  const session = await new NormBoundedSum(new PlainSum()).open({
    ...parameters,
    contributionBound,
  });
  return session.contribute('a', Float64Array.from(vector)).then(
    () => true,
    (error: unknown) => {
      expect(error).toMatchObject({ code: 'federated/invalid-contribution' });
      return false;
    },
  );
}

describe('NormBoundedSum', () => {
  it('takes what is as long as the bound and refuses a unit more', async () => {
    expect(await takes(5, [3, 4])).toBe(true);
    expect(await takes(5, [3, 5])).toBe(false);
    expect(await takes(5, [-3, -4])).toBe(true);
    expect(await takes(5, [Number.NaN, 0])).toBe(false);
    expect(await takes(5, [Number.POSITIVE_INFINITY, 0])).toBe(false);
  });

  it('is exact where squares pass 2⁵³', async () => {
    const bound = 5 * 2 ** 40;
    expect(await takes(bound, [3 * 2 ** 40, 4 * 2 ** 40])).toBe(true);
    expect(await takes(bound, [3 * 2 ** 40 + 1, 4 * 2 ** 40])).toBe(false);
    expect(await takes(bound, [0.5, 0])).toBe(false);
  });

  it('cannot be put over a sum that hides its contributions', () => {
    const hidden: SecureSum = {
      name: 'secagg-plus',
      trust: new PlainSum().trust,
      disclosure: 0,
      open: (terms) => new PlainSum().open(terms),
    };
    expect(() => new NormBoundedSum(hidden)).toThrow(RangeError);
  });
});

describe('NormBoundedSum as a secure sum', () => {
  // The other cases fill vectors up to the bound of a coordinate, which is too long here by design.
  const kept = /^(aborts below|takes nothing|does not open)/;
  const cases = secureSumConformance(() => new NormBoundedSum(new PlainSum()));
  const shared = cases.filter(({ name }) => kept.test(name));
  expect(shared.length).toBe(3);
  for (const { name, run } of shared) it(name, run);
});
