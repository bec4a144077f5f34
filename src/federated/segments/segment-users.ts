import { VelaturaError } from '../../core/errors.ts';
import { SeededRandom } from '../../core/seeded-random.ts';
import type { Refusal } from '../../dp/budget/budget.ts';
import type { Plan } from '../../dp/plan.ts';
import type { Batch } from '../models/trainable.ts';
import type { FederatedClient } from '../rounds/client.ts';
import {
  type RoundEnvironment,
  type RoundMetrics,
  runPrivateRound,
} from '../rounds/private-round.ts';
import { releaseStatement } from '../rounds/release-statement.ts';
import {
  type CellQuestion,
  type CellSums,
  cellContribution,
  cellDimension,
  cellNorm,
  readCellSums,
  shrunkWay,
} from './cell-sums.ts';
import {
  type CrowdCells,
  type CrowdShape,
  crowdCells,
  crowdShape,
  drawFrom,
  MOMENT_NORM,
  momentContribution,
  momentDimension,
} from './crowd-moments.ts';
import { exactEncoder } from './exact-encoder.ts';
import type { SegmentModel } from './segment-model.ts';
import { portraitsOf, type SegmentPortrait } from './segment-portraits.ts';
import { schedulePlan, segmentSchedule } from './segment-schedule.ts';
import {
  type FeatureBall,
  meanOfRows,
  meanSquaredDistance,
  pullIntoUnitBall,
  toUnitBall,
} from './segment-space.ts';
import { weightedKMeans } from './weighted-k-means.ts';

/** How to part a crowd. Every number and name is a public constant, chosen without looking at data. */
export interface SegmentOptions {
  /** Prefix of the round ids; unique within the budget. */
  readonly runId: string;
  /** How many segments to look for. */
  readonly segments: number;
  /** Names of the features, in order. */
  readonly features: readonly string[];
  /** Where the features lie. */
  readonly ball: FeatureBall;
  /** Features of a person from its rows, computed on the device; default: the mean of the rows. */
  readonly pointOf?: (data: Batch) => ArrayLike<number>;
  /** Public guess of the number of clients. */
  readonly population: number;
  /** A segment is spoken of only when it has at least that many members, with the confidence given. */
  readonly minimumSize: number;
  /** Of each interval, in (0, 1). */
  readonly confidence: number;
  /** Of the places from which the search starts; no noise comes from it. */
  readonly seed: string | number;
  /**
   * Of the whole run, as if it were one Gaussian release; 0 is non-private. Get it from
   * `calibrateGaussian({ epsilon, delta })`.
   */
  readonly noiseMultiplier: number;
  /** At which the statement gives epsilon. */
  readonly delta: number;
}

/** Segments with their portraits, and what they cost. */
export interface Segmentation {
  readonly model: SegmentModel;
  /** In the order of the model; null for a segment that is withheld. */
  readonly portraits: readonly (SegmentPortrait | null)[];
  /** Distance up to which members count in full in the portraits, in units of the features. */
  readonly reach: number;
  readonly plan: Plan;
  readonly rounds: readonly RoundMetrics[];
}

export type SegmentOutcome =
  | { readonly kind: 'segmented'; readonly segmentation: Segmentation }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Weights of the count and of the squared length beside a way of norm at most 1; exact on the lattice. */
const WEIGHTS = {
  cells: { countWeight: 0.75, energyWeight: 0 },
  moves: { countWeight: 0.25, energyWeight: 0.25 },
  portraits: { countWeight: 0.5, energyWeight: 0.25 },
} as const;

/** Reach over the root mean square of the ways that are expected. */
const REACH = { cells: 1.5, moves: 1.5, portraits: 2 } as const;

/** A cell counts when it holds that many deviations of its own noise. */
const SIGNIFICANT = 2;

/** Farthest that two places of the unit ball are apart. */
const DIAMETER = 2;

const START_SEARCH = { restarts: 30, iterations: 30 } as const;

/** What {@link segmentUsers} will cost each client, before anything is charged. */
export function segmentPlan(
  environment: Pick<RoundEnvironment, 'relation'>,
  options: Pick<SegmentOptions, 'noiseMultiplier' | 'population' | 'segments'>,
): Plan {
  const { noiseMultiplier, population, segments } = options;
  return schedulePlan(segmentSchedule(noiseMultiplier, population, segments), environment.relation);
}

/** The end of a run for which the budget said no. */
class Refused {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    this.refusal = refusal;
  }
}

/**
 * Parts a crowd into segments by private k-means and draws a portrait of each: mean features with intervals of
 * the noise, size, spread. Five private sums: (1) mean and spread of the crowd, from which fine cells are laid
 * out; (2) people and mean place of every cell, a private summary whose clusters give the start; (3, 4) moves of
 * the centres, shrunk by their noise; (5) the portraits of the segments as they then are.
 *
 * ## Privacy
 * Unit: user, one point each, moved into the ball. In every sum a client's vector has a norm bounded by
 * public constants and by earlier releases: what depends on data depends on noisy sums alone. Costs every
 * client given the plan of {@link segmentPlan}, at most `gaussian{noiseMultiplier}`; asks the budget before each
 * release. Bounds of the norms are derived in segments.proof.md.
 *
 * @returns segments and portraits, or why the budget refused; what was released before stays charged
 * @throws {VelaturaError} `dp/delta-too-large`, `dp/invalid-parameter`; as `runPrivateRound`
 * @see D. Su et al., "Differentially private k-means clustering", CODASPY 2016 (rounds of noisy sums);
 * A. Chang, P. Kamath, "Practical differentially private clustering", 2021 (a private summary first)
 */
export async function segmentUsers(
  environment: RoundEnvironment,
  clients: readonly FederatedClient[],
  options: SegmentOptions,
): Promise<SegmentOutcome> {
  checkOptions(options);
  const { noiseMultiplier, population, segments } = options;
  const schedule = segmentSchedule(noiseMultiplier, population, segments);
  const plan = schedulePlan(schedule, environment.relation);
  const { features, ball, minimumSize, confidence } = options;
  const statement = releaseStatement(environment, {
    plan,
    delta: options.delta,
    population,
    bounds: [`features within ${ball.radius} of a public point, one point a client`],
  });
  const run = new SegmentRun(environment, clients, options);
  try {
    const random = new SeededRandom(options.seed);
    const shape = await run.shape(schedule.momentNoise);
    const cells = crowdCells(shape, schedule.cells, random);
    const start = await run.start(shape, cells, schedule.cellNoise, random);
    let { centres, squaredSpread } = start;
    for (let move = 1; move <= schedule.moves; move++) {
      const question = {
        centres,
        features: features.length,
        reach: reachOf(REACH.moves, squaredSpread),
        ...WEIGHTS.moves,
      };
      const sums = await run.sums(`move-${move}`, question, schedule.moveNoise);
      centres = moveCentres(question, sums, minimumSize, random);
      squaredSpread = spreadOf(sums, squaredSpread);
    }
    const reach = reachOf(REACH.portraits, squaredSpread);
    const question = { centres, features: features.length, reach, ...WEIGHTS.portraits };
    const sums = await run.sums('portraits', question, schedule.portraitNoise);
    const portraits = portraitsOf(sums, { features, ball, centres, minimumSize, confidence });
    const withheld = portraits.flatMap((portrait, i) => (portrait === null ? [i] : []));
    return {
      kind: 'segmented',
      segmentation: {
        model: { features, ball, centres, withheld, statement },
        portraits,
        reach: ball.radius * reach,
        plan,
        rounds: run.metrics,
      },
    };
  } catch (stop) {
    if (stop instanceof Refused) return { kind: 'refused', refusal: stop.refusal };
    throw stop;
  }
}

/** The releases of one run; each throws {@link Refused} when the budget refuses. */
class SegmentRun {
  readonly metrics: RoundMetrics[] = [];
  readonly #environment: RoundEnvironment;
  readonly #clients: readonly FederatedClient[];
  readonly #options: SegmentOptions;

  constructor(
    environment: RoundEnvironment,
    clients: readonly FederatedClient[],
    options: SegmentOptions,
  ) {
    this.#environment = environment;
    this.#clients = clients;
    this.#options = options;
  }

  async shape(noiseMultiplier: number): Promise<CrowdShape> {
    const features = this.#options.features.length;
    const { value, noiseStddev } = await this.#release(
      'moments',
      (place) => momentContribution(place, features),
      momentDimension(features),
      MOMENT_NORM,
      noiseMultiplier,
    );
    return crowdShape(value, noiseStddev, features);
  }

  async sums(name: string, question: CellQuestion, noiseMultiplier: number): Promise<CellSums> {
    const { value, noiseStddev } = await this.#release(
      name,
      (place) => cellContribution(place, question),
      cellDimension(question),
      cellNorm(question),
      noiseMultiplier,
    );
    return readCellSums(value, noiseStddev, question);
  }

  /** Clusters of the noisy cells, and how far from its centre a person is expected to be, squared. */
  async start(
    shape: CrowdShape,
    { seeds, squaredRadius }: CrowdCells,
    noiseMultiplier: number,
    random: SeededRandom,
  ): Promise<{ centres: Float64Array; squaredSpread: number }> {
    const { segments, features } = this.#options;
    const d = features.length;
    const question = {
      centres: seeds,
      features: d,
      reach: reachOf(REACH.cells, squaredRadius),
      ...WEIGHTS.cells,
    };
    const sums = await this.sums('cells', question, noiseMultiplier);
    const places: number[] = [];
    const weights: number[] = [];
    sums.counts.forEach((count, cell) => {
      if (count < Math.max(1, SIGNIFICANT * sums.countStddev)) return;
      places.push(...movedCentre(question, sums, cell));
      weights.push(count);
    });
    // Too little signal for so many: the rest are guesses that the moves may bring to life.
    while (weights.length < segments) {
      places.push(...drawFrom(shape, random));
      weights.push(1);
    }
    const points = {
      places: Float64Array.from(places),
      weights: Float64Array.from(weights),
      dimension: d,
    };
    const centres = weightedKMeans(points, { centres: segments, ...START_SEARCH }, random);
    const between = meanSquaredDistance(points.places, points.weights, centres);
    return { centres, squaredSpread: between + squaredRadius / 2 };
  }

  async #release(
    name: string,
    contribution: (place: Float64Array | null) => Float64Array,
    dimension: number,
    norm: number,
    noiseMultiplier: number,
  ): Promise<{ value: Float64Array; noiseStddev: number }> {
    const outcome = await runPrivateRound(this.#environment, {
      roundId: `${this.#options.runId}/${name}`,
      clients: this.#clients,
      compute: (data) => contribution(this.#place(data)),
      encoder: exactEncoder(dimension, norm),
      noiseMultiplier,
    });
    if (outcome.kind === 'refused') throw new Refused(outcome.refusal);
    this.metrics.push(outcome.metrics);
    const { value, error } = outcome.release;
    return { value, noiseStddev: error.noiseStddev };
  }

  /** Where a client is in the unit ball; null without data. */
  #place(data: Batch): Float64Array | null {
    if (data.rows === 0) return null;
    const { ball, features, pointOf = meanOfRows } = this.#options;
    const point = pointOf(data);
    if (point.length !== features.length) {
      throw new VelaturaError(
        'federated/invalid-contribution',
        `a client expected ${features.length} features, got ${point.length}`,
        { expected: features.length, actual: point.length },
      );
    }
    return toUnitBall(point, ball);
  }
}

/** A cell's centre after the shrunk mean way of its people. `[features]` */
function movedCentre(
  { centres, features }: CellQuestion,
  sums: CellSums,
  cell: number,
): Float64Array {
  const way = shrunkWay(sums, cell, features);
  const place = way.map((step, i) => step + (centres[cell * features + i] as number));
  pullIntoUnitBall(place);
  return place;
}

/**
 * Centres after one release. One whose people cannot be told from noise stays where it is; one that surely has
 * too few starts again beside the one whose people are farthest from it in sum, which is the one to split.
 */
function moveCentres(
  question: CellQuestion,
  sums: CellSums,
  minimumSize: number,
  random: SeededRandom,
): Float64Array {
  const { centres, features: d } = question;
  const { counts, energies } = sums;
  const doubt = SIGNIFICANT * sums.countStddev;
  const moved = Float64Array.from(centres);
  counts.forEach((count, cell) => {
    if (count >= Math.max(1, doubt)) moved.set(movedCentre(question, sums, cell), cell * d);
  });
  const widest = energies.indexOf(Math.max(...energies));
  const people = counts[widest] as number;
  if (people < Math.max(minimumSize, doubt)) return moved;
  const step = Math.sqrt(Math.max(0, energies[widest] as number) / people);
  const beside: CrowdShape = {
    mean: moved.slice(widest * d, (widest + 1) * d),
    deviations: new Float64Array(d).fill(step / Math.sqrt(d)),
    axes: identity(d),
  };
  counts.forEach((count, cell) => {
    if (count + doubt < minimumSize) moved.set(drawFrom(beside, random), cell * d);
  });
  return moved;
}

function identity(d: number): Float64Array {
  return Float64Array.from({ length: d * d }, (_, at) => (at % (d + 1) === 0 ? 1 : 0));
}

/** Mean squared way as a release tells it, held near what was expected because it is noisy. */
function spreadOf(sums: CellSums, expected: number): number {
  const people = sums.counts.reduce((sum, count) => sum + Math.max(0, count), 0);
  const energy = sums.energies.reduce((sum, value) => sum + value, 0);
  const told = people > 0 && energy > 0 ? energy / people : expected;
  return Math.min(1.7 * expected, Math.max(expected / 4, told));
}

function reachOf(factor: number, squaredSpread: number): number {
  return Math.min(DIAMETER, factor * Math.sqrt(Math.max(squaredSpread, 1e-8)));
}

function checkOptions(options: SegmentOptions): void {
  const { segments, features, ball, confidence, minimumSize } = options;
  if (!Number.isInteger(segments) || segments < 1 || segments > 100) {
    throw new RangeError(`"segments" expected an integer in [1, 100], got ${segments}`);
  }
  if (features.length === 0 || new Set(features).size !== features.length) {
    throw new RangeError(`"features" expected a list of different names, got ${features.length}`);
  }
  if (!(ball.radius > 0 && Number.isFinite(ball.radius))) {
    throw new RangeError(`"ball.radius" expected a positive number, got ${ball.radius}`);
  }
  const middle = ball.middle ?? [];
  if (![0, features.length].includes(middle.length) || !middle.every(Number.isFinite)) {
    throw new RangeError(`"ball.middle" expected ${features.length} numbers, got ${middle.length}`);
  }
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`"confidence" expected a number in (0, 1), got ${confidence}`);
  }
  if (!(minimumSize >= 1)) {
    throw new RangeError(`"minimumSize" expected a count from 1 on, got ${minimumSize}`);
  }
}
