import { it } from 'vitest';
import type { ProgramHome } from '../dp/budget/program-runner.ts';
import { memoryHome } from '../dp/budget/program-runs.ts';
import { BY_MONTHS } from '../dp/budget/program-terms.ts';
import { runAndTell } from './tell.ts';

it('50,000 programs in memory, budgets by months', async () => {
  let homes = 0;
  // Half of the stores answer at once, the others as if they waited for a disk.
  const home = (): ProgramHome => memoryHome((homes++ % 2) * 10);
  await runAndTell('in memory, by months', { count: 50_000, families: BY_MONTHS, home });
});
