import type { Batch } from './trainable.ts';

/** Widest layer for which the norms taken in float64 are as exact as clipping assumes. */
const WIDEST = 2 ** 20;

/** @throws RangeError when it is not an integer in [1, 2²⁰] */
export function checkDimension(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`"${name}" expected a positive integer, got ${value}`);
  }
  if (value > WIDEST) throw new RangeError(`"${name}" expected at most 2^20, got ${value}`);
}

/** @throws RangeError when the length is another one */
export function checkLength(name: string, array: Float32Array, expected: number): void {
  if (array.length !== expected) {
    throw new RangeError(`"${name}" expected ${expected} numbers, got ${array.length}`);
  }
}

/** The dimensions that arrays are held against. */
interface Dimensions {
  readonly parameterCount: number;
  readonly inputDimension: number;
  readonly outputDimension: number;
}

/** @throws RangeError when an array does not fit the model and the rows */
export function checkBatch(
  { parameterCount, inputDimension, outputDimension }: Dimensions,
  parameters: Float32Array,
  { rows, features, labels }: Batch,
): void {
  checkRows(rows);
  checkLength('parameters', parameters, parameterCount);
  checkLength('features', features, rows * inputDimension);
  checkLength('labels', labels, rows * outputDimension);
}

/** @throws RangeError when it is not a count */
export function checkRows(rows: number): void {
  if (!Number.isSafeInteger(rows) || rows < 0) {
    throw new RangeError(`"rows" expected a count, got ${rows}`);
  }
}
