// Rank 5,000 articles for one person without showing the server the person's profile.
import {
  createCatalogue,
  createNodeSealProvider,
  EncryptedScorer,
  HE_PRESETS,
  ScoringClient,
  scorePlain,
} from 'velatura/he';

const [articles, dimensions] = [5000, 16];
const items = Float32Array.from({ length: articles * dimensions }, () => Math.random() - 0.5);
const catalogue = createCatalogue({
  parameters: HE_PRESETS.default,
  items,
  dimensions,
  itemNormBound: 2,
  profileNormBound: 1,
});

// On the server: the catalogue, and nothing secret.
const server = new EncryptedScorer(catalogue);

// On the client: the profile, and a secret key that lives for one query.
const client = new ScoringClient({
  provider: await createNodeSealProvider(),
  catalogue: catalogue.description,
});
const profile = Float32Array.from({ length: dimensions }, (_, i) => (i === 3 ? 0.9 : 0.1));
const { queryId, query } = client.encryptProfile(profile);
const reply = server.score(query);
const top = client.decryptScores(reply, { queryId, topK: 5 });
client.dispose();

const plain = scorePlain(catalogue, profile);
console.log(`query ${query.length} bytes up, reply ${reply.length} bytes down`);
for (const { item, score } of top) {
  console.log(`article ${item}: ${score.toFixed(4)} (in the clear ${plain[item].toFixed(4)})`);
}
