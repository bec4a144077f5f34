import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SqliteConnection } from '../../src/node/sqlite.ts';
import {
  assertSchema,
  MIGRATIONS,
  type MigrationStep,
  migrate,
  prepareBudgetFile,
  SCHEMA_VERSION,
} from '../../src/node/sqlite-budget-schema.ts';
import { append, SqliteFolder } from './fixtures/sqlite-log.ts';

const folder = new SqliteFolder();

/** As if two more versions had come. */
const LATER: readonly MigrationStep[] = [
  ...MIGRATIONS,
  { from: 2, to: 3, sql: 'alter table log add column note text' },
  { from: 3, to: 5, sql: "update log set note = 'from 3'; create table extra (a integer) strict" },
];

let path: string;
let connection: SqliteConnection;
beforeEach(async () => {
  path = folder.newPath();
  const store = await folder.create(path);
  await append(store, 3);
  await store.close();
  connection = new SqliteConnection(path, 1000);
});
afterEach(() => connection.close());

const version = (): unknown => connection.rows('pragma user_version')[0]?.[0];
const columns = (): readonly unknown[] =>
  connection.rows("select name from pragma_table_info('log')").flat();

describe('migrate', () => {
  it('leads from nothing to the current version', () => {
    expect(version()).toBe(SCHEMA_VERSION);
    expect(MIGRATIONS.at(-1)?.to).toBe(SCHEMA_VERSION);
    expect(() => assertSchema(path, connection)).not.toThrow();
    const empty = new SqliteConnection(folder.newPath(), 1000);
    migrate('empty', empty);
    expect(() => assertSchema('empty', empty)).not.toThrow();
    empty.close();
  });

  it('takes every step from the version of the file on, and keeps the entries', () => {
    migrate(path, connection, LATER);
    expect(version()).toBe(5);
    expect(columns()).toEqual(['seq', 'hash', 'body', 'note']);
    expect(connection.rows('select seq, note from log')).toEqual([
      [0, 'from 3'],
      [1, 'from 3'],
      [2, 'from 3'],
    ]);
    migrate(path, connection, LATER);
    expect(version()).toBe(5);
  });

  it.each([
    ['with an error', { from: 3, to: 4, sql: 'create table log (a)' }],
    ['half-way through', { from: 3, to: 4, sql: 'delete from log; select * from nowhere' }],
  ])('leaves everything as it was when a later step fails %s', (_, failing) => {
    const before = connection.rows('select * from log');
    expect(() => migrate(path, connection, [...LATER.slice(0, 2), failing])).toThrow(/table/);
    expect(version()).toBe(SCHEMA_VERSION);
    expect(columns()).toEqual(['seq', 'hash', 'body']);
    expect(connection.rows('select * from log')).toEqual(before);
    connection.exec('begin immediate; rollback');
  });

  it('leaves to another process what that one was faster at', () => {
    const other = new SqliteConnection(path, 1000);
    class Overtaken extends SqliteConnection {
      override exec(sql: string): void {
        if (sql === 'begin immediate') migrate(path, other, LATER);
        super.exec(sql);
      }
    }
    const late = new Overtaken(path, 1000);
    migrate(path, late, LATER);
    expect(version()).toBe(5);
    late.close();
    other.close();
  });

  it('refuses versions that no step leads away from', () => {
    connection.exec('pragma user_version = 4');
    expect(() => migrate(path, connection, LATER)).toThrow(/version 4, from before/);
    connection.exec('pragma user_version = 9');
    expect(() => migrate(path, connection, LATER)).toThrow(/version 9, made by a newer program/);
  });
});

describe('prepareBudgetFile', () => {
  it('writes ahead, syncs every commit and wipes, whatever the connection did before', () => {
    const fresh = new SqliteConnection(folder.newPath(), 1000);
    fresh.exec('pragma synchronous = off; pragma secure_delete = off; pragma fullfsync = off');
    prepareBudgetFile('fresh', fresh);
    const pragmas = ['synchronous', 'journal_mode', 'secure_delete', 'fullfsync'];
    expect(pragmas.map((pragma) => fresh.rows(`pragma ${pragma}`)[0]?.[0])).toEqual([
      2,
      'wal',
      1,
      1,
    ]);
    fresh.close();
  });

  it('refuses a file that cannot have a journal', () => {
    const memory = new SqliteConnection(':memory:', 1000);
    expect(() => prepareBudgetFile('memory', memory)).toThrow(/write-ahead journal/);
    memory.close();
  });
});

describe('opening', () => {
  it.each([
    [1, /version 1, from before the first release/],
    [3, /version 3, made by a newer program/],
    [0, /without tables/],
  ])(
    'refuses a file of version %i with a clear message and leaves it as it was',
    async (v, text) => {
      connection.exec(`pragma user_version = ${v}`);
      connection.rows('pragma wal_checkpoint(truncate)');
      const bytes = readFileSync(path);
      await expect(folder.open(path)).rejects.toMatchObject({
        code: 'dp/budget-corrupt',
        message: expect.stringMatching(text),
      });
      expect(readFileSync(path).equals(bytes)).toBe(true);
    },
  );

  it.each([
    'create table extra (a)',
    'drop table snapshots',
    'drop index pages_by_seq',
    'create trigger t after insert on log begin delete from pages; end',
    'create view v as select * from log',
  ])('refuses a file after: %s', async (sql) => {
    connection.exec(sql);
    await expect(folder.open(path)).rejects.toMatchObject({
      code: 'dp/budget-corrupt',
      message: expect.stringContaining('nothing else'),
    });
  });
});
