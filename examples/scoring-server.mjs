// Serve encrypted scoring over HTTP: a catalogue from a file, two threads, and one client that asks.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createCatalogue,
  createNodeSealProvider,
  drawAuditedRows,
  HE_PRESETS,
  ScoringClient,
  ShardedScorer,
  takeAuditedItems,
} from 'velatura/he';
import { loadCatalogue, ScoringThreads, saveCatalogue, startScoringServer } from 'velatura/node';

const [articles, dimensions] = [5000, 16];
const folder = mkdtempSync(join(tmpdir(), 'scoring-server-'));
const file = join(folder, 'articles.catalogue');

// Once, where the articles are known. A client that trusts this place gets a few rows to audit.
const made = createCatalogue({
  parameters: HE_PRESETS.default,
  items: Float32Array.from({ length: articles * dimensions }, () => Math.random() - 0.5),
  dimensions,
  itemNormBound: 2,
  profileNormBound: 1,
});
await saveCatalogue(file, made);
const audited = takeAuditedItems(made, drawAuditedRows(made.parameters, made.description, 3));

// The server.
const scorer = await ShardedScorer.create(await loadCatalogue(file), new ScoringThreads(2));
const server = await startScoringServer({ scorer, port: 0, limits: { queriesPerSecond: 0.5 } });

// A client.
const catalogue = await (await fetch(`${server.url}/v1/catalogue`)).json();
const client = new ScoringClient({ provider: await createNodeSealProvider(), catalogue });
const profile = Float32Array.from({ length: dimensions }, (_, i) => (i === 3 ? 0.9 : 0.1));
const response = await fetch(`${server.url}/v1/scores`, {
  method: 'POST',
  headers: { 'Content-Type': 'application/octet-stream' },
  body: client.encryptProfile(profile).query,
});
if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
const reply = client.readReply();
for await (const piece of response.body) reply.push(piece);
const scores = reply.finish();
scores.audit(audited, profile);
for (const { item, score } of scores.rank({ topK: 5 })) {
  console.log(`article ${item}: ${score.toFixed(4)}`);
}
scores.erase();
client.dispose();

await server.close();
await scorer.close();
rmSync(folder, { recursive: true });
