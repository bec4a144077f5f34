import { nextDown, nextUp } from '../../core/special/ulp.ts';
import type { DpEvent } from '../event.ts';
import { invalid } from './refuse.ts';

/** A mechanism of a tree with all repetition and composition around it multiplied out. */
export interface Leaf {
  readonly event: Mechanism;
  readonly count: number;
  /** Where the node stands in the tree it came from. */
  readonly path: string;
}

/** Events that are no mere bookkeeping of others. */
export type Mechanism = Exclude<DpEvent, { readonly kind: 'repeated' | 'composed' }>;

/**
 * Multiplies out `repeated` and `composed`, and simplifies where the simpler event is the **same**
 * mechanism: sampling at rate 1, a Poisson sample of a Poisson sample, several Gaussians on one sample.
 * Rounding is towards more loss.
 *
 * @throws {VelaturaError} `dp/invalid-parameter` when the number of repetitions passes 2⁵³
 */
export function leavesOf(event: DpEvent, path = 'event'): readonly Leaf[] {
  switch (event.kind) {
    case 'repeated':
      return leavesOf(event.event, `${path}.event`).map((leaf) => {
        const count = leaf.count * event.count;
        if (!Number.isSafeInteger(count))
          throw invalid(`${path}.count`, 'fewer repetitions', count);
        return { ...leaf, count };
      });
    case 'composed':
      return event.events.flatMap((inner, i) => leavesOf(inner, `${path}.events[${i}]`));
    case 'poisson-sampled':
      return poissonLeaves(event, path);
    case 'fixed-size-sampled':
      if (event.sampleSize === event.populationSize) return leavesOf(event.event, `${path}.event`);
      return [
        { event: { ...event, event: simplified(event.event, `${path}.event`) }, count: 1, path },
      ];
    default:
      return [{ event, count: 1, path }];
  }
}

function poissonLeaves(
  event: Extract<DpEvent, { kind: 'poisson-sampled' }>,
  path: string,
): readonly Leaf[] {
  if (event.samplingRate === 1) return leavesOf(event.event, `${path}.event`);
  const inner = simplified(event.event, `${path}.event`);
  if (inner.kind === 'poisson-sampled') {
    // Being kept by two independent coins is being kept by one with the product of their rates.
    const samplingRate = Math.min(1, nextUp(event.samplingRate * inner.samplingRate));
    return [{ event: { ...inner, samplingRate }, count: 1, path }];
  }
  return [{ event: { ...event, event: inner }, count: 1, path }];
}

/** One event for what happens to one sample. Gaussians on it are one Gaussian: see sampling.proof.md. */
function simplified(event: DpEvent, path: string): DpEvent {
  const leaves = leavesOf(event, path);
  const [first] = leaves;
  if (leaves.length === 1 && first?.count === 1) return first.event;
  let precision = 0;
  for (const leaf of leaves) {
    if (leaf.event.kind !== 'gaussian') return event;
    precision = nextUp(precision + gaussianPrecision(leaf.event.noiseMultiplier, leaf.count));
  }
  const noiseMultiplier = nextDown(1 / nextUp(Math.sqrt(precision)));
  return noiseMultiplier > 0 ? { kind: 'gaussian', noiseMultiplier } : event;
}

/** count/noiseMultiplier², rounded up; Infinity where the square of the noise is below all doubles. */
export function gaussianPrecision(noiseMultiplier: number, count: number): number {
  const square = nextDown(noiseMultiplier * noiseMultiplier);
  return square > 0 ? nextUp(count / square) : Number.POSITIVE_INFINITY;
}

/** One string for events that cost the same, whatever the order of their fields. */
function keyOf(event: DpEvent): string {
  return JSON.stringify(event, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

/** Leaves that cost the same become one, with the path of the first; sorted, so order changes nothing. */
export function mergedLeaves(leaves: Iterable<Leaf>): readonly Leaf[] {
  const merged = new Map<string, Leaf>();
  for (const leaf of leaves) {
    const key = keyOf(leaf.event);
    const known = merged.get(key);
    const count = leaf.count + (known?.count ?? 0);
    if (!Number.isSafeInteger(count)) throw invalid('count', 'fewer repetitions', count);
    merged.set(key, known === undefined ? leaf : { ...known, count });
  }
  return [...merged].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, leaf]) => leaf);
}
