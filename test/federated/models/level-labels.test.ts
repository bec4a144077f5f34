import { describe, expect, it } from 'vitest';
import { levelLabels, levelProbabilities } from '../../../src/federated/index.ts';

const of = (...values: number[]): Float32Array => Float32Array.from(values);

describe('levelLabels', () => {
  it('marks the steps below a level', () => {
    const labels = [0, 1, 2, 3].map((level) => {
      const out = of(9, 9, 9);
      levelLabels(level, 4, out);
      return out;
    });
    expect(labels).toEqual([of(0, 0, 0), of(1, 0, 0), of(1, 1, 0), of(1, 1, 1)]);
  });

  it('comes back as the level it was', () => {
    for (let level = 0; level < 4; level++) {
      const [steps, out] = [new Float32Array(3), new Float32Array(4)];
      levelLabels(level, 4, steps);
      levelProbabilities(steps, out);
      expect(out).toEqual(Float32Array.from({ length: 4 }, (_, i) => Number(i === level)));
    }
  });

  it('refuses a level that there is not, without telling it', () => {
    for (const level of [-1, 4, 0.5, Number.NaN]) {
      const expected = new RangeError('"level" expected an integer from 0 to 3');
      expect(() => levelLabels(level, 4, new Float32Array(3))).toThrow(expected);
    }
    expect(() => levelLabels(0, 1, new Float32Array(0))).toThrow('at least 2, got 1');
    expect(() => levelLabels(0, 4, new Float32Array(4))).toThrow('"out" expected 3 numbers, got 4');
  });
});

describe('levelProbabilities', () => {
  it('are the differences of the steps', () => {
    const out = new Float32Array(3);
    levelProbabilities(of(0.75, 0.25), out);
    expect(out).toEqual(of(0.25, 0.5, 0.25));
  });

  it('are never negative and add up to 1 when steps contradict each other', () => {
    const out = new Float32Array(4);
    levelProbabilities(of(0.5, 0.75, 0.25), out);
    expect(out).toEqual(of(0.5, 0, 0.25, 0.25));
  });

  it('refuse a result of another length', () => {
    expect(() => levelProbabilities(of(0.5), new Float32Array(3))).toThrow(
      '"out" expected 2 numbers, got 3',
    );
    expect(() => levelProbabilities(of(), new Float32Array(1))).toThrow('at least 2, got 1');
  });
});
