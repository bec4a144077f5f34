// Serves this folder on the loopback address, and nothing else.
import { createReadStream, existsSync, realpathSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, sep } from 'node:path';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript' };
const here = import.meta.dirname;
const library = join(here, 'node_modules', 'velatura');
// npm links the library of the repository, and then its dependencies lie beside it.
const roots = [here, join(realpathSync(library), 'node_modules'), realpathSync(library)];

function find(path) {
  const candidates = [join(here, path), join(roots[1], path.replace(/^\/node_modules\//, ''))];
  return candidates
    .filter((file) => existsSync(file) && statSync(file).isFile())
    .find((file) => roots.some((root) => realpathSync(file).startsWith(root + sep)));
}

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const file = find(decodeURIComponent(pathname === '/' ? '/index.html' : pathname));
  if (file === undefined || TYPES[extname(file)] === undefined) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'content-type': TYPES[extname(file)] });
  createReadStream(file).pipe(response);
});
server.listen(Number(process.argv[2] ?? 8080), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
