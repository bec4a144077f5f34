/** Column of a user's total cost. */
export const TOTAL_COLUMN = 0;
/** Column of a user's total of the deltas that charges spend by themselves. */
export const DELTA_COLUMN = 1;
/** Columns from here on belong to scenes. */
export const FIRST_SCENE_COLUMN = 2;

/**
 * What every account has spent, in whole units: one row an account, one column a scope, interleaved so that
 * a charge on total and scene touches one cache line. Float64 holds integers exactly up to 2⁵³, and no
 * capacity is above 2⁵², so sums of an admitted charge are exact. Grows by doubling.
 */
export class Balances {
  #data = new Float64Array(64 * 4);
  #stride = 4;
  #rows = 0;
  #columns = FIRST_SCENE_COLUMN;

  get rows(): number {
    return this.#rows;
  }

  /** Adds a column of zeros and returns its index. */
  addColumn(): number {
    if (this.#columns === this.#stride)
      this.#layOut(this.#data.length / this.#stride, this.#stride * 2);
    return this.#columns++;
  }

  /** Adds rows of zeros up to `rows`. */
  growTo(rows: number): void {
    if (rows <= this.#rows) return;
    let capacity = this.#data.length / this.#stride;
    while (capacity < rows) capacity *= 2;
    if (capacity * this.#stride > this.#data.length) this.#layOut(capacity, this.#stride);
    this.#rows = rows;
  }

  /** What the account has spent in the column; 0 for accounts not yet known. */
  get(handle: number, column: number): number {
    return handle < this.#rows ? (this.#data[handle * this.#stride + column] as number) : 0;
  }

  /** Adds to total, delta and scene of every handle; amounts may be negative. */
  add(handles: Uint32Array, column: number, cost: number, deltaCost: number): void {
    const data = this.#data;
    const stride = this.#stride;
    for (let i = 0; i < handles.length; i++) {
      const row = (handles[i] as number) * stride;
      (data[row] as number) += cost;
      (data[row + DELTA_COLUMN] as number) += deltaCost;
      (data[row + column] as number) += cost;
    }
  }

  #layOut(capacity: number, stride: number): void {
    const data = new Float64Array(capacity * stride);
    if (stride === this.#stride) {
      data.set(this.#data);
    } else {
      for (let row = 0; row < this.#rows; row++) {
        const from = row * this.#stride;
        data.set(this.#data.subarray(from, from + this.#stride), row * stride);
      }
    }
    this.#data = data;
    this.#stride = stride;
  }
}
