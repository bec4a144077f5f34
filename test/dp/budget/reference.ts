/**
 * A tiny budget in exact rationals, written from the rules and sharing no code with the real one: nothing
 * but a list of charges, from which every sum is made anew whenever somebody asks.
 */

/** Amounts are whole numbers of one such part: every cost and limit of the programs is one, exactly. */
export const PARTS: bigint = 9n << 117n;
/** What the real budget rounds a cost to, in parts. */
export const COST_UNIT: bigint = PARTS >> 32n;

/** An exact rational for each sum of a balance: one, or one an order of Rényi DP. */
export type Amount = readonly bigint[];

/** `n / d` in parts. */
export function ratio(n: bigint, d: bigint): bigint {
  if ((n * PARTS) % d !== 0n) throw new RangeError(`"n / d" expected whole parts, got ${n} / ${d}`);
  return (n * PARTS) / d;
}

/** A double to the power of 1 or 2, in parts, without any rounding. */
export function exact(x: number, power: 1 | 2 = 1): bigint {
  let n = x;
  let d = 1n;
  while (!Number.isInteger(n)) {
    n *= 2;
    d *= 2n;
  }
  return power === 1 ? ratio(BigInt(n), d) : ratio(BigInt(n) * BigInt(n), d * d);
}

export interface ReferenceScene {
  readonly perUser: Amount | null;
  readonly worstCase: Amount | null;
  readonly maxReleases: number | null;
  readonly interval: number;
}

/** A policy, with limits in the currency instead of in epsilon. */
export interface ReferencePolicy {
  readonly user: Amount;
  readonly groups: Readonly<Record<string, Amount>>;
  readonly models: Readonly<Record<string, Amount>>;
  readonly scenes: Readonly<Record<string, ReferenceScene>>;
  readonly delta: bigint;
  readonly lease: number;
}

/** What the reference needs to know besides: whether epochs are months, and how much the real budget rounds. */
export interface ReferenceTerms {
  readonly monthly: boolean;
  /** Parts by which a cost may be rounded up, and a limit down. */
  readonly costSlack: bigint;
  readonly limitSlack: bigint;
}

export interface ReferenceRequest {
  readonly scene: string;
  /** Who is asked for; for a population: null. */
  readonly accounts: readonly string[] | null;
  readonly population: string | null;
  readonly cost: Amount;
  readonly delta: bigint;
  readonly epochs: readonly string[];
  readonly model: string | null;
  /** Milliseconds. */
  readonly lease: number;
}

interface Charge extends ReferenceRequest {
  readonly at: number;
  readonly expiresAt: number;
  state: 'open' | 'committed' | 'released';
  committedAt: number;
  /** How often each account bears it, as long as it is not given back. */
  readonly bearers: ReadonlySet<string>;
}

/** A limit that a request passes, for certain or within the rounding that the real budget does. */
export interface Passed {
  readonly limit: string;
  readonly epoch: string | null;
  /** Null where it is the scene's. */
  readonly account: string | null;
  readonly certain: boolean;
}

const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/;

export class ReferenceBudget {
  readonly charges: Charge[] = [];
  readonly frozen: Set<string> = new Set();
  /** Accounts that some call made known. */
  readonly known: Set<string> = new Set();
  readonly erased: Set<string> = new Set();
  readonly populations: Map<string, Set<string>> = new Map();
  readonly groups: Map<string, string> = new Map();
  policy: ReferencePolicy;
  readonly terms: ReferenceTerms;
  #written = Number.NEGATIVE_INFINITY;

  constructor(policy: ReferencePolicy, terms: ReferenceTerms) {
    this.policy = policy;
    this.terms = terms;
  }

  /** Another one that goes its own way from here. */
  clone(): ReferenceBudget {
    const copy = new ReferenceBudget(this.policy, this.terms);
    copy.wrote(this.#written);
    for (const charge of this.charges) {
      copy.charges.push({ ...charge });
    }
    for (const scene of this.frozen) copy.frozen.add(scene);
    for (const account of this.known) copy.known.add(account);
    for (const account of this.erased) copy.erased.add(account);
    for (const [name, members] of this.populations) copy.populations.set(name, new Set(members));
    for (const [account, group] of this.groups) copy.groups.set(account, group);
    return copy;
  }

  /** Time as the budget sees it: never before that of the last thing it wrote down. */
  at(clock: number): number {
    return Math.max(this.#written, clock);
  }

  /** Something was written down at that time. */
  wrote(now: number): void {
    this.#written = now;
  }

  /** Accounts that a request charges. */
  cohort({ accounts, population }: ReferenceRequest): readonly string[] {
    return accounts ?? [...(this.populations.get(population as string) ?? [])];
  }

  /** Errors of a request that cannot be answered at all; which of several is told does not matter. */
  faults({ scene, population, epochs }: ReferenceRequest, now: number): readonly string[] {
    const faults: string[] = [];
    if (this.policy.scenes[scene] === undefined) faults.push('dp/unknown-scene');
    if (population !== null && (this.populations.get(population)?.size ?? 0) === 0) {
      faults.push('dp/unknown-population');
    }
    const begun = (epoch: string): boolean =>
      MONTH.test(epoch) && Date.parse(`${epoch}-01T00:00:00Z`) <= now;
    const isDated = epochs.length > 0 && epochs.every(begun);
    if (this.terms.monthly && !isDated) faults.push('dp/invalid-epoch');
    return faults;
  }

  /** Every limit that the request would pass. */
  passed(request: ReferenceRequest, now: number): readonly Passed[] {
    const found: Passed[] = [];
    const { scene, cost, delta, model } = request;
    const rules = this.policy.scenes[scene] as ReferenceScene;
    const add = (limit: string, epoch: string | null, account: string | null, over: Over): void => {
      if (over !== 'no') found.push({ limit, epoch, account, certain: over === 'yes' });
    };
    const ofScene = (charge: Charge): boolean =>
      charge.scene === scene && charge.state !== 'released';
    if (this.frozen.has(scene)) add('frozen', null, null, 'yes');
    const end = ({ state, committedAt, expiresAt }: Charge): number =>
      state === 'committed' ? committedAt : expiresAt;
    if (
      rules.interval > 0 &&
      this.charges.some((c) => ofScene(c) && now < end(c) + rules.interval)
    ) {
      add('min-aggregation-interval', null, null, 'yes');
    }
    for (const epoch of this.#epochsOf(request)) {
      const here = (charge: Charge): boolean => this.#isIn(charge, epoch);
      const inScene = this.charges.filter((charge) => ofScene(charge) && here(charge));
      if (rules.maxReleases !== null && inScene.length >= rules.maxReleases) {
        add('max-releases', epoch, null, 'yes');
      }
      const each = inScene.map((charge): [Charge, number] => [charge, 1]);
      add('scene-worst-case', epoch, null, this.#isOver(each, cost, rules.worstCase));
      for (const account of this.cohort(request)) {
        const borne = this.#borne(account).filter(([charge]) => here(charge));
        const check = (limit: string, which: (c: Charge) => boolean, most: Amount | null): void =>
          add(
            limit,
            epoch,
            account,
            this.#isOver(
              borne.filter(([c]) => which(c)),
              cost,
              most,
            ),
          );
        check('user-total', () => true, this.limitOf(account));
        check('user-scene', (charge) => charge.scene === scene, rules.perUser);
        if (model !== null && this.policy.models[model] !== undefined) {
          check('model', (charge) => charge.model === model, this.policy.models[model]);
        }
        const deltas = borne.reduce((sum, [c, times]) => sum + c.delta * BigInt(times), delta);
        if (deltas > this.policy.delta) add('delta', epoch, account, 'yes');
      }
    }
    for (const account of this.cohort(request)) {
      if (this.erased.has(account)) add('erased', null, account, 'yes');
    }
    return found;
  }

  /** Total that the account may spend. */
  limitOf(account: string): Amount {
    return this.policy.groups[this.groups.get(account) ?? ''] ?? this.policy.user;
  }

  /** Sums over all an account bears in an epoch (null: for life), of the scene or model where one is given. */
  spent(account: string, epoch: string | null, of: Scope = {}): Amount {
    return this.#sum(this.#borne(account).filter(([charge]) => matches(charge, epoch, of)));
  }

  /** The same in delta. */
  deltaSpent(account: string, epoch: string | null): bigint {
    return this.#borne(account)
      .filter(([charge]) => matches(charge, epoch, {}))
      .reduce((sum, [charge, times]) => sum + charge.delta * BigInt(times), 0n);
  }

  /** Releases in an epoch (null: for life) and what somebody in all of them would have spent. */
  total(
    epoch: string | null,
    of: Scope = {},
  ): { readonly releases: number; readonly cost: Amount } {
    const all = this.charges.filter((c) => c.state !== 'released' && matches(c, epoch, of));
    return { releases: all.length, cost: this.#sum(all.map((charge) => [charge, 1])) };
  }

  /**
   * The least and the most further charges like this one, without its delta, that an account could bear,
   * waiting aside; the two differ where rounding decides.
   */
  further(request: ReferenceRequest, account: string): readonly [least: number, most: number] {
    const { scene, cost, model } = request;
    const rules = this.policy.scenes[scene] as ReferenceScene;
    if (this.frozen.has(scene) || this.erased.has(account)) return [0, 0];
    let least = 2 ** 32 - 1;
    let most = least;
    const bound = (spent: Amount, charges: number, limit: Amount | null | undefined): void => {
      for (const [k, asked] of cost.entries()) {
        if (limit === null || limit === undefined) return;
        const room = (limit[k] as bigint) - (spent[k] as bigint);
        const slack = this.terms.costSlack * BigInt(charges) + this.terms.limitSlack;
        least = Math.min(least, floored(room - slack, asked + this.terms.costSlack));
        most = Math.min(most, floored(room, asked));
      }
    };
    for (const epoch of this.#epochsOf(request)) {
      const { releases, cost: worst } = this.total(epoch, { scene });
      const times = this.#borne(account).reduce((sum, [, count]) => sum + count, 0);
      const left = (rules.maxReleases ?? 2 ** 32) - releases;
      least = Math.min(least, Math.max(0, left));
      most = Math.min(most, Math.max(0, left));
      bound(worst, releases, rules.worstCase);
      if (this.deltaSpent(account, epoch) > this.policy.delta) return [0, 0];
      bound(this.spent(account, epoch), times, this.limitOf(account));
      bound(this.spent(account, epoch, { scene }), times, rules.perUser);
      if (model !== null) {
        bound(this.spent(account, epoch, { model }), times, this.policy.models[model]);
      }
    }
    return [least, most];
  }

  book(request: ReferenceRequest, now: number): number {
    const charge: Charge = {
      ...request,
      at: now,
      expiresAt: now + request.lease,
      state: 'open',
      committedAt: now,
      bearers: new Set(this.cohort(request)),
      // A model's quota counts what is charged while the policy has one.
      model: this.policy.models[request.model ?? ''] === undefined ? null : request.model,
    };
    return this.charges.push(charge) - 1;
  }

  /** False where it was given back. */
  commit(index: number, now: number): boolean {
    const charge = this.charges[index] as Charge;
    if (charge.state === 'open') {
      charge.state = 'committed';
      charge.committedAt = now;
    }
    return charge.state === 'committed';
  }

  /** False where it stays spent. */
  release(index: number, now: number): boolean {
    const charge = this.charges[index] as Charge;
    if (charge.state === 'open' && now < charge.expiresAt) charge.state = 'released';
    return charge.state === 'released';
  }

  /** Who joins bears only what is reserved from then on. */
  join(population: string, accounts: readonly string[]): void {
    const members = this.populations.get(population) ?? new Set();
    this.populations.set(population, members);
    for (const account of accounts) members.add(account);
  }

  /** Who leaves keeps what was reserved while they were in. */
  leave(population: string, accounts: readonly string[]): void {
    for (const account of accounts) this.populations.get(population)?.delete(account);
  }

  erase(accounts: readonly string[]): void {
    for (const population of this.populations.keys()) this.leave(population, accounts);
    for (const account of accounts) if (this.known.has(account)) this.erased.add(account);
  }

  #epochsOf({ epochs }: ReferenceRequest): readonly (string | null)[] {
    return this.terms.monthly ? epochs : [null];
  }

  #isIn(charge: Charge, epoch: string | null): boolean {
    return epoch === null || charge.epochs.includes(epoch);
  }

  /** Charges that the account bears, and how often. */
  #borne(account: string): readonly [Charge, number][] {
    return this.charges.flatMap((charge): [Charge, number][] => {
      const times = charge.state !== 'released' && charge.bearers.has(account) ? 1 : 0;
      return times === 0 ? [] : [[charge, times]];
    });
  }

  #sum(charges: readonly (readonly [Charge, number])[]): Amount {
    return this.policy.user.map((_, k) =>
      charges.reduce((sum, [{ cost }, times]) => sum + (cost[k] as bigint) * BigInt(times), 0n),
    );
  }

  #isOver(charges: readonly [Charge, number][], asked: Amount, most: Amount | null): Over {
    if (most === null) return 'no';
    const { costSlack, limitSlack } = this.terms;
    const count = charges.reduce((sum, [, times]) => sum + times, 1);
    const slack = costSlack * BigInt(count) + limitSlack;
    const sums = this.#sum(charges).map((spent, k) => spent + (asked[k] as bigint));
    if (sums.some((sum, k) => sum > (most[k] as bigint))) return 'yes';
    return sums.some((sum, k) => sum + slack > (most[k] as bigint)) ? 'unsure' : 'no';
  }
}

function floored(room: bigint, cost: bigint): number {
  return room < 0n ? 0 : Number(room / cost);
}

type Over = 'yes' | 'no' | 'unsure';

/** Which charges a sum is over. */
export interface Scope {
  readonly scene?: string;
  readonly model?: string;
}

function matches(charge: Charge, epoch: string | null, { scene, model }: Scope): boolean {
  return (
    (epoch === null || charge.epochs.includes(epoch)) &&
    (scene === undefined || charge.scene === scene) &&
    (model === undefined || charge.model === model)
  );
}
