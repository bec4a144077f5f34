import { it } from 'vitest';
import { memoryHome } from '../dp/budget/program-runs.ts';
import { FOR_LIFE } from '../dp/budget/program-terms.ts';
import { runAndTell } from './tell.ts';

it('50,000 programs in memory, budgets for life', async () => {
  let homes = 0;
  const home = async (): Promise<ReturnType<typeof memoryHome>> => memoryHome((homes++ % 2) * 10);
  await runAndTell('in memory, for life', { count: 50_000, families: FOR_LIFE, home });
});
