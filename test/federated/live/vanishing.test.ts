import { describe, expect, it } from 'vitest';
import { LiveCoordinator } from '../../../src/federated/live/coordinator.ts';
import type { LiveClient } from '../../../src/federated/live/live-client.ts';
import type { Turn } from '../../../src/federated/live/round-events.ts';
import {
  freshRemains,
  hiddenTask,
  memberOf,
  openTestBudget,
  partOf,
  portsOver,
  settled,
} from './fixtures.ts';

const TASK = hiddenTask(false);
const TURNS: readonly Turn[] = ['advertise', 'share', 'input', 'unmask'];

/** Runs one round in which all but `left` members fall silent before that step. */
async function roundWithout(silentBefore: Turn, left: number): Promise<LiveCoordinator> {
  const remains = await freshRemains(TASK);
  const coordinator = await LiveCoordinator.open(await portsOver(remains, TASK));
  const budget = await openTestBudget(TASK);
  const members: LiveClient[] = [];
  for (let i = 0; i < 5; i++) {
    const part = partOf(budget, `member-${i}`);
    members.push(await memberOf(`member-${i}`, () => coordinator, { budget: part }));
  }
  await settled(coordinator);
  for (const member of members) expect(await member.step()).toEqual({ kind: 'checked-in' });
  remains.clock.skip();
  await settled(coordinator);
  for (const turn of TURNS) {
    if (coordinator.status.stage !== 'collecting') break;
    const isLate = TURNS.indexOf(turn) >= TURNS.indexOf(silentBefore);
    for (const member of members.slice(0, isLate ? left : 5)) {
      expect(await member.step()).toEqual({ kind: 'answered', turn });
    }
    await settled(coordinator);
    if (turn !== silentBefore) continue;
    // Who is waited for in vain holds the round up until its deadline.
    expect(coordinator.status.stage).toBe('collecting');
    remains.clock.skip();
    await settled(coordinator);
  }
  await coordinator.stop();
  return coordinator;
}

describe('members that vanish', () => {
  it.each([
    ['advertise', 4],
    ['share', 4],
    ['input', 4],
    ['unmask', 5],
  ] as const)('before "%s", one of five: the others come to a model', async (turn, survivors) => {
    expect((await roundWithout(turn, 4)).status).toMatchObject({
      ...{ stage: 'finished', version: 2 },
      reports: [{ outcome: 'released', survivors, charged: 5 }],
    });
  });

  it.each(TURNS)(
    'before "%s", two of five: one of the rest may collude, there is no result, and all stay charged',
    async (turn) => {
      expect((await roundWithout(turn, 3)).status).toMatchObject({
        ...{ stage: 'finished', version: 1 },
        reports: [{ outcome: 'aborted', charged: 5, version: null }],
      });
    },
  );
});
