import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { it } from 'vitest';
import { openBudget } from '../../../src/dp/budget/accountant.ts';
import { MemoryBudgetStore } from '../../../src/dp/budget/memory-store.ts';
import { createSqliteLog, openSqliteBudgetStore } from '../../../src/node/sqlite-budget-store.ts';
import { programs, runProgram } from './programs.ts';

const accountKey = new Uint8Array(32).fill(9);

it('agrees with the reference in exact rationals: memory', async () => {
  await fc.assert(
    fc.asyncProperty(programs, async (program) => {
      const store = new MemoryBudgetStore();
      await runProgram(
        { durable: false, open: (opening) => openBudget({ ...opening, store, accountKey }) },
        program,
      );
    }),
    { numRuns: 400 },
  );
});

it('agrees with the reference in exact rationals: SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'velatura-programs-'));
  let files = 0;
  try {
    await fc.assert(
      fc.asyncProperty(programs, async (program) => {
        const path = join(folder, `${files++}.sqlite`);
        createSqliteLog(path);
        await runProgram(
          {
            durable: true,
            open: (opening) =>
              openBudget({ ...opening, store: openSqliteBudgetStore(path), accountKey }),
          },
          program,
        );
      }),
      { numRuns: 30 },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
