/** out is `[rows, columns]`; `inner` numbers make each of its sums. All at least 1. */
export interface GemmShape {
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
}

/** A row-major matrix `[rows, columns]`, both at least 1. */
export interface MatrixShape {
  readonly rows: number;
  readonly columns: number;
}

/** What a product is added to: nothing, what `out` holds, or one row of biases `[columns]` for every row. */
export type GemmStart = 'zero' | 'out' | Float32Array;

/**
 * Arrays that live where the kernels compute, so that nothing is copied on the way in and out. They are
 * ordinary arrays and stay where they are until they are freed; a view of one (`subarray`) is as good.
 */
export interface Workspace {
  /**
   * A new array of zeros.
   *
   * @throws RangeError when `length` is not a positive integer, or there is no room
   */
  float32(length: number): Float32Array;
  /** The same in double precision. */
  float64(length: number): Float64Array;
  /** The array itself where the kernels reach it without copying, else a copy. */
  resident(array: Float32Array): Float32Array;
  /**
   * Gives back every array made here, which must not be used any more: its place goes to others. The
   * workspace is empty then and may be used again.
   */
  free(): void;
}

/**
 * The arithmetic of training, over float32 arrays of stated shapes. Every array may lie anywhere; those of a
 * {@link Workspace} of the same kernels are used in place, others are copied in and out. An array that is
 * written to may not overlap another operand.
 *
 * The same kernels give the same bits for the same input wherever the operands lie: `simd` on every machine,
 * `plain` on every machine whose engine has the same exponential and logarithm. The two differ in the order of
 * sums: `simd` adds in float32 lanes, `plain` one product after the other in float64. With u = 2⁻²⁴ and beside
 * the smallest normal number, both are within (k + 2)·u·Σ|terms| of the exact sum of k terms; gradients of the
 * sigmoid cross-entropy within 8u of themselves for labels 0 and 1, those of the softmax within 16u·(p + y),
 * losses within 8u of themselves, `tanh` within 6u of itself. `axpy`, `addRounded`, `scaleRows`, `accumulateRows`, `relu`,
 * `reluBackward`, `tanhBackward` and `walshHadamard` agree to the bit.
 * NaN and infinities of the input go the same way, but a sum whose parts pass the largest float32 on the way
 * overflows in `simd` only.
 *
 * All methods throw TypeError for what is no Float32Array, and RangeError when a length does not fit its shape,
 * a size is not a positive integer, or the result overlaps an operand.
 */
export interface Kernels {
  readonly name: 'simd' | 'plain';
  workspace(): Workspace;
  /** out = start + a·b, a `[rows, inner]`, b `[inner, columns]`. */
  gemmNN(
    shape: GemmShape,
    a: Float32Array,
    b: Float32Array,
    out: Float32Array,
    start: GemmStart,
  ): void;
  /** out = start + aᵀ·b, a `[inner, rows]`, b `[inner, columns]`. */
  gemmTN(
    shape: GemmShape,
    a: Float32Array,
    b: Float32Array,
    out: Float32Array,
    start: GemmStart,
  ): void;
  /** out = start + a·bᵀ, a `[rows, inner]`, b `[columns, inner]`. */
  gemmNT(
    shape: GemmShape,
    a: Float32Array,
    b: Float32Array,
    out: Float32Array,
    start: GemmStart,
  ): void;
  /** y ← y + scale · x. */
  axpy(scale: number, x: Float32Array, y: Float32Array): void;
  /**
   * Squared l2 norm of each row, `[rows]`: exact products summed in float64, because clipping relies on it.
   */
  rowSquaredNorms(shape: MatrixShape, matrix: Float32Array, out: Float64Array): void;
  /**
   * sums ← sums + ⌊scale · x⌉: each product rounded in float64, then to the nearest integer, ties to the even one.
   * Exact sums of integers as long as they and the products stay under 2⁵¹.
   */
  addRounded(scale: number, x: Float32Array, sums: Float64Array): void;
  /** Row r ← scales[r] · row r. */
  scaleRows(shape: MatrixShape, matrix: Float32Array, scales: Float32Array): void;
  /** out `[columns]` ← out + Σ scales[r] · row r: the sum of clipped rows when the scales clip. */
  accumulateRows(
    shape: MatrixShape,
    matrix: Float32Array,
    scales: Float32Array,
    out: Float32Array,
  ): void;
  /** Each z ← 1 / (1 + e^−z). */
  sigmoid(values: Float32Array): void;
  /** Each z ← max(0, z). */
  relu(values: Float32Array): void;
  /** Each error stays where its activation is above 0, and becomes 0 elsewhere. */
  reluBackward(activations: Float32Array, errors: Float32Array): void;
  /** Each z ← tanh z. */
  tanh(values: Float32Array): void;
  /** Each error ← error · (1 − a²), a its activation. */
  tanhBackward(activations: Float32Array, errors: Float32Array): void;
  /**
   * Cross-entropy of independent labels in [0, 1]: returns scale · Σ (log(1 + e^z) − y·z), and the logits
   * become its gradient scale · (σ(z) − y). A scale of 1 is the sum over the examples, 1/rows their mean.
   */
  sigmoidCrossEntropy(logits: Float32Array, labels: Float32Array, scale: number): number;
  /**
   * Cross-entropy of rows of class weights ≥ 0: returns scale · Σ over the rows of Σ y·(log Σe^z − z), and
   * the logits become its gradient scale · (softmax(z)·Σy − y).
   */
  softmaxCrossEntropy(
    shape: MatrixShape,
    logits: Float32Array,
    labels: Float32Array,
    scale: number,
  ): number;
  /**
   * Each block of `size` numbers ← H·(scale · block), H the ±1 Walsh–Hadamard matrix in natural order; with
   * scale 1/√size it is a rotation and its own inverse. O(n·log size).
   *
   * @param size - a power of two that divides the length
   */
  walshHadamard(size: number, data: Float32Array, scale: number): void;
}
