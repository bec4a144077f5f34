import fc from 'fast-check';
import { all, create } from 'mathjs';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { ExampleSampler, markRate } from '../../../src/federated/example-level/example-sampler.ts';

const math = create(all ?? {}, { number: 'BigNumber', precision: 60 });

describe('markRate', () => {
  it('never marks an example with more than the sampling rate, and with little less', () => {
    const rates = fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true });
    fc.assert(
      fc.property(rates, (samplingRate) => {
        const kept = math.exp(math.bignumber(-markRate(samplingRate)));
        const rate = math.subtract(math.bignumber(1), kept);
        expect(math.smallerEq(rate, math.bignumber(samplingRate))).toBe(true);
        expect(Number(rate) / samplingRate).toBeGreaterThan(1 - 2 ** -24);
      }),
    );
  });

  it('multiplied by a number of examples is exact', () => {
    const rates = fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true });
    fc.assert(
      fc.property(rates, fc.integer({ min: 1, max: 2 ** 26 }), (samplingRate, examples) => {
        const rate = markRate(samplingRate);
        const exact = math.multiply(math.bignumber(rate), math.bignumber(examples));
        expect(math.equal(exact, math.bignumber(rate * examples))).toBe(true);
      }),
    );
  });
});

describe('ExampleSampler', () => {
  it('draws every example once at most', () => {
    const sampler = new ExampleSampler({ kind: 'poisson', batchSize: 90 }, 100);
    const random = new SeededRandom('once');
    for (let step = 0; step < 200; step++) {
      const drawn = [...sampler.draw(random)];
      expect(new Set(drawn).size).toBe(drawn.length);
      expect(drawn.every((example) => example < 100)).toBe(true);
    }
  });

  it('takes everybody where nobody is sampled', () => {
    const sampler = new ExampleSampler({ kind: 'full' }, 5);
    expect([...sampler.draw(new SeededRandom(1))]).toEqual([0, 1, 2, 3, 4]);
    expect(sampler.samplingRate).toBe(1);
    expect(sampler.expectedSize).toBe(5);
  });

  it('takes its rate from the public number, not from the rows', () => {
    const sampler = new ExampleSampler({ kind: 'poisson', batchSize: 10 }, 99, 100);
    expect(sampler.samplingRate).toBe(0.1);
    expect(sampler.expectedSize).toBe(10);
  });

  it('refuses what it cannot draw', () => {
    const poisson = (batchSize: number, examples = 100): ExampleSampler =>
      new ExampleSampler({ kind: 'poisson', batchSize }, examples);
    const code = (code: string): unknown => expect.objectContaining({ code });
    expect(() => poisson(10, 0)).toThrow(code('data/empty'));
    expect(() => poisson(0)).toThrow(code('dp/invalid-parameter'));
    expect(() => poisson(100)).toThrow(code('dp/invalid-parameter'));
    expect(() => poisson(Number.NaN)).toThrow(code('dp/invalid-parameter'));
    expect(() => poisson(10, 2 ** 27)).toThrow(code('dp/invalid-parameter'));
    expect(() => new ExampleSampler({ kind: 'fixed-size', batchSize: 1.5 }, 10)).toThrow(
      code('dp/invalid-parameter'),
    );
    expect(() => new ExampleSampler({ kind: 'fixed-size', batchSize: 5 }, 10, 11)).toThrow(
      code('dp/invalid-parameter'),
    );
  });
});
