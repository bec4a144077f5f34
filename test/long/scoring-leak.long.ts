import { expect, it } from 'vitest';
import { HE_PRESETS } from '../../src/he/index.ts';
import { providerAndMemory } from '../he/fixtures.ts';
import { leakRound } from '../he/leak-rounds.ts';

const ROUNDS = 5000;

// Two queries a round. One forgotten object is 16 KiB or more: 80 MB if one is forgotten in every round.
it('10,000 queries need no more memory than the first 100', async () => {
  const [provider, memory] = await providerAndMemory();
  const round = leakRound(provider, HE_PRESETS.default);
  for (let i = 0; i < 50; i++) round();
  const before = memory.buffer.byteLength;
  for (let i = 0; i < ROUNDS; i++) round();
  console.log(`${2 * ROUNDS} queries: ${memory.buffer.byteLength - before} bytes more`);
  expect(memory.buffer.byteLength).toBe(before);
});
