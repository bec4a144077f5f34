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
const client = new ScoringClient({
  provider: await createNodeSealProvider(),
  catalogue,
  profileNormBound: 1,
});
const profile = Float32Array.from({ length: dimensions }, (_, i) => (i === 3 ? 0.9 : 0.1));
const { queryId, query } = client.encryptProfile(profile);
const response = await fetch(`${server.url}/v1/scores`, {
  method: 'POST',
  headers: { 'Content-Type': 'application/octet-stream' },
  body: query,
});
if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
const reply = client.readReply(queryId);
try {
  for await (const piece of response.body) reply.push(piece);
} catch (error) {
  reply.abort(); // the stream broke off: what was opened is erased
  throw error;
}
const scores = reply.finish();
const list = scores.rank({ topK: 5 });
const honest = passes(scores);
scores.erase();
// Whatever the server can see from here on, such as which articles are fetched, must be the same in both cases: one that
// learns of a failed audit learns about the rows. Only the person is told.
console.log(honest ? 'the audit passed' : 'the audit failed: this list is not to be trusted');
for (const { item, score } of list) console.log(`article ${item}: ${score.toFixed(4)}`);

function passes(decrypted) {
  try {
    decrypted.audit(audited, profile);
    return true;
  } catch (error) {
    if (error.code !== 'he/failed-audit') throw error;
    return false;
  }
}
client.dispose();

await server.close();
await scorer.close();
rmSync(folder, { recursive: true });
