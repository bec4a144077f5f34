import { VelaturaError } from '../../core/errors.ts';
import type { AccountantName, CertifiedInterval } from '../accountant.ts';
import { createAccountant } from '../accounting/create.ts';
import { invalid } from '../accounting/refuse.ts';
import type { AccountantOptions } from '../accounting/transcript.ts';
import type { DpEvent } from '../event.ts';
import type { Plan } from '../plan.ts';

/**
 * Epsilon of a transcript under another accountant than the one that enforced the budget: every plan with how
 * often it was used.
 *
 * ## Privacy
 * Holds when the plans did not depend on what was released. Where they did, the statement to rely on is the
 * limit that the filter enforced (filters.proof.md).
 *
 * @param plans - pairs of a plan and its number of uses, in any order; none at all is epsilon 0
 * @param terms - under which all plans were made
 * @param delta - in (0, 1)
 * @throws {VelaturaError} `dp/unsupported-event` with accountant, position of the plan and path of the node;
 * `dp/relation-mismatch`, `dp/invalid-parameter`
 */
export function transcriptEpsilon(
  plans: Iterable<readonly [plan: Plan, count: number]>,
  terms: AccountantOptions,
  delta: number,
  accountant: AccountantName,
): CertifiedInterval {
  const { unit, relation } = terms;
  const ledger = createAccountant(accountant, { unit, relation });
  const events: DpEvent[] = [];
  for (const [plan, count] of plans) {
    if (!(Number.isSafeInteger(count) && count >= 1)) {
      throw invalid(`plans[${events.length}].count`, 'a positive integer', count);
    }
    const support = ledger.supports(plan);
    if (!support.supported) throw refusal(accountant, events.length, support, plan, terms);
    events.push(count === 1 ? plan.event : { kind: 'repeated', count, event: plan.event });
  }
  // All at once: an accountant sorts its whole transcript at every composition.
  if (events.length > 0) ledger.compose({ unit, relation, event: { kind: 'composed', events } });
  return ledger.epsilon(delta);
}

function refusal(
  accountant: AccountantName,
  plan: number,
  { path, reason }: { readonly path: string; readonly reason: string },
  { unit, relation }: Plan,
  terms: AccountantOptions,
): VelaturaError {
  const mismatch = unit !== terms.unit || relation !== terms.relation;
  return new VelaturaError(
    mismatch ? 'dp/relation-mismatch' : 'dp/unsupported-event',
    `the ${accountant} accountant cannot price plan ${plan} of the transcript: ${path}: ${reason}`,
    { accountant, plan, path, reason },
  );
}
