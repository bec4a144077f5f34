import type { Bytes } from './crypto.ts';

/** Bytes of mask for one coordinate: half a lane of 32 bits, a lane, or two. */
function laneBytes(modulusBits: number): number {
  if (modulusBits <= 16) return 2;
  return modulusBits <= 32 ? 4 : 8;
}

/** Bytes of key stream that mask a vector. */
export function streamLength(dimension: number, modulusBits: number): number {
  return dimension * laneBytes(modulusBits);
}

/** Bytes of a packed vector: `modulusBits` bits a coordinate, the last byte filled with zeros. */
export function packedLength(dimension: number, modulusBits: number): number {
  return Math.ceil((dimension * modulusBits) / 8);
}

/** The lanes as they are: modulo 2³², or 2⁶⁴ where there are two a coordinate. */
export interface LaneWords {
  readonly low: Uint32Array<ArrayBuffer>;
  /** Empty where one lane is enough. */
  readonly high: Uint32Array<ArrayBuffer>;
}

/**
 * A vector modulo 2^b: one lane of 32 bits for each coordinate, a second one where b is more. Lanes overflow
 * freely; what is above bit b is cut off when the vector is packed or read.
 */
export class Lanes {
  readonly #bits: number;
  readonly #low: Uint32Array<ArrayBuffer>;
  readonly #high: Uint32Array<ArrayBuffer>;

  /** @param modulusBits - 2 … 64 */
  constructor(dimension: number, modulusBits: number) {
    this.#bits = modulusBits;
    this.#low = new Uint32Array(dimension);
    this.#high = new Uint32Array(modulusBits > 32 ? dimension : 0);
  }

  /** Not copied: what is added later shows in them. */
  get words(): LaneWords {
    return { low: this.#low, high: this.#high };
  }

  /** Takes lanes of the same shape away. */
  subtract({ low, high }: LaneWords): void {
    for (let i = 0; i < low.length; i++) this.#subtract(i, low[i] as number, high[i] ?? 0);
  }

  /** Adds integers of at most 2⁵³ in size. */
  addIntegers(vector: Float64Array): void {
    for (let i = 0; i < this.#low.length; i++) {
      const value = vector[i] as number;
      const high = Math.floor(value / 0x1_0000_0000);
      this.#add(i, value - high * 0x1_0000_0000, high);
    }
  }

  /** Adds a stream of uniform bytes, or takes it away. */
  addStream(stream: Bytes, sign: 1 | -1): void {
    const view = new DataView(stream.buffer, stream.byteOffset, stream.length);
    const low = this.#low;
    if (laneBytes(this.#bits) === 2) {
      for (let i = 0, at = 0; i < low.length; i++, at += 2) {
        low[i] = (low[i] as number) + sign * view.getUint16(at, true);
      }
      return;
    }
    if (this.#high.length === 0) {
      for (let i = 0, at = 0; i < low.length; i++, at += 4) {
        const word = view.getUint32(at, true);
        low[i] = (low[i] as number) + (sign === 1 ? word : -word);
      }
      return;
    }
    for (let i = 0, at = 0; i < low.length; i++, at += 8) {
      const word = view.getUint32(at, true);
      const high = view.getUint32(at + 4, true);
      if (sign === 1) this.#add(i, word, high);
      else this.#subtract(i, word, high);
    }
  }

  /** Adds a packed vector of the right length. */
  addPacked(packed: Uint8Array): void {
    if (this.#bits <= 24) this.#addNarrow(packed);
    else this.#addWide(packed);
  }

  #addWide(packed: Uint8Array): void {
    const bits = this.#bits;
    let [held, have, at] = [0, 0, 0];
    for (let i = 0; i < this.#low.length; i++) {
      let [value, got] = [0, 0];
      while (got < bits) {
        if (have === 0) {
          held = packed[at++] as number;
          have = 8;
        }
        const take = Math.min(bits - got, have);
        const part = held & ((1 << take) - 1);
        held >>>= take;
        have -= take;
        // Beyond 53 bits a number would round: the high lane takes the bits from 32 on.
        if (got < 32 && got + take > 32) {
          value += (part & ((1 << (32 - got)) - 1)) * 2 ** got;
          this.#add(i, value, part >>> (32 - got));
          value = 0;
        } else if (got >= 32) {
          this.#add(i, 0, part * 2 ** (got - 32));
        } else {
          value += part * 2 ** got;
        }
        got += take;
      }
      this.#add(i, value, 0);
    }
  }

  /** Where a coordinate and a byte more fit 31 bits there is no need for the care of the general case. */
  #addNarrow(packed: Uint8Array): void {
    const bits = this.#bits;
    const mask = 2 ** bits - 1;
    const low = this.#low;
    let held = 0;
    let have = 0;
    let at = 0;
    for (let i = 0; i < low.length; i++) {
      while (have < bits) {
        held |= (packed[at++] as number) << have;
        have += 8;
      }
      low[i] = (low[i] as number) + (held & mask);
      held >>>= bits;
      have -= bits;
    }
  }

  /** The vector modulo 2^b, coordinate after coordinate, low bit first. */
  pack(): Bytes {
    const bits = this.#bits;
    const packed = new Uint8Array(packedLength(this.#low.length, bits));
    let bit = 0;
    for (let i = 0; i < this.#low.length; i++) {
      for (let done = 0; done < bits; ) {
        const lane = done < 32 ? this.#low : this.#high;
        const take = Math.min(bits - done, 8 - (bit & 7), 32 - (done & 31));
        const part = ((lane[i] as number) >>> (done & 31)) & ((1 << take) - 1);
        packed[bit >>> 3] = (packed[bit >>> 3] as number) | (part << (bit & 7));
        bit += take;
        done += take;
      }
    }
    return packed;
  }

  /** The vector as integers in [−2^(b−1), 2^(b−1)); exact for b up to 53. */
  centred(): Float64Array {
    const modulus = 2 ** this.#bits;
    const highBits = 2 ** (this.#bits - 32);
    return Float64Array.from(this.#low, (low, i) => {
      const value =
        this.#high.length === 0
          ? low % modulus
          : low + ((this.#high[i] as number) % highBits) * 0x1_0000_0000;
      return value < modulus / 2 ? value : value - modulus;
    });
  }

  /** −(high·2³² + low) = (−high − 1)·2³² + (2³² − low), or −high·2³² where low is zero. */
  #subtract(i: number, low: number, high: number): void {
    if (low === 0) this.#add(i, 0, -high);
    else this.#add(i, 0x1_0000_0000 - low, -high - 1);
  }

  #add(i: number, low: number, high: number): void {
    const sum = (this.#low[i] as number) + low;
    this.#low[i] = sum;
    if (this.#high.length > 0) {
      this.#high[i] = (this.#high[i] as number) + high + (sum >= 0x1_0000_0000 ? 1 : 0);
    }
  }
}
