import { describe, expect, it } from 'vitest';
import { hiddenTask, PLAIN_TASK } from '../federated/live/fixtures.ts';
import { runThrough } from '../federated/live/kill-harness.ts';

describe.each([
  ['a plain sum', PLAIN_TASK],
  ['a secure sum', hiddenTask(false)],
  ['a secure sum with signed survivors', hiddenTask(true)],
])('a coordinator of %s', (name, task) => {
  it('goes on to the same model and the same charge, wherever it was killed', async () => {
    const whole = await runThrough(task, Number.POSITIVE_INFINITY);
    const seen = new Set<string>();
    for (let point = 0; point < whole.points; point++) {
      const { model, spent, places } = await runThrough(task, point);
      expect(places).toHaveLength(1);
      seen.add(places[0] as string);
      expect({ point, model, spent }).toEqual({ point, model: whole.model, spent: whole.spent });
    }
    for (const place of ['journal.append', 'journal.compact', 'budget.reserve', 'budget.commit']) {
      expect(seen).toContain(`before ${place}`);
      expect(seen).toContain(`after ${place}`);
    }
    console.log(`${name}: ${whole.points} kills`);
  });
});
