import { describe, expect, it } from 'vitest';
import { BARRIER_WORDS, SpinBarrier } from '../../../src/federated/example-level/barrier.ts';

const words = (): Int32Array => new Int32Array(new SharedArrayBuffer(4 * BARRIER_WORDS));

describe('SpinBarrier', () => {
  it('lets the last member through at once, again and again', () => {
    const barrier = new SpinBarrier(words(), 1);
    for (let turn = 0; turn < 3; turn++) expect(() => barrier.wait()).not.toThrow();
  });

  it('does not wait for ever for a member that never comes', () => {
    const shared = words();
    const barrier = new SpinBarrier(shared, 2, 5);
    expect(() => barrier.wait()).toThrow('does not answer');
    // The one who comes too late hears of it.
    expect(() => new SpinBarrier(shared, 2, 5).wait()).toThrow('has failed');
  });

  it('fails for everybody once it has failed', () => {
    // Without a limit to its patience: whoever comes after the failure must not wait at all.
    const barrier = new SpinBarrier(words(), 2);
    barrier.fail();
    expect(() => barrier.wait()).toThrow('has failed');
  });
});
