import { VelaturaError } from '../../core/errors.ts';
import type { Refusal } from './budget.ts';
import type { Violation } from './filters.ts';
import { type HandleList, positionsOf } from './handle-set.ts';
import type { Limits } from './limits.ts';
import type { RefuseRecord } from './log-record.ts';
import { unitsDelta } from './units.ts';

/** The numbers of a violation, in what a person reads: epsilon, delta, releases or milliseconds. */
export function readableNumbers(
  { limit, spent, asked, within, allowed }: Violation,
  limits: Limits,
): Pick<Refusal, 'spent' | 'asked' | 'allowed'> {
  if (within !== null) {
    return {
      spent: limits.epsilon(spent, within),
      asked: limits.epsilon(asked, within),
      allowed: within.epsilon,
    };
  }
  const [had = 0] = spent;
  const [more = 0] = asked;
  return limit === 'delta'
    ? { spent: unitsDelta(had), asked: unitsDelta(more), allowed: unitsDelta(allowed) }
    : { spent: had, asked: more, allowed };
}

function numeral(value: number): string {
  return Number(value.toPrecision(4)).toString();
}

function sentence(record: RefuseRecord, blocked: number): string {
  const { scene, limit, count, spent, asked, allowed, epoch } = record;
  const of = `${blocked} of ${count} accounts`;
  const within = epoch === null ? '' : ` in epoch ${epoch}`;
  const numbers = `spent ${numeral(spent)}, asked ${numeral(asked)}, allowed ${numeral(allowed)}`;
  switch (limit) {
    case 'frozen':
      return `scene "${scene}" is frozen and takes no more charges`;
    case 'erased':
      return `${blocked} of ${count} accounts are blocked: people who were erased are among them`;
    case 'max-releases':
      return `scene "${scene}" has had ${spent} of its ${allowed} releases${within}`;
    case 'min-aggregation-interval':
      return `scene "${scene}" waits ${allowed - spent} of ${allowed} ms until its next release`;
    case 'scene-worst-case':
      return `scene "${scene}": someone in every release would pass its epsilon${within} (${numbers})`;
    case 'user-scene':
      return `scene "${scene}": ${of} would pass their epsilon there${within} (${numbers} for the worst)`;
    case 'model':
      return `${of} would pass their epsilon for the model${within} (${numbers} for the worst)`;
    case 'delta':
      return `${of} would pass what charges may spend of delta${within} (${numbers} for the worst)`;
    default:
      return `${of} would pass a limit of their own${within}; the total epsilon of the worst: ${numbers}`;
  }
}

/**
 * The refusal as the caller sees it, out of what the log keeps of it.
 *
 * @param handles - the cohort in the caller's order
 */
export function refusalOf(record: RefuseRecord, handles: HandleList): Refusal {
  const blocked =
    record.blocked === null
      ? Uint32Array.from({ length: handles.length }, (_, i) => i)
      : positionsOf(record.blocked, handles);
  return {
    limit: record.limit,
    message: sentence(record, record.blocked === null ? record.count : blocked.length),
    blocked,
    epoch: record.epoch,
    spent: record.spent,
    asked: record.asked,
    allowed: record.allowed,
  };
}

/** A refusal as an error, for callers that cannot go on without the reservation. */
export function refusalError(refusal: Refusal, scene: string): VelaturaError {
  const { limit, epoch, spent, asked, allowed } = refusal;
  return new VelaturaError(
    limit === 'frozen' ? 'dp/scene-frozen' : 'dp/budget-exceeded',
    refusal.message,
    { scene, limit, epoch, blocked: refusal.blocked.length, spent, asked, allowed },
  );
}
