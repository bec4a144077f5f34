/**
 * The positions of the `k` largest scores, best first; ties go to the lower position.
 *
 * @param scores - `[items]`
 * @param k - at least 1; fewer positions come back when fewer may appear
 * @param barred - `[items]`, 1 where a position may not appear; none by default
 */
export function topK(
  scores: Int32Array | Float64Array,
  k: number,
  barred: Uint8Array | null = null,
): Uint32Array {
  if (!Number.isInteger(k) || k < 1) {
    throw new RangeError(`"k" expected a positive integer, got ${k}`);
  }
  // A heap with the worst of the kept positions on top.
  const kept: number[] = [];
  let position = 0;
  for (; position < scores.length && kept.length < k; position++) {
    if (barred !== null && barred[position] !== 0) continue;
    kept.push(position);
    siftUp(kept, scores);
  }
  // From here on nearly all lose, so that this loop is what a ranking costs.
  let bar = scores[kept[0] as number] as number;
  for (; position < scores.length; position++) {
    // A later position does not displace an earlier one with the same score.
    if ((scores[position] as number) <= bar) continue;
    if (barred !== null && barred[position] !== 0) continue;
    kept[0] = position;
    siftDown(kept, scores);
    bar = scores[kept[0] as number] as number;
  }
  return Uint32Array.from(kept.sort((a, b) => (before(scores, a, b) ? -1 : 1)));
}

type Scores = Int32Array | Float64Array;

function before(scores: Scores, a: number, b: number): boolean {
  const difference = (scores[a] as number) - (scores[b] as number);
  return difference > 0 || (difference === 0 && a < b);
}

function siftUp(heap: number[], scores: Scores): void {
  let child = heap.length - 1;
  while (child > 0) {
    const parent = (child - 1) >> 1;
    if (!before(scores, heap[parent] as number, heap[child] as number)) return;
    swap(heap, parent, child);
    child = parent;
  }
}

function siftDown(heap: number[], scores: Scores): void {
  let parent = 0;
  for (;;) {
    let worst = parent;
    for (const child of [2 * parent + 1, 2 * parent + 2]) {
      if (child < heap.length && before(scores, heap[worst] as number, heap[child] as number))
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
