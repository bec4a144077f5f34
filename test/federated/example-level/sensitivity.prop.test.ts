import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RandomSource } from '../../../src/core/random-source.ts';
import { SeededRandom } from '../../../src/core/seeded-random.ts';
import type { NeighbourRelation } from '../../../src/dp/plan.ts';
import { NO_BARRIER } from '../../../src/federated/example-level/barrier.ts';
import { ChunkTree } from '../../../src/federated/example-level/chunks.ts';
import { allocateRun, CONTROL, VALUES } from '../../../src/federated/example-level/run-memory.ts';
import { LATTICE_NORM, stepSensitivity } from '../../../src/federated/example-level/sensitivity.ts';
import { StepMember } from '../../../src/federated/example-level/step-member.ts';
import { LogisticModel } from '../../../src/federated/models/logistic-model.ts';

const INPUTS = 7;
const OUTPUTS = 5;
const CAPACITY = 6;
const model = new LogisticModel({ inputDimension: INPUTS, outputDimension: OUTPUTS });
const PARAMETERS = model.parameterCount;

/** One row, with a word of its own that decides its chunk. */
interface Row {
  readonly word: number;
  readonly features: readonly number[];
  readonly labels: readonly number[];
}

/** The integer sum of a step over exactly these rows. */
function integerSum(rows: readonly Row[], parameters: Float32Array, norm: number): Float64Array {
  const settings = {
    members: 1,
    population: Math.max(1, rows.length),
    inputDimension: INPUTS,
    outputDimension: OUTPUTS,
    dimension: PARAMETERS,
    capacity: CAPACITY,
    noiseStddev: 0,
    seed: null,
    divisor: 1,
    momentum: 0,
    averages: false,
    layerShares: null,
  };
  const examples = {
    rows: rows.length,
    features: Float32Array.from(rows.flatMap((row) => row.features)),
    labels: Float32Array.from(rows.flatMap((row) => row.labels)),
  };
  const memory = allocateRun(settings, examples, null);
  memory.parameters.set(parameters);
  const words: RandomSource = {
    uint32: () => 0,
    fillUint32: (target) => target.set(rows.map((row) => row.word)),
  };
  const order = Uint32Array.from(rows, (_, i) => i);
  memory.control[CONTROL.chunks] = new ChunkTree(CAPACITY, 4, words).divide(order, memory.ends);
  memory.examples.set(order);
  memory.values[VALUES.clippingNorm] = norm;
  const member = new StepMember(0, model, settings, memory, NO_BARRIER);
  let sum = new Float64Array(0);
  member.step(() => {
    sum = memory.sums.slice();
  });
  member.free();
  return sum;
}

function distance(a: Float64Array, b: Float64Array): number {
  return Math.sqrt(a.reduce((sum, value, i) => sum + (value - (b[i] as number)) ** 2, 0));
}

const sensitivityOf = (relation: NeighbourRelation, norm: number): number =>
  stepSensitivity(relation, {
    sampling: 'fixed-size',
    parameterCount: PARAMETERS,
    capacity: CAPACITY,
    clip: { kind: 'global', norm },
  });

/** Numbers that float arithmetic stumbles over. */
const nasty = fc.oneof(
  fc.double({ min: -2, max: 2, noNaN: true }),
  fc.constantFrom(0, -0, 1, -1, 1e30, -1e30, 3e38, -3e38, 1e-40, -1e-40, 1e-45, 1 / 3, 1e19, 1e-20),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY),
);
const label = fc.oneof(fc.constantFrom(0, 1), fc.double({ min: -1e6, max: 1e6, noNaN: true }));
const row: fc.Arbitrary<Row> = fc.record({
  // Few words, so that chunks overflow and split.
  word: fc.oneof(
    fc.nat({ max: 3 }).map((n) => n * 2 ** 28),
    fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  ),
  features: fc.array(nasty, { minLength: INPUTS, maxLength: INPUTS }),
  labels: fc.array(label, { minLength: OUTPUTS, maxLength: OUTPUTS }),
});
/** Many copies of few rows, some with the opposite sign: sums that grow, and sums that cancel. */
const rows = fc
  .array(fc.tuple(row, fc.integer({ min: 1, max: 8 }), fc.boolean()), {
    minLength: 1,
    maxLength: 5,
  })
  .map((groups) =>
    groups.flatMap(([one, copies, turned]) =>
      Array.from({ length: copies }, (_, i) => ({
        ...one,
        word: (one.word + i * 0x1357_9bdf) % 2 ** 32,
        features: turned && i % 2 === 1 ? one.features.map((value) => -value) : one.features,
      })),
    ),
  );
const norms = fc.constantFrom(2 ** -50, 1e-6, 0.1, 1, 3, 1e6, 2 ** 50);
const parameters = fc
  .array(fc.double({ min: -3, max: 3, noNaN: true }), {
    minLength: PARAMETERS,
    maxLength: PARAMETERS,
  })
  .map((values) => Float32Array.from(values));

describe('the integer sum of a step', () => {
  it('moves by at most its sensitivity when a row comes or goes', () => {
    fc.assert(
      fc.property(rows, row, fc.nat(), parameters, norms, (others, newcomer, at, start, norm) => {
        const place = at % (others.length + 1);
        const all = [...others.slice(0, place), newcomer, ...others.slice(place)];
        const moved = distance(integerSum(all, start, norm), integerSum(others, start, norm));
        expect(moved).toBeLessThanOrEqual(sensitivityOf('add-or-remove-one-user', norm));
      }),
      { numRuns: 400 },
    );
  });

  it('moves by at most its sensitivity when a row is replaced', () => {
    fc.assert(
      fc.property(rows, row, fc.nat(), parameters, norms, (others, other, at, start, norm) => {
        const place = at % others.length;
        const word = (others[place] as Row).word;
        const replaced = others.map((one, i) => (i === place ? { ...other, word } : one));
        const moved = distance(integerSum(others, start, norm), integerSum(replaced, start, norm));
        expect(moved).toBeLessThanOrEqual(sensitivityOf('replace-one-user', norm));
      }),
      { numRuns: 200 },
    );
  });

  it('holds nothing but integers, whatever the rows hold', () => {
    fc.assert(
      fc.property(rows, parameters, norms, (some, start, norm) => {
        expect(integerSum(some, start, norm).every(Number.isSafeInteger)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it('comes close to its sensitivity for a row that is clipped', () => {
    const random = new SeededRandom('tight');
    const make = (scale: number): Row => ({
      word: random.uint32(),
      features: Array.from({ length: INPUTS }, () => scale * (random.uniform() - 0.5)),
      labels: Array.from({ length: OUTPUTS }, () => 1),
    });
    const others = Array.from({ length: 20 }, () => make(1));
    const start = new Float32Array(PARAMETERS);
    const moved = distance(
      integerSum([...others, make(1e4)], start, 0.5),
      integerSum(others, start, 0.5),
    );
    expect(moved / sensitivityOf('add-or-remove-one-user', 0.5)).toBeGreaterThan(0.999);
  });
});

describe('stepSensitivity', () => {
  it('is the clip and little more', () => {
    const shape = {
      sampling: 'full',
      parameterCount: 101_770,
      capacity: 128,
      clip: { kind: 'global', norm: 0.7 },
    } as const;
    const one = stepSensitivity('add-or-remove-one-user', shape) / LATTICE_NORM;
    expect(one).toBeGreaterThan(1);
    expect(one).toBeLessThan(1.005);
    expect(stepSensitivity('zero-out-one-user', shape)).toBe(one * LATTICE_NORM);
    const two = stepSensitivity('replace-one-user', shape) / LATTICE_NORM;
    expect(two).toBeGreaterThan(2);
    expect(two).toBeLessThan(2.005);
  });

  it('keeps a replaced record of a Poisson sample within half of it of absence', () => {
    // Gradients a little under half a lattice step: the rounding of one row alone, and of it with another, add up.
    const dimension = 4_323;
    const wide = new LogisticModel({ inputDimension: dimension, outputDimension: 1 });
    const size = (LATTICE_NORM * (1 - 2 ** -20)) / Math.sqrt(dimension);
    expect(size % 1).toBeGreaterThan(0.01);
    expect(size % 1).toBeLessThan(0.04);
    const rounded = (sizes: readonly number[]): Float64Array => {
      const features = sizes.flatMap((steps) =>
        new Array<number>(dimension).fill((2 * steps) / LATTICE_NORM),
      );
      const batch = {
        rows: sizes.length,
        features: Float32Array.from(features),
        labels: new Float32Array(sizes.length),
      };
      const sum = new Float32Array(dimension);
      const start = new Float32Array(dimension);
      wide.clippedGradient(start, batch, { kind: 'global', norm: 1 }, sum);
      return Float64Array.from(sum, (value) => Math.round(value * LATTICE_NORM));
    };
    const toAbsence = distance(rounded([0.495]), rounded([0.495, size]));
    const half = (sampling: 'fixed-size' | 'poisson'): number => {
      const clip = { kind: 'global', norm: 1 } as const;
      const shape = { sampling, parameterCount: dimension, capacity: 2, clip };
      return stepSensitivity('replace-one-user', shape) / 2;
    };
    expect(toAbsence).toBeGreaterThan(half('fixed-size'));
    expect(toAbsence).toBeLessThanOrEqual(half('poisson'));
  });

  it('grows with the chunk and the parameters', () => {
    const at = (capacity: number, parameterCount: number): number =>
      stepSensitivity('add-or-remove-one-user', {
        sampling: 'poisson',
        parameterCount,
        capacity,
        clip: { kind: 'layers', norms: [1, 2] },
      });
    expect(at(256, 100)).toBeGreaterThan(at(128, 100));
    expect(at(128, 10_000)).toBeGreaterThan(at(128, 100));
  });
});
