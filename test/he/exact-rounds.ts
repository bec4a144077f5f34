import { expect } from 'vitest';
import {
  createCatalogue,
  createNodeSealProvider,
  EncryptedScorer,
  HE_PRESETS,
  ScoringClient,
  scorePlain,
} from '../../src/he/index.ts';
import { exchange, unitVectors } from './fixtures.ts';

const DIMENSIONS = 16;

/**
 * Scores random profiles under the exact preset and expects the integers that the same products have in the clear.
 *
 * @returns how many products were compared
 */
export async function compareExactScores(items: number, profiles: number): Promise<number> {
  const catalogue = createCatalogue({
    parameters: HE_PRESETS.exact,
    items: unitVectors('exact items', items, DIMENSIONS),
    dimensions: DIMENSIONS,
    biases: Float32Array.from({ length: items }, (_, i) => Math.sin(i) / 4),
    itemNormBound: 1,
    profileNormBound: 1,
  });
  expect(catalogue.description.scoreErrorBound).toBe(0);
  const scorer = new EncryptedScorer(catalogue);
  const provider = await createNodeSealProvider();
  const client = new ScoringClient({ provider, catalogue: catalogue.description });
  for (let i = 0; i < profiles; i++) {
    const profile = unitVectors(`exact profile ${i}`, 1, DIMENSIONS);
    const { reply, queryId } = exchange(client, scorer, profile);
    const scores = client.decryptReply(reply, queryId).revealRawScoresUnsafely();
    const plain = scorePlain(catalogue, profile);
    if (scores.some((score, row) => score !== plain[row])) expect(scores).toEqual(plain);
  }
  client.dispose();
  return items * profiles;
}
