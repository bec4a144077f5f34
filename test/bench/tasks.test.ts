import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  EVALUATION_SPLITS,
  loadAdult,
  loadMovieTweetings,
  loadMsweb,
  loadOnlineRetail,
  loadOnlineShoppers,
  splitUsers,
  tagTable,
  type UtilityTask,
} from '../../bench/tasks/index.ts';
import {
  ownHistoryScores,
  popularityScores,
  rankingMetrics,
  selectRows,
} from '../../src/federated/index.ts';

/** Reads a file once for all tests. */
function once(load: () => UtilityTask | null): () => UtilityTask | null {
  let task: UtilityTask | null | undefined;
  return () => {
    task = task === undefined ? load() : task;
    return task;
  };
}

const onlineRetail = once(() => loadOnlineRetail());
const msweb = once(() => loadMsweb());
const movieTweetings = once(() => loadMovieTweetings());

/** Name, loader, users, features, tags. */
const TASKS: readonly [string, () => UtilityTask | null, number, number, number][] = [
  ['online-retail share+smooth', onlineRetail, 1952, 15, 15],
  ['online-retail share', () => loadOnlineRetail('share'), 1952, 15, 15],
  ['online-retail log', () => loadOnlineRetail('log'), 1952, 15, 15],
  ['msweb unit', msweb, 19_072, 138, 12],
  ['msweb idf', () => loadMsweb('idf'), 19_072, 138, 12],
  ['msweb idf+count', () => loadMsweb('idf+count'), 19_072, 142, 12],
  ['movietweetings share', movieTweetings, 2583, 18, 18],
  ['movietweetings sqrt-share', () => loadMovieTweetings('sqrt-share'), 2583, 18, 18],
  ['movietweetings log1p', () => loadMovieTweetings('log1p'), 2583, 18, 18],
  ['online-shoppers num', () => loadOnlineShoppers(), 12_330, 20, 1],
  ['online-shoppers rff200', () => loadOnlineShoppers('rff200'), 12_330, 200, 1],
  ['adult one-hots', () => loadAdult(), 48_842, 75, 1],
  ['adult inter', () => loadAdult('inter'), 48_842, 117, 1],
];

describe.each(TASKS)('%s', (_, load, users, features, tags) => {
  it('has the users, columns and bounds of the protocol', ({ skip }) => {
    const task = load();
    if (task === null) return skip();
    expect(task.users).toHaveLength(users);
    expect(new Set(task.users).size).toBe(users);
    expect(task.features).toHaveLength(features);
    expect(new Set(task.features).size).toBe(features);
    expect(task.tags).toHaveLength(tags);
    expect(task.phi).toHaveLength(users * features);
    expect(task.labels).toHaveLength(users * tags);
    expect(task.labels.every((label) => label === 0 || label === 1)).toBe(true);
    expect(task.history === null).toBe(!task.sharedTags);
    if (task.sharedTags) expect(task.features).toEqual(task.tags);
    const norms = rowNorms(task.phi, features);
    expect(norms.reduce((most, norm) => Math.max(most, norm), 0)).toBeLessThanOrEqual(1);
    // Eight retail customers bought nothing tagged before the cut-off; everybody else has features.
    expect(norms.filter((norm) => norm > 0.999_999).length).toBeGreaterThanOrEqual(users - 8);
  });
});

/** Precision@3 of popularity and of own history + popularity, without noise, by the NumPy prototype. */
const BASELINES: readonly [string, () => UtilityTask | null, number, number | null][] = [
  ['online-retail', onlineRetail, 0.495, 0.588],
  ['msweb', msweb, 0.251, null],
  ['movietweetings', movieTweetings, 0.465, 0.542],
];

describe.each(BASELINES)('baselines on %s', (_, load, popularity, ownHistory) => {
  it('are those of the protocol, within what other splits change', ({ skip }) => {
    const task = load();
    if (task === null) return skip();
    const { popular, history } = baselines(task);
    expect(Math.abs(popular - popularity)).toBeLessThan(0.01);
    if (ownHistory !== null) expect(Math.abs(history - ownHistory)).toBeLessThan(0.01);
  });
});

describe('splitUsers', () => {
  it('parts all users three to one, the same way every time', () => {
    const { train, test } = splitUsers(1952, 0);
    expect(train).toHaveLength(1464);
    expect(new Set([...train, ...test]).size).toBe(1952);
    expect(splitUsers(1952, 0).test).toEqual(test);
    expect(splitUsers(1952, 1).test).not.toEqual(test);
  });
});

describe('without the data', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it.each([
    ['msweb', loadMsweb],
    ['movietweetings', loadMovieTweetings],
    ['online-shoppers', loadOnlineShoppers],
    ['adult', loadAdult],
  ] as const)('%s is null, and says so once', (name, load) => {
    vi.stubEnv('VELATURA_DATA', mkdtempSync(join(tmpdir(), 'velatura-no-data-')));
    const lines: string[] = [];
    expect(load(undefined, (line) => lines.push(line))).toBeNull();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(new RegExp(`^SKIPPED: task ${name}.*VELATURA_DATA`));
  });
});

function rowNorms(matrix: Float32Array, width: number): Float64Array {
  const norms = new Float64Array(matrix.length / width);
  for (let i = 0; i < matrix.length; i++) {
    const row = Math.floor(i / width);
    norms[row] = (norms[row] as number) + (matrix[i] as number) ** 2;
  }
  return norms.map(Math.sqrt);
}

function baselines(task: UtilityTask): { popular: number; history: number } {
  const table = tagTable(task);
  const width = task.tags.length;
  let popular = 0;
  let history = 0;
  for (const split of EVALUATION_SPLITS) {
    const { train, test } = splitUsers(task.users.length, split);
    const shares = new Float32Array(width);
    for (const user of train) {
      for (let tag = 0; tag < width; tag++) {
        shares[tag] =
          (shares[tag] as number) + (task.labels[user * width + tag] as number) / train.length;
      }
    }
    const truth = selectRows(task.labels, width, test);
    const own = selectRows(table.history, width, test);
    const scores = [
      popularityScores(shares, test.length),
      ownHistoryScores(own, shares, task.historyWeight),
    ].map((found) => rankingMetrics(found, truth, width).precisionAt3);
    popular += (scores[0] as number) / EVALUATION_SPLITS.length;
    history += (scores[1] as number) / EVALUATION_SPLITS.length;
  }
  return { popular, history };
}
