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

/** What a log is cleaned by. */
export interface LogRules {
  /** First moment of which records may still lie. */
  readonly keptFrom: number;
  /** True when the consent for what the tag was made from ended after the first `acts` acts. */
  readonly tagEnded: (tag: string, acts: number) => boolean;
}

/**
 * The log without records past their time, without tags that the person had erased since, and without what
 * models made of data whose consent has ended; the same array of records where nothing had to go.
 *
 * @throws {VelaturaError} `profile/store-rolled-back`
 */
export function cleanedLog(log: DecisionLog, choices: ChoiceRecord, rules: LogRules): DecisionLog {
  checkFollowed(log, choices);
  const erased = erasedSince(choices, log.applied);
  const records = erased === 'all' ? [] : log.records.filter(({ at }) => at >= rules.keptFrom);
  const cleaned = records.map((record) =>
    withoutTags(
      record,
      (tag, derived) =>
        (erased !== 'all' && erased.has(tag)) ||
        (derived && rules.tagEnded(tag, record.consent.acts)),
    ),
  );
  const same =
    cleaned.length === log.records.length &&
    cleaned.every((record, i) => record === log.records[i]);
  return {
    origin: choices.origin,
    applied: choices.serial,
    records: same ? log.records : cleaned,
  };
}

/** The log with one more record, without what the person or the consent no longer allows to be kept. */
export function withRecord(
  log: DecisionLog,
  record: DecisionRecord,
  choices: ChoiceRecord,
  rules: LogRules,
): DecisionLog {
  const allowed = withoutTags(
    record,
    (tag, derived) =>
      choices.optedOut.has(tag) ||
      (derived && (choices.corrections.has(tag) || rules.tagEnded(tag, record.consent.acts))),
  );
  return { ...log, records: [...log.records, allowed] };
}

/**
 * The record without the tags that `goes` names; the same object where there are none. That a tag was left out
 * says something of the person only where it was part of a sensitive combination.
 */
function withoutTags(
  record: DecisionRecord,
  goes: (tag: string, derived: boolean) => boolean,
): DecisionRecord {
  const tags = record.tags.filter(({ tag, source }) => !goes(tag, source === 'model'));
  const withheld = record.withheld.filter(
    ({ tag, reason }) => !goes(tag, reason === 'sensitive-combination'),
  );
  const same = tags.length === record.tags.length && withheld.length === record.withheld.length;
  return same ? record : { ...record, tags, withheld };
}
