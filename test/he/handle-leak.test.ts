import { expect, it } from 'vitest';
import { createHeParameters } from '../../src/he/index.ts';
import { providerAndMemory } from './fixtures.ts';
import { leakRound } from './leak-rounds.ts';

// At degree 8192 one forgotten key, ciphertext or plaintext is 64 KiB or more, so 200 rounds that forget one
// each need 13 MB; the module begins with 16 MiB, of which 11 MB are free. 10,000 queries are in test/long.
it('frees every handle: 200 rounds of queries and refusals need no more memory than the first 20', async () => {
  const [provider, memory] = await providerAndMemory();
  const round = leakRound(
    provider,
    createHeParameters({
      polynomialDegree: 8192,
      dataPrimes: [268_369_921],
      plaintextModulus: 786_433,
    }),
  );
  for (let i = 0; i < 20; i++) round();
  const before = memory.buffer.byteLength;
  for (let i = 0; i < 200; i++) round();
  expect(memory.buffer.byteLength).toBe(before);
  expect(before).toBe(2 ** 24);
});
