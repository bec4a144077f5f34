import { residueBits } from '../bit-packing.ts';
import { ciphertextWords } from '../ciphertext.ts';
import { type DroppedBits, NOTHING_DROPPED } from '../dropped-bits.ts';
import type { EncodedBlock, EncodedQuery, ScoringKernel } from '../kernel.ts';
import { type NttTables, nttTables } from '../ntt.ts';
import { assertHeParameters, type HeParameters } from '../parameters.ts';
import { replyBlockBytes } from '../reply-wire.ts';
import type { Ciphertext } from '../scoring-provider.ts';
import { KernelMemory, type Region } from './kernel-memory.ts';
import { type LimbLayout, type LimbRange, limbLayout } from './limbs.ts';
import { type ScoringFunctions, scoringFunctions, scoringModule } from './scoring-module.ts';
import { checkCiphertexts, checkColumns, checkFeatures, checkTarget } from './shapes.ts';

/** Blocks that pass by while a tile of the query stays in the first-level cache. */
const BATCH = 8;

/** Bytes of the query that are one tile: half of a small first-level cache. */
const TILE_BYTES = 16_384;

/** What `pack` may write behind its last byte. */
const PACKING_SLACK = 8;

/**
 * The kernel in WebAssembly with SIMD instructions: everything encoded lives in its own linear memory, and a
 * query reads the catalogue where it lies. Memory: 4 bytes per prime, feature (rounded up to even) and
 * coefficient of a block; the query takes twice as much as one block.
 *
 * @returns null where WebAssembly, its SIMD instructions or compiling at run time are missing
 * @throws {RangeError} if the platform has no memory left
 */
export function createSimdKernel(parameters: HeParameters): ScoringKernel | null {
  assertHeParameters(parameters);
  const module = scoringModule();
  return module === null ? null : new SimdKernel(parameters, module);
}

/** One data prime with everything that follows from it. */
interface PrimeLane {
  readonly prime: number;
  readonly bits: number;
  readonly limbs: LimbLayout;
  readonly forwardTable: number;
  readonly inverseTable: number;
}

/** Something encoded, with the region that holds it. */
class Encoded implements EncodedBlock, EncodedQuery {
  readonly features: number;
  readonly kind: 'query' | 'block';
  readonly memory: KernelMemory;
  readonly hasAddend: boolean;
  region: Region | null;

  constructor(
    kind: 'query' | 'block',
    features: number,
    memory: KernelMemory,
    region: Region,
    hasAddend: boolean,
  ) {
    this.kind = kind;
    this.features = features;
    this.memory = memory;
    this.region = region;
    this.hasAddend = hasAddend;
  }

  dispose(): void {
    if (this.region !== null) this.memory.release(this.region);
    this.region = null;
  }
}

class SimdKernel implements ScoringKernel {
  readonly name = 'simd';
  readonly parameters: HeParameters;
  readonly #memory = new KernelMemory();
  readonly #functions: ScoringFunctions;
  readonly #lanes: readonly PrimeLane[];
  readonly #degree: number;
  readonly #first: number;
  readonly #second: number;
  readonly #bytes: number;
  readonly #addresses: number;
  readonly #results: number;
  readonly #packed: number;

  constructor(parameters: HeParameters, module: WebAssembly.Module) {
    const { polynomialDegree: degree, dataPrimes } = parameters;
    const memory = this.#memory;
    const place = (bytes: number): number => memory.allocate(bytes).address;
    this.parameters = parameters;
    this.#functions = scoringFunctions(module, memory);
    this.#degree = degree;
    this.#lanes = dataPrimes.map((prime) => {
      const bits = residueBits(prime);
      const lane = {
        prime,
        bits,
        limbs: limbLayout(bits),
        forwardTable: place(8 * degree),
        inverseTable: place(8 * degree),
      };
      writeTables(memory, lane, nttTables(prime, degree));
      return lane;
    });
    this.#first = place(4 * degree);
    this.#second = place(4 * degree);
    this.#bytes = place(degree);
    this.#addresses = place(4 * BATCH);
    this.#results = place(4 * BATCH * ciphertextWords(parameters));
    this.#packed = place(BATCH * replyBlockBytes(parameters, NOTHING_DROPPED) + PACKING_SLACK);
  }

  reserve(blocks: number, features: number, addends: boolean): void {
    this.#memory.reserve(blocks, this.#blockBytes(features, addends));
  }

  // [primes][N/4][pairs][2 limbs] vectors, then the addend
  encodeBlock(columns: readonly Int8Array[], addend?: Uint32Array): EncodedBlock {
    checkColumns(this.parameters, columns, addend);
    const hasAddend = addend !== undefined;
    const pairs = pairsOf(columns.length);
    const region = this.#memory.allocate(this.#blockBytes(columns.length, hasAddend));
    const bytes = this.#memory.bytesAt(this.#bytes, this.#degree);
    let target = region.address;
    for (const lane of this.#lanes) {
      const transform = (column: Int8Array | undefined, words: number): void => {
        bytes.fill(0);
        bytes.set(column === undefined ? [] : bytesOf(column));
        this.#functions.lift(this.#bytes, this.#degree, words, lane.prime);
        this.#functions.forward(words, this.#degree, lane.forwardTable, lane.prime);
      };
      for (let pair = 0; pair < pairs; pair++) {
        transform(columns[2 * pair], this.#first);
        transform(columns[2 * pair + 1], this.#second);
        this.#split(lane, lane.limbs.items, target + 32 * pair, 32 * pairs);
      }
      target += 8 * pairs * this.#degree;
    }
    if (addend !== undefined) this.#memory.wordsAt(target, addend.length).set(addend);
    return new Encoded('block', columns.length, this.#memory, region, hasAddend);
  }

  // [primes][N/4][pairs][2 polynomials][2 limbs] vectors
  encodeQuery(ciphertexts: readonly Ciphertext[]): EncodedQuery {
    checkCiphertexts(this.parameters, ciphertexts);
    const degree = this.#degree;
    const primes = this.#lanes.length;
    const pairs = pairsOf(ciphertexts.length);
    const region = this.#memory.allocate(16 * pairs * degree * primes);
    this.#lanes.forEach((lane, row) => {
      const transform = (ciphertext: Ciphertext | undefined, part: number, words: number): void => {
        const at = (part * primes + row) * degree;
        const view = this.#memory.wordsAt(words, degree);
        if (ciphertext === undefined) view.fill(0);
        else view.set(ciphertext.subarray(at, at + degree));
        this.#functions.forward(words, degree, lane.forwardTable, lane.prime);
      };
      const target = region.address + 16 * pairs * degree * row;
      for (let pair = 0; pair < pairs; pair++) {
        for (let part = 0; part < 2; part++) {
          transform(ciphertexts[2 * pair], part, this.#first);
          transform(ciphertexts[2 * pair + 1], part, this.#second);
          this.#split(lane, lane.limbs.ciphertexts, target + 64 * pair + 32 * part, 64 * pairs);
        }
      }
    });
    return new Encoded('query', ciphertexts.length, this.#memory, region, false);
  }

  multiplyAccumulate(query: EncodedQuery, block: EncodedBlock): Ciphertext {
    this.#run(query, [block]);
    return this.#memory.wordsAt(this.#results, ciphertextWords(this.parameters)).slice();
  }

  score(
    query: EncodedQuery,
    blocks: readonly EncodedBlock[],
    dropped: DroppedBits,
    target: Uint8Array,
  ): void {
    checkTarget(this.parameters, blocks.length, dropped, target);
    const size = replyBlockBytes(this.parameters, dropped);
    for (let start = 0; start < blocks.length; start += BATCH) {
      const batch = blocks.slice(start, start + BATCH);
      this.#run(query, batch);
      let packed = this.#packed;
      let words = this.#results;
      for (let part = 0; part < 2 * batch.length; part++) {
        const drop = dropped[part % 2] as number;
        for (const { bits } of this.#lanes) {
          this.#functions.pack(words, this.#degree, bits - drop, drop, packed);
          words += 4 * this.#degree;
          packed += (this.#degree * (bits - drop)) / 8;
        }
      }
      target.set(this.#memory.bytesAt(this.#packed, batch.length * size), start * size);
    }
  }

  /** Results of at most BATCH blocks, `[blocks, 2, primes, N]`. */
  #run(query: EncodedQuery, blocks: readonly EncodedBlock[]): void {
    const degree = this.#degree;
    const primes = this.#lanes.length;
    const pairs = pairsOf(query.features);
    const queryAddress = this.#addressOf(query, 'query');
    const resultBytes = 4 * ciphertextWords(this.parameters);
    const addresses = this.#memory.wordsAt(this.#addresses, blocks.length);
    blocks.forEach((block, i) => {
      checkFeatures(query, block);
      addresses[i] = this.#addressOf(block, 'block');
    });
    const tile = Math.max(1, Math.floor(TILE_BYTES / (64 * Math.max(1, pairs))));
    this.#lanes.forEach(({ prime, limbs }, row) => {
      this.#functions.multiplyAccumulate(
        queryAddress + 16 * pairs * degree * row,
        this.#addresses,
        blocks.length,
        8 * pairs * degree * row,
        this.#results + 4 * degree * row,
        resultBytes,
        resultBytes / 2,
        degree,
        pairs,
        limbs.pairsPerSum,
        tile,
        limbs.shift,
        limbs.dropped,
        prime,
      );
    });
    blocks.forEach((block, i) => {
      this.#lanes.forEach(({ prime, inverseTable }, row) => {
        const words = this.#results + i * resultBytes + 4 * degree * row;
        this.#functions.inverse(words, degree, inverseTable, prime);
        this.#functions.inverse(words + resultBytes / 2, degree, inverseTable, prime);
        if ((block as Encoded).hasAddend) {
          const addends = (addresses[i] as number) + 8 * pairs * degree * primes;
          this.#functions.add(words, addends + 4 * degree * row, degree, prime);
        }
      });
    });
  }

  #split(lane: PrimeLane, range: LimbRange, target: number, stride: number): void {
    this.#functions.split(
      this.#first,
      this.#second,
      this.#degree,
      target,
      stride,
      lane.prime,
      range.largest,
      range.rounding,
      lane.limbs.shift,
    );
  }

  #blockBytes(features: number, hasAddend: boolean): number {
    const perPrime = 8 * pairsOf(features) + (hasAddend ? 4 : 0);
    return this.#lanes.length * this.#degree * perPrime;
  }

  #addressOf(encoded: EncodedQuery | EncodedBlock, kind: 'query' | 'block'): number {
    if (
      !(encoded instanceof Encoded) ||
      encoded.kind !== kind ||
      encoded.memory !== this.#memory ||
      encoded.region === null
    ) {
      throw new TypeError(
        `"${kind}" expected what this kernel encoded and nobody disposed, got another object`,
      );
    }
    return encoded.region.address;
  }
}

function pairsOf(features: number): number {
  return Math.ceil(features / 2);
}

function bytesOf(column: Int8Array): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.length);
}

function writeTables(memory: KernelMemory, lane: PrimeLane, tables: NttTables): void {
  const { forward, inverse } = tables;
  const degree = forward.length;
  const scaled = inverse.slice();
  scaled[0] = tables.inverseOfDegree; // no round uses this place
  for (const [address, factors] of [
    [lane.forwardTable, forward],
    [lane.inverseTable, scaled],
  ] as const) {
    const table = memory.wordsAt(address, 2 * degree);
    table.set(factors);
    table.set(
      factors.map((factor) => ratioOf(factor, lane.prime)),
      degree,
    );
  }
}

/** ⌊2³²·factor / prime⌋, in two steps that stay exact in doubles. */
function ratioOf(factor: number, prime: number): number {
  const upper = Math.floor((factor * 0x1_0000) / prime);
  const rest = factor * 0x1_0000 - upper * prime;
  return upper * 0x1_0000 + Math.floor((rest * 0x1_0000) / prime);
}
