import type { ScoringCatalogue } from './catalogue.ts';
import type { CatalogueDescription } from './catalogue-description.ts';
import { createScoringKernel } from './kernel/scoring-kernel.ts';
import type { EncodedBlock, ScoringKernel } from './kernel.ts';
import { reduceModulo } from './modular.ts';
import { blockCount, itemsPerBlock, packBlock } from './packing.ts';
import { refuseInsecure } from './refuse-insecure.ts';
import { scaleToCiphertext } from './scaling.ts';
import { beginMessage, decodeMessage, HEADER_BYTES, messageBytes } from './wire.ts';

/** How a scorer works. */
export interface EncryptedScorerOptions {
  /**
   * The arithmetic, of the catalogue's parameters. By default one of the scorer's own, the fastest that
   * runs here. Several scorers may share one; then its memory holds all their catalogues, and
   * {@link EncryptedScorer.dispose} gives a part of it back.
   */
  readonly kernel?: ScoringKernel;
  /** Accepts parameters that protect nobody, for tests. */
  readonly allowInsecure?: boolean;
}

/**
 * The server's side: scores encrypted profiles against a catalogue. It holds no secret and never touches
 * the cryptographic library; queries are numbers to it.
 *
 * ## Privacy
 * The profile is hidden from this side (128-bit BFV) as long as it runs this code on this catalogue
 * (semi-honest) and does not learn what the client does with the scores. The catalogue is **not** hidden
 * from clients: scores of chosen profiles reveal the items.
 */
export class EncryptedScorer {
  /** What clients are told. */
  readonly description: CatalogueDescription;
  readonly #catalogue: ScoringCatalogue;
  readonly #kernel: ScoringKernel;
  readonly #blocks: readonly EncodedBlock[];

  /**
   * Encodes the catalogue: 10 to 100 µs per feature and block of N − 1 items.
   *
   * @throws {VelaturaError} `he/insecure-parameters` unless `allowInsecure`
   * @throws {RangeError} if the memory of the kernel cannot hold the catalogue; nothing stays in it then
   */
  constructor(catalogue: ScoringCatalogue, options: EncryptedScorerOptions = {}) {
    const { parameters, description } = catalogue;
    refuseInsecure(parameters.secure, options.allowInsecure);
    const kernel = options.kernel ?? createScoringKernel(parameters);
    if (kernel.parameters.id !== parameters.id) {
      throw new TypeError(
        `"kernel" expected parameters ${parameters.id}, got ${kernel.parameters.id}`,
      );
    }
    this.description = description;
    this.#catalogue = catalogue;
    this.#kernel = kernel;
    this.#blocks = encodeBlocks(kernel, catalogue);
  }

  /** Which kernel does the arithmetic. */
  get kernelName(): string {
    return this.#kernel.name;
  }

  /** The one length a query may have, for limits in front of the scorer. */
  get queryBytes(): number {
    return messageBytes(this.#catalogue.parameters, this.description.dimensions);
  }

  /**
   * Scores one query.
   *
   * @param query - what {@link ScoringClient.encryptProfile} made
   * @returns the reply, encrypted under the key of the query
   * @throws {VelaturaError} `he/malformed-message`, `he/insecure-parameters` or `he/wrong-catalogue`;
   *   nothing was computed then
   */
  score(query: Uint8Array): Uint8Array<ArrayBuffer> {
    const { parameters } = this.#catalogue;
    const { dimensions, items, version } = this.description;
    const frame = { parameters, catalogueVersion: version, items };
    const { queryId, ciphertexts } = decodeMessage(query, {
      ...frame,
      kind: 'query',
      ciphertexts: dimensions,
    });
    const reply = beginMessage(
      { ...frame, kind: 'reply', ciphertexts: this.#blocks.length },
      queryId,
    );
    const encoded = this.#kernel.encodeQuery(ciphertexts);
    try {
      this.#kernel.score(encoded, this.#blocks, reply.subarray(HEADER_BYTES));
    } finally {
      encoded.dispose();
    }
    return reply;
  }

  /** Gives the memory of the catalogue back to the kernel; idempotent. The scorer cannot score afterwards. */
  dispose(): void {
    for (const block of this.#blocks) block.dispose();
  }
}

function encodeBlocks(kernel: ScoringKernel, catalogue: ScoringCatalogue): readonly EncodedBlock[] {
  const { parameters, description, integers, integerBiases } = catalogue;
  const count = blockCount(parameters, description.items);
  kernel.reserve(count, description.dimensions, integerBiases !== null);
  const blocks: EncodedBlock[] = [];
  try {
    for (let block = 0; block < count; block++) {
      const columns = packBlock(parameters, integers, description.dimensions, block);
      blocks.push(kernel.encodeBlock(columns, scaledBiases(catalogue, block)));
    }
  } catch (error) {
    for (const block of blocks) block.dispose();
    throw error;
  }
  return blocks;
}

/** The biases of one block where they are in the ciphertext modulus, `[primes, N]`. */
function scaledBiases(catalogue: ScoringCatalogue, block: number): Uint32Array | undefined {
  const { parameters, integerBiases } = catalogue;
  if (integerBiases === null) return undefined;
  const { dataPrimes, polynomialDegree: degree } = parameters;
  const start = block * itemsPerBlock(parameters);
  const biases = integerBiases.subarray(start, start + itemsPerBlock(parameters));
  const residues = new Uint32Array(dataPrimes.length * degree);
  biases.forEach((bias, i) => {
    const scaled = scaleToCiphertext(parameters, bias);
    dataPrimes.forEach((prime, row) => {
      residues[row * degree + i] = reduceModulo(scaled, prime);
    });
  });
  return residues;
}
