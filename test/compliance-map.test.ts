import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const PAGE = readFileSync(resolve(ROOT, 'docs/compliance-map.md'), 'utf8');

/** Cells of the rows of all tables, without heads and rules. */
const rows = PAGE.split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('|---'))
  .map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )
  .filter(([first]) => first !== 'requirement' && first !== 'question');
const mapped = rows.filter((cells) => cells.length === 4);

/** A test and the fixtures beside it, through which it may reach its subject. */
const withFixtures = (path: string): string[] => {
  const fixtures = join(dirname(path), 'fixtures.ts');
  return existsSync(resolve(ROOT, fixtures)) ? [path, fixtures] : [path];
};

const paths = (text: string): string[] =>
  [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string);

describe('docs/compliance-map.md', () => {
  it('has rows of features and rows of open questions, and no others', () => {
    expect(mapped.length).toBeGreaterThan(15);
    expect(rows.filter((cells) => cells.length === 3).length).toBeGreaterThan(5);
    expect(rows.filter((cells) => cells.length < 3 || cells.length > 4)).toEqual([]);
    expect(rows.flat().filter((cell) => cell === '')).toEqual([]);
  });

  it.each(mapped.map((cells) => [cells[0] as string, cells] as const))(
    'names features and tests that exist: %s',
    (_requirement, cells) => {
      const features = paths(cells[2] as string);
      const tests = paths(cells[3] as string);
      expect(features).not.toEqual([]);
      expect(tests).not.toEqual([]);
      for (const path of features) expect(path).toMatch(/^src\/.+\.ts$/);
      for (const path of tests) expect(path).toMatch(/^test\/.+\.test\.ts$/);
      const gone = [...features, ...tests].filter((path) => !existsSync(resolve(ROOT, path)));
      expect(gone).toEqual([]);
    },
  );

  it('points each feature at a test that uses something of it', () => {
    const read = (path: string): string => readFileSync(resolve(ROOT, path), 'utf8');
    const untested = mapped.flatMap((cells) => {
      const tests = paths(cells[3] as string)
        .flatMap(withFixtures)
        .map(read)
        .join('\n');
      return paths(cells[2] as string).filter((path) => {
        const exported = read(path).matchAll(
          /^export (?:async )?(?:abstract )?(?:function\*?|class|const) (\w+)/gm,
        );
        return ![...exported].some(([, name]) => new RegExp(`\\b${name}\\b`).test(tests));
      });
    });
    expect(untested).toEqual([]);
  });
});
