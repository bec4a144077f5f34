// Ask the budget before a handler reads a profile: middleware for hono (`npm install hono`) and for (req, res, next).
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hono } from 'hono';
import { gaussianMechanism } from 'velatura/dp';
import { openBudgetFile } from 'velatura/node';

const TYPE = { 'content-type': 'application/problem+json' };
const problem = (status, title, more) =>
  JSON.stringify({ type: 'about:blank', title, status, ...more });
const refusal = ({ limit }) => problem(403, 'The privacy budget does not allow this.', { limit });
const REPEATED = problem(409, 'This release was asked for before and is paid for once.');

// For hono. `requestOf` says who and what is asked for; the idempotency key names the release, never a person.
function askBudget(budget, requestOf) {
  return async (c, next) => {
    const decision = await budget.reserve(requestOf(c));
    if (decision.kind === 'refused') return c.body(refusal(decision.refusal), 403, TYPE);
    const { id, replayed } = decision.reservation;
    if (replayed) return c.body(REPEATED, 409, TYPE);
    await next();
    // A handler that threw has shown nothing to anybody, so the charge may be taken back; else it stands.
    if (c.error) await budget.release(id);
    else await budget.commit(id);
  };
}

function askBudgetExpress(budget, requestOf) {
  return async (req, res, next) => {
    try {
      const decision = await budget.reserve(requestOf(req));
      if (decision.kind === 'refused') {
        res.writeHead(403, TYPE).end(refusal(decision.refusal));
        return;
      }
      const { id, replayed } = decision.reservation;
      if (replayed) {
        res.writeHead(409, TYPE).end(REPEATED);
        return;
      }
      res.once('close', () => {
        const settled = res.statusCode >= 500 ? budget.release(id) : budget.commit(id);
        settled.catch((error) => console.error(`${error.code}: the charge stands`));
      });
      next();
    } catch (error) {
      next(error);
    }
  };
}

const relation = 'zero-out-one-user';
const folder = mkdtempSync(join(tmpdir(), 'velatura-'));
const budget = await openBudgetFile(join(folder, 'budget.sqlite'), {
  policy: {
    version: 1,
    currency: 'gdp',
    delta: 1e-6,
    user: { epsilon: 2 },
    scenes: { recommend: {} },
    reservationLease: 'PT1M',
  },
  unit: 'user',
  relation,
});
const profiles = new Map([
  ['ada', [0.9, 0.1, 0.3]],
  ['bob', [0.2, 0.7, 0.4]],
]);
const noiseMultiplier = 4;
const charge = (account, idempotencyKey = randomUUID()) => ({
  scene: 'recommend',
  accounts: [account],
  plan: { unit: 'user', relation, event: { kind: 'gaussian', noiseMultiplier } },
  idempotencyKey,
});
const noisyTaste = (user) => {
  const mechanism = { relation, dimension: 3, clippingNorm: 1, noiseMultiplier };
  return [...gaussianMechanism([profiles.get(user)], mechanism).value];
};

const app = new Hono();
app.onError((_error, c) => c.body(problem(500, 'Failed.'), 500, TYPE));
app.use(
  '/taste/:user',
  askBudget(budget, (c) => charge(c.req.param('user'), c.req.header('Idempotency-Key'))),
);
app.get('/taste/:user', (c) => c.json(noisyTaste(c.req.param('user'))));
for (const user of ['ada', 'ada', 'ada', 'ada', 'nobody']) {
  const response = await app.request(`/taste/${user}`);
  console.log(`hono: ${user} ${response.status} ${await response.text()}`);
}

const guard = askBudgetExpress(budget, (req) => charge(req.url.slice('/taste/'.length)));
const server = createServer((req, res) =>
  guard(req, res, (error) => {
    if (error) res.writeHead(503, TYPE).end(problem(503, 'The budget does not answer.'));
    else res.end(JSON.stringify(noisyTaste(req.url.slice('/taste/'.length))));
  }),
).listen(0, '127.0.0.1');
await once(server, 'listening');
for (const user of ['bob', 'ada']) {
  const response = await fetch(`http://127.0.0.1:${server.address().port}/taste/${user}`);
  console.log(`http: ${user} ${response.status} ${await response.text()}`);
}
server.closeAllConnections();
server.close();
await once(server, 'close');

const [total] = await budget.remaining('nobody');
console.log(`spent by nobody: ${total.spent}; log ok: ${(await budget.verify()).ok}`);
await budget.close();
rmSync(folder, { recursive: true });
