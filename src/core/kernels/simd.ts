import { Arena, type Place } from './arena.ts';
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
import { TRAINING_WASM } from './training-wasm.ts';

/** The kernels as WebAssembly with 128-bit vectors. Sums are taken in float32 lanes, in a fixed order. */
export class SimdKernels implements Kernels {
  readonly name = 'simd';
  readonly #arena: Arena;

  /**
   * Compiles the module, without waiting: it is 8 kB.
   *
   * @throws WebAssembly.CompileError where vectors are unknown or the page forbids compiling
   */
  constructor() {
    const bytes = Uint8Array.from(atob(TRAINING_WASM), (character) => character.charCodeAt(0));
    this.#arena = new Arena(new WebAssembly.Module(bytes));
  }

  workspace(): Workspace {
    return new ArenaWorkspace(this.#arena);
  }

  gemmNN(
    shape: GemmShape,
    a: Float32Array,
    b: Float32Array,
    out: Float32Array,
    start: GemmStart,
  ): void {
    checkGemm(shape, a, b, out, start);
    this.#gemm(shape, a, 4 * shape.inner, 4, b, out, start);
  }

  gemmTN(
    shape: GemmShape,
    a: Float32Array,
    b: Float32Array,
    out: Float32Array,
    start: GemmStart,
  ): void {
    checkGemm(shape, a, b, out, start);
    this.#gemm(shape, a, 4, 4 * shape.rows, b, out, start);
  }

  gemmNT(
    shape: GemmShape,
    a: Float32Array,
    b: Float32Array,
    out: Float32Array,
    start: GemmStart,
  ): void {
    checkGemm(shape, a, b, out, start);
    const { rows, columns, inner } = shape;
    this.#arena.run(gemmOperands(a, b, out, start), start === 'out', (module, at) => {
      const [toOut, fromA, fromB, bias] = at as [number, number, number, number | undefined];
      const from = startAddress(start, toOut, bias);
      const step = start === 'out' ? 4 * columns : 0;
      module.gemmTransposed(rows, columns, inner, fromA, fromB, toOut, from, step);
    });
  }

  #gemm(
    { rows, columns, inner }: GemmShape,
    a: Float32Array,
    aRow: number,
    aInner: number,
    b: Float32Array,
    out: Float32Array,
    start: GemmStart,
  ): void {
    this.#arena.run(gemmOperands(a, b, out, start), start === 'out', (module, at) => {
      const [toOut, fromA, fromB, bias] = at as [number, number, number, number | undefined];
      const from = startAddress(start, toOut, bias);
      const step = start === 'out' ? 4 * columns : 0;
      module.gemm(rows, columns, inner, fromA, aRow, aInner, fromB, toOut, from, step);
    });
  }

  axpy(scale: number, x: Float32Array, y: Float32Array): void {
    checkAxpy(scale, x, y);
    this.#arena.run([y, x], true, (module, at) => {
      const [toY, fromX] = at as [number, number];
      module.axpy(y.length, scale, fromX, toY);
    });
  }

  rowSquaredNorms(shape: MatrixShape, matrix: Float32Array, out: Float64Array): void {
    checkRowSquaredNorms(shape, matrix, out);
    this.#arena.run([out, matrix], false, (module, at) => {
      const [toOut, from] = at as [number, number];
      module.rowSquaredNorms(shape.rows, shape.columns, from, toOut);
    });
  }

  addRounded(scale: number, x: Float32Array, sums: Float64Array): void {
    checkAddRounded(scale, x, sums);
    this.#arena.run([sums, x], true, (module, at) => {
      const [toSums, fromX] = at as [number, number];
      module.addRounded(x.length, scale, fromX, toSums);
    });
  }

  scaleRows(shape: MatrixShape, matrix: Float32Array, scales: Float32Array): void {
    checkScaledRows(shape, matrix, scales);
    this.#arena.run([matrix, scales], true, (module, at) => {
      const [from, factors] = at as [number, number];
      module.scaleRows(shape.rows, shape.columns, from, factors);
    });
  }

  accumulateRows(
    shape: MatrixShape,
    matrix: Float32Array,
    scales: Float32Array,
    out: Float32Array,
  ): void {
    checkAccumulateRows(shape, matrix, scales, out);
    this.#arena.run([out, matrix, scales], true, (module, at) => {
      const [toOut, from, factors] = at as [number, number, number];
      module.accumulateRows(shape.rows, shape.columns, from, factors, toOut);
    });
  }

  sigmoid(values: Float32Array): void {
    checkValues('values', values);
    this.#arena.run([values], true, (module, at) => {
      module.sigmoid(values.length, at[0] as number);
    });
  }

  relu(values: Float32Array): void {
    checkValues('values', values);
    this.#arena.run([values], true, (module, at) => {
      module.relu(values.length, at[0] as number);
    });
  }

  reluBackward(activations: Float32Array, errors: Float32Array): void {
    checkBackward(activations, errors);
    this.#arena.run([errors, activations], true, (module, at) => {
      const [e, a] = at as [number, number];
      module.reluBackward(errors.length, a, e);
    });
  }

  tanh(values: Float32Array): void {
    checkValues('values', values);
    this.#arena.run([values], true, (module, at) => {
      module.tanh(values.length, at[0] as number);
    });
  }

  tanhBackward(activations: Float32Array, errors: Float32Array): void {
    checkBackward(activations, errors);
    this.#arena.run([errors, activations], true, (module, at) => {
      const [e, a] = at as [number, number];
      module.tanhBackward(errors.length, a, e);
    });
  }

  sigmoidCrossEntropy(logits: Float32Array, labels: Float32Array, scale: number): number {
    checkCrossEntropy(logits, labels, scale);
    return this.#arena.run([logits, labels], true, (module, at) => {
      const [z, y] = at as [number, number];
      return scale * module.sigmoidCrossEntropy(logits.length, z, y, scale);
    });
  }

  softmaxCrossEntropy(
    shape: MatrixShape,
    logits: Float32Array,
    labels: Float32Array,
    scale: number,
  ): number {
    checkRowCrossEntropy(shape, logits, labels, scale);
    return this.#arena.run([logits, labels], true, (module, at) => {
      const [z, y] = at as [number, number];
      return scale * module.softmaxCrossEntropy(shape.rows, shape.columns, z, y, scale);
    });
  }

  walshHadamard(size: number, data: Float32Array, scale: number): void {
    checkWalshHadamard(size, data, scale);
    this.#arena.run([data], true, (module, at) => {
      module.walshHadamard(data.length / size, size, at[0] as number, scale);
    });
  }
}

function gemmOperands(
  a: Float32Array,
  b: Float32Array,
  out: Float32Array,
  start: GemmStart,
): [Float32Array, ...Float32Array[]] {
  return typeof start === 'string' ? [out, a, b] : [out, a, b, start];
}

/** Where the sums start from; 0 means from zero. */
function startAddress(start: GemmStart, out: number, bias: number | undefined): number {
  return start === 'out' ? out : (bias ?? 0);
}

/** Arrays in the arena, given back together. */
class ArenaWorkspace implements Workspace {
  readonly #arena: Arena;
  readonly #places: Place[] = [];

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  float32(length: number): Float32Array {
    checkSize('length', length);
    return this.#reserve(length).fill(0);
  }

  float64(length: number): Float64Array {
    checkSize('length', length);
    const { segment, address } = this.#place(8 * length);
    return new Float64Array(segment.buffer, address, length).fill(0);
  }

  resident(array: Float32Array): Float32Array {
    checkValues('array', array);
    if (this.#arena.segmentOf(array) !== undefined) return array;
    const copy = this.#reserve(array.length);
    copy.set(array);
    return copy;
  }

  free(): void {
    for (const { segment, address } of this.#places) segment.release(address);
    this.#places.length = 0;
  }

  #reserve(length: number): Float32Array {
    const { segment, address } = this.#place(4 * length);
    return new Float32Array(segment.buffer, address, length);
  }

  #place(bytes: number): Place {
    const place = this.#arena.reserve(bytes);
    this.#places.push(place);
    return place;
  }
}
