import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SqliteConnection, SqliteFailure, type SqlValue } from '../../src/node/sqlite.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-sqlite-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let connection: SqliteConnection;
let files = 0;
beforeEach(() => {
  connection = new SqliteConnection(join(folder, `${files++}.sqlite`), 100);
  connection.exec('create table t (a any, b integer) strict');
});
afterEach(() => connection.close());

describe('binding', () => {
  it('keeps whole numbers, big integers, text and bytes what they are', () => {
    const rows: SqlValue[][] = [
      [5, 1],
      [2n ** 53n - 1n, 2],
      [1.5, 3],
      ['text', 4],
      [Uint8Array.of(1, 2), 5],
      [null, 6],
    ];
    for (const row of rows) connection.run('insert into t values (?, ?)', row);
    expect(connection.rows('select typeof(a), b from t order by b')).toEqual([
      ['integer', 1],
      ['integer', 2],
      ['real', 3],
      ['text', 4],
      ['blob', 5],
      ['null', 6],
    ]);
    const [blob] = connection.rows('select a from t where b = ?', [5])[0] as [Uint8Array];
    expect([...blob]).toEqual([1, 2]);
  });

  // Each of these aborts the process, binds NULL or loses bytes when handed to libsql.
  it.each([
    ['a boolean', true],
    ['undefined', undefined],
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['a date', new Date(0)],
    ['an object', {}],
    ['text with NUL', 'a\0b'],
    ['an integer of 65 bits', 2n ** 63n],
    ['a plain buffer', new ArrayBuffer(2)],
    ['floats', new Float64Array(2)],
  ])('refuses %s', (_, value) => {
    const values = [value as unknown as SqlValue, 1];
    expect(() => connection.run('insert into t values (?, ?)', values)).toThrow(TypeError);
    expect(connection.rows('select count(*) from t')).toEqual([[0]]);
  });

  it('refuses too few and too many values', () => {
    expect(() => connection.run('insert into t values (?, ?)', [1])).toThrow(TypeError);
    expect(() => connection.run('insert into t values (?, ?)', [1, 2, 3])).toThrow(TypeError);
  });
});

describe('SqliteConnection', () => {
  it('types the errors of SQLite', () => {
    const failure = (sql: string): unknown => {
      try {
        connection.exec(sql);
      } catch (error) {
        return error;
      }
    };
    expect(failure('select * from nothing')).toBeInstanceOf(SqliteFailure);
    connection.exec('create unique index i on t (b); insert into t values (1, 1)');
    expect(failure('insert into t values (2, 1)')).toMatchObject({
      sqliteCode: 'SQLITE_CONSTRAINT_UNIQUE',
    });
    expect(() => new SqliteConnection(join(folder, 'no', 'such', 'folder'), 1)).toThrow(
      SqliteFailure,
    );
  });

  it('undoes an open transaction, and only such a one', () => {
    connection.exec('begin immediate; insert into t values (1, 1)');
    connection.rollback();
    connection.rollback();
    expect(connection.rows('select count(*) from t')).toEqual([[0]]);
  });

  it('answers nothing once closed', () => {
    expect(connection.rows('select 1')).toEqual([[1]]);
    connection.close();
    connection.close();
    expect(() => connection.rows('select 1')).toThrow(SqliteFailure);
    expect(() => connection.exec('select 1')).toThrow(SqliteFailure);
    expect(() => connection.run('select 1', [])).toThrow(SqliteFailure);
  });
});
