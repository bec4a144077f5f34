import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Kernels } from '../../../src/core/kernels/kernels.ts';
import { PlainKernels } from '../../../src/core/kernels/plain.ts';
import { SimdKernels } from '../../../src/core/kernels/simd.ts';
import { TRAINING_WASM } from '../../../src/core/kernels/training-wasm.ts';

const of = (...values: number[]): Float32Array => Float32Array.from(values);

describe.each<Kernels>([new PlainKernels(), new SimdKernels()])('$name kernels', (kernels) => {
  it('multiplies small matrices', () => {
    const shape = { rows: 2, columns: 2, inner: 3 };
    const a = of(1, 2, 3, 4, 5, 6);
    const out = of(1, 1, 1, 1);
    kernels.gemmNN(shape, a, of(1, 0, 0, 1, 1, 1), out, 'zero');
    expect(out).toEqual(of(4, 5, 10, 11));
    kernels.gemmNT(shape, a, of(1, 0, 1, 0, 1, 1), out, 'out');
    expect(out).toEqual(of(8, 10, 20, 22));
    kernels.gemmTN(shape, of(1, 4, 2, 5, 3, 6), of(1, 0, 0, 1, 1, 1), out, of(100, 200));
    expect(out).toEqual(of(104, 205, 110, 211));
  });

  it('takes the mean where the scale says so', () => {
    const logits = of(0, 0);
    expect(kernels.sigmoidCrossEntropy(logits, of(0, 1), 0.5)).toBeCloseTo(Math.LN2, 12);
    expect(logits).toEqual(of(0.25, -0.25));
    const classes = of(7, 7, 7, 7);
    const shape = { rows: 2, columns: 2 };
    expect(kernels.softmaxCrossEntropy(shape, classes, of(0, 1, 1, 0), 0.5)).toBeCloseTo(
      Math.LN2,
      12,
    );
    expect(classes).toEqual(of(0.25, -0.25, -0.25, 0.25));
  });

  it('does not overflow at huge logits', () => {
    const logits = of(1e30, -1e30, 200, -200);
    expect(kernels.sigmoidCrossEntropy(logits, of(1, 0, 0, 1), 1)).toBe(400);
    expect(logits).toEqual(of(0, 0, 1, -1));
    const classes = of(1e30, -1e30);
    expect(kernels.softmaxCrossEntropy({ rows: 1, columns: 2 }, classes, of(1, 0), 1)).toBeCloseTo(
      0,
      12,
    );
    expect(classes).toEqual(of(0, 0));
  });

  it('has the logarithm of the number of equal classes to the last digits', () => {
    for (let columns = 1; columns <= 300; columns++) {
      const labels = new Float32Array(columns);
      labels[columns - 1] = 1;
      const logits = new Float32Array(columns).fill(-3);
      const loss = kernels.softmaxCrossEntropy({ rows: 1, columns }, logits, labels, 1);
      expect(Math.abs(loss - Math.log(columns))).toBeLessThan(2e-15);
    }
  });

  it('turns back what it turned', () => {
    const data = of(3, 1, 4, 1, 5, 9, 2, 6);
    const turned = data.slice();
    kernels.walshHadamard(4, turned, 0.5);
    expect(turned.subarray(0, 4)).toEqual(of(4.5, 2.5, -0.5, -0.5));
    kernels.walshHadamard(4, turned, 0.5);
    expect(turned).toEqual(data);
  });

  it('works on arrays of other memory', () => {
    const shared = new Float32Array(new SharedArrayBuffer(12));
    shared.set([1, 2, 3]);
    kernels.axpy(2, of(1, 1, 1), shared);
    expect(Array.from(shared)).toEqual([3, 4, 5]);
  });

  describe('refuses', () => {
    const shape = { rows: 2, columns: 3, inner: 4 };
    const [a, b, out] = [8, 12, 6].map((length) => new Float32Array(length)) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    it.each([0, -1, 1.5, Number.NaN, Infinity])('a size of %d', (bad) => {
      const expected = `expected a positive integer, got ${bad}`;
      for (const name of ['rows', 'columns', 'inner'] as const) {
        expect(() => kernels.gemmNN({ ...shape, [name]: bad }, a, b, out, 'zero')).toThrow(
          new RangeError(`"${name}" ${expected}`),
        );
      }
      const matrix = { rows: bad, columns: 3 };
      expect(() => kernels.rowSquaredNorms(matrix, out, new Float64Array(2))).toThrow(expected);
      expect(() => kernels.scaleRows(matrix, out, of(1, 1))).toThrow(expected);
      expect(() => kernels.accumulateRows(matrix, out, of(1, 1), of(0, 0, 0))).toThrow(expected);
      expect(() => kernels.softmaxCrossEntropy(matrix, out, out.slice(), 1)).toThrow(expected);
      expect(() => kernels.walshHadamard(bad, out, 1)).toThrow(expected);
      expect(() => kernels.workspace().float32(bad)).toThrow(expected);
    });

    it('lengths that do not fit the shape', () => {
      const calls: readonly (readonly [string, () => void])[] = [
        ['"a" expected 8 numbers, got 12', () => kernels.gemmNN(shape, b, b, out, 'zero')],
        ['"b" expected 12 numbers, got 8', () => kernels.gemmTN(shape, a, a, out, 'zero')],
        ['"out" expected 6 numbers, got 8', () => kernels.gemmNT(shape, a, b, a, 'zero')],
        ['"start" expected 3 numbers, got 2', () => kernels.gemmNN(shape, a, b, out, of(1, 2))],
        ['"x" expected 6 numbers, got 8', () => kernels.axpy(1, a, out)],
        ['"y" expected 1 numbers, got 0', () => kernels.axpy(1, a, of())],
        ['"sums" expected 8 numbers, got 5', () => kernels.addRounded(1, a, new Float64Array(5))],
        [
          '"matrix" expected 6 numbers, got 8',
          () => kernels.scaleRows({ rows: 2, columns: 3 }, a, of(1, 1)),
        ],
        [
          '"scales" expected 2 numbers, got 3',
          () => kernels.scaleRows({ rows: 2, columns: 3 }, out, of(1, 1, 1)),
        ],
        [
          '"out" expected 3 numbers, got 4',
          () => kernels.accumulateRows({ rows: 2, columns: 3 }, out, of(1, 1), of(0, 0, 0, 0)),
        ],
        [
          '"out" expected 2 numbers, got 3',
          () => kernels.rowSquaredNorms({ rows: 2, columns: 3 }, out, new Float64Array(3)),
        ],
        ['"values" expected 1 numbers, got 0', () => kernels.sigmoid(of())],
        ['"values" expected 1 numbers, got 0', () => kernels.relu(of())],
        ['"values" expected 1 numbers, got 0', () => kernels.tanh(of())],
        ['"activations" expected 8 numbers, got 6', () => kernels.reluBackward(out, a)],
        ['"activations" expected 8 numbers, got 6', () => kernels.tanhBackward(out, a)],
        ['"labels" expected 6 numbers, got 8', () => kernels.sigmoidCrossEntropy(out, a, 1)],
        [
          '"logits" expected 4 numbers, got 6',
          () => kernels.softmaxCrossEntropy({ rows: 2, columns: 2 }, out, out.slice(), 1),
        ],
        ['"size" expected a power of two, got 6', () => kernels.walshHadamard(6, out, 1)],
        ['"data" expected a multiple of 4 numbers, got 6', () => kernels.walshHadamard(4, out, 1)],
        ['"array" expected 1 numbers, got 0', () => kernels.workspace().resident(of())],
      ];
      for (const [message, call] of calls) expect(call).toThrow(new RangeError(message));
    });

    it('what is no array of float32', () => {
      const doubles = new Float64Array(8) as unknown as Float32Array;
      expect(() => kernels.gemmNN(shape, doubles, b, out, 'zero')).toThrow(
        new TypeError('"a" expected a Float32Array, got Float64Array'),
      );
      expect(() => kernels.axpy(1, undefined as unknown as Float32Array, out)).toThrow(TypeError);
      expect(() => kernels.sigmoid(null as unknown as Float32Array)).toThrow(TypeError);
      expect(() => kernels.gemmNN(shape, a, b, out, 'bias' as 'zero')).toThrow(TypeError);
      expect(() =>
        kernels.rowSquaredNorms({ rows: 2, columns: 3 }, out, of(0, 0) as unknown as Float64Array),
      ).toThrow(new TypeError('"out" expected a Float64Array, got Float32Array'));
    });

    it('a result over an operand', () => {
      const both = new Float32Array(20);
      const overlap = 'expected an array apart from';
      expect(() =>
        kernels.gemmNN(shape, both.subarray(0, 8), b, both.subarray(7, 13), 'zero'),
      ).toThrow(`"out" ${overlap} "a"`);
      expect(() =>
        kernels.gemmNN(shape, a, both.subarray(0, 12), both.subarray(11, 17), 'zero'),
      ).toThrow(`"out" ${overlap} "b"`);
      kernels.gemmNN(shape, both.subarray(0, 8), b, both.subarray(8, 14), 'zero');
      expect(() => kernels.axpy(1, both.subarray(0, 5), both.subarray(4, 9))).toThrow(overlap);
      expect(() => kernels.sigmoidCrossEntropy(a, a, 1)).toThrow(overlap);
      expect(() => kernels.reluBackward(a, a)).toThrow(`"errors" ${overlap} "activations"`);
      expect(() => kernels.tanhBackward(a, a)).toThrow(overlap);
      const rows = { rows: 4, columns: 2 };
      expect(() =>
        kernels.accumulateRows(rows, a, both.subarray(0, 4), both.subarray(3, 5)),
      ).toThrow(`"out" ${overlap} "scales"`);
    });

    it.each([Number.NaN, Infinity])('a scale of %d', (scale) => {
      const expected = `"scale" expected a number, got ${scale}`;
      expect(() => kernels.axpy(scale, a, a.slice())).toThrow(new RangeError(expected));
      expect(() => kernels.sigmoidCrossEntropy(a, a.slice(), scale)).toThrow(expected);
      expect(() => kernels.walshHadamard(2, a, scale)).toThrow(expected);
    });
  });

  it('gives empty arrays, and keeps apart what is not freed', () => {
    const workspace = kernels.workspace();
    const arrays = [3, 100, 1, 17].map((length, i) => {
      const array = workspace.float32(length);
      expect(array).toEqual(new Float32Array(length));
      return array.fill(i + 1);
    });
    arrays.forEach((array, i) => {
      expect(array.every((value) => value === i + 1)).toBe(true);
    });
    workspace.free();
    expect(kernels.workspace().float32(200)).toEqual(new Float32Array(200));
    workspace.free();
  });

  it('reaches arrays of its own, and copies others where it must', () => {
    const workspace = kernels.workspace();
    const own = workspace.float32(4);
    expect(workspace.resident(own)).toBe(own);
    expect(workspace.resident(own.subarray(1, 3)).buffer).toBe(own.buffer);
    const other = of(1, 2, 3);
    const reached = workspace.resident(other);
    expect(reached).toEqual(other);
    expect(reached.buffer).toBe(kernels.name === 'simd' ? own.buffer : other.buffer);
    workspace.free();
  });
});

describe('SimdKernels', () => {
  it('are small enough to be carried along', () => {
    expect(TRAINING_WASM.length).toBeLessThan(12_000);
  });

  it('keep every array in its place when room runs out', () => {
    const kernels = new SimdKernels();
    const workspace = kernels.workspace();
    const early = workspace.float32(10).fill(3);
    const buffers = new Set<ArrayBufferLike>([early.buffer]);
    const large = Array.from({ length: 5 }, (_, i) => {
      const array = workspace.float32(1_000_000).fill(i);
      buffers.add(array.buffer);
      return array;
    });
    expect(buffers.size).toBeGreaterThan(1);
    expect(Array.from(early)).toEqual(new Array(10).fill(3));
    large.forEach((array, i) => {
      expect(array.length).toBe(1_000_000);
      expect(array.every((value) => value === i)).toBe(true);
    });
    // Operands in different memories meet all the same.
    const [first, last] = [large[0], large[4]] as [Float32Array, Float32Array];
    expect(first.buffer).not.toBe(last.buffer);
    kernels.axpy(2, last, first);
    expect(first.every((value) => value === 8)).toBe(true);
    workspace.free();
  });

  it('use freed room again', () => {
    const kernels = new SimdKernels();
    const buffers = new Set<ArrayBufferLike>();
    for (let i = 0; i < 200; i++) {
      const workspace = kernels.workspace();
      const arrays = [70_000, 3, 200_000, 1].map((length) => workspace.float32(length));
      for (const { buffer } of arrays) buffers.add(buffer);
      kernels.axpy(1, new Float32Array(200_000), arrays[2] as Float32Array);
      workspace.free();
    }
    expect(buffers.size).toBe(1);
  });

  it('copy in and out what is larger than all room so far', () => {
    const kernels = new SimdKernels();
    const x = new Float32Array(3_000_000).fill(1);
    const y = new Float32Array(3_000_000).fill(2);
    kernels.axpy(4, x, y);
    expect(y.every((value) => value === 6)).toBe(true);
  });

  it('work up to the end of their memory', () => {
    const kernels = new SimdKernels();
    const workspace = kernels.workspace();
    const inner = 1_000;
    const ones = workspace.float32(inner).fill(1);
    const sums = workspace.float32(3);
    // Fills the first memory to its last cache line, so that vectors read across the end of an operand there.
    const used = sums.byteOffset + 64;
    const tail = workspace.float32((sums.buffer.byteLength - used - 64) / 4);
    expect(tail.buffer).toBe(ones.buffer);
    const [a, out] = [tail.subarray(-3, -1), tail.subarray(-1)] as const;
    a.set([1, 2]);
    kernels.gemmNN({ rows: 1, columns: 1, inner: 2 }, a, ones.subarray(0, 2), out, 'zero');
    expect(out[0]).toBe(3);
    // Three columns of a right matrix whose last row ends with the memory: no fourth one is looked for.
    const b = tail.subarray(-3 * inner).fill(1);
    kernels.gemmNT({ rows: 1, columns: 3, inner }, ones, b, sums, 'zero');
    expect(sums).toEqual(of(inner, inner, inner));
    workspace.free();
  });
});

describe('selectKernels', () => {
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  const select = async (): Promise<Kernels> => {
    vi.resetModules();
    const { selectKernels } = await import('../../../src/core/kernels/select.ts');
    expect(selectKernels()).toBe(selectKernels());
    return selectKernels();
  };

  it('takes vectors where they run', async () => {
    expect((await select()).name).toBe('simd');
  });

  it('takes plain loops where a content security policy forbids compiling', async () => {
    vi.spyOn(WebAssembly, 'Module').mockImplementation(function refuse() {
      throw new WebAssembly.CompileError('Wasm code generation disallowed by embedder');
    });
    const kernels = await select();
    expect(kernels.name).toBe('plain');
    const y = of(1);
    kernels.axpy(2, of(3), y);
    expect(y[0]).toBe(7);
  });

  it('takes plain loops where there is no WebAssembly', async () => {
    vi.stubGlobal('WebAssembly', undefined);
    expect((await select()).name).toBe('plain');
  });
});
