import { SecureRandom } from '../src/core/secure-random.ts';
import { SeededRandom } from '../src/core/seeded-random.ts';
import { normalQuantile } from '../src/core/special/index.ts';
import { divideGaussianEvenly, muOfEpsilon } from '../src/dp/index.ts';
import {
  FederatedClient,
  PlainSum,
  type RoundEnvironment,
  runPrivateRound,
  segmentUsers,
  UpdateEncoder,
} from '../src/federated/index.ts';
import {
  meanSquaredDistance,
  nearestCentre,
  toUnitBall,
} from '../src/federated/segments/segment-space.ts';
import { weightedKMeans } from '../src/federated/segments/weighted-k-means.ts';
import { readRetailProfiles } from '../src/node/online-retail.ts';
import { share, sqrtShare } from '../src/profile/index.ts';
import { type BenchRow, type BenchSuite, row } from './suite.ts';

/** People in the unit ball. */
interface Crowd {
  /** `[people, features]` */
  readonly places: Float64Array;
  readonly features: number;
}

interface Task {
  readonly name: string;
  readonly segments: number;
  readonly draws: number;
  readonly crowd: (draw: number) => Crowd;
}

const EPSILONS = [1, 4] as const;
/** As Su et al. recommend. */
const LLOYD_ROUNDS = 5;

const TASKS: readonly Task[] = [
  mixture('mixture n=1,000 d=2 k=5', 1000, 2, 5, 0.08, 8),
  mixture('mixture n=1,000 d=5 k=4', 1000, 5, 4, 0.1, 8),
  mixture('mixture n=10,000 d=5 k=8', 10_000, 5, 8, 0.1, 3),
  mixture('mixture n=100,000 d=10 k=8', 100_000, 10, 8, 0.1, 1),
  { name: 'online-retail shares k=5', segments: 5, draws: 6, crowd: () => retail(share) },
  { name: 'online-retail sqrt shares k=5', segments: 5, draws: 6, crowd: () => retail(sqrtShare) },
];

/**
 * Loss of private segments over that of Lloyd's algorithm without privacy (10 k-means++ starts) on the same people:
 * 1 is as good. Beside it DPLloyd (Su et al. 2016: 5 rounds from spread spheres) at the same cost, and one segment
 * for all. Means over draws of crowd and noise.
 */
export const segments: BenchSuite = async (log) => {
  const rows: BenchRow[] = [];
  for (const task of TASKS) {
    const crowds = Array.from({ length: task.draws }, (_, draw) => task.crowd(draw));
    const best = crowds.map((crowd, draw) => nonPrivateLoss(crowd, task.segments, draw));
    const whole = mean(crowds.map((crowd, i) => nonPrivateLoss(crowd, 1, i) / (best[i] as number)));
    for (const epsilon of EPSILONS) {
      const ours: number[] = [];
      const lloyd: number[] = [];
      for (const [draw, crowd] of crowds.entries()) {
        const people = crowd.places.length / crowd.features;
        const noise = 1 / muOfEpsilon(epsilon, Math.min(1e-5, people ** -1.1));
        const reference = best[draw] as number;
        ours.push((await segmentsLoss(crowd, task.segments, noise, draw)) / reference);
        lloyd.push((await dpLloydLoss(crowd, task.segments, noise, draw)) / reference);
      }
      const name = `${task.name}, epsilon ${epsilon}`;
      const note = `worst of ${task.draws}: ${Math.max(...ours).toFixed(3)}; one segment for all: ${whole.toFixed(2)}; baseline: DPLloyd`;
      log(`${name}: ${mean(ours).toFixed(3)}, DPLloyd ${mean(lloyd).toFixed(3)} (${note})`);
      rows.push(row(name, mean(ours), 'loss / non-private loss', mean(lloyd), { note }));
    }
  }
  return rows;
};

const environment: RoundEnvironment = {
  scene: 'bench',
  relation: 'zero-out-one-user',
  secureSum: new PlainSum(),
  random: new SecureRandom(),
  budget: null,
  minimumCohort: 1,
};

function clientsOf({ places, features }: Crowd): FederatedClient[] {
  return Array.from(
    { length: places.length / features },
    (_, i) =>
      new FederatedClient(`${i}`, {
        rows: 1,
        features: Float32Array.from(places.subarray(i * features, (i + 1) * features)),
        labels: new Float32Array(0),
      }),
  );
}

async function segmentsLoss(
  crowd: Crowd,
  count: number,
  noiseMultiplier: number,
  seed: number,
): Promise<number> {
  const people = crowd.places.length / crowd.features;
  const outcome = await segmentUsers(environment, clientsOf(crowd), {
    runId: 'bench',
    segments: count,
    features: Array.from({ length: crowd.features }, (_, i) => `f${i}`),
    ball: { radius: 1 },
    population: people,
    minimumSize: 10,
    confidence: 0.95,
    seed,
    noiseMultiplier,
    delta: Math.min(1e-5, people ** -1.1),
  });
  if (outcome.kind === 'refused') throw new Error(outcome.refusal.message);
  return lossOf(crowd, outcome.segmentation.model.centres);
}

/** Rounds of (sum of places, count) by cluster, as in Su et al., with exact Gaussian accounting. */
async function dpLloydLoss(
  crowd: Crowd,
  count: number,
  noiseMultiplier: number,
  seed: number,
): Promise<number> {
  const { features: d } = crowd;
  const centres = spreadSpheres(count, d, new SeededRandom(seed));
  const encoder = new UpdateEncoder({ dimension: count * (d + 1), clippingNorm: Math.SQRT2 });
  const clients = clientsOf(crowd);
  for (let round = 0; round < LLOYD_ROUNDS; round++) {
    const outcome = await runPrivateRound(environment, {
      roundId: `lloyd/${round}`,
      clients,
      compute: ({ features: place }) => {
        const vector = new Float64Array(count * (d + 1));
        const { index } = nearestCentre(place, 0, centres, d);
        vector.set(place, index * (d + 1));
        vector[index * (d + 1) + d] = 1;
        return vector;
      },
      encoder,
      noiseMultiplier: divideGaussianEvenly(noiseMultiplier, LLOYD_ROUNDS),
    });
    if (outcome.kind === 'refused') throw new Error(outcome.refusal.message);
    const { value, error } = outcome.release;
    for (let cluster = 0; cluster < count; cluster++) {
      const block = value.subarray(cluster * (d + 1), (cluster + 1) * (d + 1));
      const size = block[d] as number;
      if (size < error.noiseStddev) continue;
      const moved = block.subarray(0, d).map((sum) => sum / size);
      centres.set(toUnitBall(moved, { radius: 1 }), cluster * d);
    }
  }
  return lossOf(crowd, centres);
}

/** Random places in the ball, as far apart as a search by halves finds. */
function spreadSpheres(count: number, d: number, random: SeededRandom): Float64Array {
  let best = new Float64Array(count * d);
  let low = 0;
  let high = 1;
  for (let halving = 0; halving < 20; halving++) {
    const radius = (low + high) / 2;
    const found: Float64Array[] = [];
    for (let attempt = 0; attempt < 100 * count && found.length < count; attempt++) {
      const place = inBall(1 - radius, d, random);
      const isFree = found.every(
        (other) => nearestCentre(place, 0, other, d).squaredDistance >= 4 * radius ** 2,
      );
      if (isFree) found.push(place);
    }
    if (found.length === count) {
      best = Float64Array.from(found.flatMap((place) => [...place]));
      low = radius;
    } else {
      high = radius;
    }
  }
  return best;
}

/** Uniform in a ball. */
function inBall(radius: number, d: number, random: SeededRandom): Float64Array {
  const direction = Float64Array.from({ length: d }, () => normal(random));
  const length = Math.hypot(...direction);
  const distance = radius * random.uniform() ** (1 / d);
  return direction.map((value) => (value * distance) / length);
}

function normal(random: SeededRandom): number {
  return normalQuantile(random.uniform() * (1 - 2e-9) + 1e-9);
}

function mixture(
  name: string,
  people: number,
  features: number,
  count: number,
  deviation: number,
  draws: number,
): Task {
  const crowd = (draw: number): Crowd => {
    const random = new SeededRandom(`${name}/${draw}`);
    const centres = Array.from({ length: count }, () => inBall(0.75, features, random));
    const weights = centres.map(() => 0.3 - Math.log(1 - random.uniform()));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const places = new Float64Array(people * features);
    for (let i = 0; i < people; i++) {
      let left = random.uniform() * total;
      let at = 0;
      while (at < count - 1 && left >= (weights[at] as number)) left -= weights[at++] as number;
      const point = (centres[at] as Float64Array).map((v) => v + deviation * normal(random));
      places.set(toUnitBall(point, { radius: 1 }), i * features);
    }
    return { places, features };
  };
  return { name, segments: count, draws, crowd };
}

function retail(map: (counts: ArrayLike<number>) => ArrayLike<number>): Crowd {
  const { users, tags, counts } = readRetailProfiles();
  const features = tags.length;
  const places = new Float64Array(counts.length);
  users.forEach((_, i) => {
    const own = map(counts.subarray(i * features, (i + 1) * features));
    places.set(toUnitBall(own, { radius: 1 }), i * features);
  });
  return { places, features };
}

function nonPrivateLoss(crowd: Crowd, count: number, seed: number): number {
  const { places, features: dimension } = crowd;
  const weights = new Float64Array(places.length / dimension).fill(1);
  const search = { centres: count, restarts: 10, iterations: 60 };
  const points = { places, weights, dimension };
  return lossOf(crowd, weightedKMeans(points, search, new SeededRandom(seed)));
}

function lossOf({ places, features }: Crowd, centres: Float64Array): number {
  return meanSquaredDistance(places, new Float64Array(places.length / features).fill(1), centres);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
