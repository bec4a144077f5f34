import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  createCatalogue,
  createPlainKernel,
  createScoringKernel,
  EncryptedScorer,
  HE_PRESETS,
  insecureNoOpProvider,
  type ScoringCatalogue,
  ScoringClient,
  type ScoringKernel,
} from '../../../src/he/index.ts';
import { codeOf, unitVectors } from '../fixtures.ts';

const allowInsecure = true;
const parameters = HE_PRESETS.insecureToy;

function catalogueOf(seed: string, items: number, dimensions: number): ScoringCatalogue {
  return createCatalogue({
    parameters,
    items: unitVectors(seed, items, dimensions),
    dimensions,
    biases: Float32Array.from({ length: items }, (_, i) => Math.cos(i)),
    itemNormBound: 1,
    profileNormBound: 1,
  });
}

function queryTo(catalogue: ScoringCatalogue): Uint8Array {
  const provider = insecureNoOpProvider;
  const { description } = catalogue;
  const client = new ScoringClient({ provider, catalogue: description, allowInsecure });
  return client.encryptProfile(unitVectors('profile', 1, description.dimensions)).query;
}

/** The reply of the plain kernel. */
function plainReply(catalogue: ScoringCatalogue, query: Uint8Array): Uint8Array {
  const kernel = createPlainKernel(parameters);
  return new EncryptedScorer(catalogue, { kernel, allowInsecure }).score(query);
}

describe('scorers and the memory of their kernels', () => {
  it('takes the SIMD kernel by itself, with the bytes of the plain one', () => {
    const catalogue = catalogueOf('items', 1000, 9);
    const scorer = new EncryptedScorer(catalogue, { allowInsecure });
    expect(scorer.kernelName).toBe('simd');
    const query = queryTo(catalogue);
    expect(scorer.score(query)).toEqual(plainReply(catalogue, query));
  });

  it('lets several catalogues live in one kernel, and come and go', () => {
    const kernel = createScoringKernel(parameters);
    const catalogues = [
      catalogueOf('a', 700, 3),
      catalogueOf('b', 300, 8),
      catalogueOf('c', 900, 5),
    ];
    const scorers = catalogues.map((c) => new EncryptedScorer(c, { kernel, allowInsecure }));
    const replies = (): void => {
      catalogues.forEach((catalogue, i) => {
        const query = queryTo(catalogue);
        expect(scorers[i]?.score(query)).toEqual(plainReply(catalogue, query));
      });
    };
    replies();
    for (const seed of ['d', 'e', 'f', 'g']) {
      scorers[1]?.dispose();
      scorers[1]?.dispose();
      catalogues[1] = catalogueOf(seed, 500, 7);
      scorers[1] = new EncryptedScorer(catalogues[1], { kernel, allowInsecure });
      replies();
    }
  });

  it('lets many scorers have a kernel each', () => {
    const catalogue = catalogueOf('many', 100, 4);
    const query = queryTo(catalogue);
    const expected = plainReply(catalogue, query);
    const scorers = Array.from(
      { length: 40 },
      () => new EncryptedScorer(catalogue, { allowInsecure }),
    );
    for (const scorer of scorers) expect(scorer.score(query)).toEqual(expected);
  });

  it('scores no more once disposed', () => {
    const catalogue = catalogueOf('gone', 100, 4);
    const scorer = new EncryptedScorer(catalogue, { allowInsecure });
    scorer.dispose();
    expect(codeOf(() => scorer.score(queryTo(catalogue)))).toBe('TypeError');
  });

  it('gives the query back after every answer and every failure', () => {
    const catalogue = catalogueOf('leak', 300, 6);
    const inner = createScoringKernel(parameters);
    let open = 0;
    const kernel: ScoringKernel = {
      ...passThrough(inner),
      encodeQuery(ciphertexts) {
        const query = inner.encodeQuery(ciphertexts);
        const dispose = query.dispose.bind(query);
        open++;
        query.dispose = () => {
          open--;
          dispose();
        };
        return query;
      },
    };
    const scorer = new EncryptedScorer(catalogue, { kernel, allowInsecure });
    scorer.score(queryTo(catalogue));
    expect(open).toBe(0);
    scorer.dispose();
    expect(codeOf(() => scorer.score(queryTo(catalogue)))).toBe('TypeError');
    expect(open).toBe(0);
  });

  it('leaves nothing in a kernel whose memory ends in the middle of a catalogue', () => {
    const catalogue = catalogueOf('cut', 1000, 4);
    const inner = createScoringKernel(parameters);
    let left = 5;
    let held = 0;
    const kernel: ScoringKernel = {
      ...passThrough(inner),
      encodeBlock(columns, addend) {
        if (left-- === 0) throw new RangeError('full');
        const block = inner.encodeBlock(columns, addend);
        const dispose = block.dispose.bind(block);
        held++;
        block.dispose = () => {
          held--;
          dispose();
        };
        return block;
      },
    };
    expect(() => new EncryptedScorer(catalogue, { kernel, allowInsecure })).toThrow('full');
    expect(left).toBe(-1);
    expect(held).toBe(0);
  });
});

/** A kernel that another one can be built from; methods of classes do not spread. */
function passThrough(kernel: ScoringKernel): ScoringKernel {
  return {
    name: kernel.name,
    parameters: kernel.parameters,
    reserve: (...values) => kernel.reserve(...values),
    encodeBlock: (...values) => kernel.encodeBlock(...values),
    encodeQuery: (...values) => kernel.encodeQuery(...values),
    multiplyAccumulate: (...values) => kernel.multiplyAccumulate(...values),
    score: (...values) => kernel.score(...values),
  };
}

describe('where WebAssembly cannot be compiled', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  it.each([
    ['there is none', undefined],
    [
      'a content security policy forbids it, or SIMD is missing',
      {
        ...WebAssembly,
        Module: class {
          constructor() {
            throw new WebAssembly.CompileError('refused');
          }
        },
      },
    ],
  ])('falls back to the plain kernel: %s', async (_, replacement) => {
    vi.stubGlobal('WebAssembly', replacement);
    vi.resetModules();
    const fresh = await import('../../../src/he/kernel/scoring-kernel.ts');
    const { HE_PRESETS: presets } = await import('../../../src/he/presets.ts');
    expect(fresh.createScoringKernel(presets.default).name).toBe('plain');
  });
});
