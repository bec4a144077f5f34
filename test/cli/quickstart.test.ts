import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ONLINE_RETAIL_FOLDER } from '../../src/node/index.ts';
import { velatura } from './velatura.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-quickstart-'));
afterAll(() => rmSync(folder, { recursive: true }));
/** A run that was just made, such as by `.ci/run`: it takes a minute, and need not be made twice. */
const made = process.env['VELATURA_QUICKSTART_RUN'];
const out = join(folder, 'run');
const budget = join(out, 'budget.sqlite');

interface Summary {
  epsilonByScene: Record<string, number>;
  epsilonMaxUser: number;
  limits: { user: { epsilon: number; delta: number }; scenes: Record<string, number> };
  refused: Record<string, number>;
  metrics: Record<string, { precisionAt3: number }>;
  baselines: Record<string, Record<string, { precisionAt3: number }>>;
  scoring: { maxError: number; errorBound: number; recallAt100: number; items: number };
  report: string;
}

describe('velatura quickstart', () => {
  let summary: Summary;
  let progress: string;
  beforeAll(() => {
    if (made === undefined) {
      const run = velatura('quickstart', '--out', out, '--json');
      expect(run.code).toBe(0);
      writeFileSync(join(folder, 'stdout.json'), run.stdout);
      progress = run.stderr;
    } else {
      cpSync(join(made, 'run'), out, { recursive: true });
      cpSync(join(made, 'stdout.json'), join(folder, 'stdout.json'));
      progress = readFileSync(join(made, 'stderr.txt'), 'utf8');
    }
    expect(progress).not.toContain('velatura:');
    summary = JSON.parse(readFileSync(join(folder, 'stdout.json'), 'utf8')) as Summary;
    summary = { ...summary, report: join(out, 'report.html') };
  }, 300_000);

  it('passes no limit', () => {
    expect(summary.epsilonMaxUser).toBeLessThanOrEqual(summary.limits.user.epsilon);
    expect(Object.keys(summary.epsilonByScene).sort()).toEqual(['afternoon', 'midday', 'morning']);
    for (const [scene, epsilon] of Object.entries(summary.epsilonByScene)) {
      expect(epsilon).toBeGreaterThan(0.95);
      expect(epsilon).toBeLessThanOrEqual(summary.limits.scenes[scene] as number);
    }
  });

  it('runs its federated rounds behind SecAgg+, and says against whom', () => {
    const { scenes } = JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')) as {
      scenes: { scene: string; statement: string }[];
    };
    const statementOf = (name: string): string =>
      scenes.find(({ scene }) => scene === name)?.statement ?? '';
    for (const scene of ['morning', 'afternoon']) {
      expect(statementOf(scene)).toContain('a server that keeps to the protocol');
      expect(statementOf(scene)).toContain('holds the noise of at least');
    }
    expect(statementOf('midday')).not.toContain('keeps to the protocol');
  });

  it('refuses, in the third scene, whoever is enrolled in all three, and only there', () => {
    expect(summary.refused['morning']).toBe(0);
    expect(summary.refused['midday']).toBe(0);
    const enrolledInAll = Number(/in all three: (\d+)/.exec(progress)?.[1]);
    expect(summary.refused['afternoon']).toBe(enrolledInAll);
    expect(enrolledInAll).toBeGreaterThan(100);
  });

  it('learns more than popularity says', () => {
    for (const scene of ['morning', 'midday']) {
      const popularity = summary.baselines[scene]?.['popularity']?.precisionAt3 as number;
      expect(summary.metrics[scene]?.precisionAt3).toBeGreaterThan(popularity);
    }
  });

  it('scores under encryption within the stated bound', () => {
    expect(summary.scoring.maxError).toBeLessThanOrEqual(summary.scoring.errorBound);
    expect(summary.scoring.recallAt100).toBeGreaterThanOrEqual(0.99);
    expect(summary.scoring.items).toBe(3877);
  });

  it('says what is simulated and what is public', () => {
    expect(progress).toContain('Simulated by a fixed seed');
    expect(progress).toContain('Simulation on public data');
  });

  it('writes a report that needs nothing from elsewhere', () => {
    const html = readFileSync(summary.report, 'utf8');
    expect(html).toContain('imulation on public data');
    expect(html).not.toMatch(/<(script|link|img)[^>]+(src|href)="https?:/);
    expect(statSync(summary.report).size).toBeLessThan(600_000);
  });

  it('leaves a budget that verifies', () => {
    const verified = velatura('budget', 'verify', '--budget', budget, '--json');
    expect(verified.code).toBe(0);
    expect(JSON.parse(verified.stdout).chain.ok).toBe(true);
    const shown = velatura('budget', 'show', '--budget', budget, '--json');
    const { users, scenes, chain } = JSON.parse(shown.stdout);
    expect(users.epsilonMax).toBe(summary.epsilonMaxUser);
    expect(scenes.length).toBe(3);
    expect(chain.ok).toBe(true);
  });

  it('is refused the second time: the data was spent', () => {
    const report = readFileSync(summary.report);
    const again = velatura('quickstart', '--out', out, '--json');
    expect(again.code).toBe(2);
    expect(JSON.parse(again.stdout).error.code).toBe('dp/budget-exceeded');
    expect(readFileSync(summary.report)).toEqual(report);
    const shown = JSON.parse(velatura('budget', 'show', '--budget', budget, '--json').stdout);
    expect(shown.users.epsilonMax).toBe(summary.epsilonMaxUser);
  }, 30_000);

  describe('with bad data', () => {
    const data = join(folder, 'data');
    const lines = readFileSync(join(ONLINE_RETAIL_FOLDER, 'profiles.csv'), 'utf8').split('\n');
    const events = gunzipSync(readFileSync(join(ONLINE_RETAIL_FOLDER, 'events.csv.gz'))).toString();
    const editProfiles =
      (edit: (line: string) => string, line = 7): (() => void) =>
      () =>
        writeFileSync(
          join(data, 'profiles.csv'),
          lines.map((text, i) => (i === line ? edit(text) : text)).join('\n'),
        );
    const cellAt =
      (column: string, value: string) =>
      (line: string): string =>
        line
          .split(',')
          .map((text, i) => (i === lines[0]?.split(',').indexOf(column) ? value : text))
          .join(',');

    it.each<[string, () => void, string, object]>([
      [
        'a missing column',
        editProfiles((line) => line.replace('n_garden', 'n_gardens'), 0),
        'data/missing-column',
        { line: 1, column: 'n_garden' },
      ],
      [
        'NaN',
        editProfiles(cellAt('n_bag', 'NaN')),
        'data/invalid-value',
        { line: 8, column: 'n_bag' },
      ],
      [
        'a negative count',
        editProfiles(cellAt('n_toys_kids', '-3')),
        'data/invalid-value',
        { line: 8, column: 'n_toys_kids' },
      ],
      [
        'a label outside {0,1}',
        editProfiles(cellAt('tag_party', '2')),
        'data/invalid-value',
        { line: 8, column: 'tag_party' },
      ],
      [
        'an unknown scene',
        () =>
          writeFileSync(
            join(data, 'events.csv.gz'),
            gzipSync(events.replace(',afternoon,', ',midnight,')),
          ),
        'data/unknown-scene',
        { column: 'scene' },
      ],
      [
        'a table cut short',
        () => writeFileSync(join(data, 'profiles.csv'), lines.join('\n').slice(0, 5000)),
        'data/truncated',
        {},
      ],
      [
        'events cut short',
        () =>
          writeFileSync(
            join(data, 'events.csv.gz'),
            readFileSync(join(ONLINE_RETAIL_FOLDER, 'events.csv.gz')).subarray(0, 100_000),
          ),
        'data/truncated',
        {},
      ],
    ])(
      '%s: one coded error, and the budget stays as it was',
      (_, spoil, code, place) => {
        rmSync(data, { recursive: true, force: true });
        cpSync(ONLINE_RETAIL_FOLDER, data, { recursive: true });
        spoil();
        const before = readFileSync(budget);
        const run = velatura('quickstart', '--out', out, '--data', data, '--json');
        expect(run.code).toBe(1);
        const { error } = JSON.parse(run.stdout);
        expect(error.code).toBe(code);
        expect(error.details).toMatchObject({ file: expect.stringContaining(data), ...place });
        expect(run.stderr.trim().split('\n').length).toBe(1);
        expect(readFileSync(budget)).toEqual(before);
      },
      30_000,
    );

    it('a corrupt budget file: refused, and left as it is', () => {
      const spoiled = join(folder, 'spoiled');
      cpSync(out, spoiled, { recursive: true });
      const file = join(spoiled, 'budget.sqlite');
      for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true });
      const bytes = readFileSync(file).subarray(0, 3000);
      writeFileSync(file, bytes);
      const run = velatura('quickstart', '--out', spoiled, '--json');
      expect(run.code).toBe(1);
      expect(JSON.parse(run.stdout).error.code).toBe('dp/budget-corrupt');
      expect(readFileSync(file)).toEqual(bytes);
      expect(existsSync(`${file}.key`)).toBe(true);
    }, 30_000);
  });
});
