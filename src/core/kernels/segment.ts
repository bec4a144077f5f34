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
  scaleRows(rows: number, columns: number, matrix: number, scales: number): void;
  accumulateRows(rows: number, columns: number, matrix: number, scales: number, out: number): void;
  sigmoid(length: number, values: number): void;
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

/** A cache line: arrays start on one. */
const ALIGNMENT = 64;
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
  readonly #free: { start: number; end: number }[];
  readonly #sizes = new Map<number, number>();

  /** @throws RangeError when the engine has not that much memory */
  constructor(module: WebAssembly.Module, pages: number) {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const instance = new WebAssembly.Instance(module, { env: { memory } });
    this.kernels = instance.exports as unknown as TrainingModule;
    this.buffer = memory.buffer;
    this.floats = new Float32Array(memory.buffer);
    const start = Math.ceil(this.kernels.arenaStart() / ALIGNMENT) * ALIGNMENT;
    this.#free = [{ start, end: memory.buffer.byteLength - SLACK }];
  }

  /** Address of a part nobody else has, or 0 when none is large enough. First fit. */
  reserve(bytes: number): number {
    const size = Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    for (let i = 0; i < this.#free.length; i++) {
      const range = this.#free[i] as { start: number; end: number };
      if (range.end - range.start < size) continue;
      const address = range.start;
      range.start += size;
      if (range.start === range.end) this.#free.splice(i, 1);
      this.#sizes.set(address, size);
      return address;
    }
    return 0;
  }

  /** Gives a part back. */
  release(address: number): void {
    const size = this.#sizes.get(address);
    if (size === undefined)
      throw new RangeError(`"address" expected a reserved one, got ${address}`);
    this.#sizes.delete(address);
    let at = 0;
    while (at < this.#free.length && (this.#free[at] as { start: number }).start < address) at++;
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
