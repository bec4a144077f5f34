import { it } from 'vitest';
import type { ProgramHome } from '../dp/budget/program-runner.ts';
import { programCount, runPrograms } from '../dp/budget/program-runs.ts';
import { BY_MONTHS, FOR_LIFE } from '../dp/budget/program-terms.ts';
import { describePostgres, newSchema } from './fixtures/postgres-server.ts';
import { postgresHome } from './fixtures/program-homes.ts';

describePostgres('budgets in PostgreSQL', () => {
  it(`agree with the reference in exact rationals: ${programCount(200)} programs`, async () => {
    const schema = newSchema();
    const families = [...FOR_LIFE, ...BY_MONTHS];
    let budgets = 0;
    const home = (): ProgramHome => postgresHome(schema, `program ${budgets++}`);
    await runPrograms({ count: programCount(200), families, lanes: 4, home });
  }, 180_000);
});
