/**
 * The positions of the `k` largest scores, best first; ties go to the lower position.
 *
 * @param scores - `[items]`
 * @param k - at least 1; fewer positions come back when fewer pass the filter
 * @param accepts - which positions may appear; all by default
 */
export function topK(
  scores: Int32Array | Float64Array,
  k: number,
  accepts: (position: number) => boolean = () => true,
): Uint32Array {
  if (!Number.isInteger(k) || k < 1) {
    throw new RangeError(`"k" expected a positive integer, got ${k}`);
  }
  const before = (a: number, b: number): boolean => {
    const difference = (scores[a] as number) - (scores[b] as number);
    return difference > 0 || (difference === 0 && a < b);
  };
  // A heap with the worst of the kept positions on top.
  const kept: number[] = [];
  for (let position = 0; position < scores.length; position++) {
    if (kept.length === k && !before(position, kept[0] as number)) continue;
    if (!accepts(position)) continue;
    if (kept.length < k) {
      kept.push(position);
      siftUp(kept, before);
    } else {
      kept[0] = position;
      siftDown(kept, before);
    }
  }
  return Uint32Array.from(kept.sort((a, b) => (before(a, b) ? -1 : 1)));
}

type Order = (a: number, b: number) => boolean;

function siftUp(heap: number[], before: Order): void {
  let child = heap.length - 1;
  while (child > 0) {
    const parent = (child - 1) >> 1;
    if (!before(heap[parent] as number, heap[child] as number)) return;
    swap(heap, parent, child);
    child = parent;
  }
}

function siftDown(heap: number[], before: Order): void {
  let parent = 0;
  for (;;) {
    let worst = parent;
    for (const child of [2 * parent + 1, 2 * parent + 2]) {
      if (child < heap.length && before(heap[worst] as number, heap[child] as number))
        worst = child;
    }
    if (worst === parent) return;
    swap(heap, parent, worst);
    parent = worst;
  }
}

function swap(heap: number[], a: number, b: number): void {
  const first = heap[a] as number;
  heap[a] = heap[b] as number;
  heap[b] = first;
}
