import fc from 'fast-check';
import type { GemmShape, GemmStart, Kernels } from '../../../src/core/kernels/kernels.ts';

/** Unit round-off of float32. */
export const U = 2 ** -24;
/** Below this float32 has fewer digits. */
export const TINY = 2 ** -126;

/** 1 … 70, with the edges of vectors and tiles more often. */
export const size: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 1, max: 70 }),
  fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65),
);

/** Ordinary numbers of mixed size and sign. */
export const ordinary: fc.Arbitrary<number> = fc
  .tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.integer({ min: -12, max: 6 }))
  .map(([mantissa, exponent]) => Math.fround(mantissa * 2 ** exponent));

/** Repeatable ordinary numbers for large arrays, where shrinking single values tells nothing. */
export function numbers(seed: number, length: number): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 2 ** ((state & 7) - 4);
  });
}

/** The three products by name, with the index of the factors of one sum. */
export const GEMMS: readonly {
  readonly name: 'gemmNN' | 'gemmTN' | 'gemmNT';
  readonly a: (shape: GemmShape, row: number, p: number) => number;
  readonly b: (shape: GemmShape, p: number, column: number) => number;
}[] = [
  { name: 'gemmNN', a: (s, i, p) => i * s.inner + p, b: (s, p, j) => p * s.columns + j },
  { name: 'gemmTN', a: (s, i, p) => p * s.rows + i, b: (s, p, j) => p * s.columns + j },
  { name: 'gemmNT', a: (s, i, p) => i * s.inner + p, b: (s, p, j) => j * s.inner + p },
];

/** Operands of one product. */
export interface GemmCase {
  readonly shape: GemmShape;
  readonly start: 'zero' | 'out' | 'bias';
  readonly seed: number;
}

export const gemmCase: fc.Arbitrary<GemmCase> = fc.record({
  shape: fc.record({ rows: size, columns: size, inner: size }),
  start: fc.constantFrom('zero', 'out', 'bias'),
  seed: fc.nat(),
});

/** Where the operands of a test lie: in the arena of the kernels or outside, or some here and some there. */
export type Home = (kernels: Kernels, array: Float32Array, index: number) => Float32Array;
export const HOMES: readonly { readonly name: string; readonly home: Home }[] = [
  { name: 'elsewhere', home: (_kernels, array) => array.slice() },
  { name: 'in a workspace', home: inWorkspace },
  {
    name: 'here and there, off every boundary',
    home: (kernels, array, index) => {
      if (index % 2 === 1) return array.slice();
      const wider = inWorkspace(kernels, new Float32Array(array.length + 3).fill(Number.NaN));
      const view = wider.subarray(1, 1 + array.length);
      view.set(array);
      return view;
    },
  },
];

function inWorkspace(kernels: Kernels, array: Float32Array): Float32Array {
  const copy = kernels.workspace().float32(array.length);
  copy.set(array);
  return copy;
}

/** Runs one product; the answer and what it was started from. */
export function runGemm(
  kernels: Kernels,
  name: 'gemmNN' | 'gemmTN' | 'gemmNT',
  { shape, start, seed }: GemmCase,
  home: Home,
): { a: Float32Array; b: Float32Array; begin: Float32Array; out: Float32Array } {
  const { rows, columns, inner } = shape;
  const a = numbers(seed, rows * inner);
  const b = numbers(seed + 1, inner * columns);
  const before = numbers(seed + 2, rows * columns);
  const bias = numbers(seed + 3, columns);
  const out = home(kernels, before, 2);
  const from: GemmStart = start === 'bias' ? home(kernels, bias, 3) : start;
  kernels[name](shape, home(kernels, a, 0), home(kernels, b, 1), out, from);
  const begin = before.map((value, at) =>
    start === 'zero' ? 0 : start === 'out' ? value : (bias[at % columns] as number),
  );
  return { a, b, begin, out };
}
