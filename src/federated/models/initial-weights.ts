import type { SeededRandom } from '../../core/seeded-random.ts';

/**
 * Uniform numbers of variance `gain` / inputs: with 2 for the layers before a ReLU (He et al. 2015), and with 1
 * for others (LeCun et al. 1998), numbers keep their size from layer to layer.
 */
export function fillInitialWeights(
  weights: Float32Array,
  inputs: number,
  gain: 1 | 2,
  random: SeededRandom,
): void {
  const reach = Math.sqrt((3 * gain) / inputs);
  for (let i = 0; i < weights.length; i++) weights[i] = reach * (2 * random.uniform() - 1);
}
