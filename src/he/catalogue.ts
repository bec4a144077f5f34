import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { VelaturaError } from '../core/errors.ts';
import { type CatalogueBlock, catalogueBlock } from './catalogue-block.ts';
import { type CatalogueDescription, DEFAULT_HEADS } from './catalogue-description.ts';
import { type DroppedBits, droppedBits } from './dropped-bits.ts';
import { MAX_FEATURES, MAX_ITEMS } from './limits.ts';
import { itemsPerBlock } from './packing.ts';
import { assertHeParameters, type HeParameters } from './parameters.ts';
import {
  FLOAT32_SLACK,
  type QuantisationError,
  quantiseItems,
  quantiseProfile,
} from './quantise.ts';
import { FRESH_NOISE_VARIANCE, leastScoreError, scoreErrorBound } from './score-error.ts';

/** What a catalogue is made from. Bounds are public constants, chosen without looking at people. */
export interface CatalogueOptions {
  readonly parameters: HeParameters;
  /** `[items, heads, dimensions]`. */
  readonly items: Float32Array;
  /** Features per item, from 1 to 1,024. */
  readonly dimensions: number;
  /** `[items, heads]`, added to the scores. */
  readonly biases?: Float32Array;
  /**
   * Names of the heads: an item has one row and one score for each, such as the odds of a click and of a purchase.
   * By default one, `score`.
   */
  readonly heads?: readonly string[];
  /** The largest Euclidean norm a row may have. */
  readonly itemNormBound: number;
  /** The largest Euclidean norm a profile vector may have. */
  readonly profileNormBound: number;
  /**
   * The largest coefficient that items added later may have. By default none may be larger than the largest of
   * these items, for that one fixes the scale.
   */
  readonly coefficientBound?: number;
  /** Features in one ciphertext of a query: more for small catalogues. Default 1; `planScoring` says what is best. */
  readonly featuresPerCiphertext?: number;
}

/** The fixed frame of a catalogue: changes of its items stay within it or are refused. */
export interface CatalogueFrame {
  readonly parameters: HeParameters;
  readonly dimensions: number;
  readonly heads: readonly string[];
  readonly itemNormBound: number;
  readonly profileNormBound: number;
  /** Integer item = round(itemScale · item). */
  readonly itemScale: number;
  /** Integer profile = round(profileScale · profile). */
  readonly profileScale: number;
  /** The largest norm of an integer row for which no score can wrap modulo t. */
  readonly integerNormLimit: number;
  /** The largest integer bias for which no score can; null in a catalogue without biases. */
  readonly integerBiasLimit: number | null;
  /** Low bits that replies leave out. */
  readonly dropped: DroppedBits;
  readonly featuresPerCiphertext: number;
}

/** An item matrix as integers, with everything that follows from it. Immutable. */
export interface ScoringCatalogue {
  readonly parameters: HeParameters;
  /** What clients are told. */
  readonly description: CatalogueDescription;
  readonly frame: CatalogueFrame;
  /** The rows, `itemsPerBlock` to a block: row i·heads + h is head h of item i. */
  readonly blocks: readonly CatalogueBlock[];
}

/** A catalogue that was just made, with what rounding its items to bytes cost. */
export interface CreatedCatalogue extends ScoringCatalogue {
  readonly itemQuantisationError: QuantisationError;
}

/** Later rows may be an eighth longer than the longest of today, as far as their bound admits it. */
const HEADROOM = 1.125;

/** The integer profile must be this many times longer than what rounding adds to it. */
const MIN_NORM_TO_ROUNDING = 8;

/**
 * Rounds items to bytes and derives the scales, the error bound and the version of a catalogue.
 *
 * The profile scale is the largest at which no admissible profile can wrap modulo t: by Cauchy–Schwarz
 * |score| ≤ max‖item‖·‖profile‖ + max|bias|, and that plus the error bound is kept within (t−1)/2, for the items of
 * now and those that may be added.
 *
 * @throws {VelaturaError} `he/value-out-of-range` on non-finite values, an item above the bound, an all
 *   zero matrix, or biases so large that the profile would be rounded away
 */
export function createCatalogue(options: CatalogueOptions): CreatedCatalogue {
  checkShape(options);
  const { parameters, dimensions, biases, itemNormBound, profileNormBound } = options;
  const featuresPerCiphertext = options.featuresPerCiphertext ?? 1;
  const capacity = itemsPerBlock(parameters, featuresPerCiphertext);
  const quantised = quantiseItems(
    options.items,
    dimensions,
    itemNormBound,
    options.coefficientBound,
  );
  const { integers, scale: itemScale } = quantised;
  const unbiased = cutBlocks(capacity, integers, null, dimensions);
  const { rowSquaredNorm, squaredNorm } = largestNorms(unbiased);
  const integerNormLimit = Math.min(
    HEADROOM * Math.sqrt(rowSquaredNorm),
    itemScale * itemNormBound * (1 + 2 * FLOAT32_SLACK) + Math.sqrt(dimensions) / 2,
  );
  const dropped = droppedBits(parameters, FRESH_NOISE_VARIANCE * squaredNorm);
  const largestError = scoreErrorBound(parameters, {
    blockSquaredNorm: 1 + capacity * integerNormLimit ** 2,
    itemL1Norm: integerNormLimit * Math.sqrt(dimensions),
    scores: MAX_ITEMS,
    dropped,
  });
  const errorLimit = Math.max(largestError, leastScoreError(parameters, MAX_ITEMS, dropped));
  const largestBias = HEADROOM * (biases?.reduce((max, b) => Math.max(max, Math.abs(b)), 0) ?? 0);
  const biasPerProfileUnit = (largestBias * itemScale) / profileNormBound;
  const room = (parameters.plaintextModulus - 1) / 2 - errorLimit - 1;
  const integerProfileNorm = Math.floor(room / (integerNormLimit + biasPerProfileUnit));
  const roundingNorm = Math.sqrt(dimensions) / 2;
  if (!(integerProfileNorm >= MIN_NORM_TO_ROUNDING * roundingNorm)) {
    throw new VelaturaError(
      'he/value-out-of-range',
      'items and biases leave no room for the profile: with these parameters it would be rounded away',
      { dimensions, largestBias, plaintextModulus: parameters.plaintextModulus },
    );
  }
  const profileScale =
    (integerProfileNorm - roundingNorm) / (profileNormBound * (1 + 2 * FLOAT32_SLACK));
  const scoreScale = itemScale * profileScale;
  if (!Number.isFinite(scoreScale)) {
    throw new VelaturaError('he/value-out-of-range', 'items or bounds are too small to be scaled', {
      itemNormBound,
      profileNormBound,
    });
  }
  const frame: CatalogueFrame = Object.freeze({
    parameters,
    dimensions,
    heads: Object.freeze([...(options.heads ?? DEFAULT_HEADS)]),
    itemNormBound,
    profileNormBound,
    itemScale,
    profileScale,
    integerNormLimit,
    integerBiasLimit: biases === undefined ? null : Math.ceil(largestBias * scoreScale),
    dropped,
    featuresPerCiphertext,
  });
  const blocks =
    biases === undefined
      ? unbiased
      : cutBlocks(capacity, integers, integerBiases(frame, biases), dimensions);
  return Object.freeze({
    ...assembleCatalogue(frame, blocks),
    itemQuantisationError: quantised.error,
  });
}

/**
 * A catalogue of blocks that are there already.
 *
 * @param blocks - all full but the last one, whose rows are whole items
 * @throws {VelaturaError} `he/value-out-of-range` if a row or bias is beyond the limits of the frame
 */
export function assembleCatalogue(
  frame: CatalogueFrame,
  blocks: readonly CatalogueBlock[],
): ScoringCatalogue {
  const { parameters, dimensions, heads, profileNormBound, profileScale, dropped } = frame;
  const rows = blocks.reduce((sum, { integers }) => sum + integers.length / dimensions, 0);
  if (rows < 1 || rows > MAX_ITEMS || rows % heads.length !== 0) {
    throw new RangeError(
      `"items" expected from 1 to ${MAX_ITEMS} rows, a multiple of ${heads.length}, got ${rows}`,
    );
  }
  const norms = largestNorms(blocks);
  if (
    Math.sqrt(norms.rowSquaredNorm) > frame.integerNormLimit ||
    norms.largestBias > (frame.integerBiasLimit ?? 0)
  ) {
    throw new VelaturaError(
      'he/value-out-of-range',
      'an item or bias is beyond what the scales of the catalogue have room for; make a new catalogue',
      { itemNormBound: frame.itemNormBound },
    );
  }
  const scoreScale = frame.itemScale * profileScale;
  const actualBound = scoreErrorBound(parameters, {
    blockSquaredNorm: norms.squaredNorm,
    itemL1Norm: norms.rowL1Norm,
    scores: rows,
    dropped,
  });
  const errorBound = Math.max(actualBound, leastScoreError(parameters, rows, dropped));
  return Object.freeze({
    parameters,
    description: Object.freeze({
      version: versionOf(frame, rows, blocks),
      parametersId: parameters.id,
      items: rows,
      heads,
      dimensions,
      profileNormBound,
      profileScale,
      scoreScale,
      scoreErrorBound: errorBound / scoreScale,
      droppedBits: dropped,
      featuresPerCiphertext: frame.featuresPerCiphertext,
    }),
    frame,
    blocks: Object.freeze([...blocks]),
  });
}

/**
 * Biases in integer score units.
 *
 * @throws {VelaturaError} `he/value-out-of-range` if one is not finite
 */
export function integerBiases(frame: CatalogueFrame, biases: Float32Array): Int32Array {
  if (!biases.every(Number.isFinite)) {
    throw new VelaturaError('he/value-out-of-range', 'a bias is not a finite number');
  }
  const scoreScale = frame.itemScale * frame.profileScale;
  return Int32Array.from(biases, (bias) => Math.round(bias * scoreScale));
}

/**
 * The scores of a profile without encryption, from the same integers: what encrypted scoring returns up
 * to its stated error.
 *
 * @param profile - `[dimensions]`
 * @returns `[rows]`
 * @throws {VelaturaError} `he/value-out-of-range`
 */
export function scorePlain(catalogue: ScoringCatalogue, profile: Float32Array): Float64Array {
  const { dimensions, items, profileScale, profileNormBound, scoreScale } = catalogue.description;
  if (profile.length !== dimensions) {
    throw new RangeError(`"profile" expected ${dimensions} features, got ${profile.length}`);
  }
  const weights = quantiseProfile(profile, profileScale, profileNormBound);
  const scores = new Float64Array(items);
  let row = 0;
  for (const { integers, biases } of catalogue.blocks) {
    for (let at = 0, i = 0; at < integers.length; at += dimensions, i++) {
      let score = biases?.[i] ?? 0;
      for (let feature = 0; feature < dimensions; feature++) {
        score += (integers[at + feature] as number) * (weights[feature] as number);
      }
      scores[row++] = score / scoreScale;
    }
  }
  return scores;
}

/** Cuts rows into full blocks and one that may be shorter. */
function cutBlocks(
  capacity: number,
  integers: Int8Array,
  biases: Int32Array | null,
  dimensions: number,
): readonly CatalogueBlock[] {
  const rows = integers.length / dimensions;
  return Array.from({ length: Math.ceil(rows / capacity) }, (_, block) => {
    const start = block * capacity;
    const end = Math.min(start + capacity, rows);
    return catalogueBlock(
      integers.subarray(start * dimensions, end * dimensions),
      biases === null ? null : biases.subarray(start, end),
      dimensions,
    );
  });
}

function checkShape(options: CatalogueOptions): void {
  assertHeParameters(options.parameters);
  const { items, dimensions, biases, itemNormBound, profileNormBound, coefficientBound } = options;
  const heads = options.heads ?? DEFAULT_HEADS;
  if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > MAX_FEATURES) {
    throw new RangeError(
      `"dimensions" expected an integer in [1, ${MAX_FEATURES}], got ${dimensions}`,
    );
  }
  if (heads.length === 0 || new Set(heads).size !== heads.length || heads.includes('')) {
    throw new RangeError(`"heads" expected different names, got ${JSON.stringify(heads)}`);
  }
  const { featuresPerCiphertext: features = 1, parameters } = options;
  if (!Number.isInteger(features) || features < 1 || features > parameters.polynomialDegree / 2) {
    throw new RangeError(
      `"featuresPerCiphertext" expected an integer in [1, ${parameters.polynomialDegree / 2}], got ${features}`,
    );
  }
  const count = items.length / dimensions;
  if (!Number.isInteger(count / heads.length) || count < 1 || count > MAX_ITEMS) {
    throw new RangeError(
      `"items" expected from 1 to ${MAX_ITEMS} rows of ${dimensions} values, a multiple of ${heads.length}, got ${items.length} values`,
    );
  }
  if (biases !== undefined && biases.length !== count) {
    throw new RangeError(`"biases" expected ${count} values, got ${biases.length}`);
  }
  if (biases?.every(Number.isFinite) === false) {
    throw new VelaturaError('he/value-out-of-range', 'a bias is not a finite number');
  }
  const bounds = { itemNormBound, profileNormBound, coefficientBound: coefficientBound ?? 1 };
  for (const [name, bound] of Object.entries(bounds)) {
    if (!(bound > 0 && Number.isFinite(bound))) {
      throw new RangeError(`"${name}" expected a positive number, got ${bound}`);
    }
  }
}

type Norms = Pick<CatalogueBlock, 'squaredNorm' | 'rowSquaredNorm' | 'rowL1Norm' | 'largestBias'>;

function largestNorms(blocks: readonly CatalogueBlock[]): Norms {
  return blocks.reduce<Norms>(
    (max, block) => ({
      squaredNorm: Math.max(max.squaredNorm, block.squaredNorm),
      rowSquaredNorm: Math.max(max.rowSquaredNorm, block.rowSquaredNorm),
      rowL1Norm: Math.max(max.rowL1Norm, block.rowL1Norm),
      largestBias: Math.max(max.largestBias, block.largestBias),
    }),
    { squaredNorm: 0, rowSquaredNorm: 0, rowL1Norm: 0, largestBias: 0 },
  );
}

/** SHA-256 over the parameters, shape, scales, heads, and the hashes of the blocks. */
function versionOf(frame: CatalogueFrame, rows: number, blocks: readonly CatalogueBlock[]): string {
  const { parameters, dimensions, heads, itemScale, profileScale, dropped } = frame;
  const packing = frame.featuresPerCiphertext;
  const biases = blocks[0]?.biases !== null;
  const head = [parameters.id, dimensions, heads, rows, dropped, packing, biases];
  const scales = new DataView(new ArrayBuffer(16));
  scales.setFloat64(0, itemScale, true);
  scales.setFloat64(8, profileScale, true);
  const hash = sha256.create();
  hash.update(utf8ToBytes(`velatura/he/catalogue/2 ${JSON.stringify(head)} `));
  hash.update(new Uint8Array(scales.buffer));
  for (const block of blocks) hash.update(hexToBytes(block.hash));
  return bytesToHex(hash.digest());
}
