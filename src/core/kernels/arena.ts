import { aligned, Segment, type TrainingModule } from './segment.ts';

const PAGE = 65_536;
const MAX_PAGES = 65_536;
/** 4 MB; an engine backs pages with real memory when they are first touched. */
const FIRST_PAGES = 64;
/** Beyond 1 GB the next segment is no longer twice as large. */
const LARGEST_DOUBLING = 16_384;

type Operand = Float32Array | Float64Array;

/** Where an array was put. */
export interface Place {
  readonly segment: Segment;
  readonly address: number;
}

/**
 * The memory of the kernels: a list of segments, each larger than the one before. A new one is opened instead
 * of growing the last, because growth would detach every array that somebody holds.
 */
export class Arena {
  readonly #module: WebAssembly.Module;
  readonly #segments: Segment[];

  /** @throws whatever the engine throws when it refuses to instantiate the module */
  constructor(module: WebAssembly.Module) {
    this.#module = module;
    this.#segments = [new Segment(module, FIRST_PAGES)];
  }

  /** Bytes of address space in all segments. */
  get byteLength(): number {
    return this.#segments.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  }

  /** @throws RangeError when the engine has no room */
  reserve(bytes: number): Place {
    for (const segment of this.#segments) {
      const address = segment.reserve(bytes);
      if (address !== 0) return { segment, address };
    }
    const segment = this.#open(bytes);
    return { segment, address: segment.reserve(bytes) };
  }

  /** The segment that the array lies in. */
  segmentOf(array: Operand): Segment | undefined {
    for (const segment of this.#segments) if (segment.buffer === array.buffer) return segment;
    return undefined;
  }

  /**
   * Calls a kernel with the addresses of its operands; those that lie elsewhere are copied in, and the
   * result, which is the first operand, out again.
   *
   * @param readsResult - whether the kernel also reads what the result held before
   */
  run<T>(
    operands: readonly [result: Operand, ...inputs: Operand[]],
    readsResult: boolean,
    kernel: (module: TrainingModule, addresses: readonly number[]) => T,
  ): T {
    const { segment, addresses } = this.#place(operands, readsResult);
    const value = kernel(segment.kernels, addresses);
    const [result] = operands;
    if (result.buffer !== segment.buffer) copyOut(segment, addresses[0] as number, result);
    return value;
  }

  #place(operands: readonly Operand[], readsResult: boolean): Placement {
    let home: Segment | undefined;
    for (const operand of operands) home ??= this.segmentOf(operand);
    home ??= this.#segments[0] as Segment;
    const there = placeIn(home, operands, readsResult);
    if (there !== undefined) return there;
    for (const segment of this.#segments) {
      const placement = segment === home ? undefined : placeIn(segment, operands, readsResult);
      if (placement !== undefined) return placement;
    }
    const bytes = operands.reduce((sum, { byteLength }) => sum + aligned(byteLength), 0);
    return placeIn(this.#open(bytes), operands, readsResult) as Placement;
  }

  #open(bytes: number): Segment {
    const needed = Math.ceil(bytes / PAGE) + 1;
    if (needed > MAX_PAGES) {
      throw new RangeError(`"length" expected less than 4 GiB in one place, got ${bytes} bytes`);
    }
    const last = (this.#segments.at(-1) as Segment).buffer.byteLength / PAGE;
    const segment = new Segment(
      this.#module,
      Math.max(needed, Math.min(2 * last, LARGEST_DOUBLING)),
    );
    this.#segments.push(segment);
    return segment;
  }
}

interface Placement {
  readonly segment: Segment;
  readonly addresses: readonly number[];
}

/** Undefined when the segment has no room for what must be copied in. */
function placeIn(
  segment: Segment,
  operands: readonly Operand[],
  readsResult: boolean,
): Placement | undefined {
  let bytes = 0;
  for (const { buffer, byteLength } of operands) {
    if (buffer !== segment.buffer) bytes += aligned(byteLength);
  }
  // Copies live for one call, in which nothing is reserved: free bytes need not be taken for them.
  let next = bytes === 0 ? 0 : segment.room(bytes);
  if (bytes > 0 && next === 0) return undefined;
  const addresses: number[] = [];
  for (let i = 0; i < operands.length; i++) {
    const operand = operands[i] as Operand;
    if (operand.buffer === segment.buffer) {
      addresses.push(operand.byteOffset);
      continue;
    }
    if (i > 0 || readsResult) {
      if (operand instanceof Float32Array) segment.floats.set(operand, next / 4);
      else new Float64Array(segment.buffer, next, operand.length).set(operand);
    }
    addresses.push(next);
    next += aligned(operand.byteLength);
  }
  return { segment, addresses };
}

function copyOut(segment: Segment, address: number, result: Operand): void {
  if (result instanceof Float32Array) {
    result.set(segment.floats.subarray(address / 4, address / 4 + result.length));
  } else {
    result.set(new Float64Array(segment.buffer, address, result.length));
  }
}
