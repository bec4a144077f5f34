// An existing pipeline takes candidates from somewhere and re-ranks them. Here the candidates come from encrypted
// scores: the server ranks 4,000 articles without seeing the profile, the client re-ranks the best for variety.
import {
  createCatalogue,
  createNodeSealProvider,
  EncryptedScorer,
  HE_PRESETS,
  planScoring,
  ScoringClient,
} from 'velatura/he';
import { readRetailItems } from 'velatura/node';

const articles = readRetailItems();
const tags = [...new Set(articles.flatMap((article) => article.tags))].sort();

// The catalogue of the server: one unit vector of tags per article, packed for few bytes.
const vectors = new Float32Array(articles.length * tags.length);
articles.forEach((article, row) => {
  for (const tag of article.tags) {
    vectors[row * tags.length + tags.indexOf(tag)] = 1 / Math.sqrt(article.tags.length);
  }
});
const parameters = HE_PRESETS.fast;
const workload = { parameters, items: articles.length, dimensions: tags.length };
const { featuresPerCiphertext } = planScoring({ ...workload, queriesPerVersion: 1 });
const server = new EncryptedScorer(
  createCatalogue({
    parameters,
    items: vectors,
    dimensions: tags.length,
    itemNormBound: 1,
    profileNormBound: 1,
    featuresPerCiphertext,
  }),
);

// The client: a taste, things it owns already, and the pipeline's own re-ranker.
const taste = { kitchen: 0.7, garden: 0.6, party: 0.38 };
const profile = Float32Array.from(tags, (tag) => taste[tag] ?? 0);
const owned = [3, 14, 159];

const client = new ScoringClient({
  provider: await createNodeSealProvider(),
  catalogue: server.description,
});
const { queryId, query } = client.encryptProfile(profile);
const candidates = client.decryptScores(server.score(query), {
  queryId,
  topK: 200,
  exclude: owned,
});
client.dispose();

/** Maximal marginal relevance: each next article loses what it shares with those already chosen. */
function rerank(candidates, length, variety) {
  const chosen = [];
  const left = [...candidates];
  while (chosen.length < length && left.length > 0) {
    const worth = ({ item, score }) =>
      score - variety * Math.max(0, ...chosen.map((other) => overlap(item, other.item)));
    const best = left.reduce((a, b) => (worth(b) > worth(a) ? b : a));
    chosen.push(best);
    left.splice(left.indexOf(best), 1);
  }
  return chosen;
}

function overlap(a, b) {
  const shared = articles[a].tags.filter((tag) => articles[b].tags.includes(tag)).length;
  return shared / Math.max(1, articles[a].tags.length, articles[b].tags.length);
}

const list = rerank(candidates, 8, 0.5);
console.log(
  `query ${query.length} bytes, ${candidates.length} candidates, none seen by the server`,
);
for (const { item, score } of list) {
  console.log(`${score.toFixed(3)}  ${articles[item].name} (${articles[item].tags.join(', ')})`);
}
if (new Set(list.flatMap(({ item }) => articles[item].tags)).size < 3) {
  throw new Error('the re-ranked list has no variety');
}
