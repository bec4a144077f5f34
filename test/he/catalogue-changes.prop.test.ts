import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addItems,
  createCatalogue,
  EncryptedScorer,
  HE_PRESETS,
  insecureNoOpProvider,
  removeItems,
  replaceItems,
  type ScoringCatalogue,
  ScoringClient,
  scorePlain,
} from '../../src/he/index.ts';
import { codeOf, unitVectors } from './fixtures.ts';

const DIMENSIONS = 3;
const HEADS = 2;
const pool = unitVectors('changes', 2000, DIMENSIONS);
const profile = unitVectors('changing', 1, DIMENSIONS);

/** What the catalogue should hold, in floats. */
interface Model {
  readonly vectors: number[][];
  readonly biases: number[][];
}

/** Item `seed` of the pool: both heads with their biases. */
function itemOf(seed: number): { vector: number[]; bias: number[] } {
  const at = (seed % 900) * HEADS * DIMENSIONS;
  return {
    vector: [...pool.subarray(at, at + HEADS * DIMENSIONS)],
    bias: [(seed % 7) / 10 - 0.3, (seed % 5) / 10 - 0.2],
  };
}

function catalogueOf({ vectors, biases }: Model): ScoringCatalogue {
  return createCatalogue({
    parameters: HE_PRESETS.insecureToy,
    items: Float32Array.from(vectors.flat()),
    biases: Float32Array.from(biases.flat()),
    heads: ['click', 'buy'],
    dimensions: DIMENSIONS,
    itemNormBound: 1,
    profileNormBound: 1,
    coefficientBound: 1,
  });
}

function modelOf(seeds: readonly number[]): Model {
  const items = seeds.map(itemOf);
  return { vectors: items.map(({ vector }) => vector), biases: items.map(({ bias }) => bias) };
}

const first = [...Array(70).keys()]; // two blocks of 63 rows and a part of a third
const change = fc.oneof(
  fc.record({
    kind: fc.constant('add' as const),
    seeds: fc.array(fc.nat(5000), { minLength: 1, maxLength: 80 }),
  }),
  fc.record({
    kind: fc.constant('replace' as const),
    seeds: fc.array(fc.nat(5000), { minLength: 1, maxLength: 5 }),
  }),
  fc.record({
    kind: fc.constant('remove' as const),
    seeds: fc.array(fc.nat(5000), { minLength: 1, maxLength: 40 }),
  }),
);

describe('changes of a catalogue', () => {
  it('come to the catalogue that the same items make at once, and to the replies of its scorer', () => {
    const kept = { encoded: 0, blocks: 0 };
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const model = modelOf(first);
        let catalogue = catalogueOf(model);
        const frame = catalogue.frame;
        const scorer = new EncryptedScorer(catalogue, { allowInsecure: true });
        for (const { kind, seeds } of changes) {
          const count = model.vectors.length;
          if (kind === 'add') {
            const more = modelOf(seeds);
            catalogue = addItems(
              catalogue,
              Float32Array.from(more.vectors.flat()),
              Float32Array.from(more.biases.flat()),
            );
            model.vectors.push(...more.vectors);
            model.biases.push(...more.biases);
          } else if (kind === 'replace') {
            const items = [...new Set(seeds.map((seed) => seed % count))];
            const others = modelOf(items.map((item) => item + 400));
            catalogue = replaceItems(
              catalogue,
              items,
              Float32Array.from(others.vectors.flat()),
              Float32Array.from(others.biases.flat()),
            );
            items.forEach((item, i) => {
              model.vectors[item] = others.vectors[i] as number[];
              model.biases[item] = others.biases[i] as number[];
            });
          } else {
            const items = [...new Set(seeds.map((seed) => seed % count))].slice(0, count - 1);
            const removed = removeItems(catalogue, items);
            catalogue = removed.catalogue;
            for (const { from, to } of removed.moved) {
              expect(items).toContain(to);
              expect(items).not.toContain(from);
              model.vectors[to] = model.vectors[from] as number[];
              model.biases[to] = model.biases[from] as number[];
            }
            model.vectors.length = count - items.length;
            model.biases.length = count - items.length;
          }
          kept.encoded += scorer.update(catalogue);
          kept.blocks += catalogue.blocks.length;
        }
        expect(catalogue.frame).toBe(frame);
        expect(catalogue.description.items).toBe(model.vectors.length * HEADS);
        const { scoreScale } = catalogue.description;
        scorePlain(catalogue, profile).forEach((score, row) => {
          const vector = model.vectors[Math.floor(row / HEADS)] as number[];
          const head = row % HEADS;
          let expected = model.biases[Math.floor(row / HEADS)]?.[head] as number;
          for (let f = 0; f < DIMENSIONS; f++) {
            expected += (vector[head * DIMENSIONS + f] as number) * (profile[f] as number);
          }
          expect(Math.abs(score - expected)).toBeLessThan(0.03 + 1 / scoreScale);
        });
        const client = new ScoringClient({
          provider: insecureNoOpProvider,
          catalogue: catalogue.description,
          allowInsecure: true,
        });
        const { query } = client.encryptProfile(profile);
        client.dispose();
        const fresh = new EncryptedScorer(catalogue, { allowInsecure: true });
        expect(scorer.score(query)).toEqual(fresh.score(query));
      }),
      { numRuns: 60 },
    );
    expect(kept.encoded).toBeLessThan(0.9 * kept.blocks);
  });

  const catalogue = catalogueOf(modelOf(first));

  it('share the blocks that stay', () => {
    const item = itemOf(1);
    const changed = replaceItems(
      catalogue,
      [0],
      Float32Array.from(item.vector),
      Float32Array.from(item.bias),
    );
    expect(changed.blocks.map((block, i) => block === catalogue.blocks[i])).toEqual([
      false,
      true,
      true,
    ]);
    expect(changed.description.version).not.toBe(catalogue.description.version);
    expect(new EncryptedScorer(catalogue, { allowInsecure: true }).update(changed)).toBe(1);
  });

  it('come back to the same version when they are undone', () => {
    const bias = Float32Array.from(itemOf(80).bias);
    const more = addItems(catalogue, Float32Array.from(itemOf(80).vector), bias);
    expect(more.description.version).not.toBe(catalogue.description.version);
    const less = removeItems(more, [70]);
    expect(less.moved).toEqual([]);
    expect(less.catalogue.description).toEqual(catalogue.description);
  });

  const two = new Float32Array(HEADS);
  it.each<[string, () => unknown, string]>([
    [
      'an item above the bound',
      () => addItems(catalogue, new Float32Array(6).fill(0.9), two),
      'he/value-out-of-range',
    ],
    [
      'a NaN',
      () => addItems(catalogue, new Float32Array(6).fill(Number.NaN), two),
      'he/value-out-of-range',
    ],
    [
      'a bias that is no number',
      () =>
        addItems(
          catalogue,
          new Float32Array(6),
          two.map(() => Number.NaN),
        ),
      'he/value-out-of-range',
    ],
    [
      'a bias beyond the scales',
      () =>
        addItems(
          catalogue,
          new Float32Array(6),
          two.map(() => 5),
        ),
      'he/value-out-of-range',
    ],
    ['biases that are missing', () => addItems(catalogue, new Float32Array(6)), 'RangeError'],
    ['half an item', () => addItems(catalogue, new Float32Array(3), two), 'RangeError'],
    ['nothing to add', () => addItems(catalogue, new Float32Array(), two), 'RangeError'],
    ['an item that is not there', () => removeItems(catalogue, [70]), 'RangeError'],
    ['an item twice', () => removeItems(catalogue, [3, 3]), 'RangeError'],
    ['all items', () => removeItems(catalogue, first), 'RangeError'],
    [
      'too few vectors',
      () => replaceItems(catalogue, [1, 2], new Float32Array(6), two),
      'RangeError',
    ],
  ])('refuse %s', (_, body, code) => {
    expect(codeOf(body)).toBe(code);
  });

  it('refuse a coefficient that the scale takes beyond a byte', () => {
    const plain = createCatalogue({
      parameters: HE_PRESETS.default,
      items: Float32Array.of(0.5, 0.1, 0.3, 0.4),
      dimensions: 2,
      itemNormBound: 1,
      profileNormBound: 1,
    });
    expect(codeOf(() => addItems(plain, Float32Array.of(0.52, 0)))).toBe('he/value-out-of-range');
    expect(addItems(plain, Float32Array.of(0.5, 0)).description.items).toBe(3);
    // The rows of now are 0.51 long at most; an eighth more is room, the bound of 1 is not.
    expect(codeOf(() => addItems(plain, Float32Array.of(0.5, 0.5)))).toBe('he/value-out-of-range');
    expect(codeOf(() => addItems(plain, Float32Array.of(0.1, 0.1), Float32Array.of(0)))).toBe(
      'RangeError',
    );
  });

  it('are refused by the scorer of another catalogue', () => {
    const scorer = new EncryptedScorer(catalogue, { allowInsecure: true });
    expect(codeOf(() => scorer.update(catalogueOf(modelOf(first))))).toBe('TypeError');
  });
});
