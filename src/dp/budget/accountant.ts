import { sameBytes } from '../../core/bytes.ts';
import { isWellFormedText } from '../../core/cbor.ts';
import { VelaturaError } from '../../core/errors.ts';
import { yieldToEventLoop } from '../../core/event-loop.ts';
import { portableSha256, type Sha256 } from '../../core/hash-chain.ts';
import {
  type Checkpoint,
  type HeadSigner,
  type SignedHead,
  signHead,
  type VerifySignature,
} from '../../core/signed-head.ts';
import type { CertifiedInterval } from '../accountant.ts';
import type { NeighbourRelation, Plan, PrivacyUnit } from '../plan.ts';
import { KeyRing, matchingRing } from './account-key.ts';
import { ACCOUNT_KEY_LENGTH } from './account-table.ts';
import {
  admit,
  assertEpochs,
  closedError,
  type PricedRequest,
  populationOf,
  reservationOf,
  sceneRules,
} from './admission.ts';
import type {
  Accounts,
  BudgetLine,
  BudgetSummary,
  BudgetVerification,
  ChargeScope,
  Cohort,
  LongCall,
  OdometerQuery,
  PrivacyBudgetAccountant,
  ReserveDecision,
  ReserveRequest,
} from './budget.ts';
import {
  type AskedAccounts,
  assertAccounts,
  assertRing,
  handleOf,
  invalidAccounts,
  type KeyedIds,
  resolveAccounts,
} from './cohort.ts';
import { type ConformanceStatement, conformanceStatement } from './conformance-statement.ts';
import { type CurrencyRules, currencyOf, type FilterCurrency } from './currency.ts';
import { durationMilliseconds } from './duration.ts';
import { furtherReleases } from './forecast.ts';
import type { HandleList } from './handle-set.ts';
import { type Clock, Ledger, type Transaction } from './ledger.ts';
import type { Limits } from './limits.ts';
import { corrupt, LOG_VERSION, type OpenRecord } from './log-record.ts';
import {
  assignGroup,
  eraseAccounts,
  internAccounts,
  joinPopulation,
  leavePopulation,
  readmitAccounts,
  rotateKeys,
} from './membership.ts';
import { epsilonOfReading, readingOf } from './odometer.ts';
import { PlanPrices } from './plan-prices.ts';
import { type BudgetPolicy, validatePolicy } from './policy.ts';
import { type BalanceRow, balanceRows, linesOf, sceneNames, summariesOf } from './readouts.ts';
import type { BudgetStore } from './store.ts';
import { assertChangeable, assertSameTerms } from './terms.ts';
import { deltaUnits } from './units.ts';
import { verifyStore } from './verify.ts';

/** What it takes to open a budget, whatever its terms. */
export interface BudgetAccess {
  /** Where the log lives; closed together with the accountant. */
  readonly store: BudgetStore;
  /**
   * Secrets of 32 random bytes, the oldest first: one, and another for each rotation. Kept apart from the
   * log. Others among them, of rotations that did not come to pass, do no harm.
   */
  readonly secrets: readonly Uint8Array[];
  /**
   * Makes the secrets durable before a rotation uses the newest. Several processes may call it at once:
   * add what is new to what is kept, and never drop any.
   */
  readonly saveSecrets?: (secrets: readonly Uint8Array[]) => Promise<void>;
  /** Signs heads. */
  readonly signer?: HeadSigner;
  /** Checks the signatures of checkpoints. */
  readonly verifySignature?: VerifySignature;
  /** Default: the system's clock. */
  readonly clock?: Clock;
  /** A faster SHA-256, where there is one. */
  readonly sha256?: Sha256;
  /** Bytes of log after which the state is kept as a snapshot, so that opening stays short; default 8 MiB. */
  readonly snapshotBytes?: number;
}

/** Options of {@link openBudget}. */
export interface OpenBudgetOptions extends BudgetAccess {
  readonly policy: BudgetPolicy;
  readonly unit: PrivacyUnit;
  readonly relation: NeighbourRelation;
  /** False refuses an empty log instead of beginning a new budget in it. Default: true. */
  readonly create?: boolean;
}

/** A budget with access to everybody's balance, for exports. */
export interface BudgetRows {
  /**
   * What everyone has spent, by handle within each scope, each row as of when it is read. Pseudonymous, not
   * anonymous.
   */
  balanceRows(): Promise<Iterable<BalanceRow>>;
}

/** Accounts made known in one transaction at most. */
const INTERN_SLICE = 16_384;
/** Characters of a name or key: all are kept. */
const NAME_LENGTH = 4096;
/** Keys derived before the event loop gets its turn. */
const KEY_SLICE = 8_192;

const NONE: readonly string[] = [];

type Opened = Pick<OpenRecord, 'unit' | 'relation'>;

/** The accountant of every store: all that differs is where the log is kept. */
class LogFirstAccountant implements PrivacyBudgetAccountant, BudgetRows {
  readonly unit: PrivacyUnit;
  readonly relation: NeighbourRelation;
  readonly #access: BudgetAccess;
  readonly #clock: Clock;
  readonly #sha256: Sha256;
  readonly #ledger: Ledger;
  readonly #currency: CurrencyRules;
  readonly #prices: PlanPrices;
  #ring: KeyRing;
  /** All that were ever given, in use or not. */
  #secrets: readonly Uint8Array[];
  #rotation: Promise<void> = Promise.resolve();
  readonly #policy: BudgetPolicy;

  constructor(
    access: BudgetAccess,
    ledger: Ledger,
    { unit, relation }: Opened,
    policy: BudgetPolicy,
    ring: KeyRing,
  ) {
    this.#access = access;
    this.#clock = access.clock ?? Date.now;
    this.#sha256 = access.sha256 ?? portableSha256;
    this.#ledger = ledger;
    this.unit = unit;
    this.relation = relation;
    this.#policy = policy;
    this.#currency = currencyOf(policy, unit, relation);
    this.#prices = new PlanPrices(this.#currency, unit, relation);
    this.#ring = ring;
    this.#secrets = access.secrets.map((secret) => secret.slice());
  }

  get policy(): BudgetPolicy {
    return this.#ledger.policy ?? this.#policy;
  }

  get currency(): FilterCurrency {
    return this.#currency.name;
  }

  async intern(accounts: readonly string[], options: LongCall = {}): Promise<Uint32Array> {
    assertAccounts(accounts);
    const handles = new Uint32Array(accounts.length);
    for (let from = 0; from < accounts.length; from += INTERN_SLICE) {
      const slice = accounts.slice(from, from + INTERN_SLICE);
      const interned = await this.#keyed(async () => {
        const asked = await this.#withKeys(slice, options.signal);
        return this.#transact((tx) => internAccounts(tx, asked));
      });
      handles.set(interned, from);
      options.onProgress?.(Math.min(1, (from + slice.length) / accounts.length));
    }
    return handles;
  }

  reserve(request: ReserveRequest): Promise<ReserveDecision> {
    // Without async where it can be: for one account a promise more costs as much as the decision.
    try {
      const priced = this.#price(request);
      const { accounts, population } = request;
      if (!(accounts instanceof Uint32Array) || population !== undefined) {
        return this.#reserveAsked(request, priced);
      }
      const handles = handlesCopied(accounts);
      return this.#transact((tx) => admit(tx, this.#sha256, priced, { handles }));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async commit(reservationId: string): Promise<void> {
    await this.#transact(({ state, now: time, write }) => {
      const reservation = reservationOf(state, reservationId);
      if (reservation.status === 'released') throw closedError(reservation);
      if (reservation.status === 'committed') return;
      write({ kind: 'commit', time, reservation: reservation.seq });
    });
  }

  async release(reservationId: string): Promise<void> {
    const refusal = await this.#transact<VelaturaError | null>(({ state, now: time, write }) => {
      const reservation = reservationOf(state, reservationId);
      const { status, expiresAt, seq } = reservation;
      if (status === 'released') return null;
      if (status !== 'open') return closedError(reservation);
      if (time < expiresAt) {
        write({ kind: 'release', time, reservation: seq });
        return null;
      }
      write({ kind: 'expire', time, reservation: seq });
      return closedError(reservation, 'expired');
    });
    if (refusal !== null) throw refusal;
  }

  async freeze(scene: string): Promise<void> {
    await this.#transact(({ state, now: time, write }) => {
      sceneRules(state.limits as Limits, scene);
      if (state.scenes.get(scene)?.frozen !== true) write({ kind: 'freeze', time, scene });
    });
  }

  async assign(group: string | null, accounts: Accounts): Promise<void> {
    if (group !== null) assertName('group', group);
    await this.#keyed(async () => {
      const asked = await this.#known(accounts);
      await this.#transact((tx) => assignGroup(tx, group ?? '', asked));
    });
  }

  async join(population: string, accounts: Accounts): Promise<void> {
    assertName('population', population);
    await this.#keyed(async () => {
      const asked = await this.#known(accounts);
      await this.#transact((tx) => joinPopulation(tx, population, asked));
    });
  }

  async leave(population: string, accounts: Accounts): Promise<void> {
    assertName('population', population);
    await this.#keyed(async () => {
      const asked = await this.#known(accounts);
      await this.#transact((tx) => leavePopulation(tx, population, asked));
    });
  }

  members(population: string): Promise<Uint32Array> {
    return this.#transact(({ state }) => state.classes.members(populationOf(state, population)));
  }

  async erase(accounts: Accounts): Promise<void> {
    assertAccounts(accounts);
    await this.#keyed(async () => {
      const asked = await this.#withKeys(accounts);
      await this.#transact((tx) => eraseAccounts(tx, this.#ring, asked));
    });
  }

  async readmit(accounts: readonly string[]): Promise<void> {
    assertAccounts(accounts);
    if (accounts instanceof Uint32Array) throw invalidAccounts('"accounts" expected account ids');
    await this.#keyed(async () => {
      const keyed = await this.#withKeys(accounts);
      await this.#transact((tx) => readmitAccounts(tx, keyed));
    });
  }

  rotateKey(secret: Uint8Array): Promise<void> {
    const rotated = this.#rotation.then(() => this.#rotate(secret));
    this.#rotation = rotated.catch(() => {});
    return rotated;
  }

  async setPolicy(policy: BudgetPolicy): Promise<void> {
    const next = validatePolicy(policy);
    await this.#transact(({ state, now: time, write }) => {
      if (assertChangeable(state.policy, next, state.classes.groupsInUse())) {
        write({ kind: 'policy', time, policy: next });
      }
    });
  }

  async knows(account: string): Promise<boolean> {
    assertAccounts([account]);
    return this.#keyed(async () => {
      const keyed = await this.#withKeys([account]);
      return this.#transact(({ state }) => handleOf(state, keyed, 0) >= 0);
    });
  }

  async remaining(account: string, scene?: string): Promise<readonly BudgetLine[]> {
    assertAccounts([account]);
    return this.#keyed(async () => {
      const keyed = await this.#withKeys([account]);
      return this.#transact(({ state }) => {
        const limits = state.limits as Limits;
        if (scene !== undefined) sceneRules(limits, scene);
        const scenes = scene === undefined ? sceneNames(state, limits) : [scene];
        return linesOf(state, limits, handleOf(state, keyed, 0), scenes);
      });
    });
  }

  async forecast(
    scene: string,
    cohort: Cohort | Accounts,
    plan: Plan,
    { epochs = [], model }: ChargeScope = {},
  ): Promise<Uint32Array> {
    const { cost } = this.#prices.of(plan);
    return this.#keyed(async () => {
      const asked = await this.#asked(isAccounts(cohort) ? { accounts: cohort } : cohort);
      return this.#transact(({ state, now: time }) => {
        const limits = state.limits as Limits;
        const rules = sceneRules(limits, scene);
        assertEpochs(limits, epochs, time);
        const handles =
          typeof asked === 'string'
            ? state.classes.members(populationOf(state, asked))
            : resolveAccounts(state, asked).handles;
        const charge = {
          scene,
          handles: null,
          population: null,
          model: model ?? null,
          epochs,
          cost,
          deltaCost: 0,
          time,
        };
        return furtherReleases(state, limits, rules, charge, handles);
      });
    });
  }

  summary(): Promise<readonly BudgetSummary[]> {
    return this.#transact(({ state }) => summariesOf(state, state.limits as Limits));
  }

  async odometer(query: OdometerQuery = {}): Promise<CertifiedInterval> {
    const { account, scene } = query;
    if (account !== undefined) assertAccounts([account]);
    const { limits, handle, reading } = await this.#keyed(async () => {
      const keyed = account === undefined ? null : await this.#withKeys([account]);
      return this.#transact(({ state }) => {
        if (scene !== undefined) sceneRules(state.limits as Limits, scene);
        const handle = keyed === null ? null : handleOf(state, keyed, 0);
        return { limits: state.limits as Limits, handle, reading: readingOf(state, query, handle) };
      });
    });
    return epsilonOfReading(reading, query, handle, limits, this, this.#ledger.store);
  }

  balanceRows(): Promise<Iterable<BalanceRow>> {
    return this.#transact(({ state }) => balanceRows(state, state.limits as Limits));
  }

  conformance(): ConformanceStatement {
    const { policy, unit, relation, currency } = this;
    return conformanceStatement(policy, { unit, relation, currency });
  }

  async head(): Promise<SignedHead> {
    const head = await this.#transact(({ state }) => state.head);
    return signHead(head, Math.floor(this.#clock()), this.#access.signer ?? null);
  }

  async verify(checkpoint?: Checkpoint, options: LongCall = {}): Promise<BudgetVerification> {
    const seen = this.#ledger.head;
    const { signer, verifySignature, store } = this.#access;
    return verifyStore(store, {
      checkpoint,
      ...(seen === undefined ? {} : { seen }),
      sha256: this.#sha256,
      verifySignature,
      publicKey: signer?.publicKey,
      signal: options.signal,
    });
  }

  async close(): Promise<void> {
    await yieldToEventLoop(); // calls that are still deriving keys come first
    await this.#ledger.close();
  }

  #reserveAsked(request: ReserveRequest, priced: PricedRequest): Promise<ReserveDecision> {
    return this.#keyed(async () => {
      const asked = await this.#asked(request);
      return this.#transact((tx) => admit(tx, this.#sha256, priced, asked));
    });
  }

  /** One at a time. No secret that the log may stand under is ever dropped from those saved. */
  async #rotate(secret: Uint8Array): Promise<void> {
    const ring = this.#ring.extended(secret);
    await this.#transact(({ state }) => assertRing(state, this.#ring));
    if (!this.#secrets.some((known) => sameBytes(known, secret))) {
      this.#secrets = [...this.#secrets, secret.slice()];
    }
    await this.#access.saveSecrets?.(this.#secrets);
    await this.#transact((tx) => {
      // An earlier attempt may have come to pass without an answer.
      if (sameBytes(tx.state.keyCheck, ring.check)) return;
      rotateKeys(tx, this.#ring, ring);
    });
    this.#ring = ring;
  }

  #transact<T>(decide: (transaction: Transaction) => T): Promise<T> {
    return this.#ledger.transact(decide);
  }

  /** The accounts of a request as the budget knows them, or the name of its population. */
  async #asked({ accounts, population }: Cohort): Promise<AskedAccounts | string> {
    if ((accounts === undefined) === (population === undefined)) {
      throw invalidAccounts('expected either "accounts" or "population"');
    }
    if (population === undefined) return this.#known(accounts as Accounts);
    assertName('population', population);
    return population;
  }

  /** Accounts by handles, or by ids with their keys; very many ids are made known in slices beforehand. */
  async #known(accounts: Accounts): Promise<AskedAccounts> {
    assertAccounts(accounts);
    if (!(accounts instanceof Uint32Array) && accounts.length > INTERN_SLICE) {
      return { handles: await this.intern(accounts) };
    }
    return this.#withKeys(accounts);
  }

  #withKeys(accounts: readonly string[], signal?: AbortSignal): Promise<KeyedIds>;
  #withKeys(accounts: Accounts, signal?: AbortSignal): Promise<AskedAccounts>;
  async #withKeys(accounts: Accounts, signal?: AbortSignal): Promise<AskedAccounts> {
    if (accounts instanceof Uint32Array) return { handles: handlesCopied(accounts) };
    const ring = this.#ring;
    const ids = accounts.slice(); // the caller's may change before the decision
    return { ids, keys: await keysOf(ring, ids, signal), ring };
  }

  /** Runs a call that derives keys, once more when a rotation of this accountant overtook it. */
  async #keyed<T>(call: () => Promise<T>): Promise<T> {
    const ring = this.#ring;
    try {
      return await call();
    } catch (error) {
      const overtaken = error instanceof VelaturaError && error.code === 'dp/keys-rotated';
      if (!overtaken || this.#ring === ring) throw error;
      return call();
    }
  }

  /** Everything that can be said about a request without looking at the log. */
  #price(request: ReserveRequest): PricedRequest {
    const { scene, idempotencyKey, delta = 0, model, epochs = NONE, insecure, lease } = request;
    const { sensitivityPerEpoch = false } = request;
    if (insecure === true && this.#ledger.store.durable) {
      throw new VelaturaError(
        'dp/insecure-release',
        'noise from a seeded generator may not be booked in a real budget',
      );
    }
    assertName('idempotencyKey', idempotencyKey);
    if (model !== undefined) assertName('model', model);
    if (!Array.isArray(epochs)) {
      throw new VelaturaError('dp/invalid-parameter', '"epochs" expected an array of names', {
        field: 'epochs',
      });
    }
    for (const epoch of epochs) assertName('epochs', epoch);
    return {
      scene,
      priced: this.#prices.of(request.plan),
      deltaCost: deltaUnits(delta),
      idempotencyKey,
      model: model ?? null,
      epochs: epochs.length === 0 ? NONE : epochs.slice(),
      sensitivityPerEpoch,
      lease: lease === undefined ? null : leaseOf(lease),
      insecure: insecure === true,
    };
  }
}

/** The caller's may change before the decision. */
function handlesCopied(handles: Uint32Array): HandleList {
  assertAccounts(handles);
  return handles.length === 1 ? [handles[0] as number] : handles.slice();
}

/** Account keys, `[n, 16]` bytes; lets the event loop have its turns. */
async function keysOf(
  ring: KeyRing,
  ids: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  if (ids.length <= KEY_SLICE) return ring.keysOf(ids);
  const keys = new Uint8Array(ids.length * ACCOUNT_KEY_LENGTH);
  for (let from = 0; from < ids.length; from += KEY_SLICE) {
    signal?.throwIfAborted();
    const part = ring.keysOf(ids, from, Math.min(ids.length, from + KEY_SLICE));
    keys.set(part, from * ACCOUNT_KEY_LENGTH);
    await yieldToEventLoop();
  }
  return keys;
}

function isAccounts(cohort: Cohort | Accounts): cohort is Accounts {
  return Array.isArray(cohort) || cohort instanceof Uint32Array;
}

function leaseOf(lease: string): number {
  const milliseconds = durationMilliseconds(lease);
  if (milliseconds === null || milliseconds === 0) {
    throw new VelaturaError(
      'dp/invalid-parameter',
      '"lease" expected an ISO 8601 duration above zero, such as PT10M',
      { field: 'lease' },
    );
  }
  return milliseconds;
}

function assertName(field: string, value: unknown): void {
  const fits = typeof value === 'string' && value !== '' && value.length <= NAME_LENGTH;
  if (fits && isWellFormedText(value)) return;
  throw new VelaturaError(
    'dp/invalid-parameter',
    `"${field}" expected non-empty, well-formed text of at most ${NAME_LENGTH} characters`,
    { field },
  );
}

function ringOf(secrets: readonly Uint8Array[], keyCheck: Uint8Array, sha256: Sha256): KeyRing {
  const ring = matchingRing(secrets, keyCheck, sha256);
  if (ring !== null) return ring;
  throw corrupt('the account key is not the one this budget was opened with');
}

/**
 * Opens a budget on a store: continues the one whose log is there, or begins one.
 *
 * ## Privacy
 * Unit and relation as given; guarantee: everything admitted about one account, over all scenes and
 * adaptively chosen, is within the policy's user epsilon at its delta (argument: filters.proof.md), as long
 * as every release of that account's data is reserved here first and the plans tell the truth.
 *
 * @throws {VelaturaError} `dp/invalid-policy` for a policy that is wrong or not the one in force;
 * `dp/relation-mismatch`; `dp/budget-corrupt` for a damaged log or another account key;
 * `dp/budget-unavailable`
 */
export async function openBudget(
  options: OpenBudgetOptions,
): Promise<PrivacyBudgetAccountant & BudgetRows> {
  const { store, secrets, unit, relation, create = true } = options;
  const sha256 = options.sha256 ?? portableSha256;
  const policy = validatePolicy(options.policy);
  const fresh = new KeyRing(secrets.slice(0, 1), sha256);
  const currency = currencyOf(policy, unit, relation).name;
  const ledger = new Ledger(store, options.clock ?? Date.now, sha256, options.snapshotBytes);
  const ring = await ledger.transact(({ state, now: time, write }) => {
    const { opened } = state;
    if (opened !== null) {
      const inForce = { policy: state.policy, unit: opened.unit, relation: opened.relation };
      assertSameTerms(inForce, { policy, unit, relation });
      return ringOf(secrets, state.keyCheck, sha256);
    }
    if (!create) throw corrupt('the log of the budget is empty');
    const { check: keyCheck } = fresh;
    const version = LOG_VERSION;
    write({ kind: 'open', time, version, policy, unit, relation, currency, keyCheck });
    return fresh;
  });
  return new LogFirstAccountant(options, ledger, { unit, relation }, policy, ring);
}

/**
 * Opens the budget on a store under whatever terms are in force: for those who look after a budget. A
 * pipeline states its terms and uses {@link openBudget}.
 *
 * @throws {VelaturaError} `dp/budget-corrupt`, `dp/budget-unavailable`
 */
export async function openExistingBudget(
  access: BudgetAccess,
): Promise<PrivacyBudgetAccountant & BudgetRows> {
  const sha256 = access.sha256 ?? portableSha256;
  const ledger = new Ledger(access.store, access.clock ?? Date.now, sha256, access.snapshotBytes);
  const { opened, policy, ring } = await ledger.transact(({ state }) => {
    if (state.opened === null) throw corrupt('the log of the budget is empty');
    const { opened, policy, keyCheck } = state;
    return { opened, policy, ring: ringOf(access.secrets, keyCheck, sha256) };
  });
  return new LogFirstAccountant(access, ledger, opened, policy, ring);
}
