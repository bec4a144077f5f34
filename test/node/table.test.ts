import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { numberColumn, readCsv } from '../../src/node/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-table-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(content: string | Uint8Array, name = 'table.csv'): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('readCsv', () => {
  it('reads rows and remembers their lines, past quotes and blank lines', () => {
    const table = readCsv(file('a,b\n1,"x\ny"\n\n2,z\n'));
    expect(table.header).toEqual(['a', 'b']);
    expect(table.rows).toEqual([
      ['1', 'x\ny'],
      ['2', 'z'],
    ]);
    expect([...table.lines]).toEqual([3, 5]);
  });

  it('unpacks gzip', () => {
    const table = readCsv(file(gzipSync('a\n1\n'), 'table.csv.gz'));
    expect(table.rows).toEqual([['1']]);
  });

  it.each([
    ['no file', () => join(folder, 'none.csv'), 'data/missing-file'],
    ['a folder', () => folder, 'data/missing-file'],
    ['an empty file', () => file(''), 'data/empty'],
    ['a header only', () => file('a,b\n'), 'data/empty'],
    ['a row cut short', () => file('a,b\n1,2\n3'), 'data/truncated'],
    ['a last number cut short', () => file('a,b\n1,2\n3,4'), 'data/truncated'],
    ['an open quote', () => file('a,b\n1,"2\n'), 'data/truncated'],
    ['a row too long in the middle', () => file('a,b\n1,2,3\n4,5\n'), 'data/invalid-value'],
    ['a column twice', () => file('a,a\n1,2\n'), 'data/invalid-value'],
    [
      'gzip cut short',
      () => file(gzipSync('a\n1\n').subarray(0, 15), 'short.csv.gz'),
      'data/truncated',
    ],
    ['no gzip', () => file('a\n1\n', 'plain.csv.gz'), 'data/truncated'],
  ])('refuses %s and names the file', (_, make, code) => {
    const path = make();
    expect(() => readCsv(path)).toThrow(
      expect.objectContaining({ code, details: expect.objectContaining({ file: path }) }),
    );
  });
});

describe('numberColumn', () => {
  const cell = (text: string) => readCsv(file(`n,other\n1,0\n${text},0\n`));

  it.each([
    ['NaN', {}],
    ['', {}],
    ['1e999', {}],
    ['abc', {}],
    ['-1', { min: 0 }],
    ['2', { min: 0, max: 1 }],
    ['0.5', { integer: true }],
  ])('refuses "%s" under %j, with line and column', (text, rule) => {
    expect(() => numberColumn(cell(text), 'n', rule)).toThrow(
      expect.objectContaining({
        code: 'data/invalid-value',
        details: expect.objectContaining({ line: 3, column: 'n' }),
      }),
    );
  });

  it('never repeats the value in the message', () => {
    expect(() => numberColumn(cell('secret-17'), 'n')).toThrow(/^(?!.*secret).*$/s);
  });

  it('names a missing column', () => {
    expect(() => numberColumn(cell('1'), 'm')).toThrow(
      expect.objectContaining({ code: 'data/missing-column' }),
    );
  });
});
