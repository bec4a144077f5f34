import { describe, it } from 'vitest';
import { openBudget } from '../../src/dp/budget/accountant.ts';
import { nodeSha256 } from '../../src/node/sha256.ts';
import { budgetConformance } from '../../src/testing/budget-conformance.ts';
import { SqliteFolder } from './fixtures/sqlite-log.ts';

const folder = new SqliteFolder();
const secrets = [new Uint8Array(32).fill(7)];

describe('a budget in SQLite', () => {
  const cases = budgetConformance({
    async create() {
      let path = '';
      const reset = async (): Promise<void> => {
        path = folder.newPath();
        await (await folder.create(path)).close();
      };
      await reset();
      return {
        durable: true,
        reset,
        open: async (opening) => {
          const store = await folder.open(path);
          return openBudget({ ...opening, store, secrets, sha256: nodeSha256 });
        },
      };
    },
  });
  for (const { name, run } of cases) it(name, run);
});
