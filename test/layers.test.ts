import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const SOURCE = resolve(import.meta.dirname, '../src');

/** Which folder may import which; a folder may always import itself. See docs/architecture.md. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  core: [],
  dp: ['core'],
  he: ['core'],
  federated: ['core', 'dp'],
  profile: ['core', 'dp'],
  tfjs: ['core', 'federated'],
  testing: ['core', 'dp', 'federated', 'he', 'profile', 'tfjs'],
  node: ['core', 'dp', 'federated', 'he', 'profile', 'tfjs', 'testing'],
  cli: ['core', 'dp', 'federated', 'he', 'profile', 'tfjs', 'testing', 'node', 'index'],
  index: ['core', 'dp', 'federated', 'he', 'profile'],
};
const NODE_ALLOWED = new Set(['node', 'cli']);
/** Packages that need Node or pull its types in: only below src/node and src/cli. */
const NODE_PACKAGES = ['libsql', 'csv-parse', 'commander', 'cli-progress', 'vega', 'vega-lite'];

function sources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? sources(path) : path.endsWith('.ts') ? [path] : [];
  });
}

function layerOf(path: string): string {
  const parts = relative(SOURCE, path).split('/');
  return parts.length === 1 ? 'index' : (parts[0] as string);
}

const IMPORT =
  /(?:^|[\s;])(?:import|export)\s[^'"]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|^import\s*['"]([^'"]+)['"]/gm;

function importsOf(path: string): string[] {
  return [...readFileSync(path, 'utf8').matchAll(IMPORT)].map(
    (match) => (match[1] ?? match[2] ?? match[3]) as string,
  );
}

describe('layers', () => {
  const files = sources(SOURCE);

  it('knows every folder', () => {
    const folders = new Set(files.map(layerOf));
    for (const folder of folders) expect(Object.keys(MAY_IMPORT)).toContain(folder);
  });

  it('has only downward imports', () => {
    const violations = files.flatMap((path) =>
      importsOf(path)
        .filter((target) => target.startsWith('.'))
        .map((target) => [layerOf(path), layerOf(resolve(dirname(path), target))] as const)
        .filter(([from, to]) => from !== to && !MAY_IMPORT[from]?.includes(to))
        .map(([from, to]) => `${relative(SOURCE, path)}: ${from} may not import ${to}`),
    );
    expect(violations).toEqual([]);
  });

  it('keeps Node out of runtime-neutral code', () => {
    const violations = files
      .filter((path) => !NODE_ALLOWED.has(layerOf(path)))
      .flatMap((path) =>
        importsOf(path)
          .filter(
            (target) =>
              target.startsWith('node:') || NODE_PACKAGES.includes(target.split('/')[0] as string),
          )
          .map((target) => `${relative(SOURCE, path)} imports ${target}`),
      );
    expect(violations).toEqual([]);
  });
});
