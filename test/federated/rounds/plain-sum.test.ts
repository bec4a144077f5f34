import { describe, expect, it } from 'vitest';
import { PlainSum } from '../../../src/federated/index.ts';
import { checkContribution } from '../../../src/federated/rounds/sum-checks.ts';
import { secureSumConformance } from '../../../src/testing/index.ts';

describe('PlainSum', () => {
  for (const { name, run } of secureSumConformance(() => new PlainSum())) it(name, run);
});

describe('PlainSum of residues', () => {
  it('adds modulo 2^b what is a residue, and nothing else', async () => {
    const cohort = ['a', 'b', 'c'];
    const session = await new PlainSum().open({
      ...{ roundId: 'residues', dimension: 1, modulusBits: 8, contributionBound: null, cohort },
      minimumSurvivors: 1,
    });
    for (const value of [128, -129, 0.5, Number.NaN]) {
      await expect(session.contribute('a', Float64Array.of(value))).rejects.toMatchObject({
        code: 'federated/invalid-contribution',
      });
    }
    await session.contribute('a', Float64Array.of(-128));
    await session.contribute('b', Float64Array.of(-128));
    await session.contribute('c', Float64Array.of(127));
    expect((await session.close()).sum).toEqual(Float64Array.of(127));
  });

  it('takes integers up to a bound in either direction', async () => {
    const terms = { dimension: 1, modulusBits: 8, contributionBound: 9 };
    for (const value of [10, -10]) {
      expect(() => checkContribution(Float64Array.of(value), terms)).toThrow(
        expect.objectContaining({ code: 'federated/invalid-contribution' }),
      );
    }
    for (const value of [9, -9, 0]) checkContribution(Float64Array.of(value), terms);
  });
});
