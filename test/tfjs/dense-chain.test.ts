import { expect, it } from 'vitest';
import { selectKernels } from '../../src/core/kernels/select.ts';
import { DenseChain } from '../../src/tfjs/dense-chain.ts';
import { FlatWeights } from '../../src/tfjs/flat-weights.ts';
import { loadTfjs } from '../../src/tfjs/load.ts';

it('takes no layer that is too wide for the norms of the kernels', async () => {
  const tfjs = await loadTfjs({ backend: 'cpu' });
  const isChain = (inputs: number): boolean => {
    const dense = tfjs.layers.layers.dense({
      ...{ units: 1, inputShape: [inputs], kernelInitializer: 'zeros' },
    });
    const model = tfjs.layers.sequential({ layers: [dense] });
    const weights = new FlatWeights(tfjs.core, model);
    const chain = DenseChain.of(tfjs, selectKernels(), model, weights, 'sigmoid');
    model.dispose();
    return chain !== null;
  };
  expect(isChain(2 ** 20)).toBe(true);
  expect(isChain(2 ** 20 + 1)).toBe(false);
});
