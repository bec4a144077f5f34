import { expect, it } from 'vitest';
import {
  createCatalogue,
  createHeParameters,
  EncryptedScorer,
  ScoringClient,
} from '../../src/he/index.ts';
import { codeOf, providerAndMemory, unitVectors } from './fixtures.ts';

// At degree 8192 one forgotten key, ciphertext or plaintext is 64 KiB or more, so 400 queries that forget
// one each need 26 MB, more than the module starts with.
it('frees every handle: 400 queries and refusals need no more memory than the first 20', async () => {
  const [provider, memory] = await providerAndMemory();
  const parameters = createHeParameters({
    polynomialDegree: 8192,
    dataPrimes: [268_369_921],
    plaintextModulus: 786_433,
  });
  const catalogue = createCatalogue({
    parameters,
    items: unitVectors('leak', 10, 2),
    dimensions: 2,
    itemNormBound: 1,
    profileNormBound: 1,
  });
  const scorer = new EncryptedScorer(catalogue);
  const client = new ScoringClient({ provider, catalogue: scorer.description, parameters });
  const profile = unitVectors('leaker', 1, 2);
  const reply = scorer.score(client.encryptProfile(profile).query);
  const round = (): void => {
    const { query } = client.encryptProfile(profile);
    reply.set(query.subarray(16, 32), 16); // a valid reply; scoring each query anew would take long
    expect(client.decryptScores(reply, { topK: 1 }).length).toBe(1);
    const key = provider.createKey(parameters);
    key.encrypt(new Int32Array(8192).fill(1));
    expect(codeOf(() => key.encrypt(Int32Array.of(2 ** 30)))).toBe('he/value-out-of-range');
    expect(codeOf(() => key.decrypt(new Uint32Array(16_384)))).toBe('he/malformed-message');
    key.dispose();
    client.encryptProfile(profile); // never answered: ends as the oldest open query
  };
  for (let i = 0; i < 20; i++) round();
  const before = memory.buffer.byteLength;
  for (let i = 0; i < 400; i++) round();
  expect(memory.buffer.byteLength).toBe(before);
});
