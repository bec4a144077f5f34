import { describe, expect, it } from 'vitest';
import { type CatalogueDescription, parseCatalogueDescription } from '../../src/he/index.ts';
import { PrivateScores } from '../../src/he/private-scores.ts';

function description(heads: readonly string[], items: number): CatalogueDescription {
  return parseCatalogueDescription({
    version: 'a'.repeat(64),
    parametersId: 'b'.repeat(16),
    items,
    heads,
    dimensions: 3,
    profileNormBound: 1,
    profileScale: 10,
    scoreScale: 100,
    scoreErrorBound: 0.05,
    droppedBits: [0, 0],
    featuresPerCiphertext: 1,
  });
}

/** Scores 50, 20, 40, 10, 30 of one head. */
const of = (): PrivateScores =>
  new PrivateScores(description(['score'], 5), Int32Array.of(5000, 2000, 4000, 1000, 3000));

describe('private scores', () => {
  it('rank as often as asked', () => {
    const scores = of();
    expect(scores.rank({ topK: 2 })).toEqual([
      { item: 0, score: 50 },
      { item: 2, score: 40 },
    ]);
    expect(scores.rank({ topK: 9 }).map(({ item }) => item)).toEqual([0, 2, 4, 1, 3]);
  });

  it('leave out what is excluded, and what is not among the only ones', () => {
    const items = (options: object): number[] =>
      of()
        .rank({ topK: 9, ...options })
        .map(({ item }) => item);
    expect(items({ exclude: [0, 4] })).toEqual([2, 1, 3]);
    expect(items({ exclude: new Set([0]) })).toEqual([2, 4, 1, 3]);
    expect(items({ only: [3, 1] })).toEqual([1, 3]);
    expect(items({ only: [3, 1, 0], exclude: [0] })).toEqual([1, 3]);
    expect(items({ only: [] })).toEqual([]);
    expect(items({ exclude: [] })).toEqual([0, 2, 4, 1, 3]);
  });

  it('refuse items and heads that the catalogue does not have', () => {
    for (const options of [
      { topK: 1, exclude: [5] },
      { topK: 1, only: [-1] },
      { topK: 1, only: [0.5] },
      { topK: 1, head: 'buy' },
      { topK: 0 },
    ]) {
      expect(() => of().rank(options)).toThrow(RangeError);
    }
  });

  it('rank by one of several heads', () => {
    const rows = Int32Array.of(100, 900, 200, 800, 300, 700);
    const scores = new PrivateScores(description(['click', 'buy'], 6), rows);
    expect(scores.items).toBe(3);
    const ranked = (head?: string): number[] =>
      scores.rank({ topK: 3, ...(head === undefined ? {} : { head }) }).map(({ item }) => item);
    expect(ranked()).toEqual([2, 1, 0]);
    expect(ranked('click')).toEqual([2, 1, 0]);
    expect(ranked('buy')).toEqual([0, 1, 2]);
    expect(scores.revealRawScoresUnsafely('buy')).toEqual(Float64Array.of(9, 8, 7));
  });

  it('round what they show to twice the error bound', () => {
    const scores = new PrivateScores(description(['score'], 3), Int32Array.of(1234, -1236, 4));
    expect(scores.rank({ topK: 3 }).map(({ score }) => score)).toEqual([0.1 * 123, 0, 0.1 * -124]);
    expect(scores.revealRawScoresUnsafely()).toEqual(Float64Array.of(12.34, -12.36, 0.04));
  });

  it('do not show themselves to whoever prints or stores them', () => {
    const scores = of();
    expect(JSON.stringify(scores)).toBe('{}');
    expect(Object.keys(scores)).toEqual([]);
    expect(JSON.stringify(structuredClone(scores))).toBe('{}');
  });

  it('are zeros once they were erased', () => {
    const scores = of();
    scores.erase();
    expect(scores.revealRawScoresUnsafely()).toEqual(new Float64Array(5));
  });
});
