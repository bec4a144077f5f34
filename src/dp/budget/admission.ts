import { bytesToHex } from '@noble/hashes/utils.js';
import { VelaturaError } from '../../core/errors.ts';
import type { Plan } from '../plan.ts';
import type { ReserveDecision, ReserveRequest } from './budget.ts';
import { cohortOf } from './cohort.ts';
import { violationOf } from './filters.ts';
import type { Decision } from './ledger.ts';
import type { Limits, SceneLimits } from './limits.ts';
import { handleBytes, positionBits, type RefuseRecord, type ReserveRecord } from './log-record.ts';
import { readableNumbers, refusalOf } from './refusal.ts';
import { type Answer, type BudgetState, isRefusal, type ReservationState } from './state.ts';
import { sameBytes } from './terms.ts';

/** A request that is well formed and priced. */
export interface PricedRequest {
  readonly request: ReserveRequest;
  readonly sceneLimits: SceneLimits;
  /** Account keys, `[n, 16]` bytes. */
  readonly keys: Uint8Array;
  /** Hash of all that the request says. */
  readonly bodyHash: Uint8Array;
  readonly plan: Plan;
  /** Units. */
  readonly cost: number;
  readonly deltaCost: number;
}

/**
 * Decides a request on a state that has seen every entry: the first answer again for a key that has one,
 * else a refusal or a charge on all accounts.
 *
 * @throws {VelaturaError} `dp/idempotency-conflict`, `dp/reservation-closed`, `dp/invalid-accounts`
 */
export function admit(
  state: BudgetState,
  limits: Limits,
  now: number,
  priced: PricedRequest,
): Decision<ReserveDecision> {
  const { request, sceneLimits, bodyHash, cost, deltaCost } = priced;
  const { scene, idempotencyKey } = request;
  const answered = state.answers.get(idempotencyKey);
  if (answered !== undefined) return { records: [], result: sameAnswer(answered, priced) };
  const { handles, interned } = cohortOf(state, priced.keys);
  const charge = { scene, handles, cost, deltaCost, time: now };
  const violation = violationOf(state, limits, sceneLimits, charge);
  if (violation !== null) {
    const { limit, blocked } = violation;
    const refuse: RefuseRecord = {
      kind: 'refuse',
      time: now,
      scene,
      limit,
      count: handles.length,
      blocked: blocked === null ? null : positionBits(blocked, handles.length),
      ...readableNumbers(violation, limits, scene),
      idempotencyKey,
      bodyHash,
    };
    return { records: [refuse], result: { kind: 'refused', refusal: refusalOf(refuse) } };
  }
  const reserve = reserveRecord(state, limits, now, priced, handles);
  const { id, expiresAt } = reserve;
  return {
    records:
      interned.length === 0
        ? [reserve]
        : [{ kind: 'intern', time: now, first: state.accounts.size, keys: interned }, reserve],
    result: {
      kind: 'admitted',
      reservation: { id, scene, accounts: handles.length, expiresAt, replayed: false },
    },
  };
}

function reserveRecord(
  state: BudgetState,
  limits: Limits,
  now: number,
  { request, plan, cost, deltaCost, bodyHash }: PricedRequest,
  handles: Uint32Array,
): ReserveRecord {
  const { scene, idempotencyKey, model, epochs, insecure } = request;
  return {
    kind: 'reserve',
    time: now,
    // The hash keeps a commit meant for a log that was rolled back from meeting another reservation.
    id: `${state.head.seq + 1}-${bytesToHex(bodyHash.subarray(0, 8))}`,
    scene,
    handles: handleBytes(handles),
    plan,
    cost,
    deltaCost,
    idempotencyKey,
    bodyHash,
    expiresAt: now + limits.lease,
    ...(model === undefined ? {} : { model }),
    ...(epochs === undefined ? {} : { epochs: [...epochs] }),
    ...(insecure === true ? { insecure } : {}),
  };
}

/** A key stands for one release: the same body gets the first answer again, without a charge. */
function sameAnswer(answer: Answer, { request, bodyHash }: PricedRequest): ReserveDecision {
  if (!sameBytes(answer.bodyHash, bodyHash)) {
    throw new VelaturaError(
      'dp/idempotency-conflict',
      'the idempotency key was used before, with another request',
      { scene: request.scene },
    );
  }
  const { outcome } = answer;
  if (isRefusal(outcome)) return { kind: 'refused', refusal: refusalOf(outcome) };
  const { id, scene, accounts, expiresAt, status } = outcome;
  // Nothing is charged any more, so the old right must not be handed out again.
  if (status === 'released') throw closedError(id, status);
  return { kind: 'admitted', reservation: { id, scene, accounts, expiresAt, replayed: true } };
}

/** The error for a reservation that takes no more changes. */
export function closedError(id: string, status: ReservationState['status']): VelaturaError {
  return new VelaturaError('dp/reservation-closed', `the reservation ${id} is ${status}`, {
    id,
    status,
  });
}
