import type { ScoringCatalogue } from './catalogue.ts';
import type { CatalogueDescription } from './catalogue-description.ts';
import type { EncodedBlock, ScoringKernel } from './kernel.ts';
import { reduceModulo } from './modular.ts';
import { blockCount, itemsPerBlock, packBlock } from './packing.ts';
import { createPlainKernel } from './plain-kernel.ts';
import { refuseInsecure } from './refuse-insecure.ts';
import { scaleToCiphertext } from './scaling.ts';
import type { Ciphertext } from './scoring-provider.ts';
import { decodeMessage, encodeMessage, messageBytes } from './wire.ts';

/** How a scorer works. */
export interface EncryptedScorerOptions {
  /** The arithmetic; the plain kernel by default. Must be of the catalogue's parameters. */
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
   * Encodes the catalogue: about 0.1 ms per feature and block of N − 1 items.
   *
   * @throws {VelaturaError} `he/insecure-parameters` unless `allowInsecure`
   */
  constructor(catalogue: ScoringCatalogue, options: EncryptedScorerOptions = {}) {
    const { parameters, description, integers } = catalogue;
    refuseInsecure(parameters.secure, options.allowInsecure);
    const kernel = options.kernel ?? createPlainKernel(parameters);
    if (kernel.parameters.id !== parameters.id) {
      throw new TypeError(
        `"kernel" expected parameters ${parameters.id}, got ${kernel.parameters.id}`,
      );
    }
    this.description = description;
    this.#catalogue = catalogue;
    this.#kernel = kernel;
    this.#blocks = Array.from({ length: blockCount(parameters, description.items) }, (_, block) =>
      kernel.encodeBlock(packBlock(parameters, integers, description.dimensions, block)),
    );
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
    const encoded = this.#kernel.encodeQuery(ciphertexts);
    const scores = this.#blocks.map((block, index) => {
      const ciphertext = this.#kernel.multiplyAccumulate(encoded, block);
      this.#addBiases(ciphertext, index);
      return ciphertext;
    });
    return encodeMessage(
      { ...frame, kind: 'reply', ciphertexts: this.#blocks.length },
      queryId,
      scores,
    );
  }

  #addBiases(ciphertext: Ciphertext, block: number): void {
    const { parameters, integerBiases } = this.#catalogue;
    if (integerBiases === null) return;
    const start = block * itemsPerBlock(parameters);
    const biases = integerBiases.subarray(start, start + itemsPerBlock(parameters));
    parameters.dataPrimes.forEach((prime, row) => {
      const at = row * parameters.polynomialDegree;
      biases.forEach((bias, i) => {
        const scaled = reduceModulo(scaleToCiphertext(parameters, bias), prime);
        const sum = (ciphertext[at + i] as number) + scaled;
        ciphertext[at + i] = sum >= prime ? sum - prime : sum;
      });
    });
  }
}
