// A shop that ranks its articles for people whose profiles it never sees: `node serve.mjs [port]`, then open the
// address it prints. The page encrypts in the browser; this server gets ciphertexts and knows no key.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createCatalogue, EncryptedScorer, HE_PRESETS, planScoring } from 'velatura/he';
import { readRetailItems } from 'velatura/node';

const here = import.meta.dirname;
const require = createRequire(import.meta.url);

/** Where the page's modules come from: a browser finds packages by this map, no bundler needed. */
const MODULES = {
  '/velatura/': join(dirname(fileURLToPath(import.meta.resolve('velatura/he'))), '..'),
  '/noble-hashes/': dirname(fileURLToPath(import.meta.resolve('@noble/hashes/sha2.js'))),
  '/node-seal/': dirname(require.resolve('node-seal')),
  '/': here,
};
const IMPORT_MAP = JSON.stringify({
  imports: {
    'velatura/he': '/velatura/he/index.js',
    '@noble/hashes/': '/noble-hashes/',
    'node-seal': '/node-seal/throws_wasm_web_es.js',
  },
});
const TYPES = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
};
// node-seal writes its bindings as functions at run time, hence unsafe-eval.
const POLICY = `default-src 'self'; img-src 'self' data:; script-src 'self' 'unsafe-eval' 'sha256-${createHash('sha256').update(IMPORT_MAP).digest('base64')}'`;

/** The shop's articles as unit tag vectors, a little help for what sells anyway, packed as suits their number. */
function openShop() {
  const items = readRetailItems();
  const tags = [...new Set(items.flatMap((item) => item.tags))].sort();
  const vectors = new Float32Array(items.length * tags.length);
  items.forEach((item, row) => {
    for (const tag of item.tags) {
      vectors[row * tags.length + tags.indexOf(tag)] = 1 / Math.sqrt(item.tags.length);
    }
  });
  const most = Math.log1p(Math.max(...items.map((item) => item.anonymousLines)));
  const parameters = HE_PRESETS.default;
  const plan = planScoring({
    parameters,
    items: items.length,
    dimensions: tags.length,
    queriesPerVersion: 1,
  });
  const catalogue = createCatalogue({
    parameters,
    items: vectors,
    dimensions: tags.length,
    biases: Float32Array.from(items, (item) => (0.25 * Math.log1p(item.anonymousLines)) / most),
    itemNormBound: 1,
    profileNormBound: 1,
    featuresPerCiphertext: plan.featuresPerCiphertext,
  });
  const articles = items.map(({ name, tags }) => ({ name, tags }));
  return { scorer: new EncryptedScorer(catalogue), tags, articles };
}

/** Starts the shop on a loopback port; 0 takes a free one. */
export async function startShop(port = 0) {
  const { scorer, tags, articles } = openShop();
  const catalogue = JSON.stringify({ description: scorer.description, tags, articles });
  const server = createServer((request, response) => {
    const answer = (status, type, body, headers = {}) => {
      response.writeHead(status, { 'content-type': type, ...headers });
      response.end(body);
    };
    const path = pathOf(request.url ?? '/');
    if (path === null) return answer(400, 'text/plain', 'no path');
    if (request.method === 'POST' && path === '/score') return score(request, scorer, answer);
    if (request.method !== 'GET') return answer(405, 'text/plain', 'only GET, and POST /score');
    if (path === '/catalogue.json') return answer(200, 'application/json', catalogue);
    if (path === '/') {
      const page = readFileSync(join(here, 'index.html'), 'utf8').replace(
        '"IMPORT_MAP"',
        () => IMPORT_MAP,
      );
      return answer(200, TYPES['.html'], page, { 'content-security-policy': POLICY });
    }
    const file = fileOf(path);
    try {
      return answer(200, TYPES[extname(file)] ?? 'application/octet-stream', readFileSync(file));
    } catch {
      return answer(404, 'text/plain', 'no such file');
    }
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${server.address().port}/`,
    scorer,
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}

/** The path of a request, or null where there is none: `//` is no address. */
function pathOf(url) {
  try {
    return new URL(url, 'http://shop').pathname;
  } catch {
    return null;
  }
}

/** The file behind a path; normalised, so that no path leaves its folder. */
function fileOf(path) {
  const clean = normalize(path).replaceAll('\\', '/');
  const prefix = Object.keys(MODULES).find((each) => clean.startsWith(each)) ?? '/';
  return join(MODULES[prefix], clean.slice(prefix.length));
}

function score(request, scorer, answer) {
  const pieces = [];
  let bytes = 0;
  request.on('data', (piece) => {
    bytes += piece.length;
    if (bytes <= scorer.queryBytes) pieces.push(piece);
  });
  request.on('end', () => {
    if (bytes > scorer.queryBytes) return answer(413, 'text/plain', 'too long for a query');
    try {
      const started = performance.now();
      const reply = scorer.score(new Uint8Array(Buffer.concat(pieces)));
      const serverMs = performance.now() - started;
      answer(200, 'application/octet-stream', reply, { 'server-ms': serverMs.toFixed(3) });
    } catch (error) {
      const status = error.code === undefined ? 500 : 400;
      answer(status, 'application/problem+json', JSON.stringify({ title: error.message, status }));
    }
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { address } = await startShop(Number(process.argv[2] ?? 8090));
  console.log(`the shop is at ${address}; Ctrl-C closes it`);
}
