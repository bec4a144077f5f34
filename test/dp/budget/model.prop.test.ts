import { it } from 'vitest';
import type { ProgramHome } from './program-runner.ts';
import { memoryHome, programCount, runPrograms } from './program-runs.ts';
import { FOR_LIFE } from './program-terms.ts';

it(`agrees with the reference in exact rationals: ${programCount(5000)} programs in memory, budgets for life`, async () => {
  let homes = 0;
  // Half of the stores answer at once, the others as if they waited for a disk.
  const home = (): ProgramHome => memoryHome((homes++ % 2) * 10);
  await runPrograms({ count: programCount(5000), families: FOR_LIFE, home });
}, 180_000);
