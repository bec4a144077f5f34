import type { DpEvent } from '../../event.ts';
import { pureEpsilon } from '../pure.ts';
import type { Atoms } from './law.ts';

/** Beyond that many atoms a mechanism is priced by its Rényi curve. */
export const MAX_ATOMS: number = 1 << 20;

/** Randomised response between two values: kept, exchanged, or another one that tells nothing. */
export function randomizedResponseAtoms(
  event: Extract<DpEvent, { kind: 'randomized-response' }>,
): Atoms {
  const epsilon = pureEpsilon(event);
  const { probability, categories } = event;
  const kept = 1 - probability + probability / categories;
  const exchanged = probability / categories;
  const other = (probability * (categories - 2)) / categories;
  return {
    losses: Float64Array.of(-epsilon, 0, epsilon),
    p: Float64Array.of(exchanged, other, kept),
    q: Float64Array.of(kept, other, exchanged),
    unit: epsilon,
    leftOut: 0,
  };
}

/** Discrete Laplace of parameter a moved by s: both tails and the s − 1 integers between. */
export function discreteLaplaceAtoms(parameter: number, shift: number): Atoms {
  const n = shift + 1;
  const losses = new Float64Array(n);
  const p = new Float64Array(n);
  const scale = -Math.expm1(-parameter) / (1 + Math.exp(-parameter));
  const tail = 1 / (1 + Math.exp(-parameter));
  for (let k = 0; k <= shift; k++) {
    losses[k] = parameter * (2 * k - shift);
    p[k] = scale * Math.exp(-parameter * (shift - k));
  }
  p[0] = tail * Math.exp(-parameter * shift);
  p[shift] = tail;
  return { losses, p, q: p.slice().reverse(), unit: 2 * parameter, leftOut: 0 };
}

/** Discrete Gaussian moved by an integer, cut at 14 deviations, where e^(−98) is left. */
export function discreteGaussianAtoms(sigma: number, shift: number): Atoms {
  const reach = Math.ceil(14 * sigma);
  const n = 2 * reach + 1 + shift;
  const half = shift / (2 * sigma * sigma);
  const losses = new Float64Array(n);
  const p = new Float64Array(n);
  const q = new Float64Array(n);
  let mass = 0;
  for (let k = -reach; k <= reach; k++) mass += Math.exp((-k * k) / (2 * sigma * sigma));
  for (let i = 0; i < n; i++) {
    const k = i - reach;
    losses[i] = (2 * k - shift) * half;
    p[i] = Math.exp((-(k - shift) * (k - shift)) / (2 * sigma * sigma)) / mass;
    q[i] = Math.exp((-k * k) / (2 * sigma * sigma)) / mass;
  }
  return { losses, p, q, unit: 2 * half, leftOut: 1e-40 };
}
