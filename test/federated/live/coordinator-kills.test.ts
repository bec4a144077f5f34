import { describe, expect, it } from 'vitest';
import { hiddenTask, PLAIN_TASK } from './fixtures.ts';
import { runThrough } from './kill-harness.ts';

/** Every point is tried in `npm run test:long`. */
const STRIDE = 17;

describe.each([
  ['a plain sum', PLAIN_TASK],
  ['a secure sum with signed survivors', hiddenTask(true)],
])('a coordinator of %s that is killed', (_, task) => {
  it('goes on to the same model and the same charge', async () => {
    const whole = await runThrough(task, Number.POSITIVE_INFINITY);
    expect(whole.model).toMatch(/^2:[0-9a-f]{64}$/);
    for (let point = 4; point < whole.points; point += STRIDE) {
      const { model, spent, places } = await runThrough(task, point);
      expect(places).toHaveLength(1);
      expect({ point, model, spent }).toEqual({ point, model: whole.model, spent: whole.spent });
    }
  });
});
