import { join } from 'node:path';
import { share } from '../../src/profile/index.ts';
import { dataFolder, readLines, setUnitRow, type UtilityTask } from './task.ts';

/**
 * Feature maps of the weight of each genre in the earlier ratings, each then scaled to norm 1 by itself:
 * `share` of the sum, `sqrt-share` its square root, `log1p` log(1 + weight).
 */
export type MovieTweetingsVariant = 'share' | 'sqrt-share' | 'log1p';

const GENRES = 18;
const CLIENT_RATINGS = 10;
const REFERENCE_RATINGS = 5;
const EARLIER_SHARE = 0.6;

const MAPS: Readonly<Record<MovieTweetingsVariant, (weights: Float64Array) => Float64Array>> = {
  share,
  'sqrt-share': (weights) => share(weights).map(Math.sqrt),
  log1p: (weights) => weights.map(Math.log1p),
};

interface Rating {
  readonly film: string;
  readonly time: number;
}

/**
 * MovieTweetings 100K: which of 18 genres a user rates more than usual in the later 40 % of the ratings,
 * from the share of each genre in the earlier 60 %. 2,583 users with 10 or more ratings. "Usual" is the mean
 * share among users with 5 to 9 ratings, who are no clients; genres are the 18 most common of the film list.
 * History is the share. Null when the data is missing.
 */
export function loadMovieTweetings(
  variant: MovieTweetingsVariant = 'share',
  log?: (line: string) => void,
): UtilityTask | null {
  const folder = dataFolder('movietweetings-100k', log);
  if (folder === null) return null;
  const { genres, filmGenres } = readFilms(join(folder, 'movies.dat.gz'));
  const ratings = readRatings(join(folder, 'ratings.dat.gz'));
  const usual = usualShares([...ratings.values()], filmGenres);

  const clients = [...ratings].filter(([, own]) => own.length >= CLIENT_RATINGS);
  const phi = new Float32Array(clients.length * GENRES);
  const history = new Float32Array(clients.length * GENRES);
  const labels = new Float32Array(clients.length * GENRES);
  clients.forEach(([, own], row) => {
    // A stable sort: ratings of one second keep the order of the file.
    const sorted = [...own].sort((a, b) => a.time - b.time);
    const earlier = Math.ceil(EARLIER_SHARE * sorted.length);
    const before = genreWeights(sorted.slice(0, earlier), filmGenres);
    const after = share(genreWeights(sorted.slice(earlier), filmGenres));
    setUnitRow(phi, row, MAPS[variant](before));
    history.set(share(before), row * GENRES);
    after.forEach((later, genre) => {
      labels[row * GENRES + genre] = later > (usual[genre] as number) ? 1 : 0;
    });
  });
  return {
    name: 'movietweetings',
    variant,
    users: clients.map(([user]) => user),
    tags: genres,
    features: genres,
    phi,
    history,
    historyWeight: 1,
    labels,
    sharedTags: true,
    metric: 'precisionAt3',
    labelDensity: 0.3,
  };
}

/** Lines `id::title::genre|genre`: the most common genres, and which of them each film has. */
function readFilms(file: string): {
  readonly genres: readonly string[];
  readonly filmGenres: ReadonlyMap<string, readonly number[]>;
} {
  const films = readLines(file).map((line) => {
    const [film = '', , genres = ''] = line.split('::');
    return { film, genres: genres.split('|').filter((genre) => genre !== '') };
  });
  const counts = new Map<string, number>();
  for (const genre of films.flatMap((film) => film.genres)) {
    counts.set(genre, (counts.get(genre) ?? 0) + 1);
  }
  const genres = [...counts]
    .sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1))
    .slice(0, GENRES)
    .map(([genre]) => genre);
  const filmGenres = new Map(
    films.map(({ film, genres: own }) => [
      film,
      own.map((genre) => genres.indexOf(genre)).filter((genre) => genre !== -1),
    ]),
  );
  return { genres, filmGenres };
}

/** Lines `user::film::rating::seconds`, by user in the order of the file. */
function readRatings(file: string): Map<string, Rating[]> {
  const ratings = new Map<string, Rating[]>();
  for (const line of readLines(file)) {
    const [user = '', film = '', , seconds = ''] = line.split('::');
    const own = ratings.get(user) ?? [];
    if (own.length === 0) ratings.set(user, own);
    own.push({ film, time: Number(seconds) });
  }
  return ratings;
}

/** Every film spreads weight 1 over its genres. `[GENRES]` */
function genreWeights(
  ratings: readonly Rating[],
  filmGenres: ReadonlyMap<string, readonly number[]>,
): Float64Array {
  const weights = new Float64Array(GENRES);
  for (const { film } of ratings) {
    const own = filmGenres.get(film) ?? [];
    for (const genre of own) weights[genre] = (weights[genre] as number) + 1 / own.length;
  }
  return weights;
}

/** Mean share of each genre among the users with too few ratings to be clients. `[GENRES]` */
function usualShares(
  ratings: readonly (readonly Rating[])[],
  filmGenres: ReadonlyMap<string, readonly number[]>,
): Float64Array {
  const reference = ratings.filter(
    (own) => own.length >= REFERENCE_RATINGS && own.length < CLIENT_RATINGS,
  );
  const mean = new Float64Array(GENRES);
  for (const own of reference) {
    share(genreWeights(own, filmGenres)).forEach((value, genre) => {
      mean[genre] = (mean[genre] as number) + value / reference.length;
    });
  }
  return mean;
}
