import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CatalogueBlock } from '../../src/he/catalogue-block.ts';
import {
  type CatalogueOptions,
  createCatalogue,
  HE_PRESETS,
  parseCatalogueDescription,
  scoreErrorBound,
  scorePlain,
} from '../../src/he/index.ts';
import { blockCount, itemsPerBlock, packBlock } from '../../src/he/packing.ts';
import { codeOf, unitVectors } from './fixtures.ts';

const DIMENSIONS = 6;
const BASE: CatalogueOptions = {
  parameters: HE_PRESETS.default,
  items: unitVectors('catalogue', 50, DIMENSIONS),
  dimensions: DIMENSIONS,
  itemNormBound: 1,
  profileNormBound: 2,
};
const create = (change: Partial<CatalogueOptions> = {}) => createCatalogue({ ...BASE, ...change });

describe('catalogue', () => {
  it('describes itself in plain JSON that parses back', () => {
    const { description } = create();
    expect(description).toMatchObject({ items: 50, dimensions: DIMENSIONS, profileNormBound: 2 });
    expect(description.parametersId).toBe(HE_PRESETS.default.id);
    expect(parseCatalogueDescription(JSON.parse(JSON.stringify(description)))).toEqual(description);
  });

  it('states the error bound of its own integers, in score units', () => {
    const { description, blocks } = create();
    const { integers, squaredNorm } = blocks[0] as CatalogueBlock;
    let itemL1Norm = 0;
    for (let at = 0; at < integers.length; at += DIMENSIONS) {
      const row = integers.subarray(at, at + DIMENSIONS);
      itemL1Norm = Math.max(
        itemL1Norm,
        row.reduce((sum, value) => sum + Math.abs(value), 0),
      );
    }
    const blockSquaredNorm = integers.reduce((sum, value) => sum + value * value, 1);
    expect(squaredNorm).toBe(blockSquaredNorm);
    const dropped = description.droppedBits;
    expect(Math.min(...dropped)).toBeGreaterThan(0);
    const norms = { blockSquaredNorm, itemL1Norm, scores: 50, dropped };
    const units = scoreErrorBound(HE_PRESETS.default, norms);
    expect(units).toBeGreaterThan(0);
    expect(description.scoreErrorBound).toBe(units / description.scoreScale);
  });

  it('has a version that changes with items, biases, bounds and parameters, and with nothing else', () => {
    const moved = BASE.items.slice();
    moved[0] = -(moved[0] as number);
    const versions = [
      create(),
      create({ items: moved }),
      create({ biases: new Float32Array(50) }),
      create({ biases: new Float32Array(50).fill(0.1) }),
      create({ profileNormBound: 1 }),
      create({ parameters: HE_PRESETS.exact }),
      create({ dimensions: 3 }),
      create({ itemNormBound: 5 }),
      create({ coefficientBound: 1 }),
      create({ heads: ['click', 'buy'] }),
      create({ featuresPerCiphertext: 2 }),
    ].map(({ description }) => description.version);
    expect(new Set(versions).size).toBe(versions.length);
    expect(create().description.version).toBe(versions[0]);
  });

  it('scores in plain within the quantisation error', () => {
    const catalogue = create({ biases: Float32Array.from({ length: 50 }, (_, i) => i / 500) });
    const profile = Float32Array.from(unitVectors('profile', 1, DIMENSIONS), (x) => 2 * x);
    const tolerance =
      2 * Math.sqrt(DIMENSIONS) * catalogue.itemQuantisationError.max +
      (0.5 * Math.sqrt(DIMENSIONS)) / catalogue.description.profileScale +
      1 / catalogue.description.scoreScale;
    scorePlain(catalogue, profile).forEach((score, item) => {
      let exact = item / 500;
      for (let f = 0; f < DIMENSIONS; f++) {
        exact += (BASE.items[item * DIMENSIONS + f] as number) * (profile[f] as number);
      }
      expect(Math.abs(score - exact)).toBeLessThan(tolerance);
    });
  });

  it('chooses the profile scale so that no admissible profile can wrap modulo t', () => {
    const unit = fc.integer({ min: -100, max: 100 }).map((percent) => percent / 100);
    const preset = fc.constantFrom(HE_PRESETS.default, HE_PRESETS.fast, HE_PRESETS.exact);
    const rows = fc.integer({ min: 1, max: 9 }).chain((dimensions) =>
      fc.tuple(
        fc.constant(dimensions),
        fc.array(fc.array(unit, { minLength: dimensions, maxLength: dimensions }), {
          minLength: 1,
          maxLength: 6,
        }),
      ),
    );
    fc.assert(
      fc.property(
        preset,
        rows,
        fc.integer({ min: -200, max: 200 }).map((percent) => percent / 100),
        (parameters, [dimensions, list], bias) => {
          fc.pre(list.flat().some((value) => Math.abs(value) >= 0.1));
          const catalogue = createCatalogue({
            parameters,
            items: Float32Array.from(list.flat()),
            dimensions,
            biases: new Float32Array(list.length).fill(bias),
            itemNormBound: 3,
            profileNormBound: 1,
          });
          const { scoreScale, scoreErrorBound: errorBound } = catalogue.description;
          // The worst profile for an item points along it.
          list.forEach((row, item) => {
            const norm = Math.hypot(...row);
            if (norm === 0) return;
            const profile = Float32Array.from(row, (value) => value / norm);
            const score = scorePlain(catalogue, profile)[item] as number;
            const units = (Math.abs(score) + errorBound) * scoreScale;
            expect(Math.round(units)).toBeLessThanOrEqual((parameters.plaintextModulus - 1) / 2);
          });
        },
      ),
      { numRuns: 200 },
    );
  });

  it('uses most of the plaintext modulus', () => {
    const { scoreScale } = create({ profileNormBound: 1 }).description;
    // Items of norm 1 and profiles of norm 1 reach scores of 1, which is scoreScale in integers.
    expect(scoreScale).toBeGreaterThan(0.9 * (HE_PRESETS.default.plaintextModulus / 2));
  });

  it.each<[string, Partial<CatalogueOptions>, string]>([
    ['an item above the bound', { itemNormBound: 0.9 }, 'he/value-out-of-range'],
    ['a NaN in an item', { items: new Float32Array(12).fill(Number.NaN) }, 'he/value-out-of-range'],
    ['nothing but zeros', { items: new Float32Array(12) }, 'he/value-out-of-range'],
    ['an infinite bias', { biases: new Float32Array(50).fill(Infinity) }, 'he/value-out-of-range'],
    ['a NaN bias', { biases: new Float32Array(50).fill(NaN) }, 'he/value-out-of-range'],
    [
      'biases that drown the scores',
      { biases: new Float32Array(50).fill(1e6) },
      'he/value-out-of-range',
    ],
    ['biases of another count', { biases: new Float32Array(49) }, 'RangeError'],
    ['no items', { items: new Float32Array() }, 'RangeError'],
    ['a cut row', { items: new Float32Array(13) }, 'RangeError'],
    ['no dimensions', { dimensions: 0 }, 'RangeError'],
    [
      '1,025 dimensions',
      { dimensions: 1025, items: new Float32Array(1025).fill(0.01) },
      'RangeError',
    ],
    ['a bound of zero', { profileNormBound: 0 }, 'RangeError'],
    ['an infinite bound', { itemNormBound: Infinity }, 'RangeError'],
    ['a bound that is no number', { profileNormBound: NaN }, 'RangeError'],
    ['a coefficient bound of zero', { coefficientBound: 0 }, 'RangeError'],
    ['a coefficient above its bound', { coefficientBound: 0.5 }, 'he/value-out-of-range'],
    ['no heads', { heads: [] }, 'RangeError'],
    ['two heads of one name', { heads: ['buy', 'buy'] }, 'RangeError'],
    ['heads that do not divide the rows', { heads: ['a', 'b', 'c'] }, 'RangeError'],
    ['half a feature to a ciphertext', { featuresPerCiphertext: 0.5 }, 'RangeError'],
    ['unchecked parameters', { parameters: { ...HE_PRESETS.default } }, 'TypeError'],
  ])('refuses %s', (_, change, code) => {
    expect(codeOf(() => create(change))).toBe(code);
  });

  it('refuses profiles of another length in plain scoring', () => {
    expect(codeOf(() => scorePlain(create(), new Float32Array(5)))).toBe('RangeError');
  });
});

describe('catalogue description', () => {
  const good = create().description;

  it.each<[string, unknown]>([
    ['no object', null],
    ['a string', 'version'],
    ['a short version', { ...good, version: 'ab' }],
    ['a version in capitals', { ...good, version: good.version.toUpperCase() }],
    ['a version that is a number', { ...good, version: 7 }],
    ['another kind of parameter id', { ...good, parametersId: 'default' }],
    ['2^31 items', { ...good, items: 2 ** 31 }],
    ['half an item', { ...good, items: 1.5 }],
    ['no items', { ...good, items: 0 }],
    ['too many dimensions', { ...good, dimensions: 4096 }],
    ['a NaN scale', { ...good, profileScale: Number.NaN }],
    ['an infinite scale', { ...good, scoreScale: Number.POSITIVE_INFINITY }],
    ['a negative bound', { ...good, profileNormBound: -1 }],
    ['a negative error', { ...good, scoreErrorBound: -1 }],
    ['no heads', { ...good, heads: [] }],
    ['a head without a name', { ...good, heads: [''] }],
    ['one head twice', { ...good, heads: ['a', 'a'] }],
    ['heads that do not divide the items', { ...good, heads: ['a', 'b', 'c'] }],
    ['one number of dropped bits', { ...good, droppedBits: [3] }],
    ['more dropped bits than there are', { ...good, droppedBits: [28, 0] }],
    ['half a dropped bit', { ...good, droppedBits: [0.5, 0] }],
    ['no features to a ciphertext', { ...good, featuresPerCiphertext: 0 }],
    ['a missing field', { ...good, items: undefined }],
  ])('refuses %s', (_, value) => {
    expect(codeOf(() => parseCatalogueDescription(value))).toBe('he/malformed-message');
  });

  it('drops fields it does not know', () => {
    expect(parseCatalogueDescription({ ...good, extra: 1 })).toEqual(good);
  });
});

describe('packing', () => {
  it('puts item b·(N−1)+i in coefficient i of block b, and 1 in the coefficient of no item', () => {
    const parameters = HE_PRESETS.insecureToy;
    const items = 70;
    const integers = Int8Array.from({ length: items * 2 }, (_, i) => (i % 251) - 125);
    expect(itemsPerBlock(parameters)).toBe(63);
    expect(blockCount(parameters, items)).toBe(2);
    for (const block of [0, 1]) {
      const columns = packBlock(parameters, integers, 2, block);
      expect(columns.map((column) => column.length)).toEqual([64, 64]);
      columns.forEach((column, feature) => {
        column.forEach((value, i) => {
          const item = block * 63 + i;
          const expected =
            i === 63 ? (feature === 0 ? 1 : 0) : item < items ? integers[item * 2 + feature] : 0;
          expect(value).toBe(expected);
        });
      });
    }
  });

  it('needs one block up to N − 1 items', () => {
    const counts = [1, 2047, 2048, 4094, 4095].map((n) => blockCount(HE_PRESETS.default, n));
    expect(counts).toEqual([1, 1, 2, 2, 3]);
  });
});
