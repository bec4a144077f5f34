import { bytesToHex } from '@noble/hashes/utils.js';
import type { ChainEntry, ChainHead, Sha256 } from '../../core/hash-chain.ts';
import { AccountClasses, type Population } from './account-classes.ts';
import { AccountDirectory } from './account-directory.ts';
import { currencyOf } from './currency.ts';
import { Generations } from './generations.ts';
import { encodeHandles, type HandleList, pickHandles } from './handle-set.ts';
import { Limits } from './limits.ts';
import {
  corruptAt,
  type LogRecord,
  type MembershipRecord,
  type OpenRecord,
  type PageDigest,
  type PlanRecord,
  type RefuseRecord,
  type ReserveRecord,
} from './log-record.ts';
import { planKey } from './plan-prices.ts';
import type { BudgetPolicy } from './policy.ts';
import {
  type Answer,
  type ChargedPopulation,
  chargedHandles,
  Expiries,
  OpenReservations,
  type ReservationState,
  ReservationTable,
  type ReservationTerms,
  rememberedRefusal,
  sameTerms,
} from './reservations.ts';
import { EpochState, type Scope, Tally } from './scope.ts';
import { PAGE_ACCOUNTS } from './store.ts';
import { assertChangeable } from './terms.ts';

/** What the log says about one scene, over all epochs. */
export interface SceneState {
  readonly name: string;
  readonly tally: Tally;
  frozen: boolean;
  /** Latest commit or expiry in the scene: when the last release ended; −∞ before the first. */
  lastEnd: number;
  /** Latest expiry of its open reservations; −∞ for none, null when it has to be looked for. */
  lastExpiry: number | null;
}

/** The scopes in which a charge is booked for every account. */
export interface ChargedScopes {
  readonly epoch: EpochState;
  readonly costs: readonly Scope[];
}

/** The first 31 bits of a hash. */
export function tagOf(hash: Uint8Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = hash;
  return (((a & 0x7f) << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

/** Who a request is about, in few characters. */
export function cohortText(
  { handles, population }: Pick<ReserveRecord, 'handles' | 'population'>,
  sha256: Sha256,
): string {
  if (handles === null) return `p${population?.length} ${population}`;
  if (handles.length === 1) return `a${handles[0]}`;
  return `h${bytesToHex(sha256(encodeHandles(handles)))}`;
}

/**
 * What tells one request from another, for its idempotency key. The cost is that of the plan; the lease is
 * no part of what is asked.
 */
export function fingerprintOf(
  record: Pick<ReserveRecord, 'plan' | 'deltaCost' | 'insecure' | 'scene' | 'model' | 'epochs'>,
  cohort: string,
): string {
  const { plan, deltaCost, insecure, scene, model, epochs } = record;
  // Joined, not added up piece by piece: such strings would be kept as trees of their pieces.
  const parts: (string | number)[] = [plan, deltaCost, insecure ? 1 : 0, cohort];
  parts.push(scene.length, scene);
  if (model !== null) parts.push(`m${model.length}`, model);
  for (const epoch of epochs) parts.push(`e${epoch.length}`, epoch);
  return parts.join(' ');
}

/**
 * Balances as a deterministic fold over the log: the same entries give the same state in every process,
 * whatever stored them. An entry that contradicts those before it throws, and the state is of no use then.
 *
 * Time comes only from the entries and never goes back.
 */
export class BudgetState {
  /** The terms; null before the first entry. */
  opened: OpenRecord | null = null;
  /** The policy in force as numbers; null before the first entry. */
  limits: Limits | null = null;
  /** Tells under which secrets the account keys stand. */
  keyCheck: Uint8Array = new Uint8Array(0);
  head: ChainHead;
  time: number = Number.NEGATIVE_INFINITY;
  /** Number of accounts. */
  size = 0;
  readonly plans: PlanRecord[] = [];
  readonly planCosts: Float64Array[] = [];
  readonly planNumbers: Map<string, number> = new Map();
  readonly classes: AccountClasses = new AccountClasses();
  readonly scenes: Map<string, SceneState> = new Map();
  readonly epochs: Map<string, EpochState> = new Map();
  readonly reservations: ReservationTable = new ReservationTable();
  readonly answers: Generations<Answer> = new Generations();
  readonly open: OpenReservations = new OpenReservations();
  /** Keys of the accounts: not a part of the fold, only their hashes are. */
  readonly directory: AccountDirectory;
  readonly #sha256: Sha256;
  /** Number of the last entry whose pages the directory holds. */
  pagesSeq = -1;
  #life: EpochState | null = null;
  #lifeAlone: readonly EpochState[] = [];
  /** First number that is remembered for sure. */
  #remembered = -1;
  readonly #expiries = new Expiries();
  /** Of the last reservation, and where it was booked. */
  #lastTerms: ReservationTerms | null = null;
  #lastCharged: readonly ChargedScopes[] | null = null;

  /**
   * @param start - head of the empty chain
   * @param random - salts of identity pages
   */
  constructor(start: ChainHead, random: (length: number) => Uint8Array, sha256: Sha256) {
    this.head = start;
    this.#sha256 = sha256;
    this.directory = new AccountDirectory(random, sha256);
  }

  /** All charges of whole lives. */
  get life(): EpochState {
    if (this.#life === null) throw new RangeError('the budget is not open yet');
    return this.#life;
  }

  get policy(): BudgetPolicy {
    return (this.limits as Limits).policy;
  }

  /**
   * Takes in the next entry, whose place in the chain the caller has checked.
   *
   * @throws {VelaturaError} `dp/budget-corrupt` when it contradicts the entries before it
   */
  apply(entry: ChainEntry, record: LogRecord): void {
    const { seq } = entry;
    if ((record.kind === 'open') !== (seq === 0)) {
      throw corruptAt(seq, 'expected the terms of the budget first, and only there');
    }
    if (record.time < this.time) {
      throw corruptAt(seq, 'its time is before that of the entry before it');
    }
    this.#advance(record.time);
    switch (record.kind) {
      case 'reserve':
        this.#reserve(seq, entry.hash, record);
        break;
      case 'commit':
        this.#commit(seq, record.reservation, record.time);
        break;
      case 'release':
        this.#release(seq, record.reservation);
        break;
      case 'expire':
        this.#known(seq, record.reservation);
        break;
      case 'refuse':
        this.#refuse(seq, record);
        break;
      case 'open':
        this.#begin(record);
        break;
      case 'policy':
        this.limits = this.#limitsOf(seq, record.policy);
        break;
      case 'plan':
        this.#plan(seq, record);
        break;
      case 'intern':
        if (record.size <= this.size) throw corruptAt(seq, 'it makes no account known');
        this.#assertPages(seq, record.pages, pageStarts(this.size, record.size));
        this.size = record.size;
        this.directory.expect(record.size, record.pages);
        break;
      case 'rotate':
        this.#assertPages(seq, record.pages, pageStarts(0, this.size));
        this.keyCheck = record.keyCheck;
        this.directory.expect(null, record.pages);
        break;
      case 'erase':
      case 'readmit':
        this.#assertKnown(seq, record.handles);
        this.#assertPages(seq, record.pages, record.handles);
        if (record.kind === 'erase') this.#erase(record.handles);
        else this.classes.readmit(record.handles);
        this.directory.expect(null, record.pages);
        break;
      case 'assign':
      case 'join':
      case 'leave':
        this.#membership(seq, record);
        break;
      case 'freeze':
        this.scene(record.scene).frozen = true;
        break;
      case 'snapshot':
        break;
    }
    this.head = { seq, hash: entry.hash };
  }

  /** The scene's state, created empty when the log has not named it yet. */
  scene(name: string): SceneState {
    let scene = this.scenes.get(name);
    if (scene === undefined) {
      scene = {
        name,
        tally: new Tally(this.life.total.width),
        frozen: false,
        lastEnd: Number.NEGATIVE_INFINITY,
        lastExpiry: Number.NEGATIVE_INFINITY,
      };
      this.scenes.set(name, scene);
    }
    return scene;
  }

  /** What tells the request behind an answer from any other. */
  fingerprintOf(answer: Answer): string {
    if (answer.fingerprint !== null) return answer.fingerprint;
    const open = answer as ReservationState;
    const population = open.pool?.population.name ?? null;
    const handles = population === null ? chargedHandles(open) : null;
    return fingerprintOf(open.terms, cohortText({ handles, population }, this.#sha256));
  }

  /** The epochs whose limits a charge meets: those it reads, or the whole life where none renew. */
  limitedEpochs(epochs: readonly string[]): readonly (EpochState | undefined)[] {
    if ((this.limits as Limits).epochs === null) return this.#lifeAlone;
    return epochs.map((name) => this.epochs.get(name));
  }

  /** Begins with the charges of a snapshot. */
  restored(life: EpochState): void {
    this.#live(life);
  }

  #live(life: EpochState): void {
    this.#life = life;
    this.#lifeAlone = [life];
  }

  /** Goes on from the answers and open reservations of a snapshot. */
  restoredAnswers(): void {
    this.#remembered = this.answers.oldest;
    for (const reservation of this.open) {
      this.#expiries.add(reservation);
      this.scene(reservation.terms.scene).lastExpiry = null;
    }
  }

  #begin(record: OpenRecord): void {
    this.opened = record;
    this.keyCheck = record.keyCheck;
    const currency = currencyOf(record.policy, record.unit, record.relation);
    if (currency.name !== record.currency) throw corruptAt(0, "its currency is not its policy's");
    this.limits = new Limits(record.policy, currency);
    this.#live(new EpochState(null, currency.width));
  }

  #limitsOf(seq: number, policy: BudgetPolicy): Limits {
    const { unit, relation } = this.opened as OpenRecord;
    const currency = currencyOf(policy, unit, relation);
    try {
      assertChangeable(this.policy, policy, this.classes.groupsInUse());
    } catch (error) {
      throw corruptAt(seq, (error as Error).message, error);
    }
    return new Limits(policy, currency);
  }

  /** Throws unless the entry vouches for the page of every one of the accounts. */
  #assertPages(seq: number, pages: readonly PageDigest[], handles: Iterable<number>): void {
    const vouched = new Set(pages.map(({ page }) => page));
    for (const handle of handles) {
      if (vouched.has(Math.floor(handle / PAGE_ACCOUNTS))) continue;
      throw corruptAt(seq, `it does not vouch for the identity page of account ${handle}`);
    }
  }

  #plan(seq: number, record: PlanRecord): void {
    if (record.number !== this.plans.length) throw corruptAt(seq, 'plans are not consecutive');
    if (record.cost.length !== this.life.total.width) {
      throw corruptAt(seq, 'its price is not in the currency of the budget');
    }
    this.plans.push(record);
    this.planCosts.push(Float64Array.from(record.cost));
    this.planNumbers.set(planKey(record.plan), record.number);
  }

  #known(seq: number, reservation: number): ReservationState {
    const known = this.reservations.get(reservation);
    if (known === undefined) throw corruptAt(seq, 'it names no reservation');
    return known;
  }

  #assertKnown(seq: number, handles: HandleList): void {
    if ((handles[handles.length - 1] ?? 0) >= this.size)
      throw corruptAt(seq, 'it names nobody known');
  }

  /** Where a charge is booked: in every epoch that it reads, and for life besides where epochs renew. */
  #charged(terms: ReservationTerms): readonly ChargedScopes[] {
    if (terms === this.#lastTerms && this.#lastCharged !== null) return this.#lastCharged;
    const { scene, epochs, countsModel } = terms;
    const model = countsModel ? terms.model : null;
    const { life } = this;
    const charged: ChargedScopes[] = [];
    if ((this.limits as Limits).epochs === null) {
      charged.push({ epoch: life, costs: scopesOf(life, scene, model) });
    } else {
      charged.push({ epoch: life, costs: [life.total] });
    }
    for (const name of (this.limits as Limits).epochs === null ? [] : epochs) {
      let epoch = this.epochs.get(name);
      if (epoch === undefined) {
        epoch = new EpochState(name, life.total.width);
        this.epochs.set(name, epoch);
      }
      charged.push({ epoch, costs: scopesOf(epoch, scene, model) });
    }
    if (terms === this.#lastTerms) this.#lastCharged = charged;
    return charged;
  }

  /** The terms of a record: the same object as the last time when they are the same. */
  #termsOf(record: ReserveRecord): ReservationTerms {
    const { scene, plan, deltaCost, model, insecure, epochs } = record;
    const countsModel = model !== null && (this.limits as Limits).model(model) !== null;
    if (this.#lastTerms === null || !sameTerms(this.#lastTerms, record, countsModel)) {
      this.#lastTerms = { scene, plan, deltaCost, model, countsModel, insecure, epochs };
      this.#lastCharged = null;
    }
    return this.#lastTerms;
  }

  /** Books a charge, or takes it back. */
  #charge(reservation: ReservationState, handles: HandleList | null, factor: 1 | -1): void {
    const { terms, pool } = reservation;
    const { plan, deltaCost } = terms;
    const cost = this.planCosts[plan] as Float64Array;
    this.#tally(this.scene(terms.scene).tally, plan, cost, deltaCost, factor);
    for (const { epoch, costs } of this.#charged(terms)) {
      for (const scope of costs) {
        if (pool !== null) this.#pool(scope, pool, cost, factor);
        else scope.own.add(handles as HandleList, cost, factor);
        this.#tally(scope.tally, plan, cost, deltaCost, factor);
      }
      if (deltaCost === 0) continue;
      const delta = Float64Array.of(deltaCost);
      if (pool !== null) this.#pool(epoch.delta, pool, delta, factor);
      else epoch.delta.own.add(handles as HandleList, delta, factor);
    }
  }

  /**
   * Charges a population, or gives it its charge back: then those who joined since, who never had it, do
   * not get it, and those who left since do.
   */
  #pool(
    scope: Scope,
    { population, joined, left }: ChargedPopulation,
    amounts: Float64Array,
    factor: 1 | -1,
  ): void {
    scope.addPooled(population, amounts, factor);
    if (factor === -1) {
      scope.own.add(Uint32Array.from(joined).sort(), amounts, 1);
      scope.own.add(Uint32Array.from(left).sort(), amounts, -1);
    }
    scope.rebase(population, () => this.classes.members(population));
  }

  #tally(tally: Tally, plan: number, cost: Float64Array, deltaCost: number, factor: 1 | -1): void {
    if (factor === 1) tally.book(plan, cost, deltaCost);
    else tally.unbook(plan, cost, deltaCost);
  }

  #reserve(seq: number, hash: Uint8Array, record: ReserveRecord): void {
    const { handles, expiresAt } = record;
    if (record.plan >= this.plans.length) throw corruptAt(seq, 'it names no plan');
    const population = this.#populationOf(seq, record);
    if (handles !== null) this.#assertKnown(seq, handles);
    const isSingle = handles !== null && handles.length === 1;
    const reservation: ReservationState = {
      seq,
      tag: tagOf(hash),
      terms: this.#termsOf(record),
      accounts: population === null ? (handles as HandleList).length : population.size,
      expiresAt,
      status: 'open',
      handle: isSingle ? (handles[0] as number) : -1,
      handles: isSingle ? null : handles,
      pool: population === null ? null : { population, joined: new Set(), left: new Set() },
      fingerprint: null,
      before: null,
      after: null,
    };
    this.#charge(reservation, handles, 1);
    this.open.add(reservation);
    this.reservations.set(reservation);
    this.#answer(seq, record.idempotencyKey, reservation, record.time);
    this.#expiries.add(reservation);
    const state = this.scene(record.scene);
    if (state.lastExpiry !== null) state.lastExpiry = Math.max(state.lastExpiry, expiresAt);
  }

  #populationOf(seq: number, { population }: ReserveRecord): Population | null {
    if (population === null) return null;
    const known = this.classes.populations.get(population);
    if (known === undefined || known.size === 0) throw corruptAt(seq, 'it charges nobody known');
    return known;
  }

  #refuse(seq: number, record: RefuseRecord): void {
    this.scene(record.scene).tally.refused++;
    this.life.total.tally.refused++;
    this.#answer(seq, record.idempotencyKey, rememberedRefusal(record), record.time);
  }

  /** Remembers an answer; together with old answers their reservations are forgotten. */
  #answer(seq: number, key: string, answer: Answer, time: number): void {
    if (!this.answers.add(key, answer, time, seq)) {
      throw corruptAt(seq, 'its key was answered before');
    }
    const { oldest } = this.answers;
    if (oldest === this.#remembered) return;
    this.#remembered = oldest;
    this.reservations.forgetBefore(Math.min(oldest, this.open.oldest));
  }

  #commit(seq: number, number: number, time: number): void {
    const reservation = this.#known(seq, number);
    const { status } = reservation;
    if (status === 'released' || status === 'committed') {
      throw corruptAt(seq, 'it commits a closed reservation');
    }
    reservation.status = 'committed';
    this.#end(reservation, status, time);
  }

  #release(seq: number, number: number): void {
    const reservation = this.#known(seq, number);
    if (reservation.status !== 'open') throw corruptAt(seq, 'it releases a closed reservation');
    this.#charge(reservation, chargedHandles(reservation), -1);
    reservation.status = 'released';
    this.#close(reservation);
  }

  /** The release is over at `time`: the interval to the next one begins. */
  #end(reservation: ReservationState, before: ReservationState['status'], time: number): void {
    const scene = this.scene(reservation.terms.scene);
    scene.lastEnd = Math.max(scene.lastEnd, time);
    if (before === 'open') this.#close(reservation);
  }

  /** Keeps what tells the request from others, and lets go of what could have been taken back. */
  #close(reservation: ReservationState): void {
    const scene = this.scene(reservation.terms.scene);
    if (scene.lastExpiry === reservation.expiresAt) scene.lastExpiry = null;
    if (reservation.handle < 0) reservation.fingerprint = this.fingerprintOf(reservation);
    this.open.close(reservation);
  }

  #advance(time: number): void {
    this.time = time;
    for (;;) {
      const expired = this.#expiries.next(time);
      if (expired === null) return;
      expired.status = 'expired';
      this.#end(expired, 'open', expired.expiresAt);
    }
  }

  #membership(seq: number, { kind, name, handles }: MembershipRecord): void {
    this.#assertKnown(seq, handles);
    if (kind === 'assign') {
      if (name !== '' && (this.limits as Limits).group(name) === undefined) {
        throw corruptAt(seq, 'its policy does not know the group');
      }
      this.classes.assign(handles, name);
      return;
    }
    const population =
      kind === 'join' ? this.classes.population(name) : this.classes.populations.get(name);
    if (population === undefined) throw corruptAt(seq, 'it names no population');
    for (const handle of handles) {
      const of = this.classes.of(handle);
      if (of.populations.includes(population) === (kind === 'join') || of.erased) {
        throw corruptAt(seq, 'it changes a membership that is not so');
      }
    }
    if (kind === 'join') {
      this.#settle(handles, population, -1);
      this.classes.join(handles, population);
    } else {
      this.#settle(handles, population, 1);
      this.classes.leave(handles, population);
    }
  }

  #erase(handles: HandleList): void {
    for (const population of this.classes.populations.values()) {
      const members = pickHandles(handles, (handle) =>
        this.classes.of(handle).populations.includes(population),
      );
      if (members.length > 0) this.#settle(members, population, 1);
    }
    this.classes.erase(handles);
  }

  /**
   * Joining takes what the population was charged before off the own balance, so that own + population is
   * what the account was charged; leaving adds it. Open reservations note it: should their charge be given
   * back, it must be to those who had it.
   */
  #settle(handles: HandleList, population: Population, factor: 1 | -1): void {
    for (const epoch of [this.life, ...this.epochs.values()]) {
      for (const scope of epoch.scopes()) {
        const pooled = scope.pooled.get(population);
        if (pooled !== undefined) scope.own.add(handles, pooled, factor);
      }
    }
    for (const { pool } of this.open) {
      if (pool?.population !== population) continue;
      const [noted, undone] = factor === -1 ? [pool.joined, pool.left] : [pool.left, pool.joined];
      for (let i = 0; i < handles.length; i++) {
        const handle = handles[i] as number;
        if (!undone.delete(handle)) noted.add(handle);
      }
    }
  }
}

/** One account of each page that holds some of those from `first` on and before `end`. */
function* pageStarts(first: number, end: number): Generator<number> {
  for (let at = first; at < end; at = (Math.floor(at / PAGE_ACCOUNTS) + 1) * PAGE_ACCOUNTS)
    yield at;
}

function scopesOf(epoch: EpochState, scene: string, model: string | null): readonly Scope[] {
  const scopes = [epoch.total, epoch.scene(scene)];
  if (model !== null) scopes.push(epoch.model(model));
  return scopes;
}
