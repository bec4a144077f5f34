import { describe, expect, it } from 'vitest';
import {
  createCatalogue,
  createNodeSealProvider,
  EncryptedScorer,
  expandCiphertext,
  FRESH_NOISE_MAX,
  FRESH_NOISE_VARIANCE,
  HE_PRESETS,
  type HeParameters,
  ScoringClient,
  scoreNoiseStddev,
  scorePlain,
} from '../../src/he/index.ts';
import { exchange, unitVectors } from './fixtures.ts';

const provider = await createNodeSealProvider();

/**
 * The noise of fresh encryptions of zero: multiplying a ciphertext by ⌊q/t⌋ moves its noise into the
 * plaintext. One key per polynomial.
 */
function freshNoise(parameters: HeParameters, polynomials: number): number[] {
  const factor = BigInt(Math.floor(parameters.ciphertextModulus / parameters.plaintextModulus));
  const prime = BigInt(parameters.ciphertextModulus);
  return Array.from({ length: polynomials }, () => {
    const key = provider.createKey(parameters);
    const zero = expandCiphertext(parameters, key.encrypt(new Int32Array()));
    const noise = key.decrypt(zero.map((word) => Number((BigInt(word) * factor) % prime)));
    key.dispose();
    return [...noise];
  }).flat();
}

describe('fresh noise of node-seal', () => {
  // Kurtosis of the law is below 3, so the variance of n = 51,200 draws has relative deviation below
  // √(2/n) = 0.63%; the mean has deviation √(10.5/n) = 0.0143. Two two-sided tests at 5.3 deviations:
  // false alarm below 2.4e-7 in all.
  it.each([
    ['default', HE_PRESETS.default, 25],
    ['fast', HE_PRESETS.fast, 50],
  ] as const)(
    'has the mean, variance and range the error bound assumes (%s)',
    (_, preset, polynomials) => {
      const noise = freshNoise(preset, polynomials);
      expect(noise.length).toBe(51_200);
      const mean = noise.reduce((sum, value) => sum + value, 0) / noise.length;
      const variance = noise.reduce((sum, value) => sum + value * value, 0) / noise.length;
      expect(Math.abs(mean)).toBeLessThan(5.3 * 0.0143);
      expect(Math.abs(variance / FRESH_NOISE_VARIANCE - 1)).toBeLessThan(5.3 * 0.0063);
      expect(noise.every((value) => Math.abs(value) <= FRESH_NOISE_MAX)).toBe(true);
    },
  );
});

describe('noise of scores', () => {
  // The errors of one block are a negacyclic convolution of fresh noise; their mean square averages
  // some 1,024 independent frequencies, relative deviation below 5% per block for these items, below
  // 1.2% over 20 queries. A band of ±10% has a false alarm below 1e-6.
  it.each([1, 4])(
    'has the deviation that the formula states (%d features a ciphertext)',
    (features) => {
      const parameters = HE_PRESETS.default;
      const dimensions = 8;
      const items = unitVectors('noise-items', 2047, dimensions);
      const catalogue = createCatalogue({
        parameters,
        items,
        dimensions,
        itemNormBound: 1,
        profileNormBound: 1,
        featuresPerCiphertext: features,
      });
      const scorer = new EncryptedScorer(catalogue);
      const client = new ScoringClient({ provider, catalogue: scorer.description });
      const blockSquaredNorm = Math.max(...catalogue.blocks.map(({ squaredNorm }) => squaredNorm));
      const profile = unitVectors('noise-profile', 1, dimensions);
      const plain = scorePlain(catalogue, profile);
      let squares = 0;
      for (let query = 0; query < 20; query++) {
        const { reply, queryId } = exchange(client, scorer, profile);
        const raw = client.decryptReply(reply, queryId).revealRawScoresUnsafely();
        raw.forEach((score, item) => {
          squares += (score - (plain[item] as number)) ** 2;
        });
      }
      const measured = Math.sqrt(squares / (20 * 2047)) * scorer.description.scoreScale;
      const ratio = measured / scoreNoiseStddev(parameters, blockSquaredNorm);
      expect(ratio).toBeGreaterThan(0.9);
      expect(ratio).toBeLessThan(1.1);
    },
  );
});
