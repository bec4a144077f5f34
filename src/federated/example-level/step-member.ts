import type { Kernels, Workspace } from '../../core/kernels/kernels.ts';
import { selectKernels } from '../../core/kernels/select.ts';
import type { RandomSource } from '../../core/random-source.ts';
import { SecureRandom } from '../../core/secure-random.ts';
import { SeededRandom } from '../../core/seeded-random.ts';
import { fillRoundedGaussian } from '../../dp/noise/index.ts';
import type { GradientClip } from '../models/gradient-clip.ts';
import type { Trainable } from '../models/trainable.ts';
import type { Barrier } from './barrier.ts';
import { BLOCK, COMMAND, CONTROL, type RunMemory, type RunSettings, VALUES } from './run-memory.ts';
import { LATTICE_NORM } from './sensitivity.ts';

/**
 * One of those who share the work of a run: sums chunks of examples, and then finishes blocks of coordinates,
 * taking each from a counter. Sums are of integers, and the noise of a block does not depend on who draws it,
 * so the number of members changes nothing but the time.
 */
export class StepMember {
  readonly #rank: number;
  readonly #model: Trainable;
  readonly #settings: RunSettings;
  readonly #memory: RunMemory;
  readonly #barrier: Barrier;
  readonly #kernels: Kernels;
  readonly #workspace: Workspace;
  readonly #features: Float32Array;
  readonly #labels: Float32Array;
  readonly #parameters: Float32Array;
  readonly #gradient: Float32Array;
  readonly #squaredNorm = new Float64Array(1);
  readonly #noise: Float64Array;
  readonly #secure = new SecureRandom();
  /** Exact sums of the own chunks, in lattice steps. */
  readonly #sums: Float64Array;
  /** Where the others read them. */
  readonly #shared: Float64Array;

  constructor(
    rank: number,
    model: Trainable,
    settings: RunSettings,
    memory: RunMemory,
    barrier: Barrier,
  ) {
    const { capacity, inputDimension, outputDimension, dimension } = settings;
    this.#rank = rank;
    this.#model = model;
    this.#settings = settings;
    this.#memory = memory;
    this.#barrier = barrier;
    this.#kernels = selectKernels();
    this.#workspace = this.#kernels.workspace();
    this.#features = this.#workspace.float32(capacity * inputDimension);
    this.#labels = this.#workspace.float32(capacity * outputDimension);
    this.#parameters = this.#workspace.float32(dimension);
    this.#gradient = this.#workspace.float32(dimension);
    this.#noise = new Float64Array(Math.min(BLOCK, dimension));
    this.#sums = this.#workspace.float64(dimension);
    this.#shared = memory.sums.subarray(rank * dimension, (rank + 1) * dimension);
  }

  /** Does as the leader commands, until it commands to stop. */
  follow(): void {
    const { control } = this.#memory;
    for (let turn = 0; ; turn ^= 1) {
      this.#barrier.wait();
      const command = Atomics.load(control, CONTROL.commands + turn);
      if (command === COMMAND.stop) return;
      if (command === COMMAND.step) this.step(() => {});
    }
  }

  /**
   * The work of one step, when all members know that it begins.
   *
   * @param between - called when all sums are there, before the blocks
   */
  step(between: () => void): void {
    const { control, values } = this.#memory;
    // Taken before the sums are there: behind that the leader writes what the next step needs.
    const step = {
      number: Atomics.load(control, CONTROL.step),
      clippingNorm: values[VALUES.clippingNorm] as number,
      learningRate: values[VALUES.learningRate] as number,
      averageKeeps: values[VALUES.averageKeeps] as number,
      averageTakes: values[VALUES.averageTakes] as number,
    };
    this.#sumChunks(step.clippingNorm);
    this.#barrier.wait();
    between();
    this.#finishBlocks(step);
  }

  /** Gives back what it holds of the kernels' memory. */
  free(): void {
    this.#workspace.free();
  }

  #sumChunks(clippingNorm: number): void {
    const { control, examples, ends, parameters, counts } = this.#memory;
    const clip = stepClip(this.#settings, clippingNorm);
    const chunks = Atomics.load(control, CONTROL.chunks);
    const stepsPerUnit = LATTICE_NORM / clippingNorm;
    let balance = 0;
    let chunk = Atomics.add(control, CONTROL.nextChunk, 1);
    if (chunk < chunks) this.#parameters.set(parameters);
    for (; chunk < chunks; chunk = Atomics.add(control, CONTROL.nextChunk, 1)) {
      const start = chunk === 0 ? 0 : (ends[chunk - 1] as number);
      balance += this.#sumChunk(examples.subarray(start, ends[chunk]), clip, stepsPerUnit);
    }
    counts[this.#rank] = balance;
    this.#shared.set(this.#sums);
    this.#sums.fill(0);
  }

  /** Adds one chunk to the own sums; examples under the clipping norm less all others. */
  #sumChunk(examples: Uint32Array, clip: GradientClip, stepsPerUnit: number): number {
    const { inputDimension, outputDimension, dimension } = this.#settings;
    const rows = examples.length;
    gather(this.#memory.features, inputDimension, examples, this.#features);
    gather(this.#memory.labels, outputDimension, examples, this.#labels);
    const batch = {
      rows,
      features: this.#features.subarray(0, rows * inputDimension),
      labels: this.#labels.subarray(0, rows * outputDimension),
    };
    const gradient = this.#gradient;
    const { clippedRows } = this.#model.clippedGradient(this.#parameters, batch, clip, gradient);
    const squaredNorm = this.#squaredNorm;
    this.#kernels.rowSquaredNorms({ rows: 1, columns: dimension }, gradient, squaredNorm);
    const bound = rows * 1.01 * (LATTICE_NORM / stepsPerUnit);
    // Never so with a model that keeps its contract, whatever the examples are.
    if (!((squaredNorm[0] as number) <= bound * bound)) {
      throw new TypeError('"model" expected clipped gradients, got some that pass the clip');
    }
    this.#kernels.addRounded(stepsPerUnit, gradient, this.#sums);
    return rows - 2 * clippedRows;
  }

  #finishBlocks(step: Step): void {
    const { control, energies } = this.#memory;
    for (;;) {
      const block = Atomics.add(control, CONTROL.nextBlock, 1);
      if (block >= energies.length) return;
      energies[block] = this.#finishBlock(block, step);
    }
  }

  /** Adds the noise to one block of the sum and moves the parameters; squared norm of the noisy block, or NaN. */
  #finishBlock(block: number, step: Step): number {
    const { members, dimension, noiseStddev, seed, momentum, averages, divisor } = this.#settings;
    const { sums, parameters, velocity, average } = this.#memory;
    const start = block * BLOCK;
    const length = Math.min(BLOCK, dimension - start);
    const noisy = this.#noise.subarray(0, length);
    if (noiseStddev === 0) noisy.fill(0);
    else {
      const random: RandomSource =
        seed === null ? this.#secure : new SeededRandom(`${seed}/noise/${step.number}/${block}`);
      fillRoundedGaussian(noisy, noiseStddev, random);
    }
    for (let member = 0; member < members; member++) {
      const part = sums.subarray(member * dimension + start, member * dimension + start + length);
      addTo(noisy, part);
      part.fill(0);
    }
    const energy = sumOfSquares(noisy);
    const within = <T extends Float32Array | Float64Array>(array: T): T =>
      array.subarray(start, start + length) as T;
    const { learningRate, averageKeeps, averageTakes } = step;
    const unit = step.clippingNorm / LATTICE_NORM / divisor;
    const scale = momentum === 0 ? unit : 1;
    if (momentum !== 0) accelerate(noisy, unit, momentum, within(velocity));
    const notFinite = descend(within(parameters), learningRate * scale, noisy);
    if (averages) blend(within(average), averageKeeps, averageTakes, within(parameters));
    noisy.fill(0);
    return energy + notFinite;
  }
}

interface Step {
  readonly number: number;
  readonly clippingNorm: number;
  readonly learningRate: number;
  readonly averageKeeps: number;
  readonly averageTakes: number;
}

// Loops of one statement over a block that stays in the nearest cache: engines compile these best.

function addTo(sum: Float64Array, part: Float64Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (part[i] as number);
}

function sumOfSquares(values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] as number) ** 2;
  return sum;
}

/** moves ← unit · moves + momentum · velocity, which the velocity becomes. */
function accelerate(
  moves: Float64Array,
  unit: number,
  momentum: number,
  velocity: Float32Array,
): void {
  for (let i = 0; i < moves.length; i++) {
    const move = (moves[i] as number) * unit + momentum * (velocity[i] as number);
    moves[i] = move;
    velocity[i] = move;
  }
}

/** parameters ← parameters − rate · moves; 0, or NaN when one is no finite number any more. */
function descend(parameters: Float32Array, rate: number, moves: Float64Array): number {
  let notFinite = 0;
  for (let i = 0; i < parameters.length; i++) {
    const moved = Math.fround((parameters[i] as number) - rate * (moves[i] as number));
    parameters[i] = moved;
    notFinite += moved * 0;
  }
  return notFinite;
}

/** average ← keeps · average + takes · iterate. */
function blend(average: Float64Array, keeps: number, takes: number, iterate: Float32Array): void {
  for (let i = 0; i < average.length; i++) {
    average[i] = keeps * (average[i] as number) + takes * (iterate[i] as number);
  }
}

/** The clip of a step whose whole norm is that. */
export function stepClip({ layerShares }: RunSettings, clippingNorm: number): GradientClip {
  if (layerShares === null) return { kind: 'global', norm: clippingNorm };
  return { kind: 'layers', norms: layerShares.map((share) => share * clippingNorm) };
}

/** Rows `examples` of a matrix of that width, one after the other. */
export function gather(
  from: Float32Array,
  width: number,
  examples: Uint32Array,
  to: Float32Array,
): void {
  for (let row = 0; row < examples.length; row++) {
    const start = (examples[row] as number) * width;
    const place = row * width;
    // A view for each row costs as much as copying some tens of numbers one by one.
    if (width >= 24) to.set(from.subarray(start, start + width), place);
    else for (let i = 0; i < width; i++) to[place + i] = from[start + i] as number;
  }
}
