import type { SimulatedPopulation } from './population.ts';
import { designRows, featureWidth, selectRows, type TagTable } from './tag-table.ts';

/** Users whose rows follow one another; can be sent to worker threads, without a copy if memory is shared. */
export interface PopulationArrays {
  readonly inputDimension: number;
  readonly outputDimension: number;
  /** Number of the first row of each user, and behind the last one the number of all rows. `[users + 1]` */
  readonly offsets: Uint32Array;
  /** `[all rows, inputDimension]` */
  readonly features: Float32Array;
  /** `[all rows, outputDimension]` */
  readonly labels: Float32Array;
  /** `[users]`; `user-0`, `user-1`, … if left out. */
  readonly accounts?: readonly string[];
}

/** Users in memory, with many rows each. */
export class ArrayPopulation implements SimulatedPopulation {
  readonly size: number;
  readonly inputDimension: number;
  readonly outputDimension: number;
  /** What it was made of. */
  readonly arrays: PopulationArrays;

  /** @throws RangeError when the arrays do not fit together */
  constructor(arrays: PopulationArrays) {
    const { offsets, features, labels, inputDimension, outputDimension, accounts } = arrays;
    if (offsets.length < 2 || offsets[0] !== 0) {
      throw new RangeError('"offsets" expected 0 and the end of every user');
    }
    for (let user = 1; user < offsets.length; user++) {
      if ((offsets[user] as number) < (offsets[user - 1] as number)) {
        throw new RangeError(`"offsets" expected ascending numbers, got less at ${user}`);
      }
    }
    const rows = offsets.at(-1) as number;
    checkLength('features', features, rows * inputDimension);
    checkLength('labels', labels, rows * outputDimension);
    this.size = offsets.length - 1;
    if (accounts !== undefined && accounts.length !== this.size) {
      throw new RangeError(`"accounts" expected ${this.size} ids, got ${accounts.length}`);
    }
    this.inputDimension = inputDimension;
    this.outputDimension = outputDimension;
    this.arrays = arrays;
  }

  account(user: number): string {
    return this.arrays.accounts?.[user] ?? `user-${user}`;
  }

  rowsOf(user: number): number {
    const { offsets } = this.arrays;
    return (offsets[user + 1] as number) - (offsets[user] as number);
  }

  write(user: number, rows: number, features: Float32Array, labels: Float32Array): void {
    const first = this.arrays.offsets[user] as number;
    copyRows(this.arrays.features, first, rows, this.inputDimension, features);
    copyRows(this.arrays.labels, first, rows, this.outputDimension, labels);
  }
}

/** Some users of a table of one row each, with the constant feature in front. */
export function tablePopulation(
  table: TagTable,
  users: ArrayLike<number>,
  beta: number,
): ArrayPopulation {
  return new ArrayPopulation({
    inputDimension: featureWidth(table) + 1,
    outputDimension: table.tags.length,
    offsets: Uint32Array.from({ length: users.length + 1 }, (_, i) => i),
    features: designRows(table, users, beta),
    labels: selectRows(table.labels, table.tags.length, users),
    accounts: Array.from(users, (user) => table.users[user] as string),
  });
}

/**
 * All rows of a population at once, in shared memory where the engine has it: what is generated or read
 * slowly is then done once, for all threads and rounds.
 */
export function gatherPopulation(population: SimulatedPopulation): ArrayPopulation {
  const { size, inputDimension, outputDimension } = population;
  const offsets = shared(Uint32Array, size + 1);
  for (let user = 0; user < size; user++) {
    offsets[user + 1] = (offsets[user] as number) + population.rowsOf(user);
  }
  const rows = offsets[size] as number;
  const features = shared(Float32Array, rows * inputDimension);
  const labels = shared(Float32Array, rows * outputDimension);
  for (let user = 0; user < size; user++) {
    const [first, end] = [offsets[user] as number, offsets[user + 1] as number];
    population.write(
      user,
      end - first,
      features.subarray(first * inputDimension, end * inputDimension),
      labels.subarray(first * outputDimension, end * outputDimension),
    );
  }
  const accounts = Array.from({ length: size }, (_, user) => population.account(user));
  return new ArrayPopulation({
    inputDimension,
    outputDimension,
    offsets,
    features,
    labels,
    accounts,
  });
}

interface SharedArray<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): T;
  new (buffer: ArrayBufferLike): T;
}

/** A page that is not isolated from other origins has no shared memory. */
function shared<T>(kind: SharedArray<T>, length: number): T {
  return typeof SharedArrayBuffer === 'undefined'
    ? new kind(length)
    : new kind(new SharedArrayBuffer(length * kind.BYTES_PER_ELEMENT));
}

function copyRows(
  from: Float32Array,
  first: number,
  rows: number,
  width: number,
  to: Float32Array,
): void {
  to.set(from.subarray(first * width, (first + rows) * width));
}

function checkLength(name: string, array: Float32Array, expected: number): void {
  if (array.length !== expected) {
    throw new RangeError(`"${name}" expected ${expected} numbers, got ${array.length}`);
  }
}
