import { encodeCanonical, isWellFormedText } from '../../core/cbor.ts';
import { VelaturaError } from '../../core/errors.ts';
import { portableSha256, type Sha256 } from '../../core/hash-chain.ts';
import type { CertifiedInterval } from '../accountant.ts';
import { validatePlan } from '../accounting/validate.ts';
import type { NeighbourRelation, Plan, PrivacyUnit } from '../plan.ts';
import { AccountKeys } from './account-key.ts';
import { keyWords } from './account-table.ts';
import { admit, closedError, type PricedRequest } from './admission.ts';
import type {
  BudgetLine,
  BudgetSummary,
  BudgetVerification,
  PrivacyBudgetAccountant,
  ReserveDecision,
  ReserveRequest,
} from './budget.ts';
import { invalidAccounts } from './cohort.ts';
import { currencyOf, type FilterCurrency } from './currency.ts';
import { type Clock, corrupt, Ledger } from './ledger.ts';
import { Limits, type SceneLimits } from './limits.ts';
import { LOG_VERSION } from './log-record.ts';
import { type BudgetPolicy, validatePolicy } from './policy.ts';
import { furtherReleases, linesOf, odometerOf, sceneNames, summaryOf } from './readouts.ts';
import type { BudgetState, ReservationState } from './state.ts';
import type { BudgetStore } from './store.ts';
import { assertSameTerms } from './terms.ts';
import { deltaUnits } from './units.ts';
import { verifyLog } from './verify.ts';

/** Options of {@link openBudget}. */
export interface OpenBudgetOptions {
  readonly policy: BudgetPolicy;
  readonly unit: PrivacyUnit;
  readonly relation: NeighbourRelation;
  /** Where the log lives; closed together with the accountant. */
  readonly store: BudgetStore;
  /** 32 secret random bytes, the same for the life of the budget, kept apart from its log. */
  readonly accountKey: Uint8Array;
  /** Default: the system's clock. */
  readonly clock?: Clock;
  /** A faster SHA-256, where there is one. */
  readonly sha256?: Sha256;
  /** False refuses an empty log instead of beginning a new budget in it. Default: true. */
  readonly create?: boolean;
}

/** The accountant of every store: all that differs is where the log is kept. */
class LogFirstAccountant implements PrivacyBudgetAccountant {
  readonly policy: BudgetPolicy;
  readonly currency: FilterCurrency;
  readonly unit: PrivacyUnit;
  readonly relation: NeighbourRelation;
  readonly #limits: Limits;
  readonly #ledger: Ledger;
  readonly #accounts: AccountKeys;
  readonly #sha256: Sha256 | undefined;

  constructor(options: OpenBudgetOptions) {
    this.policy = validatePolicy(options.policy);
    this.unit = options.unit;
    this.relation = options.relation;
    const currency = currencyOf(this.policy);
    this.currency = currency.name;
    this.#limits = new Limits(this.policy, currency);
    this.#accounts = new AccountKeys(options.accountKey);
    this.#sha256 = options.sha256;
    this.#ledger = new Ledger(options.store, options.clock ?? Date.now, options.sha256);
  }

  async open(create: boolean): Promise<void> {
    const { policy, currency, unit, relation } = this;
    const terms = { policy, unit, relation, currency, keyCheck: this.#accounts.check };
    await this.#ledger.transact((state, time) => {
      if (state.opened !== null) {
        assertSameTerms(state.opened, terms);
        return { records: [], result: undefined };
      }
      if (!create) throw corrupt('the log of the budget is empty');
      return {
        records: [{ kind: 'open' as const, version: LOG_VERSION, time, ...terms }],
        result: undefined,
      };
    });
  }

  async reserve(request: ReserveRequest): Promise<ReserveDecision> {
    const priced = this.#price(request);
    return this.#ledger.transact((state, now) => admit(state, this.#limits, now, priced));
  }

  async commit(reservationId: string): Promise<void> {
    await this.#ledger.transact((state, time) => {
      const { status, id } = this.#reservation(state, reservationId);
      if (status === 'released') throw closedError(id, status);
      if (status === 'committed') return { records: [], result: undefined };
      return { records: [{ kind: 'commit', time, id }], result: undefined };
    });
  }

  async release(reservationId: string): Promise<void> {
    const refusal = await this.#ledger.transact<VelaturaError | null>((state, time) => {
      const { status, id, expiresAt } = this.#reservation(state, reservationId);
      if (status === 'released') return { records: [], result: null };
      if (status !== 'open') return { records: [], result: closedError(id, status) };
      if (time < expiresAt) return { records: [{ kind: 'release', time, id }], result: null };
      return { records: [{ kind: 'expire', time, id }], result: closedError(id, 'expired') };
    });
    if (refusal !== null) throw refusal;
  }

  async freeze(scene: string): Promise<void> {
    this.#sceneLimits(scene);
    await this.#ledger.transact((state, time) => ({
      records: state.scenes.get(scene)?.frozen === true ? [] : [{ kind: 'freeze', time, scene }],
      result: undefined,
    }));
  }

  async remaining(account: string, scene?: string): Promise<readonly BudgetLine[]> {
    this.#assertAccounts([account]);
    if (scene !== undefined) this.#sceneLimits(scene);
    const state = await this.#ledger.current();
    const handle = state.accounts.find(keyWords(this.#accounts.of([account])), 0);
    const scenes = scene === undefined ? sceneNames(state, this.#limits) : [scene];
    return linesOf(state, this.#limits, handle, scenes);
  }

  async forecast(scene: string, accounts: readonly string[], plan: Plan): Promise<Uint32Array> {
    this.#sceneLimits(scene);
    this.#assertAccounts(accounts);
    const cost = this.#cost(plan);
    const words = keyWords(this.#accounts.of(accounts));
    const state = await this.#ledger.current();
    return Uint32Array.from({ length: accounts.length }, (_, i) =>
      furtherReleases(state, this.#limits, scene, state.accounts.find(words, i), cost),
    );
  }

  async summary(): Promise<readonly BudgetSummary[]> {
    const state = await this.#ledger.current();
    return [null, ...sceneNames(state, this.#limits)].map((scene) =>
      summaryOf(state, this.#limits, scene),
    );
  }

  async odometer(scene: string | null): Promise<CertifiedInterval> {
    if (scene !== null) this.#sceneLimits(scene);
    return odometerOf(await this.#ledger.current(), this.#limits, scene);
  }

  async verify(checkpoint?: string): Promise<BudgetVerification> {
    const seen = this.#ledger.head;
    const entries = await this.#ledger.store.read(-1);
    return verifyLog(entries, { checkpoint, seen, sha256: this.#sha256 });
  }

  async close(): Promise<void> {
    await this.#ledger.store.close();
  }

  /** Everything that can be said about a request without looking at a balance. */
  #price(request: ReserveRequest): PricedRequest {
    const { scene, accounts, idempotencyKey, delta = 0, model, epochs, insecure } = request;
    const sceneLimits = this.#sceneLimits(scene);
    this.#assertAccounts(accounts);
    if (insecure === true && this.#ledger.store.durable) {
      throw new VelaturaError(
        'dp/insecure-release',
        'noise from a seeded generator may not be booked in a real budget',
      );
    }
    assertName('idempotencyKey', idempotencyKey);
    if (model !== undefined) assertName('model', model);
    epochs?.forEach((epoch) => {
      assertName('epochs', epoch);
    });
    const cost = this.#cost(request.plan);
    const deltaCost = deltaUnits(delta);
    const plan = { unit: this.unit, relation: this.relation, event: request.plan.event };
    const keys = this.#accounts.of(accounts);
    const body = encodeCanonical({
      scene,
      plan,
      delta,
      idempotencyKey,
      model: model ?? null,
      epochs: epochs ?? null,
      insecure: insecure === true,
    });
    const bodyHash = (this.#sha256 ?? portableSha256)(lengthBytes(body), body, keys);
    return { request, sceneLimits, keys, bodyHash, plan, cost, deltaCost };
  }

  #cost(plan: Plan): number {
    const { unit, relation } = validatePlan(plan);
    if (unit !== this.unit || relation !== this.relation) {
      throw new VelaturaError(
        'dp/relation-mismatch',
        `the budget counts by ${this.unit}, ${this.relation}; the plan by ${unit}, ${relation}`,
        { unit, relation },
      );
    }
    return this.#limits.currency.cost(plan);
  }

  #sceneLimits(scene: string): SceneLimits {
    const limits =
      typeof scene === 'string' && scene !== '' && isWellFormedText(scene)
        ? this.#limits.scene(scene)
        : undefined;
    if (limits === undefined) {
      throw new VelaturaError('dp/unknown-scene', `the policy does not know the scene "${scene}"`, {
        scene: String(scene),
      });
    }
    return limits;
  }

  #assertAccounts(accounts: readonly string[]): void {
    if (!Array.isArray(accounts) || accounts.length === 0) {
      throw invalidAccounts('"accounts" expected at least one account');
    }
    for (const account of accounts) {
      if (typeof account !== 'string' || account === '') {
        throw invalidAccounts('"accounts" expected non-empty account ids');
      }
    }
  }

  #reservation(state: BudgetState, id: string): ReservationState {
    const reservation = state.reservations.get(id);
    if (reservation === undefined) {
      throw new VelaturaError('dp/reservation-unknown', 'no reservation of that id exists');
    }
    return reservation;
  }
}

function assertName(field: string, value: unknown): void {
  if (typeof value === 'string' && value !== '' && isWellFormedText(value)) return;
  throw new VelaturaError('dp/invalid-parameter', `"${field}" expected non-empty text`, { field });
}

/** Keeps the two parts of a hashed body apart. */
function lengthBytes(body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, body.length);
  return bytes;
}

/**
 * Opens a budget on a store: continues the one whose log is there, or begins one.
 *
 * ## Privacy
 * Unit and relation as given; guarantee: everything admitted about one account, over all scenes and
 * adaptively chosen, is within the policy's user epsilon at its delta (argument: filters.proof.md), as long
 * as every release of that account's data is reserved here first and the plans tell the truth.
 *
 * @throws {VelaturaError} `dp/invalid-policy` for a policy that is wrong, not supported, or not the one the
 * budget was opened with; `dp/relation-mismatch`; `dp/budget-corrupt` for a damaged log or another account
 * key; `dp/budget-unavailable`
 */
export async function openBudget(options: OpenBudgetOptions): Promise<PrivacyBudgetAccountant> {
  const accountant = new LogFirstAccountant(options);
  await accountant.open(options.create ?? true);
  return accountant;
}
