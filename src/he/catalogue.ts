import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { VelaturaError } from '../core/errors.ts';
import type { CatalogueDescription } from './catalogue-description.ts';
import { MAX_FEATURES, MAX_ITEMS } from './limits.ts';
import { itemsPerBlock } from './packing.ts';
import { assertHeParameters, type HeParameters } from './parameters.ts';
import {
  FLOAT32_SLACK,
  type QuantisationError,
  quantiseItems,
  quantiseProfile,
} from './quantise.ts';
import { scoreErrorBound } from './score-error.ts';

/** What a catalogue is made from. Bounds are public constants, chosen without looking at people. */
export interface CatalogueOptions {
  readonly parameters: HeParameters;
  /** `[items, dimensions]`. */
  readonly items: Float32Array;
  /** Features per item, from 1 to 1,024. */
  readonly dimensions: number;
  /** `[items]`, added to the scores. */
  readonly biases?: Float32Array;
  /** The largest Euclidean norm an item may have. */
  readonly itemNormBound: number;
  /** The largest Euclidean norm a profile vector may have. */
  readonly profileNormBound: number;
}

/** An item matrix as integers, with everything that follows from it. Immutable. */
export interface ScoringCatalogue {
  readonly parameters: HeParameters;
  /** What clients are told. */
  readonly description: CatalogueDescription;
  /** `[items, dimensions]`. */
  readonly integers: Int8Array;
  /** `[items]` in integer score units, or null without biases. */
  readonly integerBiases: Int32Array | null;
  /** What rounding the items to bytes cost. */
  readonly itemQuantisationError: QuantisationError;
}

/**
 * Rounds items to bytes and derives the scales, the error bound and the version of a catalogue.
 *
 * The profile scale is the largest at which no admissible profile can wrap modulo t: by Cauchy–Schwarz
 * |score| ≤ max‖item‖·‖profile‖ + max|bias|, and that plus the error bound is kept within (t−1)/2.
 *
 * @throws {VelaturaError} `he/value-out-of-range` on non-finite values, an item above the bound, an all
 *   zero matrix, or biases so large that the profile would be rounded away
 */
export function createCatalogue(options: CatalogueOptions): ScoringCatalogue {
  checkShape(options);
  const { parameters, dimensions, biases, itemNormBound, profileNormBound } = options;
  const quantised = quantiseItems(options.items, dimensions, itemNormBound);
  const norms = integerNorms(parameters, quantised.integers, dimensions);
  const items = options.items.length / dimensions;
  const errorBound = scoreErrorBound(parameters, {
    blockSquaredNorm: norms.blockSquaredNorm,
    itemL1Norm: norms.itemL1Norm,
    scores: items,
  });

  const largestBias = (biases ?? new Float32Array()).reduce(
    (max, bias) => Math.max(max, Math.abs(bias)),
    0,
  );
  const biasPerProfileUnit = (largestBias * quantised.scale) / profileNormBound;
  const room = (parameters.plaintextModulus - 1) / 2 - errorBound - 1;
  const integerProfileNorm = Math.floor(room / (norms.itemNorm + biasPerProfileUnit));
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
  const scoreScale = quantised.scale * profileScale;
  if (!Number.isFinite(scoreScale)) {
    throw new VelaturaError('he/value-out-of-range', 'items or bounds are too small to be scaled', {
      itemNormBound,
      profileNormBound,
    });
  }
  const integerBiases =
    biases === undefined ? null : Int32Array.from(biases, (bias) => Math.round(bias * scoreScale));

  return Object.freeze({
    parameters,
    description: Object.freeze({
      version: versionOf(
        parameters,
        dimensions,
        quantised.scale,
        profileScale,
        quantised.integers,
        integerBiases,
      ),
      parametersId: parameters.id,
      items,
      dimensions,
      profileNormBound,
      profileScale,
      scoreScale,
      scoreErrorBound: errorBound / scoreScale,
    }),
    integers: quantised.integers,
    integerBiases,
    itemQuantisationError: quantised.error,
  });
}

/**
 * The scores of a profile without encryption, from the same integers: what encrypted scoring returns up
 * to its stated error.
 *
 * @param profile - `[dimensions]`
 * @returns `[items]`
 * @throws {VelaturaError} `he/value-out-of-range`
 */
export function scorePlain(catalogue: ScoringCatalogue, profile: Float32Array): Float64Array {
  const { description, integers, integerBiases } = catalogue;
  const { dimensions, items, profileScale, profileNormBound, scoreScale } = description;
  if (profile.length !== dimensions) {
    throw new RangeError(`"profile" expected ${dimensions} features, got ${profile.length}`);
  }
  const weights = quantiseProfile(profile, profileScale, profileNormBound);
  return Float64Array.from({ length: items }, (_, item) => {
    let score = integerBiases?.[item] ?? 0;
    for (let feature = 0; feature < dimensions; feature++) {
      score += (integers[item * dimensions + feature] as number) * (weights[feature] as number);
    }
    return score / scoreScale;
  });
}

/** The integer profile must be this many times longer than what rounding adds to it. */
const MIN_NORM_TO_ROUNDING = 8;

function checkShape(options: CatalogueOptions): void {
  assertHeParameters(options.parameters);
  const { items, dimensions, biases, itemNormBound, profileNormBound } = options;
  if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > MAX_FEATURES) {
    throw new RangeError(
      `"dimensions" expected an integer in [1, ${MAX_FEATURES}], got ${dimensions}`,
    );
  }
  const count = items.length / dimensions;
  if (!Number.isInteger(count) || count < 1 || count > MAX_ITEMS) {
    throw new RangeError(
      `"items" expected from 1 to ${MAX_ITEMS} rows of ${dimensions} values, got ${items.length} values`,
    );
  }
  if (biases !== undefined && biases.length !== count) {
    throw new RangeError(`"biases" expected ${count} values, got ${biases.length}`);
  }
  if (biases?.every(Number.isFinite) === false) {
    throw new VelaturaError('he/value-out-of-range', 'a bias is not a finite number');
  }
  for (const [name, bound] of Object.entries({ itemNormBound, profileNormBound })) {
    if (!(bound > 0 && Number.isFinite(bound))) {
      throw new RangeError(`"${name}" expected a positive number, got ${bound}`);
    }
  }
}

interface IntegerNorms {
  readonly itemNorm: number;
  readonly itemL1Norm: number;
  readonly blockSquaredNorm: number;
}

/** All sums are exact: at most 2¹¹ items · 2¹⁰ features · 2¹⁴. */
function integerNorms(
  parameters: HeParameters,
  integers: Int8Array,
  dimensions: number,
): IntegerNorms {
  const blockLength = itemsPerBlock(parameters) * dimensions;
  let itemSquares = 0;
  let itemL1Norm = 0;
  let blockSquaredNorm = 0;
  for (let start = 0; start < integers.length; start += blockLength) {
    const end = Math.min(start + blockLength, integers.length);
    let blockSquares = 1; // the coefficient that belongs to no item
    for (let at = start; at < end; at += dimensions) {
      let squares = 0;
      let sum = 0;
      for (let i = at; i < at + dimensions; i++) {
        const value = integers[i] as number;
        squares += value * value;
        sum += Math.abs(value);
      }
      itemSquares = Math.max(itemSquares, squares);
      itemL1Norm = Math.max(itemL1Norm, sum);
      blockSquares += squares;
    }
    blockSquaredNorm = Math.max(blockSquaredNorm, blockSquares);
  }
  return { itemNorm: Math.sqrt(itemSquares), itemL1Norm, blockSquaredNorm };
}

/** SHA-256 over the parameters, shape, scales, items and biases. */
function versionOf(
  parameters: HeParameters,
  dimensions: number,
  itemScale: number,
  profileScale: number,
  integers: Int8Array,
  integerBiases: Int32Array | null,
): string {
  const hash = sha256.create();
  hash.update(utf8ToBytes(`velatura/he/catalogue/1 ${parameters.id} `));
  const numbers = new DataView(new ArrayBuffer(32));
  numbers.setUint32(0, dimensions, true);
  numbers.setUint32(4, integers.length / dimensions, true);
  numbers.setFloat64(8, itemScale, true);
  numbers.setFloat64(16, profileScale, true);
  numbers.setUint32(24, integerBiases?.length ?? 0, true);
  hash.update(new Uint8Array(numbers.buffer));
  hash.update(new Uint8Array(integers.buffer, integers.byteOffset, integers.byteLength));
  if (integerBiases !== null) {
    const words = new DataView(new ArrayBuffer(4 * integerBiases.length));
    integerBiases.forEach((bias, i) => {
      words.setInt32(4 * i, bias, true);
    });
    hash.update(new Uint8Array(words.buffer));
  }
  return bytesToHex(hash.digest());
}
