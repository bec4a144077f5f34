import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KernelMemory, type Region } from '../../../src/he/kernel/kernel-memory.ts';

describe('memory of a kernel', () => {
  it('hands out regions that do not overlap, aligned and large enough, and forgets nothing', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ bytes: fc.integer({ min: 0, max: 5000 }) }),
        fc.record({ release: fc.nat(50) }),
      ),
      { maxLength: 120 },
    );
    fc.assert(
      fc.property(steps, (list) => {
        const memory = new KernelMemory();
        const living: { region: Region; mark: number }[] = [];
        list.forEach((step, i) => {
          if ('bytes' in step) {
            const region = memory.allocate(step.bytes);
            expect(region.bytes).toBeGreaterThanOrEqual(step.bytes);
            expect(region.address % 64).toBe(0);
            memory.bytesAt(region.address, region.bytes).fill(i);
            living.push({ region, mark: i });
          } else {
            const [gone] = living.splice(step.release, 1);
            if (gone !== undefined) memory.release(gone.region);
          }
        });
        for (const { region, mark } of living) {
          expect(new Set(memory.bytesAt(region.address, region.bytes))).toEqual(new Set([mark]));
        }
        for (const { region } of living) memory.release(region);
        expect(memory.bytes).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it('does not grow while the same sizes come and go', () => {
    const memory = new KernelMemory();
    const regions = [100_000, 200_000, 300_000].map((bytes) => memory.allocate(bytes));
    const before = memory.memory.buffer.byteLength;
    for (let i = 0; i < 100; i++) {
      const region = regions[i % 3] as Region;
      memory.release(region);
      regions[i % 3] = memory.allocate(region.bytes);
    }
    expect(memory.memory.buffer.byteLength).toBe(before);
  });

  it('reserves at once, counting the holes', () => {
    const memory = new KernelMemory();
    memory.reserve(10, 1_000_000);
    const reserved = memory.memory.buffer.byteLength;
    expect(reserved).toBeGreaterThanOrEqual(10_000_000);
    const regions = Array.from({ length: 10 }, () => memory.allocate(1_000_000));
    expect(memory.memory.buffer.byteLength).toBe(reserved);
    for (const region of regions.slice(0, 9)) memory.release(region);
    memory.reserve(9, 1_000_000);
    expect(memory.memory.buffer.byteLength).toBe(reserved);
  });

  it('refuses more than 4 GiB, at once and in pieces, and goes on with what it has', () => {
    const memory = new KernelMemory();
    memory.allocate(1000);
    expect(() => memory.allocate(2 ** 32)).toThrow(RangeError);
    expect(() => memory.reserve(2 ** 20, 2 ** 20)).toThrow(RangeError);
    expect(memory.bytes).toBe(1024);
    expect(memory.allocate(64).address).toBe(1024);
  });

  // Untouched pages cost no memory, so nearly all addresses can be tried.
  it('hands out the upper half of the addresses too', () => {
    const memory = new KernelMemory();
    memory.allocate(2 ** 31 + 2 ** 30);
    const high = memory.allocate(128);
    memory.wordsAt(high.address, 2).set([7, 8]);
    expect([...memory.wordsAt(high.address, 2)]).toEqual([7, 8]);
    expect(high.address).toBe(2 ** 31 + 2 ** 30);
  });
});
