const PAGE = 65_536;

/** All 32-bit addresses but the last page, so that the end of a region is an address too. */
const MAX_PAGES = 65_535;

/** Regions begin at whole cache lines. */
const LINE = 64;

/** A piece of the memory. */
export interface Region {
  readonly address: number;
  readonly bytes: number;
}

/**
 * The linear memory of one kernel, handed out in regions. It grows as needed and never shrinks; what is
 * released is used again, and everything goes with the kernel.
 */
export class KernelMemory {
  /** What the module imports. */
  readonly memory: WebAssembly.Memory = new WebAssembly.Memory({ initial: 1 });
  readonly #holes: Region[] = []; // by address; no two touch each other or the end
  #end = 0;

  /** Bytes in use and in holes. */
  get bytes(): number {
    return this.#end;
  }

  /**
   * A region of at least that many bytes; its contents are whatever was there before.
   *
   * @throws {RangeError} if 4 GiB are not enough or the platform has no more
   */
  allocate(bytes: number): Region {
    const size = wholeLines(bytes);
    const found = this.#holes.findIndex((hole) => hole.bytes >= size);
    const hole = this.#holes[found];
    if (hole === undefined) {
      const address = this.#end;
      this.#grow(address + size);
      this.#end = address + size;
      return { address, bytes: size };
    }
    const rest = { address: hole.address + size, bytes: hole.bytes - size };
    this.#holes.splice(found, 1, ...(rest.bytes === 0 ? [] : [rest]));
    return { address: hole.address, bytes: size };
  }

  /**
   * Makes sure that `count` regions of that size can be had.
   *
   * @throws {RangeError} if 4 GiB are not enough or the platform has no more
   */
  reserve(count: number, bytes: number): void {
    const size = wholeLines(bytes);
    const inHoles = this.#holes.reduce((sum, hole) => sum + Math.floor(hole.bytes / size), 0);
    this.#grow(this.#end + Math.max(0, count - inHoles) * size);
  }

  /** Takes a region back. Whoever allocated it does this once. */
  release(region: Region): void {
    let { address, bytes } = region;
    let at = this.#holes.findIndex((hole) => hole.address > address);
    if (at === -1) at = this.#holes.length;
    const after = this.#holes[at];
    const before = this.#holes[at - 1];
    let replaced = 0;
    if (after !== undefined && address + bytes === after.address) {
      bytes += after.bytes;
      replaced++;
    }
    if (before !== undefined && before.address + before.bytes === address) {
      address = before.address;
      bytes += before.bytes;
      at--;
      replaced++;
    }
    if (address + bytes === this.#end) {
      this.#end = address;
      this.#holes.splice(at, replaced);
    } else {
      this.#holes.splice(at, replaced, { address, bytes });
    }
  }

  /** Views end with the next growth: take them anew after every allocation. */
  bytesAt(address: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.memory.buffer as ArrayBuffer, address, length);
  }

  /** As {@link KernelMemory.bytesAt}, in words of 32 bits. */
  wordsAt(address: number, length: number): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.memory.buffer as ArrayBuffer, address, length);
  }

  #grow(end: number): void {
    const pages = Math.ceil(end / PAGE);
    const present = this.memory.buffer.byteLength / PAGE;
    if (pages <= present) return;
    if (pages > MAX_PAGES) {
      throw new RangeError(
        `"items" expected to fit a kernel's ${MAX_PAGES * PAGE} bytes, got ${end}; split the catalogue`,
      );
    }
    // An eighth more than asked, so that many small regions cost few growths.
    const generous = Math.min(MAX_PAGES, Math.max(pages, Math.ceil(present * 1.125)));
    for (const target of [generous, pages]) {
      try {
        this.memory.grow(target - present);
        return;
      } catch {
        // The platform has less: try the next, then say so.
      }
    }
    throw new RangeError(
      `"items" expected to fit the memory this platform has, which ends before ${pages * PAGE} bytes`,
    );
  }
}

function wholeLines(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / LINE)) * LINE;
}
