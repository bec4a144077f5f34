import { describe, expect, it } from 'vitest';
import { hiddenTask } from '../../federated/live/fixtures.ts';
import { runHere, runWithProcess } from './killed-process.ts';

/** With all five members or not at all, of whom one may collude, so that every run sums the same. */
const TASK = {
  ...hiddenTask(false),
  cohort: { target: 5, overSelection: 1, minimum: 4 },
  schedule: { checkIn: 300, step: 30_000, coolDown: 20 },
};

describe('a coordinator process that is killed with SIGKILL', () => {
  it('goes on to the same model and the same charge', async () => {
    const whole = await runHere(TASK);
    expect(whole.released).toBe(1);
    // One place of those in `npm run test:long`, in the middle of a step.
    const killed = await runWithProcess(TASK, 'after append answered');
    expect(killed).toEqual({ ...whole, ended: 'SIGKILL' });
  });
});
