import { VelaturaError } from '../../core/errors.ts';
import { type ChainEntry, type ChainHead, headHex, type Sha256 } from '../../core/hash-chain.ts';
import type { BudgetVerification } from './budget.ts';
import { hasDuplicates } from './cohort.ts';
import { CURRENCIES } from './currency.ts';
import { violationOf } from './filters.ts';
import { budgetChain } from './ledger.ts';
import { Limits } from './limits.ts';
import { decodeRecord, handlesOf, type OpenRecord, type ReserveRecord } from './log-record.ts';
import { BudgetState } from './state.ts';

/** Options of {@link verifyLog}. */
export interface VerifyLogOptions {
  /** A head noted down earlier, in hex: it must be an entry of this chain. */
  readonly checkpoint?: string | undefined;
  /** Where a process that has the log open believes it to be. */
  readonly seen?: ChainHead;
  readonly sha256?: Sha256 | undefined;
}

/** What is wrong with a charge, given everything before it. */
function faultsOfCharge(
  state: BudgetState,
  limits: Limits,
  terms: OpenRecord,
  record: ReserveRecord,
): readonly string[] {
  const { scene, plan, cost, deltaCost, time } = record;
  const faults: string[] = [];
  const handles = handlesOf(record.handles);
  if (hasDuplicates(handles)) faults.push('it charges an account twice');
  if (plan.unit !== terms.unit || plan.relation !== terms.relation) {
    faults.push('its plan counts neighbours in another way than the budget');
  }
  try {
    if (limits.currency.cost(plan) !== cost) faults.push('its cost is not that of its plan');
  } catch (error) {
    if (!(error instanceof VelaturaError)) throw error;
    faults.push(`its plan has no price: ${error.message}`);
  }
  if (record.expiresAt !== time + limits.lease) faults.push('its lease is not that of the policy');
  const sceneLimits = limits.scene(scene);
  if (sceneLimits === undefined) {
    faults.push(`the policy does not know the scene "${scene}"`);
  } else {
    const violation = violationOf(state, limits, sceneLimits, {
      scene,
      handles,
      cost,
      deltaCost,
      time,
    });
    if (violation !== null) faults.push(`it passes the limit ${violation.limit}`);
  }
  return faults;
}

/**
 * Checks a budget's log from its first byte: every link of the chain, every price, every balance and every
 * limit at the moment it was charged. Needs neither the account key nor the policy, which is in the log.
 *
 * What it cannot see by itself is a log rewritten as a whole or rolled back to an earlier state: for that
 * keep a head elsewhere and give it as `checkpoint`.
 */
export function verifyLog(
  entries: readonly ChainEntry[],
  options: VerifyLogOptions = {},
): BudgetVerification {
  const problems: string[] = [];
  const chain = budgetChain(options.sha256);
  const fault = chain.fault(chain.start(), entries);
  if (fault !== null) problems.push(fault.reason);
  const linked = fault === null ? entries : entries.slice(0, fault.seq);
  if (entries.length === 0) problems.push('the log is empty');
  const state = new BudgetState(chain.start());
  let limits: Limits | null = null;
  try {
    for (const entry of linked) {
      const record = decodeRecord(entry);
      if (record.kind === 'reserve' && limits !== null && state.opened !== null) {
        for (const problem of faultsOfCharge(state, limits, state.opened, record)) {
          problems.push(`entry ${entry.seq} of the budget log: ${problem}`);
        }
      }
      state.apply(entry, record);
      if (record.kind === 'open') limits = new Limits(record.policy, CURRENCIES[record.currency]);
    }
  } catch (error) {
    if (!(error instanceof VelaturaError)) throw error;
    problems.push(error.message);
  }
  const { checkpoint, seen } = options;
  if (checkpoint !== undefined && !holds(linked, checkpoint)) {
    problems.push(
      `the noted head ${checkpoint} is no entry of this log: it was rolled back, replaced or altered`,
    );
  }
  if (seen !== undefined && !holds(linked, headHex(seen))) {
    problems.push(
      `entry ${seen.seq}, which this process has seen, is no longer in the log: it was rolled back, replaced or altered while in use`,
    );
  }
  return {
    ok: problems.length === 0,
    entries: entries.length,
    head: headHex(linked.at(-1) ?? chain.start()),
    problems,
  };
}

function holds(entries: readonly ChainEntry[], head: string): boolean {
  const wanted = head.trim().toLowerCase();
  return entries.some((entry) => headHex(entry) === wanted);
}
