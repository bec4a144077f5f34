import { describe, expect, it } from 'vitest';
import { Arena } from '../../../src/core/kernels/arena.ts';
import { Segment } from '../../../src/core/kernels/segment.ts';
import { TRAINING_WASM } from '../../../src/core/kernels/training-wasm.ts';

const module = new WebAssembly.Module(
  Uint8Array.from(atob(TRAINING_WASM), (character) => character.charCodeAt(0)),
);
const MEGABYTE = 2 ** 20;

describe('Segment', () => {
  it('fills a gap exactly, and keeps its last bytes for whole vectors', () => {
    const segment = new Segment(module, 2);
    const [first, second, third] = [100, 64, 64].map((bytes) => segment.reserve(bytes)) as [
      number,
      number,
      number,
    ];
    segment.release(second);
    expect(segment.reserve(64)).toBe(second);
    const rest = segment.buffer.byteLength - third - 128;
    expect(segment.reserve(rest)).toBe(third + 64);
    expect(segment.reserve(1)).toBe(0);
    segment.release(first);
    expect(segment.reserve(128)).toBe(first);
  });
});

describe('Arena', () => {
  const add = (arena: Arena, y: Float32Array, x: Float32Array): void =>
    arena.run([y, x], true, (kernels, [toY, fromX]) => {
      kernels.axpy(y.length, 1, fromX as number, toY as number);
    });

  it('gives back what it copied for a call', () => {
    const arena = new Arena(module);
    const before = arena.byteLength;
    const [x, y] = [new Float32Array(100_000).fill(1), new Float32Array(100_000)] as const;
    for (let i = 0; i < 100; i++) add(arena, y, x);
    expect(y[0]).toBe(100);
    expect(arena.byteLength).toBe(before);
  });

  it('also when the memory of the result had no room for the rest', () => {
    const arena = new Arena(module);
    const first = arena.byteLength;
    const { segment, address } = arena.reserve(2 * MEGABYTE);
    const y = new Float32Array(segment.buffer, address, MEGABYTE / 4);
    // The bias of one number fits beside the result, the matrix does not.
    const operands = [y, new Float32Array(1), new Float32Array(MEGABYTE)] as const;
    const used: number[] = [];
    for (let i = 0; i < 50; i++) {
      arena.run(operands, true, (_kernels, addresses) => used.push(addresses[1] as number));
    }
    expect(new Set(used).size).toBe(1);
    expect(arena.byteLength).toBe(3 * first);
    // Nothing of the attempts is left behind in the first memory.
    expect(arena.reserve(64).address).toBe(address + 2 * MEGABYTE);
  });

  it('refuses what no memory can hold, and works on', () => {
    const arena = new Arena(module);
    expect(() => arena.reserve(2 ** 32)).toThrow(
      new RangeError('"length" expected less than 4 GiB in one place, got 4294967296 bytes'),
    );
    expect(arena.reserve(64).address).toBeGreaterThan(0);
  });
});
