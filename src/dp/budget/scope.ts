import type { AccountClass, Population } from './account-classes.ts';
import { Column } from './column.ts';
import { MAX_CAPACITY, saturatingSum } from './units.ts';

/** Sums over releases as if one account had been in all of them. */
export class Tally {
  /** Reservations that were not given back. */
  releases = 0;
  refused = 0;
  /** Units, one sum an order. */
  readonly cost: Float64Array;
  /** Units of delta. */
  deltaCost = 0;
  /** Uses by number of the plan. */
  readonly plans: Map<number, number> = new Map();

  constructor(width: number) {
    this.cost = new Float64Array(width);
  }

  book(plan: number, cost: Float64Array, deltaCost: number): void {
    this.releases++;
    for (let k = 0; k < cost.length; k++) {
      this.cost[k] = saturatingSum(this.cost[k] as number, cost[k] as number);
    }
    this.deltaCost = saturatingSum(this.deltaCost, deltaCost);
    this.plans.set(plan, (this.plans.get(plan) ?? 0) + 1);
  }

  unbook(plan: number, cost: Float64Array, deltaCost: number): void {
    this.releases--;
    for (let k = 0; k < cost.length; k++) (this.cost[k] as number) -= cost[k] as number;
    this.deltaCost -= deltaCost;
    const uses = (this.plans.get(plan) ?? 0) - 1;
    if (uses > 0) this.plans.set(plan, uses);
    else this.plans.delete(plan);
  }
}

/** Largest balances of members, remembered until somebody's changes. */
interface Maxima {
  readonly column: number;
  readonly classes: number;
  /** By class index: largest sum of each order. */
  readonly byClass: ReadonlyMap<number, Float64Array>;
}

/**
 * One thing that is counted for every account: the total, a scene, a model or delta, in one epoch or for
 * life. What an account has spent is its own balance plus what its populations were charged; joining takes
 * the sums of before off the own balance, leaving adds them.
 */
export class Scope {
  readonly own: Column;
  readonly tally: Tally;
  /** Charges of whole populations. */
  readonly pooled: Map<Population, Float64Array> = new Map();
  readonly #maxima = new Map<Population, Maxima>();

  constructor(width: number) {
    this.own = new Column(width);
    this.tally = new Tally(width);
  }

  /** True once something was charged here, given back or not. */
  get isCharged(): boolean {
    return this.own.version > 0 || this.pooled.size > 0;
  }

  get width(): number {
    return this.own.width;
  }

  /** What the populations of a class were charged. */
  base({ populations }: AccountClass, k: number): number {
    let sum = 0;
    for (const population of populations) sum += this.pooled.get(population)?.[k] ?? 0;
    return sum;
  }

  /** Sum `k` of everything the account was charged here. */
  spent(handle: number, accountClass: AccountClass, k: number): number {
    return this.own.get(handle, k) + this.base(accountClass, k);
  }

  addPooled(population: Population, cost: Float64Array, factor: 1 | -1): void {
    let sums = this.pooled.get(population);
    if (sums === undefined) {
      sums = new Float64Array(this.width);
      this.pooled.set(population, sums);
    }
    for (let k = 0; k < sums.length; k++) (sums[k] as number) += factor * (cost[k] as number);
  }

  /**
   * Moves the sums of a population onto its members' own balances before they pass what is exact: they add
   * up over generations of members, so no limit bounds them.
   */
  rebase(population: Population, members: () => Uint32Array): void {
    const sums = this.pooled.get(population);
    if (sums === undefined || sums.every((sum) => Math.abs(sum) <= MAX_CAPACITY)) return;
    this.own.add(members(), sums, 1);
    sums.fill(0);
  }

  /** Largest own balances among the members, by class; recomputed only after balances or members changed. */
  maxima(
    population: Population,
    classVersion: number,
    members: () => Uint32Array,
    classOf: (handle: number) => number,
  ): ReadonlyMap<number, Float64Array> {
    const known = this.#maxima.get(population);
    if (known?.column === this.own.version && known.classes === classVersion) return known.byClass;
    const byClass = new Map<number, Float64Array>();
    for (const handle of members()) {
      const index = classOf(handle);
      let most = byClass.get(index);
      if (most === undefined) {
        most = new Float64Array(this.width).fill(Number.NEGATIVE_INFINITY);
        byClass.set(index, most);
      }
      for (let k = 0; k < most.length; k++) {
        most[k] = Math.max(most[k] as number, this.own.get(handle, k));
      }
    }
    this.#maxima.set(population, { column: this.own.version, classes: classVersion, byClass });
    return byClass;
  }
}

/** All scopes of one epoch of the data, or of a whole life (`name` null). */
export class EpochState {
  readonly name: string | null;
  readonly total: Scope;
  /** Units of delta: what charges spend by themselves. */
  readonly delta: Scope;
  readonly scenes: Map<string, Scope> = new Map();
  readonly models: Map<string, Scope> = new Map();

  constructor(name: string | null, width: number) {
    this.name = name;
    this.total = new Scope(width);
    this.delta = new Scope(1);
  }

  scene(name: string): Scope {
    return this.#made(this.scenes, name);
  }

  model(name: string): Scope {
    return this.#made(this.models, name);
  }

  *scopes(): Generator<Scope> {
    yield this.total;
    yield this.delta;
    yield* this.scenes.values();
    yield* this.models.values();
  }

  #made(scopes: Map<string, Scope>, name: string): Scope {
    let scope = scopes.get(name);
    if (scope === undefined) {
      scope = new Scope(this.total.width);
      scopes.set(name, scope);
    }
    return scope;
  }
}
