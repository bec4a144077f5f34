import { it } from 'vitest';
import { programCount, runPrograms } from '../dp/budget/program-runs.ts';
import { BY_MONTHS, FOR_LIFE } from '../dp/budget/program-terms.ts';
import { sqliteHome } from './fixtures/program-homes.ts';
import { SqliteFolder } from './fixtures/sqlite-log.ts';

const folder = new SqliteFolder();

it(`agrees with the reference in exact rationals: ${programCount(1000)} programs on SQLite files`, async () => {
  const families = [...FOR_LIFE, ...BY_MONTHS];
  await runPrograms({
    count: programCount(1000),
    families,
    lanes: 4,
    home: () => sqliteHome(folder),
  });
}, 180_000);
