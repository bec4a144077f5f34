import { it } from 'vitest';
import { memoryHome, runPrograms } from './program-runs.ts';
import { FOR_LIFE } from './program-terms.ts';

it('agrees with the reference in exact rationals: 5,000 programs in memory, budgets for life', async () => {
  let homes = 0;
  const home = async (): Promise<ReturnType<typeof memoryHome>> => memoryHome((homes++ % 2) * 10);
  await runPrograms({ count: 5000, families: FOR_LIFE, home });
}, 180_000);
