import type { Batch } from '../models/trainable.ts';
import { BARRIER_WORDS } from './barrier.ts';

/** Facts of a run that do not change; plain JSON, the same for every member. */
export interface RunSettings {
  readonly members: number;
  readonly population: number;
  readonly inputDimension: number;
  readonly outputDimension: number;
  readonly dimension: number;
  /** Most examples in a chunk. */
  readonly capacity: number;
  /** Deviation of the noise on the integer sum; 0 is non-private. */
  readonly noiseStddev: number;
  /** Seed of repeatable noise; null draws from the platform's generator. */
  readonly seed: string | null;
  /** Public expected number of examples in a step. */
  readonly divisor: number;
  readonly momentum: number;
  readonly averages: boolean;
  /** Clipping norms relative to that of the step, one a layer; null clips the gradient as a whole. */
  readonly layerShares: readonly number[] | null;
}

/** Coordinates that get their noise together, whoever draws it. */
export const BLOCK = 2_048;

/**
 * Words of {@link RunMemory.control}. Commands have two, taken in turn, so that one can be written while a slow
 * member still has to read the other.
 */
export const CONTROL = {
  commands: 0,
  step: 2,
  chunks: 3,
  nextChunk: 4,
  nextBlock: 5,
  barrier: 6,
} as const;
/** Values of a command. */
export const COMMAND = { idle: 0, step: 1, stop: 2 } as const;
/** Numbers of {@link RunMemory.values}. */
export const VALUES = {
  clippingNorm: 0,
  learningRate: 1,
  averageKeeps: 2,
  averageTakes: 3,
  length: 4,
} as const;

/** What the members of a run work on; every array may lie on memory that threads share. */
export interface RunMemory {
  /** `[population, inputDimension]` */
  readonly features: Float32Array;
  /** `[population, outputDimension]` */
  readonly labels: Float32Array;
  /** `[dimension]` */
  readonly parameters: Float32Array;
  /** `[dimension]`; empty without momentum. */
  readonly velocity: Float32Array;
  /** `[dimension]`; empty without averaging. */
  readonly average: Float64Array;
  /** Integer sums of the chunks of each member, `[members, dimension]`. */
  readonly sums: Float64Array;
  /** Examples under the clipping norm less those over it, `[members]`. */
  readonly counts: Float64Array;
  /** Squared norm of the noisy sum by blocks, in lattice steps; NaN once a parameter is no number. */
  readonly energies: Float64Array;
  /** Examples of the step, chunk by chunk, `[population]`. */
  readonly examples: Uint32Array;
  /** End of each chunk, `[population]`. */
  readonly ends: Uint32Array;
  readonly values: Float64Array;
  readonly control: Int32Array;
}

/** Makes room; a crew of threads gives a `SharedArrayBuffer`. */
export type Allocate = (bytes: number) => ArrayBufferLike;

/** @param allocate - where the arrays lie; examples that already lie on such memory are not copied */
export function allocateRun(
  settings: RunSettings,
  examples: Batch,
  allocate: Allocate | null,
): RunMemory {
  const { members, population, dimension, momentum, averages } = settings;
  const room = allocate ?? ((bytes: number): ArrayBufferLike => new ArrayBuffer(bytes));
  const float32 = (length: number): Float32Array => new Float32Array(room(4 * length));
  const float64 = (length: number): Float64Array => new Float64Array(room(8 * length));
  const uint32 = (length: number): Uint32Array => new Uint32Array(room(4 * length));
  const reach = (array: Float32Array): Float32Array => {
    if (allocate === null || !(array.buffer instanceof ArrayBuffer)) return array;
    const copy = float32(array.length);
    copy.set(array);
    return copy;
  };
  return {
    features: reach(examples.features),
    labels: reach(examples.labels),
    parameters: float32(dimension),
    velocity: float32(momentum === 0 ? 0 : dimension),
    average: float64(averages ? dimension : 0),
    sums: float64(members * dimension),
    counts: float64(members),
    energies: float64(Math.ceil(dimension / BLOCK)),
    examples: uint32(population),
    ends: uint32(population),
    values: float64(VALUES.length),
    control: new Int32Array(room(4 * (CONTROL.barrier + BARRIER_WORDS))),
  };
}
