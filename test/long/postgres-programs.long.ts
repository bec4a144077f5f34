import { it } from 'vitest';
import type { ProgramHome } from '../dp/budget/program-runner.ts';
import { BY_MONTHS, FOR_LIFE } from '../dp/budget/program-terms.ts';
import { describePostgres, newSchema } from '../node/fixtures/postgres-server.ts';
import { postgresHome } from '../node/fixtures/program-homes.ts';
import { runAndTell } from './tell.ts';

describePostgres('budgets in PostgreSQL', () => {
  it('2,000 programs', async () => {
    const schema = newSchema();
    const families = [...FOR_LIFE, ...BY_MONTHS];
    let budgets = 0;
    const home = (): ProgramHome => postgresHome(schema, `program ${budgets++}`);
    await runAndTell('in PostgreSQL', { count: 2000, families, lanes: 4, home });
  });
});
