import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { gdpCost, type Plan } from '../../../src/dp/index.ts';
import { bandedSquareRoot, CorrelatedNoise } from '../../../src/federated/index.ts';

const BANDWIDTH = 3;
const strategy = bandedSquareRoot(BANDWIDTH);

/**
 * The fresh noise that must have been drawn if the noise in the releases was `noise`: the inverse of the
 * recursion, written from the proof and not from the class.
 */
function freshNoise(noise: readonly Float64Array[]): Float64Array[] {
  return noise.map((now, t) =>
    now.map((value, i) => {
      let echo = 0;
      strategy.coefficients.forEach((c, j) => {
        if (j > 0 && t >= j) echo += c * ((noise[t - j] as Float64Array)[i] as number);
      });
      return value + Math.round(echo);
    }),
  );
}

/** An integer vector of norm at most `sensitivity`, as a hostile client would choose it. */
function contribution(
  shape: readonly number[],
  dimension: number,
  sensitivity: number,
): Float64Array {
  const raw = Float64Array.from({ length: dimension }, (_, i) => shape[i % shape.length] as number);
  const norm = Math.hypot(...raw) || 1;
  return raw.map((value) => Math.trunc((value / norm) * sensitivity));
}

describe('CorrelatedNoise', () => {
  it('costs no more than its event says, whatever an account sends', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 2, max: 5000 }),
        fc.double({ min: 0.05, max: 20, noNaN: true }),
        fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 12 }),
        fc.integer(),
        (dimension, sensitivity, noiseMultiplier, gaps, shape, seed) => {
          // Rounds in which the account takes part, at least a bandwidth apart.
          const joined: number[] = [];
          for (const gap of gaps) joined.push((joined.at(-1) ?? -BANDWIDTH) + BANDWIDTH + gap);
          const rounds = (joined.at(-1) as number) + BANDWIDTH;
          const noise = new CorrelatedNoise({ strategy, noiseMultiplier, dimension, sensitivity });
          const random = new SeededRandom(seed);
          const drawn = Array.from({ length: rounds }, () => {
            const target = new Float64Array(dimension);
            noise.fill(target, random);
            return target;
          });
          // The same releases, seen as if the account had sent nothing: its updates became noise.
          const seen = drawn.map((vector, t) => {
            if (!joined.includes(t)) return vector;
            const sent = contribution(shape, dimension, sensitivity);
            return vector.map((value, i) => value + (sent[i] as number));
          });
          const [a, b] = [freshNoise(drawn), freshNoise(seen)];
          let moved = 0;
          for (let t = 0; t < rounds; t++) {
            for (let i = 0; i < dimension; i++) {
              moved +=
                (((a[t] as Float64Array)[i] as number) - ((b[t] as Float64Array)[i] as number)) **
                2;
            }
          }
          const plan: Plan = {
            unit: 'user',
            relation: 'zero-out-one-user',
            event: {
              kind: 'correlated-gaussian',
              noiseMultiplier,
              participations: joined.length,
              minSeparation: BANDWIDTH,
              strategy,
            },
          };
          expect(moved / noise.freshStddev ** 2).toBeLessThanOrEqual(gdpCost(plan));
        },
      ),
      { numRuns: 250 },
    );
  });

  it('would cost more if an account came back within the band', () => {
    // Twice in a row, the same update: its echoes meet, and the squares add up to more than two apart.
    const [dimension, sensitivity] = [4, 4000];
    const sent = new Float64Array(dimension).fill(2000);
    const silent = Array.from({ length: 4 }, () => new Float64Array(dimension));
    const apart = freshNoise([
      sent,
      silent[0],
      silent[1],
      sent,
      silent[2],
      silent[3],
    ] as Float64Array[]);
    const together = freshNoise([sent, sent, ...silent] as Float64Array[]);
    const energy = (noise: readonly Float64Array[]) =>
      noise.flatMap((vector) => [...vector]).reduce((sum, value) => sum + value * value, 0);
    const noise = new CorrelatedNoise({ strategy, noiseMultiplier: 1, dimension, sensitivity });
    const square = strategy.coefficients.reduce((sum, c) => sum + c * c, 0);
    const charged = 2 * noise.freshStddev ** 2 * square;
    expect(energy(apart)).toBeLessThanOrEqual(charged);
    expect(energy(together)).toBeGreaterThan(1.4 * charged);
  });

  it('goes on elsewhere as if it had never stopped', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5 }), fc.integer(), (before, seed) => {
        const options = { strategy, noiseMultiplier: 2, dimension: 3, sensitivity: 100 };
        const [whole, first] = [new CorrelatedNoise(options), new CorrelatedNoise(options)];
        const [a, b] = [new SeededRandom(seed), new SeededRandom(seed)];
        const [x, y] = [new Float64Array(3), new Float64Array(3)];
        for (let t = 0; t < before; t++) {
          whole.fill(x, a);
          first.fill(y, b);
        }
        const second = new CorrelatedNoise(options);
        second.restore(first.secrets());
        for (let t = 0; t < 4; t++) {
          whole.fill(x, a);
          second.fill(y, b);
          expect(y).toEqual(x);
        }
        expect(second.noiseStddev).toBe(whole.noiseStddev);
      }),
      { numRuns: 50 },
    );
  });

  it('forgets the noise of a lost round', () => {
    const options = { strategy, noiseMultiplier: 2, dimension: 50, sensitivity: 1000 };
    const noise = new CorrelatedNoise(options);
    const target = new Float64Array(50);
    noise.fill(target, new SeededRandom(1));
    for (let t = 1; t < BANDWIDTH; t++) noise.skip();
    noise.fill(target, new SeededRandom(2));
    const fresh = new Float64Array(50);
    new CorrelatedNoise(options).fill(fresh, new SeededRandom(2));
    expect(target).toEqual(fresh);
  });

  it.each([
    { noiseMultiplier: 0 },
    { noiseMultiplier: -1 },
    { noiseMultiplier: Number.NaN },
    { noiseMultiplier: 1e9 },
  ])('refuses %j', (terms) => {
    const options = { strategy, dimension: 3, sensitivity: 100, ...terms };
    expect(() => new CorrelatedNoise(options)).toThrow(
      expect.objectContaining({ code: 'dp/invalid-parameter' }),
    );
  });

  it('refuses vectors and secrets of another shape', () => {
    const noise = new CorrelatedNoise({
      strategy,
      noiseMultiplier: 1,
      dimension: 3,
      sensitivity: 9,
    });
    expect(() => noise.fill(new Float64Array(2), new SeededRandom(1))).toThrow(RangeError);
    const history = [new Float64Array(3), new Float64Array(3)];
    expect(() => noise.restore({ rounds: 1, history })).toThrow(RangeError);
    expect(() => noise.restore({ rounds: 2, history: history.slice(1) })).toThrow(RangeError);
    expect(() => noise.restore({ rounds: 1, history: [Float64Array.of(0, 0.5, 0)] })).toThrow(
      RangeError,
    );
    expect(() => noise.restore({ rounds: 1, history: [Float64Array.of(0, 0)] })).toThrow(
      RangeError,
    );
  });
});
