import type { GemmShape, GemmStart, Kernels, MatrixShape, Workspace } from './kernels.ts';
import {
  checkAccumulateRows,
  checkAddRounded,
  checkAxpy,
  checkBackward,
  checkCrossEntropy,
  checkGemm,
  checkRowCrossEntropy,
  checkRowSquaredNorms,
  checkScaledRows,
  checkSize,
  checkValues,
  checkWalshHadamard,
} from './shapes.ts';

/**
 * The kernels in plain TypeScript: run everywhere, and are the measure of the fast ones. Sums are taken in
 * float64, one term after the other.
 */
export class PlainKernels implements Kernels {
  readonly name = 'plain';

  workspace(): Workspace {
    return PLAIN_WORKSPACE;
  }

  gemmNN(
    shape: GemmShape,
    a: Float32Array,
    b: Float32Array,
    out: Float32Array,
    start: GemmStart,
  ): void {
    checkGemm(shape, a, b, out, start);
    gemm(shape, a, [shape.inner, 1], b, [shape.columns, 1], out, start);
  }

  gemmTN(
    shape: GemmShape,
    a: Float32Array,
    b: Float32Array,
    out: Float32Array,
    start: GemmStart,
  ): void {
    checkGemm(shape, a, b, out, start);
    gemm(shape, a, [1, shape.rows], b, [shape.columns, 1], out, start);
  }

  gemmNT(
    shape: GemmShape,
    a: Float32Array,
    b: Float32Array,
    out: Float32Array,
    start: GemmStart,
  ): void {
    checkGemm(shape, a, b, out, start);
    gemm(shape, a, [shape.inner, 1], b, [1, shape.inner], out, start);
  }

  axpy(scale: number, x: Float32Array, y: Float32Array): void {
    checkAxpy(scale, x, y);
    addScaled(Math.fround(scale), x, 0, y);
  }

  rowSquaredNorms(shape: MatrixShape, matrix: Float32Array, out: Float64Array): void {
    checkRowSquaredNorms(shape, matrix, out);
    for (let row = 0; row < shape.rows; row++) {
      let sum = 0;
      for (let i = 0; i < shape.columns; i++)
        sum += (matrix[row * shape.columns + i] as number) ** 2;
      out[row] = sum;
    }
  }

  addRounded(scale: number, x: Float32Array, sums: Float64Array): void {
    checkAddRounded(scale, x, sums);
    for (let i = 0; i < x.length; i++) {
      const shifted = (x[i] as number) * scale + ROUNDER;
      sums[i] = (sums[i] as number) + (shifted - ROUNDER);
    }
  }

  scaleRows(shape: MatrixShape, matrix: Float32Array, scales: Float32Array): void {
    checkScaledRows(shape, matrix, scales);
    for (let row = 0, at = 0; row < shape.rows; row++) {
      for (let i = 0; i < shape.columns; i++, at++) {
        matrix[at] = (matrix[at] as number) * (scales[row] as number);
      }
    }
  }

  accumulateRows(
    shape: MatrixShape,
    matrix: Float32Array,
    scales: Float32Array,
    out: Float32Array,
  ): void {
    checkAccumulateRows(shape, matrix, scales, out);
    for (let row = 0; row < shape.rows; row++) {
      addScaled(scales[row] as number, matrix, row * shape.columns, out);
    }
  }

  sigmoid(values: Float32Array): void {
    checkValues('values', values);
    for (let i = 0; i < values.length; i++) values[i] = 1 / (1 + Math.exp(-(values[i] as number)));
  }

  relu(values: Float32Array): void {
    checkValues('values', values);
    for (let i = 0; i < values.length; i++) values[i] = Math.max(0, values[i] as number);
  }

  reluBackward(activations: Float32Array, errors: Float32Array): void {
    checkBackward(activations, errors);
    for (let i = 0; i < errors.length; i++) if (!((activations[i] as number) > 0)) errors[i] = 0;
  }

  tanh(values: Float32Array): void {
    checkValues('values', values);
    for (let i = 0; i < values.length; i++) values[i] = Math.tanh(values[i] as number);
  }

  tanhBackward(activations: Float32Array, errors: Float32Array): void {
    checkBackward(activations, errors);
    for (let i = 0; i < errors.length; i++) {
      const slope = Math.fround(1 - Math.fround((activations[i] as number) ** 2));
      errors[i] = (errors[i] as number) * slope;
    }
  }

  sigmoidCrossEntropy(logits: Float32Array, labels: Float32Array, scale: number): number {
    checkCrossEntropy(logits, labels, scale);
    const factor = Math.fround(scale);
    let loss = 0;
    for (let i = 0; i < logits.length; i++) {
      const logit = logits[i] as number;
      const label = labels[i] as number;
      const e = Math.exp(-Math.abs(logit));
      // log(1 + e^z) − y·z without overflow.
      loss += Math.max(logit, 0) + Math.log1p(e) - label * logit;
      const nearer = 1 / (1 + e);
      const farther = e / (1 + e);
      const p = logit >= 0 ? nearer : farther;
      const q = logit >= 0 ? farther : nearer;
      // p − y, written so that it keeps its digits where p is close to the label.
      logits[i] = (p * (1 - label) - q * label) * factor;
    }
    return scale * loss;
  }

  softmaxCrossEntropy(
    shape: MatrixShape,
    logits: Float32Array,
    labels: Float32Array,
    scale: number,
  ): number {
    checkRowCrossEntropy(shape, logits, labels, scale);
    const factor = Math.fround(scale);
    let loss = 0;
    for (let from = 0; from < logits.length; from += shape.columns) {
      const row = logits.subarray(from, from + shape.columns);
      const largest = row.reduce((most, logit) => Math.max(most, logit), -Infinity);
      let total = 0;
      let mass = 0;
      let inner = 0;
      for (let i = 0; i < row.length; i++) {
        const below = (row[i] as number) - largest;
        const label = labels[from + i] as number;
        total += Math.exp(below);
        mass += label;
        inner += label * below;
      }
      loss += mass * Math.log(total) - inner;
      const share = mass / total;
      for (let i = 0; i < row.length; i++) {
        const e = Math.exp((row[i] as number) - largest);
        row[i] = (e * share - (labels[from + i] as number)) * factor;
      }
    }
    return scale * loss;
  }

  walshHadamard(size: number, data: Float32Array, scale: number): void {
    checkWalshHadamard(size, data, scale);
    const factor = Math.fround(scale);
    for (let i = 0; i < data.length; i++) data[i] = (data[i] as number) * factor;
    for (let half = 1; half < size; half *= 2) {
      for (let base = 0; base < data.length; base += 2 * half) {
        for (let i = base; i < base + half; i++) {
          const a = data[i] as number;
          const b = data[i + half] as number;
          data[i] = a + b;
          data[i + half] = a - b;
        }
      }
    }
  }
}

/** Adding and taking it away rounds a double of at most 2⁵¹ to the nearest integer, ties to the even one. */
const ROUNDER = 1.5 * 2 ** 52;

/** Nothing to reach: every array is where plain loops compute. */
const PLAIN_WORKSPACE: Workspace = {
  float32(length: number): Float32Array {
    checkSize('length', length);
    return new Float32Array(length);
  },
  float64(length: number): Float64Array {
    checkSize('length', length);
    return new Float64Array(length);
  },
  resident(array: Float32Array): Float32Array {
    checkValues('array', array);
    return array;
  },
  free() {},
};

/** Steps from one row to the next and from one column to the next. */
type Strides = readonly [row: number, column: number];

function gemm(
  { rows, columns, inner }: GemmShape,
  a: Float32Array,
  [aRow, aColumn]: Strides,
  b: Float32Array,
  [bRow, bColumn]: Strides,
  out: Float32Array,
  start: GemmStart,
): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      for (let p = 0; p < inner; p++) {
        sum += (a[i * aRow + p * aColumn] as number) * (b[p * bRow + j * bColumn] as number);
      }
      const at = i * columns + j;
      if (start === 'out') sum += out[at] as number;
      else if (start !== 'zero') sum += start[j] as number;
      out[at] = sum;
    }
  }
}

/** y += scale · x from `offset` on, rounded to float32 after each operation. */
function addScaled(scale: number, x: Float32Array, offset: number, y: Float32Array): void {
  for (let i = 0; i < y.length; i++) {
    y[i] = (y[i] as number) + Math.fround(scale * (x[offset + i] as number));
  }
}
