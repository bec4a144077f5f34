import type { GemmShape, GemmStart, MatrixShape } from './kernels.ts';

type Numbers = Float32Array | Float64Array;

/** @throws RangeError when it is not a positive integer */
export function checkSize(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`"${name}" expected a positive integer, got ${value}`);
  }
}

/** @throws RangeError when it is NaN or infinite */
function checkScale(scale: number): void {
  if (!Number.isFinite(scale)) throw new RangeError(`"scale" expected a number, got ${scale}`);
}

function checkArray(name: string, array: Numbers, length: number): void {
  if (!(array instanceof Float32Array)) throw wrongType(name, 'Float32Array', array);
  if (array.length !== length) throw wrongLength(name, array, length);
}

function wrongType(name: string, expected: string, value: unknown): TypeError {
  const actual = value === null ? 'null' : typeof value;
  const kind = actual === 'object' ? (value as object).constructor?.name : actual;
  return new TypeError(`"${name}" expected a ${expected}, got ${kind}`);
}

function wrongLength(name: string, array: Numbers, length: number): RangeError {
  return new RangeError(`"${name}" expected ${length} numbers, got ${array.length}`);
}

/** A result in the same bytes as an operand would change it half-way. */
function checkApart(resultName: string, result: Numbers, name: string, operand: Numbers): void {
  if (
    result.buffer === operand.buffer &&
    result.byteOffset < operand.byteOffset + operand.byteLength &&
    operand.byteOffset < result.byteOffset + result.byteLength
  ) {
    throw new RangeError(`"${resultName}" expected an array apart from "${name}", got an overlap`);
  }
}

export function checkGemm(
  { rows, columns, inner }: GemmShape,
  a: Float32Array,
  b: Float32Array,
  out: Float32Array,
  start: GemmStart,
): void {
  checkSize('rows', rows);
  checkSize('columns', columns);
  checkSize('inner', inner);
  checkArray('a', a, rows * inner);
  checkArray('b', b, inner * columns);
  checkArray('out', out, rows * columns);
  checkApart('out', out, 'a', a);
  checkApart('out', out, 'b', b);
  if (start === 'zero' || start === 'out') return;
  if (typeof start === 'string') {
    throw new TypeError(`"start" expected "zero", "out" or a Float32Array, got "${start}"`);
  }
  checkArray('start', start, columns);
  checkApart('out', out, 'start', start);
}

export function checkAxpy(scale: number, x: Float32Array, y: Float32Array): void {
  checkScale(scale);
  checkValues('y', y);
  checkArray('x', x, y.length);
  checkApart('y', y, 'x', x);
}

export function checkAddRounded(scale: number, x: Float32Array, sums: Float64Array): void {
  checkScale(scale);
  checkValues('x', x);
  if (!(sums instanceof Float64Array)) throw wrongType('sums', 'Float64Array', sums);
  if (sums.length !== x.length) throw wrongLength('sums', sums, x.length);
  checkApart('sums', sums, 'x', x);
}

export function checkRowSquaredNorms(
  { rows, columns }: MatrixShape,
  matrix: Float32Array,
  out: Float64Array,
): void {
  checkSize('rows', rows);
  checkSize('columns', columns);
  checkArray('matrix', matrix, rows * columns);
  if (!(out instanceof Float64Array)) throw wrongType('out', 'Float64Array', out);
  if (out.length !== rows) throw wrongLength('out', out, rows);
  checkApart('out', out, 'matrix', matrix);
}

export function checkScaledRows(
  { rows, columns }: MatrixShape,
  matrix: Float32Array,
  scales: Float32Array,
): void {
  checkSize('rows', rows);
  checkSize('columns', columns);
  checkArray('matrix', matrix, rows * columns);
  checkArray('scales', scales, rows);
  checkApart('matrix', matrix, 'scales', scales);
}

export function checkAccumulateRows(
  shape: MatrixShape,
  matrix: Float32Array,
  scales: Float32Array,
  out: Float32Array,
): void {
  checkScaledRows(shape, matrix, scales);
  checkArray('out', out, shape.columns);
  checkApart('out', out, 'matrix', matrix);
  checkApart('out', out, 'scales', scales);
}

/** An array of any length but 0. */
export function checkValues(name: string, values: Float32Array): void {
  checkArray(name, values, Math.max(1, values?.length ?? 1));
}

export function checkBackward(activations: Float32Array, errors: Float32Array): void {
  checkValues('errors', errors);
  checkArray('activations', activations, errors.length);
  checkApart('errors', errors, 'activations', activations);
}

export function checkCrossEntropy(logits: Float32Array, labels: Float32Array, scale: number): void {
  checkScale(scale);
  checkValues('logits', logits);
  checkArray('labels', labels, logits.length);
  checkApart('logits', logits, 'labels', labels);
}

export function checkRowCrossEntropy(
  { rows, columns }: MatrixShape,
  logits: Float32Array,
  labels: Float32Array,
  scale: number,
): void {
  checkSize('rows', rows);
  checkSize('columns', columns);
  checkArray('logits', logits, rows * columns);
  checkCrossEntropy(logits, labels, scale);
}

export function checkWalshHadamard(size: number, data: Float32Array, scale: number): void {
  checkScale(scale);
  checkSize('size', size);
  if (!Number.isInteger(Math.log2(size))) {
    throw new RangeError(`"size" expected a power of two, got ${size}`);
  }
  checkValues('data', data);
  if (data.length % size !== 0) {
    throw new RangeError(`"data" expected a multiple of ${size} numbers, got ${data.length}`);
  }
}
