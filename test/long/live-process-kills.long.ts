import { describe, expect, it } from 'vitest';
import { hiddenTask, PLAIN_TASK } from '../federated/live/fixtures.ts';
import { runHere, runWithProcess } from '../node/coordinator/killed-process.ts';

/** With all five members or not at all, so that every run sums the same: behind a secure sum one of them may collude. */
const ALL = { target: 5, overSelection: 1 };
const SCHEDULE = { checkIn: 400, step: 30_000, coolDown: 20 };
const EVENTS = [
  'drawn',
  'reserved',
  'opened',
  'answered',
  'summed',
  'stepped',
  'committed',
  'published',
  'closed',
];
const PLACES = [
  ...EVENTS.flatMap((kind) => [`before append ${kind}`, `after append ${kind}`]),
  ...['budget.reserve', 'budget.commit', 'models.putFile', 'models.append'].flatMap((call) => [
    `before ${call}`,
    `after ${call}`,
  ]),
];

describe.each([
  ['a plain sum', PLAIN_TASK, PLACES],
  [
    'a secure sum',
    hiddenTask(false),
    [...PLACES, 'before append advanced', 'after append advanced'],
  ],
] as const)('a coordinator process of %s, killed with SIGKILL', (name, base, places) => {
  it('goes on to the same model and the same charge, wherever it was', async () => {
    const minimum = base.sum.kind === 'plain' ? 5 : 4;
    const task = { ...base, cohort: { ...ALL, minimum }, schedule: SCHEDULE };
    const whole = await runHere(task);
    expect(whole.released).toBe(1);
    expect(await runWithProcess(task, '')).toEqual({ ...whole, ended: 'lived' });
    for (const place of places) {
      const run = await runWithProcess(task, place);
      expect({ place, ...run }).toEqual({ ...whole, place, ended: 'SIGKILL' });
    }
    console.log(`${name}: ${places.length} places`);
  });
});
