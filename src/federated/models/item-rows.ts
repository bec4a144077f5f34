import { VelaturaError } from '../../core/errors.ts';

/** How the items of a row become features of an `EmbeddingBag`. */
export interface ItemRowOptions {
  /** Item ids are 0 … items − 1; float32 holds each exactly up to 2²⁴. */
  readonly items: number;
  /** Places for items in a row. */
  readonly capacity: number;
  /** Whether a weight for each place follows the ids. */
  readonly weighted: boolean;
  /** See `EmbeddingBagOptions`. */
  readonly pooling: 'mean' | 'unit-norm';
}

/** The place of an item in a row that holds none. */
const NO_ITEM = -1;

/**
 * Rows of item ids read into sparse vectors: each id once, with the share of it in the row as coefficient.
 * Repeats of an id are added up first, so that the norm of the coefficients is the norm of the row.
 */
export class ItemRows {
  readonly #options: ItemRowOptions;
  #ids = new Int32Array(0);
  #coefficients = new Float32Array(0);
  #counts = new Int32Array(0);
  /** Where an id stands in the row that is read; 0 for nowhere, else the place + 1. */
  readonly #places: Int32Array;
  readonly #sums: Float64Array;

  constructor(options: ItemRowOptions) {
    this.#options = options;
    this.#places = new Int32Array(options.items);
    this.#sums = new Float64Array(options.capacity);
  }

  /** Numbers in a row of features. */
  get width(): number {
    return this.#options.weighted ? 2 * this.#options.capacity : this.#options.capacity;
  }

  /** @throws {VelaturaError} `federated/invalid-contribution` for what is no item or no weight */
  check(features: Float32Array, rows: number): void {
    for (let row = 0; row < rows; row++) {
      for (let place = 0; place < this.#options.capacity; place++) {
        const id = features[row * this.width + place] as number;
        if (id !== NO_ITEM) this.#weight(features, row, place, id);
      }
    }
  }

  /** @throws {VelaturaError} `federated/invalid-contribution` for what is no item or no weight */
  read(features: Float32Array, rows: number): void {
    const { capacity } = this.#options;
    if (this.#counts.length < rows) {
      this.#ids = new Int32Array(rows * capacity);
      this.#coefficients = new Float32Array(rows * capacity);
      this.#counts = new Int32Array(rows);
    }
    for (let row = 0; row < rows; row++) this.#readRow(features, row);
  }

  /** Of the row: ids apart from each other. Good until rows are read again. */
  ids(row: number): Int32Array {
    const start = row * this.#options.capacity;
    return this.#ids.subarray(start, start + (this.#counts[row] as number));
  }

  /** Of the row: the coefficient of each of its ids. */
  coefficients(row: number): Float32Array {
    const start = row * this.#options.capacity;
    return this.#coefficients.subarray(start, start + (this.#counts[row] as number));
  }

  #readRow(features: Float32Array, row: number): void {
    const { capacity, pooling } = this.#options;
    const start = row * capacity;
    const sums = this.#sums;
    let count = 0;
    for (let place = 0; place < capacity; place++) {
      const id = features[row * this.width + place] as number;
      if (id === NO_ITEM) continue;
      const weight = this.#weight(features, row, place, id);
      const known = this.#places[id] as number;
      if (known > 0) sums[known - 1] = (sums[known - 1] as number) + weight;
      else {
        this.#ids[start + count] = id;
        sums[count] = weight;
        this.#places[id] = ++count;
      }
    }
    let size = 0;
    for (let i = 0; i < count; i++) {
      this.#places[this.#ids[start + i] as number] = 0;
      const sum = sums[i] as number;
      size += pooling === 'mean' ? sum : sum * sum;
    }
    if (pooling === 'unit-norm') size = Math.sqrt(size);
    this.#counts[row] = size > 0 ? count : 0;
    for (let i = 0; i < count; i++) this.#coefficients[start + i] = (sums[i] as number) / size;
  }

  #weight(features: Float32Array, row: number, place: number, id: number): number {
    const { items, capacity, weighted } = this.#options;
    const fault = (expected: string): VelaturaError => {
      // What is known of the row so far belongs to no other.
      this.#places.fill(0);
      return new VelaturaError(
        'federated/invalid-contribution',
        `row ${row}, place ${place}: expected ${expected}`,
        { row, place },
      );
    };
    if (!(Number.isInteger(id) && id >= 0 && id < items)) {
      throw fault(`an item id under ${items}, or -1 for none`);
    }
    if (!weighted) return 1;
    const weight = features[row * this.width + capacity + place] as number;
    if (!(weight >= 0 && weight < Infinity)) throw fault('a finite weight of at least 0');
    return weight;
  }
}
