import { it } from 'vitest';
import { BY_MONTHS, FOR_LIFE } from '../dp/budget/program-terms.ts';
import { sqliteHome } from '../node/fixtures/program-homes.ts';
import { SqliteFolder } from '../node/fixtures/sqlite-log.ts';
import { runAndTell } from './tell.ts';

const folder = new SqliteFolder();

it('10,000 programs on SQLite files', async () => {
  const families = [...FOR_LIFE, ...BY_MONTHS];
  await runAndTell('on SQLite files', {
    count: 10_000,
    families,
    lanes: 4,
    home: () => sqliteHome(folder),
  });
});
