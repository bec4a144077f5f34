import type { CatalogueFrame } from './catalogue.ts';
import type { CatalogueBlock } from './catalogue-block.ts';
import type { EncodedBlock, EncodedQuery, ScoringKernel } from './kernel.ts';
import { reduceModulo } from './modular.ts';
import { groupCount, packBlock, slotOf } from './packing.ts';
import { replyBlockBytes } from './reply-wire.ts';
import { scaleToCiphertext } from './scaling.ts';

/** Blocks of a catalogue in the transformed form of one kernel: a catalogue, or a shard of one. */
export class EncodedBlocks {
  readonly #kernel: ScoringKernel;
  readonly #frame: CatalogueFrame;
  #blocks: readonly { readonly hash: string; readonly encoded: EncodedBlock }[] = [];

  constructor(kernel: ScoringKernel, frame: CatalogueFrame) {
    this.#kernel = kernel;
    this.#frame = frame;
  }

  /** How many blocks there are. */
  get count(): number {
    return this.#blocks.length;
  }

  /** Bytes of these blocks in a reply. */
  get replyBytes(): number {
    return this.count * replyBlockBytes(this.#frame.parameters, this.#frame.dropped);
  }

  /**
   * Makes these the blocks. Those that are there already, by position and hash, are not encoded again.
   *
   * @returns how many were encoded
   * @throws {RangeError} if the memory of the kernel cannot hold them; then nothing has changed
   */
  update(blocks: readonly CatalogueBlock[]): number {
    const isKept = ({ hash }: CatalogueBlock, i: number): boolean => this.#blocks[i]?.hash === hash;
    const fresh = blocks.filter((block, i) => !isKept(block, i));
    const { dimensions, featuresPerCiphertext, integerBiasLimit } = this.#frame;
    const groups = groupCount(dimensions, featuresPerCiphertext);
    this.#kernel.reserve(fresh.length, groups, integerBiasLimit !== null);
    const made: EncodedBlock[] = [];
    try {
      for (const block of fresh) made.push(this.#encode(block));
    } catch (error) {
      for (const block of made) block.dispose();
      throw error;
    }
    const encoded = made.values();
    const before = this.#blocks;
    this.#blocks = blocks.map((block, i) => {
      const kept = before[i];
      if (kept !== undefined && isKept(block, i)) return kept;
      return { hash: block.hash, encoded: encoded.next().value as EncodedBlock };
    });
    before.forEach((old, i) => {
      if (this.#blocks[i] !== old) old.encoded.dispose();
    });
    return fresh.length;
  }

  /** Scores a query of the same kernel, into {@link EncodedBlocks.replyBytes} bytes. */
  score(query: EncodedQuery, target: Uint8Array): void {
    const blocks = this.#blocks.map(({ encoded }) => encoded);
    this.#kernel.score(query, blocks, this.#frame.dropped, target);
  }

  /** Gives the memory back to the kernel; idempotent. */
  dispose(): void {
    for (const { encoded } of this.#blocks) encoded.dispose();
  }

  #encode({ integers, biases }: CatalogueBlock): EncodedBlock {
    const { parameters, dimensions, featuresPerCiphertext } = this.#frame;
    const columns = packBlock(parameters, integers, dimensions, 0, featuresPerCiphertext);
    return this.#kernel.encodeBlock(columns, scaledBiases(this.#frame, biases));
  }
}

/** Biases where they are in the ciphertext modulus, `[primes, N]`. */
function scaledBiases(
  { parameters, featuresPerCiphertext }: CatalogueFrame,
  biases: Int32Array | null,
): Uint32Array | undefined {
  if (biases === null) return undefined;
  const { dataPrimes, polynomialDegree: degree } = parameters;
  const residues = new Uint32Array(dataPrimes.length * degree);
  biases.forEach((bias, i) => {
    const scaled = scaleToCiphertext(parameters, bias);
    const slot = slotOf(i, featuresPerCiphertext);
    dataPrimes.forEach((prime, row) => {
      residues[row * degree + slot] = reduceModulo(scaled, prime);
    });
  });
  return residues;
}
