import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/core/seeded-random.ts';
import {
  createCatalogue,
  createNodeSealProvider,
  EncryptedScorer,
  HE_PRESETS,
  ScoringClient,
  scorePlain,
} from '../../src/he/index.ts';
import { scoringProviderConformance } from '../../src/testing/scoring-provider-conformance.ts';

const provider = await createNodeSealProvider();

describe('encrypted scoring in a browser', () => {
  it('scores 4,000 items of 15 features within the stated bound', () => {
    const dimensions = 15;
    const random = new SeededRandom('browser');
    const uniform = (): number => (2 * random.uniform() - 1) / Math.sqrt(dimensions);
    const catalogue = createCatalogue({
      parameters: HE_PRESETS.default,
      items: Float32Array.from({ length: 4000 * dimensions }, uniform),
      dimensions,
      itemNormBound: 1,
      profileNormBound: 1,
    });
    const scorer = new EncryptedScorer(catalogue);
    const client = new ScoringClient({ provider, catalogue: scorer.description });
    const profile = Float32Array.from({ length: dimensions }, uniform);
    const plain = scorePlain(catalogue, profile);
    const bound = scorer.description.scoreErrorBound;

    const first = client.encryptProfile(profile);
    const raw = client
      .decryptReply(scorer.score(first.query), first.queryId)
      .revealRawScoresUnsafely();
    expect(raw.length).toBe(4000);
    raw.forEach((score, item) => {
      expect(Math.abs(score - (plain[item] as number))).toBeLessThanOrEqual(bound * (1 + 1e-9));
    });

    const { queryId, query } = client.encryptProfile(profile);
    const [best] = client.decryptScores(scorer.score(query), { queryId, topK: 10 });
    expect(plain[best?.item as number]).toBeGreaterThanOrEqual(Math.max(...plain) - 2 * bound);
  });
});

describe('node-seal in a browser', () => {
  for (const { name, run } of scoringProviderConformance(provider)) it(name, run);
});
