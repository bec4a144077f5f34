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

// What the caller has to mend; everything else that fails is ours.
class Complaint extends Error {
  constructor(status, title) {
    super(title);
    this.status = status;
  }
}
const COMPLAINTS = {
  'dp/idempotency-conflict': [409, 'This Idempotency-Key came with another request before.'],
  'dp/invalid-accounts': [400, 'This is no account.'],
};
async function reserve(budget, request) {
  try {
    return await budget.reserve(request);
  } catch (error) {
    const complaint = COMPLAINTS[error.code];
    throw complaint === undefined ? error : new Complaint(...complaint);
  }
}

// Names the release in the log for good: never a person, and by the service that calls, so that no service
// can use up the keys of another. What a service has to show for itself is known before the budget is asked.
const CALLERS = new Map([
  ['Bearer feed-secret', 'feed'],
  ['Bearer search-secret', 'search'],
]);
function releaseKey(authorization, key) {
  const caller = CALLERS.get(authorization);
  if (caller === undefined) throw new Complaint(401, 'Who are you?');
  if (key === undefined) return randomUUID();
  if (key === '' || key.length > 255) {
    throw new Complaint(400, 'An Idempotency-Key has 1 to 255 characters.');
  }
  return JSON.stringify([caller, key]);
}

// For hono. `requestOf` says who and what is asked for.
function askBudget(budget, requestOf) {
  return async (c, next) => {
    const decision = await reserve(budget, requestOf(c));
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
      const decision = await reserve(budget, requestOf(req));
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
const charge = (account, authorization, key) => ({
  scene: 'recommend',
  accounts: [account],
  plan: { unit: 'user', relation, event: { kind: 'gaussian', noiseMultiplier } },
  idempotencyKey: releaseKey(authorization, key),
});
const noisyTaste = (user) => {
  const mechanism = { relation, dimension: 3, clippingNorm: 1, noiseMultiplier };
  return [...gaussianMechanism([profiles.get(user)], mechanism).value];
};

const answerTo = (error) =>
  error instanceof Complaint
    ? [problem(error.status, error.message), error.status]
    : [problem(500, 'Failed.'), 500];

const app = new Hono();
app.onError((error, c) => c.body(...answerTo(error), TYPE));
app.use(
  '/taste/:user',
  askBudget(budget, (c) =>
    charge(c.req.param('user'), c.req.header('Authorization'), c.req.header('Idempotency-Key')),
  ),
);
app.get('/taste/:user', (c) => c.json(noisyTaste(c.req.param('user'))));
const feed = { Authorization: 'Bearer feed-secret' };
const search = { Authorization: 'Bearer search-secret' };
const requests = [
  ['ada', { ...feed, 'Idempotency-Key': 'monday' }],
  ['ada', { ...feed, 'Idempotency-Key': 'monday' }],
  ['bob', { ...feed, 'Idempotency-Key': 'monday' }],
  ['ada', { ...search, 'Idempotency-Key': 'monday' }],
  ['ada', { ...search, 'Idempotency-Key': '' }],
  ['ada', {}],
  ['ada', feed],
  ['ada', feed],
  ['nobody', feed],
];
for (const [user, headers] of requests) {
  const response = await app.request(`/taste/${user}`, { headers });
  console.log(`hono: ${user} ${response.status} ${await response.text()}`);
}

const userOf = (req) => req.url.slice('/taste/'.length);
const guard = askBudgetExpress(budget, (req) =>
  charge(userOf(req), req.headers.authorization, req.headers['idempotency-key']),
);
const server = createServer((req, res) =>
  guard(req, res, (error) => {
    if (error) {
      const [body, status] = answerTo(error);
      res.writeHead(status, TYPE).end(body);
    } else res.end(JSON.stringify(noisyTaste(userOf(req))));
  }),
).listen(0, '127.0.0.1');
await once(server, 'listening');
for (const [user, headers] of [
  ['bob', feed],
  ['bob', { ...feed, 'Idempotency-Key': '' }],
  ['', feed],
  ['ada', feed],
]) {
  const response = await fetch(`http://127.0.0.1:${server.address().port}/taste/${user}`, {
    headers,
  });
  console.log(`http: ${user} ${response.status} ${await response.text()}`);
}
server.closeAllConnections();
server.close();
await once(server, 'close');

const [total] = await budget.remaining('nobody');
console.log(`spent by nobody: ${total.spent}; log ok: ${(await budget.verify()).ok}`);
await budget.close();
rmSync(folder, { recursive: true });
