import { join } from 'node:path';
import { binOf, dataFolder, readLines, setUnitRow, type UtilityTask } from './task.ts';

/**
 * Feature maps of the set of areas visited, each then scaled to norm 1 by itself: `unit` 0 or 1; `idf`
 * weighted by ln(5000 / visits in the separate file); `idf+count` the unit row of `idf` and beside it 0.3 ×
 * the one-hot of the number of features (1, 2, 3–4, 5 or more).
 */
export type MswebVariant = 'unit' | 'idf' | 'idf+count';

const LABELS = 12;
const RANKED = 150;
const COUNT_EDGES = [2, 3, 5] as const;
const COUNT_WEIGHT = 0.3;
/** Users of the separate file, a published fact. */
const PUBLIC_USERS = 5000;

interface Visits {
  readonly users: string[];
  /** `[users]`, areas by id. */
  readonly areas: number[][];
  readonly names: ReadonlyMap<number, string>;
}

/**
 * Microsoft web data: which of the 12 most visited areas of a site a user visits, from the visits to the
 * areas ranked 13 to 150. Areas are ranked by the separate test file, whose users are no clients (ties: the
 * lower id). 19,072 users have a feature; who has none is left out. Null when the data is missing.
 */
export function loadMsweb(
  variant: MswebVariant = 'unit',
  log?: (line: string) => void,
): UtilityTask | null {
  const folder = dataFolder('msweb', log);
  if (folder === null) return null;
  const reference = readVisits(join(folder, 'anonymous-msweb.test.gz'));
  const clients = readVisits(join(folder, 'anonymous-msweb.data.gz'));
  const { ranked, visits } = rankAreas(reference);
  const column = new Map(ranked.map((area, rank) => [area, rank]));
  // Two areas share a title.
  const title = (area: number): string => `${reference.names.get(area) ?? 'area'} (${area})`;
  const tagAreas = ranked.slice(0, LABELS);
  const featureAreas = ranked.slice(LABELS);
  const weights = featureAreas.map((area) =>
    variant === 'unit' ? 1 : Math.log(PUBLIC_USERS / (visits.get(area) as number)),
  );

  const kept: number[] = [];
  clients.areas.forEach((areas, user) => {
    if (areas.some((area) => (column.get(area) ?? 0) >= LABELS)) kept.push(user);
  });
  const extra = variant === 'idf+count' ? COUNT_EDGES.length + 1 : 0;
  const width = featureAreas.length + extra;
  const phi = new Float32Array(kept.length * width);
  const labels = new Float32Array(kept.length * LABELS);
  kept.forEach((user, row) => {
    const features = new Float64Array(width);
    let energy = 0;
    let count = 0;
    for (const area of new Set(clients.areas[user])) {
      const rank = column.get(area);
      if (rank === undefined) continue;
      if (rank < LABELS) {
        labels[row * LABELS + rank] = 1;
      } else {
        const weight = weights[rank - LABELS] as number;
        features[rank - LABELS] = weight;
        energy += weight * weight;
        count++;
      }
    }
    if (extra > 0) {
      features[featureAreas.length + binOf(count, COUNT_EDGES)] = COUNT_WEIGHT * Math.sqrt(energy);
    }
    setUnitRow(phi, row, features);
  });
  const countNames = ['1', '2', '3-4', '5+'].slice(0, extra).map((bin) => `areas ${bin}`);
  return {
    name: 'msweb',
    variant,
    users: kept.map((user) => clients.users[user] as string),
    tags: tagAreas.map(title),
    features: [...featureAreas.map(title), ...countNames],
    phi,
    history: null,
    historyWeight: 0,
    labels,
    sharedTags: false,
    metric: 'precisionAt3',
    labelDensity: 0.1,
  };
}

/** Lines `A,id,…,"title",…` name an area, `C,"user",…` starts a user, `V,area,…` is a visit of that user. */
function readVisits(file: string): Visits {
  const users: string[] = [];
  const areas: number[][] = [];
  const names = new Map<number, string>();
  for (const line of readLines(file)) {
    const [kind, id = ''] = line.split(',', 2);
    if (kind === 'A') names.set(Number(id), line.split('"')[1] ?? id);
    if (kind === 'C') {
      users.push(id.replaceAll('"', ''));
      areas.push([]);
    }
    if (kind === 'V') areas.at(-1)?.push(Number(id));
  }
  return { users, areas, names };
}

function rankAreas(reference: Visits): {
  readonly ranked: readonly number[];
  readonly visits: ReadonlyMap<number, number>;
} {
  const visits = new Map<number, number>();
  for (const area of reference.areas.flat()) visits.set(area, (visits.get(area) ?? 0) + 1);
  const ranked = [...visits]
    .sort(([a, visitsA], [b, visitsB]) => visitsB - visitsA || a - b)
    .slice(0, RANKED)
    .map(([area]) => area);
  return { ranked, visits };
}
