import { type ChoiceRecord, erasedSince } from './choice-record.ts';
import type { DecisionRecord } from './decision-record.ts';
import { checkFollowed } from './evidence-rules.ts';
import type { SlotCodec } from './sealed-slot.ts';

/** The lists a person was shown in one scene, oldest first. */
export interface DecisionLog {
  readonly origin: string;
  readonly applied: number;
  readonly records: readonly DecisionRecord[];
}

export const DECISION_LOG_CODEC: SlotCodec<DecisionLog> = {
  empty: () => ({ origin: '', applied: 0, records: [] }),
  encode: ({ origin, applied, records }) => [origin, applied, records],
  decode(contents) {
    const [origin, applied, records] = contents as [string, number, DecisionRecord[]];
    return { origin, applied, records };
  },
};

/**
 * The log without records past their time and without tags that the person had erased since; the same array
 * of records where nothing had to go.
 *
 * @throws {VelaturaError} `profile/store-rolled-back`
 */
export function cleanedLog(log: DecisionLog, choices: ChoiceRecord, keptFrom: number): DecisionLog {
  checkFollowed(log, choices);
  if (log.records.length === 0) return log;
  const erased = erasedSince(choices, log.applied);
  return {
    origin: choices.origin,
    applied: choices.serial,
    records: erased === 'all' ? [] : cleanedRecords(log.records, erased, keptFrom),
  };
}

function cleanedRecords(
  records: readonly DecisionRecord[],
  erased: ReadonlySet<string>,
  keptFrom: number,
): readonly DecisionRecord[] {
  const kept = records.filter((record) => record.at >= keptFrom);
  if (kept.length === records.length && erased.size === 0) return records;
  return kept.map((record) => ({
    ...record,
    tags: record.tags.filter(({ tag }) => !erased.has(tag)),
    withheld: record.withheld.filter(({ tag }) => !erased.has(tag)),
  }));
}
