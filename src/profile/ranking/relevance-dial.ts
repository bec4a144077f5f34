import { requireShare } from './candidate.ts';

/**
 * Mixes a personalised list with the one that everybody gets, as strongly as the person set: 0 gives exactly the
 * non-personalised list and 1 the personalised one, with what only everybody's list has behind it.
 *
 * Positions are mixed, not scores, because scores of two models have no common scale: an item at position r of
 * a list of n counts (1 − r/n), and nothing where it is not in the list. Equal ones keep the order of everybody's
 * list.
 *
 * ## Privacy
 * At 0 `personalised` is not called: nothing about the person is computed, let alone used (PIPL Art. 24; Algorithm
 * Recommendation Provisions Art. 17).
 *
 * @param nonPersonalised - item ids, best first, each once
 * @param dial - in [0, 1], set by the person
 * @param personalised - gives item ids, best first, each once
 */
export function dialList(
  nonPersonalised: readonly string[],
  dial: number,
  personalised: () => readonly string[],
): readonly string[] {
  requireShare('dial', dial);
  const common = positions('nonPersonalised', nonPersonalised);
  if (dial === 0) return [...nonPersonalised];
  const own = positions('personalised', personalised());
  const places = [...new Set([...nonPersonalised, ...own.keys()])].map((item) => ({
    item,
    value: dial * worth(own, item) + (1 - dial) * worth(common, item),
    common: common.get(item) ?? common.size + (own.get(item) as number),
  }));
  return places.sort((a, b) => b.value - a.value || a.common - b.common).map(({ item }) => item);
}

function worth(list: ReadonlyMap<string, number>, item: string): number {
  const position = list.get(item);
  return position === undefined ? 0 : 1 - position / list.size;
}

function positions(name: string, list: readonly string[]): ReadonlyMap<string, number> {
  const found = new Map(list.map((item, position) => [item, position]));
  if (found.size !== list.length) throw new RangeError(`"${name}" expected each item once`);
  return found;
}
