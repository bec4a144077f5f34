/** What kernels/training.ts exports: addresses and strides in bytes, sizes in numbers. */
export interface TrainingModule {
  gemm(
    rows: number,
    columns: number,
    inner: number,
    a: number,
    aRow: number,
    aInner: number,
    b: number,
    out: number,
    start: number,
    startRow: number,
  ): void;
  gemmTransposed(
    rows: number,
    columns: number,
    inner: number,
    a: number,
    b: number,
    out: number,
    start: number,
    startRow: number,
  ): void;
  axpy(length: number, scale: number, x: number, y: number): void;
  rowSquaredNorms(rows: number, columns: number, matrix: number, out: number): void;
  addRounded(length: number, scale: number, x: number, sums: number): void;
  scaleRows(rows: number, columns: number, matrix: number, scales: number): void;
  accumulateRows(rows: number, columns: number, matrix: number, scales: number, out: number): void;
  sigmoid(length: number, values: number): void;
  relu(length: number, values: number): void;
  reluBackward(length: number, activations: number, errors: number): void;
  tanh(length: number, values: number): void;
  tanhBackward(length: number, activations: number, errors: number): void;
  sigmoidCrossEntropy(length: number, logits: number, labels: number, scale: number): number;
  softmaxCrossEntropy(
    rows: number,
    columns: number,
    logits: number,
    labels: number,
    scale: number,
  ): number;
  walshHadamard(blocks: number, size: number, data: number, scale: number): void;
  /** First byte that the kernels leave to others. */
  arenaStart(): number;
}

interface Range {
  start: number;
  end: number;
}

/** A cache line: arrays start on one. */
const ALIGNMENT = 64;

/** Bytes that an array takes up. */
export function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** Kernels read whole vectors: this much behind the last array must be there. */
const SLACK = 16;

/**
 * One WebAssembly memory of fixed size with its instance of the kernels, and who has which part of it.
 * It never grows, so views of it stay valid for life.
 */
export class Segment {
  readonly kernels: TrainingModule;
  readonly buffer: ArrayBuffer;
  readonly floats: Float32Array;
  /** Ranges that nobody has, by address; neighbours are always merged. */
  readonly #free: Range[];
  readonly #sizes = new Map<number, number>();

  /** @throws RangeError when the engine has not that much memory */
  constructor(module: WebAssembly.Module, pages: number) {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const instance = new WebAssembly.Instance(module, { env: { memory } });
    this.kernels = instance.exports as unknown as TrainingModule;
    this.buffer = memory.buffer;
    this.floats = new Float32Array(memory.buffer);
    const start = aligned(this.kernels.arenaStart());
    this.#free = [{ start, end: memory.buffer.byteLength - SLACK }];
  }

  /**
   * Address of that many bytes that nobody has, or 0 when they are not there. They stay nobody's: good for a
   * call that ends before anything else is reserved. First fit.
   */
  room(bytes: number): number {
    for (const { start, end } of this.#free) if (end - start >= bytes) return start;
    return 0;
  }

  /** Takes that many bytes out of the free ones; their address, or 0 when they are not there. */
  reserve(bytes: number): number {
    const size = aligned(bytes);
    const address = this.room(size);
    if (address === 0) return 0;
    const at = this.#free.findIndex(({ start }) => start === address);
    const range = this.#free[at] as Range;
    range.start += size;
    if (range.start === range.end) this.#free.splice(at, 1);
    this.#sizes.set(address, size);
    return address;
  }

  /** Gives a part back. */
  release(address: number): void {
    const size = this.#sizes.get(address);
    if (size === undefined)
      throw new RangeError(`"address" expected a reserved one, got ${address}`);
    this.#sizes.delete(address);
    let at = 0;
    while (at < this.#free.length && (this.#free[at] as Range).start < address) at++;
    const before = this.#free[at - 1];
    const after = this.#free[at];
    const range = { start: address, end: address + size };
    if (before !== undefined && before.end === range.start) {
      range.start = before.start;
      this.#free.splice(--at, 1);
    }
    if (after !== undefined && after.start === range.end) {
      range.end = after.end;
      this.#free.splice(at, 1);
    }
    this.#free.splice(at, 0, range);
  }
}
