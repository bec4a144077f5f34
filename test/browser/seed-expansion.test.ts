import { expect, it } from 'vitest';
import { createPlainExpander } from '../../src/he/expansion/plain-expander.ts';
import { createSeedExpander, HE_PRESETS } from '../../src/he/index.ts';

it.each(Object.entries(HE_PRESETS))(
  'seeds expand with vectors in a browser, to the plain words (%s)',
  (_, parameters) => {
    const expander = createSeedExpander(parameters);
    expect(expander.name).toBe('simd');
    const words = parameters.dataPrimes.length * parameters.polynomialDegree;
    const [fast, plain] = [new Uint32Array(words), new Uint32Array(words)];
    const seed = crypto.getRandomValues(new Uint8Array(64));
    expander.expand(seed, fast);
    createPlainExpander(parameters).expand(seed, plain);
    expect(fast).toEqual(plain);
  },
);
