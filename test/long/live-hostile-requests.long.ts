import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/core/seeded-random.ts';
import { PLAIN_TASK } from '../federated/live/fixtures.ts';
import { openBench } from '../node/coordinator/bench.ts';
import { hostileRequest, wrongAnswer } from '../node/coordinator/hostile-requests.ts';

const REQUESTS = 10_000;

describe('a coordinator over HTTP', () => {
  it(`answers ${REQUESTS} requests that no client of ours would send`, async () => {
    const bench = await openBench(PLAIN_TASK);
    const random = new SeededRandom('hostile, at length');
    const statuses = new Map<number, number>();
    for (let i = 0; i < REQUESTS; i++) {
      const request = hostileRequest(random);
      const wrong = await wrongAnswer(bench.url, request, (status) =>
        statuses.set(status, (statuses.get(status) ?? 0) + 1),
      );
      expect([request, wrong]).toEqual([request, null]);
    }
    expect(bench.coordinator.status).toMatchObject({ version: 1, round: 0 });
    await bench.close();
    console.log(`${REQUESTS} requests by status: ${JSON.stringify([...statuses].sort())}`);
  });
});
