import { connect } from 'node:net';
import { bytesToHex } from '@noble/hashes/utils.js';
import { afterEach, describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import { HttpTransport } from '../../../src/federated/live/http-transport.ts';
import type { LiveClient } from '../../../src/federated/live/live-client.ts';
import type { LiveTask } from '../../../src/federated/live/live-task.ts';
import { signRequest } from '../../../src/federated/live/signed-request.ts';
import { openApiDocument } from '../../../src/node/coordinator/open-api.ts';
import { ROUTES } from '../../../src/node/coordinator/routes.ts';
import {
  CRYPTO,
  memberOf,
  openTestBudget,
  PLAIN_TASK,
  settled,
  signingKeyOf,
  TestClock,
} from '../../federated/live/fixtures.ts';
import { type Bench, httpMembers, openBench, TOKENS, transportOf } from './bench.ts';
import { hostileRequest, wrongAnswer } from './hostile-requests.ts';

let bench: Bench | null = null;
afterEach(async () => {
  await bench?.close();
  bench = null;
});

async function opened(...[task, ...rest]: Parameters<typeof openBench>): Promise<Bench> {
  bench = await openBench(task, ...rest);
  return bench;
}

const code = (expected: string): object => expect.objectContaining({ code: expected });
/** A coordinator whose time stands still, so that steps end when the test says so. */
async function openedAtRest(task: LiveTask): Promise<{
  readonly opening: Bench;
  readonly clients: LiveClient[];
  /** The deadline that the coordinator waits for passes. */
  readonly passDeadline: () => Promise<void>;
}> {
  const clock = new TestClock();
  const opening = await opened(task, {}, { clock });
  const clients = await httpMembers(task, 5, opening.url, opening.members);
  const passDeadline = async (): Promise<void> => {
    await settled(opening.coordinator);
    clock.skip();
    await settled(opening.coordinator);
  };
  await settled(opening.coordinator);
  return { opening, clients, passDeadline };
}

/** All check in, and the round begins. */
async function begun(task: LiveTask): ReturnType<typeof openedAtRest> {
  const rest = await openedAtRest(task);
  for (const client of rest.clients) expect(await client.step()).toEqual({ kind: 'checked-in' });
  await rest.passDeadline();
  expect(rest.opening.coordinator.status.stage).toBe('collecting');
  return rest;
}

describe('signed requests', () => {
  it('go in once, for one coordinator, with the body they were signed for', async () => {
    const { url, members } = await opened(PLAIN_TASK);
    await httpMembers(PLAIN_TASK, 1, url, members);
    const key = await signingKeyOf('member-0');
    const server = bytesToHex((await signingKeyOf('server')).publicKey);
    const request = { method: 'POST', path: '/v1/check-ins', query: '?', body: new Uint8Array(0) };
    const signed = async (changes: object, terms: object = {}): Promise<Response> => {
      const headers = await signRequest(request, key, {
        ...{ created: Math.floor(Date.now() / 1000) + 1, server },
        ...{ nonce: bytesToHex(CRYPTO.randomBytes(16)), ...terms },
      });
      return fetch(`${url}/v1/check-ins`, { method: 'POST', headers, ...changes });
    };
    const nonce = '0'.repeat(32);
    expect((await signed({}, { nonce })).status).toBe(200);
    const replay = await signed({}, { nonce });
    expect([replay.status, await replay.json()]).toEqual([401, code('federated/replayed-request')]);
    expect((await signed({ body: 'x' })).status).toBe(401);
    expect((await signed({}, { server: '0'.repeat(64) })).status).toBe(401);
    const stranger = await transportOf('stranger', url);
    await expect(stranger.checkIn()).rejects.toEqual(code('federated/not-enrolled'));
  });

  it('are told the time when a clock is an hour off, and then let in', async () => {
    const { url, members } = await opened(PLAIN_TASK);
    await httpMembers(PLAIN_TASK, 1, url, members);
    for (const hours of [-1, 1]) {
      let problems = 0;
      const off = await transportOf('member-0', url, {
        now: () => Date.now() + hours * 3_600_000,
        fetch: async (input, init) => {
          const response = await fetch(input, init);
          if (!response.ok) {
            problems++;
            const problem = (await response.clone().json()) as {
              detail: string;
              serverTime: number;
            };
            expect(problem.detail).toMatch(/the clock is -?3(59\d|60\d) s ahead/);
            expect(Math.abs(problem.serverTime - Date.now())).toBeLessThan(60_000);
          }
          return response;
        },
      });
      expect(['candidate', 'later']).toContain(await off.checkIn());
      expect(problems).toBe(1);
    }
  });

  it('never leave over a line without TLS', async () => {
    for (const url of [
      'http://tags.example/',
      'http://10.0.0.1',
      'http://localhost.evil.example',
      'ftp://localhost/',
    ]) {
      await expect(transportOf('a', url)).rejects.toEqual(code('federated/insecure-transport'));
    }
    expect(await transportOf('a', 'https://tags.example')).toBeInstanceOf(HttpTransport);
  });
});

describe('members that fail', () => {
  it('an answer that comes twice is known, another one is refused, and neither counts', async () => {
    const { opening, clients } = await begun(PLAIN_TASK);
    const { coordinator, url } = opening;
    const way = await transportOf('member-0', url);
    const message = await way.read();
    const { roundId = '' } = message ?? {};
    const frame = new Uint8Array(4 * 6);
    await way.answer(roundId, 'input', frame);
    await way.answer(roundId, 'input', frame);
    expect(await way.read()).toBeNull();
    await expect(way.answer(roundId, 'input', frame.fill(1))).rejects.toEqual(
      code('federated/duplicate-contribution'),
    );
    const other = await transportOf('member-1', url);
    await expect(other.answer(roundId.replace('/1/', '/2/'), 'input', frame)).rejects.toEqual(
      code('federated/round-closed'),
    );
    // Another model is another round.
    const elsewhere = `${roundId.slice(0, -64)}${'0'.repeat(64)}`;
    await expect(other.answer(elsewhere, 'input', frame)).rejects.toEqual(
      code('federated/round-closed'),
    );
    await expect(other.answer(roundId, 'input', frame.subarray(4))).rejects.toEqual(
      code('federated/invalid-contribution'),
    );
    await expect(other.answer(roundId, 'input', frame.fill(0x7f))).rejects.toEqual(
      code('federated/invalid-contribution'),
    );
    for (const client of clients.slice(1)) await client.step();
    await settled(coordinator);
    expect(coordinator.status.reports[0]).toMatchObject({ outcome: 'released', survivors: 5 });
  });

  it('an answer that broke off is taken up where it broke', async () => {
    const { opening, clients } = await begun(PLAIN_TASK);
    const { coordinator, url } = opening;
    const offsets: (string | null)[] = [];
    let puts = 0;
    const flaky = await transportOf('member-0', url, {
      chunkBytes: 7,
      fetch: async (input, init) => {
        if (init?.method === 'PUT') {
          offsets.push(new Headers(init.headers).get('upload-offset'));
          if (++puts === 3) throw new TypeError('the line broke');
        }
        return fetch(input, init);
      },
    });
    const { roundId = '' } = (await flaky.read()) ?? {};
    const frame = new Uint8Array(24);
    await expect(flaky.answer(roundId, 'input', frame)).rejects.toEqual(
      code('federated/unreachable'),
    );
    await flaky.answer(roundId, 'input', frame);
    expect(offsets).toEqual(['0', '7', '14', '14', '21']);
    for (const client of clients.slice(1)) await client.step();
    await settled(coordinator);
    expect(coordinator.status.reports[0]?.survivors).toBe(5);
  });

  it('whose owner declines send nothing', async () => {
    const { coordinator, url, members } = await opened(PLAIN_TASK);
    const [refusing] = await httpMembers(PLAIN_TASK, 1, url, members, { consent: () => false });
    expect(await refusing?.step()).toEqual({ kind: 'declined', why: 'consent' });
    const spent = await memberOf('member-0', () => coordinator, {
      transport: await transportOf('member-0', url),
      budget: await openTestBudget(PLAIN_TASK, { user: { epsilon: 0.01 } }),
    });
    expect(await spent.step()).toEqual({ kind: 'declined', why: 'budget' });
  });
});

describe('senders that are hostile', () => {
  it('slow ones are cut off, and do not hold up others', async () => {
    const { url, server } = await opened(PLAIN_TASK, { headersTimeout: 300, requestTimeout: 600 });
    const sockets = Array.from({ length: 20 }, () => connect(server.port, '127.0.0.1'));
    const closed = sockets.map(
      (socket) =>
        new Promise<void>((resolve) => socket.on('error', () => {}).once('close', resolve)),
    );
    for (const socket of sockets) socket.write('GET /v1/health HTTP/1.1\r\nHost: a\r\nX-Slow: ');
    const dripping = setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write('a');
    }, 50);
    expect((await fetch(`${url}/v1/health`)).status).toBe(200);
    await Promise.all(closed);
    clearInterval(dripping);
  });

  it('greedy ones are told to wait', async () => {
    const { url } = await opened(PLAIN_TASK, { limits: { requestsPerSecond: 1, burst: 5 } });
    const answers = await Promise.all(Array.from({ length: 8 }, () => fetch(`${url}/v1/health`)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(2);
    expect(refused[0]?.headers.get('retry-after')).toBe('1');
  });

  it('get an answer to whatever they send, and change nothing', async () => {
    const { url, coordinator } = await opened(PLAIN_TASK);
    // 10,000 of them in `npm run test:long`.
    const random = new SeededRandom('hostile');
    const before = coordinator.status.version;
    for (let i = 0; i < 250; i++) {
      const request = hostileRequest(random);
      expect([request, await wrongAnswer(url, request)]).toEqual([request, null]);
    }
    expect(coordinator.status).toMatchObject({ version: before, round: 0 });
    expect(({} as { role?: unknown }).role).toBeUndefined();
    expect((await fetch(`${url}/v1/health`)).status).toBe(200);
  });

  it('from pages that nobody named get no access from a browser', async () => {
    const { url } = await opened(PLAIN_TASK, { origins: ['https://app.example'] });
    const allowed = async (origin: string): Promise<string | null> =>
      (await fetch(`${url}/v1/health`, { headers: { origin } })).headers.get(
        'access-control-allow-origin',
      );
    expect(await allowed('https://app.example')).toBe('https://app.example');
    expect(await allowed('https://evil.example')).toBeNull();
  });
});

describe('the OpenAPI document', () => {
  it('has every route that the coordinator answers to, and no other', async () => {
    const { url } = await opened(PLAIN_TASK);
    const document = (await (await fetch(`${url}/v1/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { operationId: string; security: unknown[] }>>;
    };
    expect(document).toEqual(JSON.parse(JSON.stringify(openApiDocument())));
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
    );
    expect(operations).toHaveLength(ROUTES.length);
    for (const { path, method, security } of operations) {
      const filled = path.replaceAll(/\{\w+\}/g, 'x');
      const { status } = await fetch(url + filled, { method: method.toUpperCase() });
      // What the document says is for somebody is refused to anybody.
      if (security.length > 0) expect([path, status]).toEqual([path, 401]);
      else expect([path, [200, 404]]).toEqual([path, expect.arrayContaining([status])]);
    }
    for (const { path, method } of ROUTES) {
      expect(document.paths[path.replaceAll(/:(\w+)/g, '{$1}')]).toHaveProperty(
        method.toLowerCase(),
      );
    }
    expect((await fetch(`${url}/v1/nothing`)).status).toBe(404);
  });

  it('shows the run to auditors', async () => {
    const { url, coordinator } = await opened(PLAIN_TASK);
    const headers = { authorization: `Bearer ${TOKENS.auditor}` };
    const status = await (await fetch(`${url}/v1/status`, { headers })).json();
    expect(status).toMatchObject({ version: 1, taskDigest: coordinator.taskDigest });
  });
});
