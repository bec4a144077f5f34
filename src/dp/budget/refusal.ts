import { VelaturaError } from '../../core/errors.ts';
import type { Refusal } from './budget.ts';
import type { Violation } from './filters.ts';
import { type Limit, type Limits, NO_LIMIT } from './limits.ts';
import { positionsOf, type RefuseRecord } from './log-record.ts';
import { unitsDelta } from './units.ts';

/** The numbers of a violation, in what a person reads: epsilon, delta, releases or milliseconds. */
export function readableNumbers(
  violation: Violation,
  limits: Limits,
  scene: string,
): Pick<Refusal, 'spent' | 'asked' | 'allowed'> {
  const { spent, asked, allowed } = violation;
  const inEpsilon = (limit: Limit | null | undefined): ReturnType<typeof readableNumbers> => {
    const within = limit ?? NO_LIMIT;
    return {
      spent: limits.epsilon(spent, within),
      asked: limits.epsilon(asked, within),
      allowed: within.epsilon,
    };
  };
  switch (violation.limit) {
    case 'user-total':
      return inEpsilon(limits.user);
    case 'user-scene':
      return inEpsilon(limits.scene(scene)?.perUser);
    case 'scene-worst-case':
      return inEpsilon(limits.scene(scene)?.worstCase);
    case 'delta':
      return { spent: unitsDelta(spent), asked: unitsDelta(asked), allowed: unitsDelta(allowed) };
    default:
      return { spent, asked, allowed };
  }
}

function numeral(value: number): string {
  return Number(value.toPrecision(4)).toString();
}

function sentence(record: RefuseRecord, blocked: number): string {
  const { scene, limit, count, spent, asked, allowed } = record;
  const of = `${blocked} of ${count} accounts`;
  const numbers = `spent ${numeral(spent)}, asked ${numeral(asked)}, allowed ${numeral(allowed)}`;
  switch (limit) {
    case 'frozen':
      return `scene "${scene}" is frozen and takes no more charges`;
    case 'max-releases':
      return `scene "${scene}" has had ${spent} of its ${allowed} releases`;
    case 'min-aggregation-interval':
      return `scene "${scene}" waits ${allowed - spent} of ${allowed} ms until its next release`;
    case 'scene-worst-case':
      return `scene "${scene}": someone in every release would pass its epsilon (${numbers})`;
    case 'user-scene':
      return `scene "${scene}": ${of} would pass their epsilon there (${numbers} for the worst)`;
    case 'delta':
      return `${of} would pass what charges may spend of delta (${numbers} for the worst)`;
    default:
      return `${of} would pass a limit of their own; the total epsilon of the worst: ${numbers}`;
  }
}

/** The refusal as the caller sees it, out of what the log keeps of it. */
export function refusalOf(record: RefuseRecord): Refusal {
  const blocked = positionsOf(record.blocked, record.count);
  return {
    limit: record.limit,
    message: sentence(record, blocked.length),
    blocked,
    spent: record.spent,
    asked: record.asked,
    allowed: record.allowed,
  };
}

/** A refusal as an error, for callers that cannot go on without the reservation. */
export function refusalError(refusal: Refusal, scene: string): VelaturaError {
  const { limit, spent, asked, allowed } = refusal;
  return new VelaturaError(
    limit === 'frozen' ? 'dp/scene-frozen' : 'dp/budget-exceeded',
    refusal.message,
    { scene, limit, blocked: refusal.blocked.length, spent, asked, allowed },
  );
}
