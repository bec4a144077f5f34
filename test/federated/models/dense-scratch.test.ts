import { expect, it } from 'vitest';
import { SimdKernels } from '../../../src/core/kernels/simd.ts';
import { DenseScratch } from '../../../src/federated/models/dense-scratch.ts';

it('keeps what it has when there is no room for more', () => {
  const kernels = new SimdKernels();
  const scratch = new DenseScratch(kernels);
  const [kept] = scratch.carve([64]);
  expect(() => scratch.carve([3e12])).toThrow(RangeError);
  const neighbour = kernels.workspace().float32(64);
  kept?.fill(1);
  expect(neighbour).toEqual(new Float32Array(64));
  expect(scratch.carve([64])[0]?.buffer).toBe(kept?.buffer);
  expect(scratch.carve([64])[0]?.byteOffset).toBe(kept?.byteOffset);
});
