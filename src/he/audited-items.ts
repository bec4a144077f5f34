import { VelaturaError } from '../core/errors.ts';
import { SecureRandom } from '../core/secure-random.ts';
import type { ScoringCatalogue } from './catalogue.ts';
import { type CatalogueDescription, parseCatalogueDescription } from './catalogue-description.ts';
import { parametersOf } from './catalogue-parameters.ts';
import { itemsPerBlock } from './packing.ts';
import type { HeParameters } from './parameters.ts';
import { quantiseProfile } from './quantise.ts';

/**
 * Rows of a catalogue that a client knows for certain, to hold a server to them. They come from whoever the client
 * trusts with the catalogue, not from the server that is audited.
 */
export interface AuditedItems {
  /**
   * Of the catalogue, as its owner describes it. An audit reckons with its bound and scales; with those that the server
   * names, the server could choose a bound that nothing fails.
   */
  readonly description: CatalogueDescription;
  /** Which rows. */
  readonly rows: Uint32Array;
  /** `[rows, dimensions]`. */
  readonly integers: Int8Array;
  /** `[rows]`, or null without biases. */
  readonly biases: Int32Array | null;
}

/**
 * Draws rows to audit, as many in every block: a reply in which one whole block is something else is then caught for
 * certain.
 *
 * ## Privacy
 * Which rows these are must stay with the client: a server that knows them answers them honestly.
 *
 * @param perBlock - rows of each block
 */
export function drawAuditedRows(
  parameters: HeParameters,
  description: CatalogueDescription,
  perBlock: number,
): Uint32Array {
  if (!Number.isInteger(perBlock) || perBlock < 1) {
    throw new RangeError(`"perBlock" expected a positive integer, got ${perBlock}`);
  }
  parametersOf(description, parameters);
  const random = new SecureRandom();
  const capacity = itemsPerBlock(parameters, description.featuresPerCiphertext);
  const drawn: number[] = [];
  for (let start = 0; start < description.items; start += capacity) {
    const rows = Math.min(capacity, description.items - start);
    const chosen = new Set<number>();
    while (chosen.size < Math.min(perBlock, rows)) chosen.add(start + uniformBelow(random, rows));
    drawn.push(...[...chosen].sort((a, b) => a - b));
  }
  return Uint32Array.from(drawn);
}

/**
 * Takes rows out of a catalogue: the part of whoever the client trusts with it.
 *
 * @param rows - of the catalogue, such as {@link drawAuditedRows} draws
 */
export function takeAuditedItems(catalogue: ScoringCatalogue, rows: Uint32Array): AuditedItems {
  const { description, frame, blocks, parameters } = catalogue;
  const { dimensions, integerBiasLimit, featuresPerCiphertext } = frame;
  const capacity = itemsPerBlock(parameters, featuresPerCiphertext);
  const integers = new Int8Array(rows.length * dimensions);
  const biases = integerBiasLimit === null ? null : new Int32Array(rows.length);
  rows.forEach((row, i) => {
    const block = blocks[Math.floor(row / capacity)];
    const at = row % capacity;
    if (row >= description.items || block === undefined) {
      throw new RangeError(`"rows" expected rows below ${description.items}, got ${row}`);
    }
    integers.set(block.integers.subarray(at * dimensions, (at + 1) * dimensions), i * dimensions);
    if (biases !== null) biases[i] = block.biases?.[at] as number;
  });
  return { description, rows, integers, biases };
}

/**
 * Checks decrypted scores against rows that are known.
 *
 * What it catches and what not: `audited-items.proof.md`.
 *
 * @param description - what the server said, under which the query was made
 * @param profile - the one that was encrypted
 * @param scores - `[rows of the catalogue]` in integers
 * @throws {VelaturaError} `he/failed-audit` if a score is further from the true one than the stated bound; it does not
 *   say which. The scores are then not to be used, and the server is to see no difference.
 * @throws {VelaturaError} `he/wrong-catalogue` if the server described the catalogue otherwise than its owner: another
 *   version, or other scales, bounds or shape
 */
export function auditScores(
  description: CatalogueDescription,
  audited: AuditedItems,
  profile: Float32Array,
  scores: Int32Array,
): void {
  const trusted = audited.description;
  if (!sameDescription(trusted, description)) {
    throw new VelaturaError(
      'he/wrong-catalogue',
      'the catalogue is not described as where the audited items come from',
      { expected: trusted.version, got: description.version },
    );
  }
  const { dimensions, items, profileScale, profileNormBound } = trusted;
  if (profile.length !== dimensions || scores.length !== items) {
    throw new RangeError(
      `"scores" expected ${items} scores of ${dimensions} features, got ${scores.length} of ${profile.length}`,
    );
  }
  const weights = quantiseProfile(profile, profileScale, profileNormBound);
  const bound = Math.round(trusted.scoreErrorBound * trusted.scoreScale);
  let failed = 0;
  audited.rows.forEach((row, i) => {
    let expected = audited.biases?.[i] ?? 0;
    for (let f = 0; f < dimensions; f++) {
      expected += (audited.integers[i * dimensions + f] as number) * (weights[f] as number);
    }
    if (!(Math.abs((scores[row] as number) - expected) <= bound)) failed++;
  });
  if (failed > 0) {
    throw new VelaturaError(
      'he/failed-audit',
      'scores of audited items are not those of the catalogue: the server computed something else',
    );
  }
}

function sameDescription(a: CatalogueDescription, b: CatalogueDescription): boolean {
  const text = (description: CatalogueDescription): string =>
    JSON.stringify(parseCatalogueDescription(description)); // fields in one order
  return text(a) === text(b);
}

/** Uniform in [0, limit), by rejection. */
function uniformBelow(random: SecureRandom, limit: number): number {
  const end = 2 ** 32 - (2 ** 32 % limit);
  for (;;) {
    const [word] = new Uint32Array(random.bytes(4).buffer);
    if ((word as number) < end) return (word as number) % limit;
  }
}
