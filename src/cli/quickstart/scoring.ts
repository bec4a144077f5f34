import { SeededRandom } from '../../core/seeded-random.ts';
import {
  createCatalogue,
  createNodeSealProvider,
  EncryptedScorer,
  HE_PRESETS,
  planScoring,
  type ScoringCatalogue,
  ScoringClient,
  scorePlain,
} from '../../he/index.ts';
import type { RetailItem } from '../../node/online-retail.ts';
import { unitNorm } from '../../profile/index.ts';
import type { RankedItem, ScoringSummary } from './result.ts';

/** How much the public popularity of an article counts against a full match of tags. */
const POPULARITY_WEIGHT = 0.25;
const TOP = 10;
const RECALL_AT = 100;
const SCATTER_ITEMS = 600;

/** What the public popularity of each article adds to its score. `[items]` */
function publicBiases(items: readonly RetailItem[]): Float64Array {
  const mostSold = Math.max(1, ...items.map((item) => item.anonymousLines));
  return Float64Array.from(
    items,
    (item) => (POPULARITY_WEIGHT * Math.log1p(item.anonymousLines)) / Math.log1p(mostSold),
  );
}

/** The shop's articles as unit tag vectors with a public popularity bias. */
export function shopCatalogue(
  items: readonly RetailItem[],
  tags: readonly string[],
): ScoringCatalogue {
  const vectors = new Float32Array(items.length * tags.length);
  items.forEach((item, row) => {
    const present = tags.map((tag) => (item.tags.includes(tag) ? 1 : 0));
    vectors.set(unitNorm(present), row * tags.length);
  });
  return createCatalogue({
    parameters: HE_PRESETS.default,
    items: vectors,
    dimensions: tags.length,
    biases: Float32Array.from(publicBiases(items)),
    itemNormBound: 1,
    profileNormBound: 1,
  });
}

/**
 * One person's list, end to end: the tag vector is encrypted on the device, every article is scored on the
 * ciphertexts, and the reply is decrypted and ranked on the device again. The same is computed in the clear
 * beside it, to show how close the two are.
 *
 * @param profile - `[tags]`, probabilities
 */
export async function scoreShop(
  items: readonly RetailItem[],
  tags: readonly string[],
  profile: ArrayLike<number>,
): Promise<ScoringSummary> {
  const catalogue = shopCatalogue(items, tags);
  const provider = await createNodeSealProvider();
  const vector = Float32Array.from(unitNorm(profile));
  const scorer = new EncryptedScorer(catalogue);
  const client = new ScoringClient({ provider, catalogue: catalogue.description });
  try {
    // Once for the compiler's sake; the second run is the one a running service sees.
    const first = client.encryptProfile(vector);
    client.decryptScores(scorer.score(first.query), { queryId: first.queryId, topK: 1 });
    const started = performance.now();
    const { queryId, query } = client.encryptProfile(vector);
    const encrypted = performance.now();
    const reply = scorer.score(query);
    const scored = performance.now();
    const ranked = client.decryptScores(reply, { queryId, topK: RECALL_AT });
    const decrypted = performance.now();

    // For the comparison only: a real client never lets raw scores out of its hands.
    const shown = client.encryptProfile(vector);
    const raw = client
      .decryptReply(scorer.score(shown.query), shown.queryId)
      .revealRawScoresUnsafely();
    const plain = scorePlain(catalogue, vector);
    const float = floatScores(items, tags, vector);
    const best = [...plain.keys()].sort(
      (a, b) => (plain[b] as number) - (plain[a] as number) || a - b,
    );
    const cutOff = plain[best[RECALL_AT - 1] as number] as number;
    return {
      items: items.length,
      dimensions: tags.length,
      parameters: `BFV, N = ${HE_PRESETS.default.polynomialDegree}, one ${Math.ceil(Math.log2(HE_PRESETS.default.ciphertextModulus))}-bit prime`,
      upBytes: query.length,
      downBytes: reply.length,
      matrixBytes: planScoring({
        parameters: HE_PRESETS.default,
        items: items.length,
        dimensions: tags.length,
        biases: true,
        queriesPerVersion: 1,
      }).matrixBytes,
      encryptMs: encrypted - started,
      serverMs: scored - encrypted,
      decryptMs: decrypted - scored,
      maxError: Math.max(...raw.map((score, item) => Math.abs(score - (plain[item] as number)))),
      errorBound: catalogue.description.scoreErrorBound,
      recallAt100:
        ranked.filter(({ item }) => (plain[item] as number) >= cutOff).length / RECALL_AT,
      top: ranked.slice(0, TOP).map(({ item, score }, at): RankedItem => {
        const article = items[item] as RetailItem;
        return {
          rank: at + 1,
          id: article.id,
          name: article.name,
          tags: article.tags,
          score,
          plainScore: float[item] as number,
        };
      }),
      scatter: [...new SeededRandom('quickstart/scatter').permutation(items.length)]
        .slice(0, SCATTER_ITEMS)
        .map((item) => ({ plain: float[item] as number, encrypted: raw[item] as number })),
    };
  } finally {
    client.dispose();
  }
}

/** The same scores in floating point, from the definition. */
function floatScores(
  items: readonly RetailItem[],
  tags: readonly string[],
  profile: Float32Array,
): Float64Array {
  const biases = publicBiases(items);
  return Float64Array.from(items, (item, row) => {
    const match = item.tags.reduce((sum, tag) => sum + (profile[tags.indexOf(tag)] as number), 0);
    return (
      (item.tags.length === 0 ? 0 : match / Math.sqrt(item.tags.length)) + (biases[row] as number)
    );
  });
}
