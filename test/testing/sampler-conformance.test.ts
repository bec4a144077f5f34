import { describe, expect, it } from 'vitest';
import type { RandomSource } from '../../src/core/random-source.ts';
import { fillRoundedGaussian } from '../../src/dp/noise/index.ts';
import { samplerConformance } from '../../src/testing/sampler-conformance.ts';
import { roundedGaussianSubject } from '../dp/noise/subjects.ts';

type Fill = (target: Float64Array, random: RandomSource) => void;
const CASES = [
  'fills the whole target with integers, none of them −0',
  'gives the same samples for the same seed',
  'has the mean of its law',
  'has the variance of its law',
  'passes chi-square over the bulk',
  'has as many samples beyond 3, 4, 5 and 6 standard deviations as its law',
  'leaves no hole: every integer of the bulk occurs',
] as const;

/** The cases that a sampler fails, for the law of a rounded Gaussian. */
async function failures(stddev: number, fill: Fill, samples = 200_000): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const { name, run } of samplerConformance(roundedGaussianSubject(stddev, fill), {
    samples,
  })) {
    try {
      await run();
    } catch {
      failed.push(name);
    }
  }
  return failed;
}

/** A true sampler with something done to each value. */
function spoilt(stddev: number, change: (value: number, i: number) => number): Fill {
  return (target, random) => {
    fillRoundedGaussian(target, stddev, random);
    for (let i = 0; i < target.length; i++) target[i] = change(target[i] as number, i);
  };
}

describe('samplerConformance', () => {
  it('has the cases it says', () => {
    const subject = roundedGaussianSubject(
      10,
      spoilt(10, (value) => value),
    );
    expect(samplerConformance(subject).map(({ name }) => name)).toEqual(CASES);
  });

  it('passes a true sampler', async () => {
    for (const stddev of [1, 10, 5000]) {
      expect(
        await failures(
          stddev,
          spoilt(stddev, (value) => value),
        ),
      ).toEqual([]);
    }
  });

  it('finds a tail that is cut off', async () => {
    const cut = spoilt(10, (value) => Math.max(-32, Math.min(32, value)));
    expect(await failures(10, cut, 1_000_000)).toContain(CASES[5]);
  });

  it('finds a tail that is too heavy', async () => {
    expect(
      await failures(
        10,
        spoilt(10, (value, i) => (i % 20_000 === 0 ? 61 : value)),
      ),
    ).toContain(CASES[5]);
  });

  it('finds one hole', async () => {
    const hole = await failures(
      10,
      spoilt(10, (value) => (value === 20 ? 19 : value)),
    );
    expect(hole).toContain(CASES[6]);
    expect(hole).toContain(CASES[4]);
  });

  it('finds the holes of a wide law', async () => {
    expect(
      await failures(
        5000,
        spoilt(5000, (value) => value - (value % 2)),
      ),
    ).toContain(CASES[6]);
  });

  it('finds a wrong scale, a shift and a wrong shape', async () => {
    const scaled: Fill = (target, random) => fillRoundedGaussian(target, 10.2, random);
    expect(await failures(10, scaled)).toEqual(expect.arrayContaining([CASES[3], CASES[4]]));
    expect(
      await failures(
        10,
        spoilt(10, (value, i) => value + (i % 5 === 0 ? 1 : 0)),
      ),
    ).toContain(CASES[2]);
    expect(await failures(10, spoilt(10, Math.abs))).toContain(CASES[4]);
  });

  it('finds fractions, −0 and places left out', async () => {
    expect(
      await failures(
        10,
        spoilt(10, (value) => value + 0.25),
      ),
    ).toContain(CASES[0]);
    expect(
      await failures(
        10,
        spoilt(10, (value) => (value === 0 ? -0 : value)),
      ),
    ).toContain(CASES[0]);
    const short: Fill = (target, random) => fillRoundedGaussian(target.subarray(1), 10, random);
    expect(await failures(10, short)).toContain(CASES[0]);
  });

  it('finds randomness that does not come from the source', async () => {
    expect(
      await failures(
        10,
        spoilt(10, (value) => (Math.random() < 0.5 ? -value : value)),
      ),
    ).toContain(CASES[1]);
  });
});
