import {
  createCatalogue,
  EncryptedScorer,
  type HeParameters,
  ScoringClient,
  type ScoringProvider,
} from '../../src/he/index.ts';
import { codeOf, unitVectors } from './fixtures.ts';

/** Everything that takes memory of node-seal, once: a query answered, one never answered, refusals. */
export function leakRound(provider: ScoringProvider, parameters: HeParameters): () => void {
  const catalogue = createCatalogue({
    parameters,
    items: unitVectors('leak', 10, 2),
    dimensions: 2,
    itemNormBound: 1,
    profileNormBound: 1,
    featuresPerCiphertext: 2,
  });
  const scorer = new EncryptedScorer(catalogue);
  const client = new ScoringClient({ provider, catalogue: scorer.description, parameters });
  const profile = unitVectors('leaker', 1, 2);
  const reply = scorer.score(client.encryptProfile(profile).query);
  const polynomial = new Int32Array(parameters.polynomialDegree).fill(1);
  const nothing = new Uint32Array(2 * parameters.polynomialDegree);
  const expectCode = (code: string, body: () => unknown): void => {
    if (codeOf(body) !== code) throw new Error(`expected ${code}`);
  };
  return () => {
    const { query, queryId } = client.encryptProfile(profile);
    reply.set(query.subarray(16, 32), 16); // a valid reply; scoring each query anew would take long
    client.decryptScores(reply, { queryId, topK: 1 });
    const key = provider.createKey(parameters);
    key.encrypt(polynomial);
    expectCode('he/value-out-of-range', () => key.encrypt(Int32Array.of(2 ** 30)));
    expectCode('he/malformed-message', () => key.decrypt(nothing));
    key.dispose();
    client.encryptProfile(profile); // ends as the oldest open query
  };
}
