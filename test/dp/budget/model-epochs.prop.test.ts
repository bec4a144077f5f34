import { it } from 'vitest';
import { memoryHome, runPrograms } from './program-runs.ts';
import { FAMILIES } from './program-terms.ts';

const families = FAMILIES.flatMap(({ terms }, i) => (terms.monthly ? [i] : []));

it('agrees with the reference in exact rationals: 5,000 programs in memory, budgets by months', async () => {
  await runPrograms({ count: 300, families, home: async () => memoryHome() });
}, 180_000);
