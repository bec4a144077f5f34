import { bytesToHex } from '@noble/hashes/utils.js';
import { afterEach, describe, expect, it } from 'vitest';
import type { LiveTask } from '../../../src/federated/live/live-task.ts';
import { approvalMessage } from '../../../src/node/coordinator/approvals.ts';
import { hiddenTask, PLAIN_TASK, signingKeyOf } from '../../federated/live/fixtures.ts';
import { type Bench, httpMembers, openBench, runClients, TOKENS, transportOf } from './bench.ts';

const SCHEDULE = { checkIn: 150, step: 20_000, coolDown: 20 };
/** A round only with all five, however slow the machine is: behind a secure sum one of them may collude. */
const quick = (task: LiveTask): LiveTask => ({
  ...task,
  cohort: { ...task.cohort, minimum: task.sum.kind === 'plain' ? 5 : 4 },
  schedule: SCHEDULE,
});

let bench: Bench | null = null;
afterEach(async () => {
  await bench?.close();
  bench = null;
});

async function opened(...[task, ...rest]: Parameters<typeof openBench>): Promise<Bench> {
  bench = await openBench(task, ...rest);
  return bench;
}

function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${bench?.url}${path}`, { headers });
}

function post(path: string, role: keyof typeof TOKENS | null, body?: unknown): Promise<Response> {
  return fetch(`${bench?.url}${path}`, {
    method: 'POST',
    headers: role === null ? {} : { authorization: `Bearer ${TOKENS[role]}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

describe.each([
  ['plain', PLAIN_TASK],
  ['secagg-plus', hiddenTask(false)],
  ['secagg-plus with signed survivors', hiddenTask(true)],
])('a federation over HTTP: %s', (_, task) => {
  it('comes from invites to a model, and reports its rounds', async () => {
    const { coordinator, members, url } = await opened(quick({ ...task, rounds: 2 }));
    const clients = await httpMembers(task, 5, url, members);
    await runClients(clients, () => coordinator.status.stage === 'finished');
    const { reports, version, model } = coordinator.status;
    expect(version).toBe(3);
    expect(reports.map(({ outcome, survivors }) => [outcome, survivors])).toEqual([
      ['released', 5],
      ['released', 5],
    ]);
    const [first, second] = reports;
    expect(first?.epsilonSpent).toBeGreaterThan(0);
    expect(second?.epsilonSpent).toBeGreaterThan(first?.epsilonSpent as number);
    expect(first?.turns.every(({ answered, bytes }) => answered === 5 && bytes > 0)).toBe(true);

    const metrics = await (
      await get('/metrics', { authorization: `Bearer ${TOKENS.auditor}` })
    ).text();
    expect(metrics).toContain('velatura_rounds_released_total 2');
    expect(metrics).not.toMatch(/account|member-/);

    const file = await (await transportOf('member-0', url)).model(model);
    expect(
      bytesToHex(new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(file)))),
    ).toBe(model);
    expect((await clients[0]?.step())?.kind).toBe('over');
  });
});

describe('roles', () => {
  it('keeps every route to those that it is for', async () => {
    await opened(PLAIN_TASK);
    expect((await get('/v1/status')).status).toBe(401);
    expect(
      (await get('/v1/status', { authorization: 'Bearer wrong-token-wrong-token' })).status,
    ).toBe(401);
    expect((await get('/v1/status', { authorization: `Bearer ${TOKENS.auditor}` })).status).toBe(
      200,
    );
    expect((await post('/v1/invites', 'auditor', {})).status).toBe(403);
    expect((await post('/v1/abort', 'privacy-officer')).status).toBe(403);
    expect((await post('/v1/invites', 'operator', {})).status).toBe(201);
  });

  it('lets a model go live once an operator and a privacy officer signed it', async () => {
    const { coordinator } = await opened(PLAIN_TASK);
    const { model } = coordinator.status;
    const signed = async (
      role: 'operator' | 'privacy-officer',
      sha256 = model,
    ): Promise<object> => {
      const key = await signingKeyOf(role);
      const message = approvalMessage(coordinator.taskDigest, 1, sha256);
      return {
        ...{ version: 1, sha256 },
        signature: bytesToHex(await key.sign(Uint8Array.from(message))),
      };
    };
    expect((await get('/v1/models/live')).status).toBe(404);
    expect((await post('/v1/approvals', 'operator', await signed('operator'))).status).toBe(204);
    expect((await get('/v1/models/live')).status).toBe(404);
    // The operator's signature does not do for the privacy officer's.
    expect((await post('/v1/approvals', 'privacy-officer', await signed('operator'))).status).toBe(
      401,
    );
    expect((await post('/v1/approvals', 'auditor', await signed('operator'))).status).toBe(403);
    const unknown = await signed('privacy-officer', '0'.repeat(64));
    expect((await post('/v1/approvals', 'privacy-officer', unknown)).status).toBe(404);
    const last = await signed('privacy-officer');
    expect((await post('/v1/approvals', 'privacy-officer', last)).status).toBe(204);
    const live = await (await get('/v1/models/live')).json();
    expect(live).toMatchObject({ version: 1, sha256: model });
  });
});

describe('models', () => {
  it('are found by their hash alone, whole or in part, and may be kept', async () => {
    const { coordinator, members, url } = await opened(PLAIN_TASK);
    await httpMembers(PLAIN_TASK, 1, url, members);
    const transport = await transportOf('member-0', url);
    const whole = await transport.model(coordinator.status.model);
    let headers = new Headers();
    const ranged = await transportOf('member-0', url, {
      fetch: async (input, init) => {
        const response = await fetch(input, {
          ...init,
          headers: { ...(init?.headers as Record<string, string>), range: 'bytes=8-15' },
        });
        ({ headers } = response);
        return response;
      },
    });
    expect(await ranged.model(coordinator.status.model)).toEqual(whole.slice(8, 16));
    expect(headers.get('content-range')).toBe(`bytes 8-15/${whole.length}`);
    expect(headers.get('cache-control')).toContain('immutable');
    for (const name of [
      '../../coordinator.sqlite',
      '%2e%2e%2fcoordinator.sqlite',
      'live%00',
      '0'.repeat(64),
      coordinator.status.model.toUpperCase(),
    ]) {
      await expect(transport.model(name)).rejects.toThrow();
    }
    // The state behind the model lies beside it and is not for members.
    expect((await get(`/v1/models/${coordinator.status.model}`)).status).toBe(401);
  });
});
