import { describe, expect, it } from 'vitest';
import { compareExactScores } from '../he/exact-rounds.ts';

describe('the exact preset', () => {
  it('gives the integer result of 10,000,000 random products', async () => {
    expect(await compareExactScores(200_000, 50)).toBe(10_000_000);
  });
});
