import type { HandleList } from './handle-set.ts';

/** A set of accounts that is charged as a whole. */
export interface Population {
  readonly name: string;
  /** Order of first joining. */
  readonly index: number;
  /** Number of members. */
  size: number;
}

/** What sets an account apart from others besides its balances. Class 0: no group, no population, not erased. */
export interface AccountClass {
  readonly index: number;
  /** Group of the policy, or empty. */
  readonly group: string;
  readonly erased: boolean;
  /** By index. */
  readonly populations: readonly Population[];
}

function classKey(group: string, erased: boolean, populations: readonly Population[]): string {
  return `${populations.map(({ index }) => index).join(' ')}/${erased ? 'erased' : ''}/${group}`;
}

/**
 * The class of every account: which group it is in, which populations, whether it was erased. Few classes
 * are in use at a time, so limits and population sums are looked up by class.
 */
export class AccountClasses {
  readonly list: AccountClass[] = [];
  readonly populations: Map<string, Population> = new Map();
  readonly #byKey = new Map<string, AccountClass>();
  #of: Uint32Array = new Uint32Array(0);
  /** Accounts by class; class 0 is not counted. */
  readonly #sizes: number[] = [];
  /** Accounts that are not of class 0, and those erased. */
  #apart = 0;
  #erased = 0;
  /** Counts changes, for those who remember something about members. */
  version = 0;

  constructor() {
    this.#intern('', false, []);
  }

  /** True when some account is not of class 0. */
  get differ(): boolean {
    return this.#apart > 0;
  }

  /** True when somebody was erased and has not come back. */
  get anyErased(): boolean {
    return this.#erased > 0;
  }

  /** True when some account is of the class, which is not class 0. */
  isInUse({ index }: AccountClass): boolean {
    return (this.#sizes[index] ?? 0) > 0;
  }

  /** Groups that somebody is in. */
  groupsInUse(): readonly string[] {
    const groups = new Set<string>();
    for (const of of this.list) if (of.group !== '' && this.isInUse(of)) groups.add(of.group);
    return [...groups];
  }

  /** Index of the account's class. */
  indexOf(handle: number): number {
    return handle < this.#of.length ? (this.#of[handle] as number) : 0;
  }

  of(handle: number): AccountClass {
    return this.list[this.indexOf(handle)] as AccountClass;
  }

  /** Members of a population, ascending. */
  members(population: Population): Uint32Array {
    const handles = new Uint32Array(population.size);
    const isMember = this.list.map(({ populations }) => populations.includes(population));
    let count = 0;
    for (let handle = 0; count < handles.length; handle++) {
      if (isMember[this.#of[handle] as number] === true) handles[count++] = handle;
    }
    return handles;
  }

  /** The population of that name, made when it is new. */
  population(name: string): Population {
    let population = this.populations.get(name);
    if (population === undefined) {
      population = { name, index: this.populations.size, size: 0 };
      this.populations.set(name, population);
    }
    return population;
  }

  assign(handles: HandleList, group: string): void {
    this.#change(handles, ({ erased, populations }) => this.#intern(group, erased, populations));
  }

  erase(handles: HandleList): void {
    this.#change(handles, ({ group }) => this.#intern(group, true, []));
  }

  readmit(handles: HandleList): void {
    this.#change(handles, ({ group, populations }) => this.#intern(group, false, populations));
  }

  join(handles: HandleList, population: Population): void {
    this.#change(handles, ({ group, erased, populations }) =>
      populations.includes(population)
        ? this.#intern(group, erased, populations)
        : this.#intern(
            group,
            erased,
            [...populations, population].sort((a, b) => a.index - b.index),
          ),
    );
  }

  leave(handles: HandleList, population: Population): void {
    this.#change(handles, ({ group, erased, populations }) =>
      this.#intern(
        group,
        erased,
        populations.filter((other) => other !== population),
      ),
    );
  }

  /** The class indices as they stand, for snapshots; accounts beyond are of class 0. */
  indices(): Uint32Array {
    return this.#of;
  }

  /** Rebuilds from a snapshot: the classes in order after class 0, then the index of every account. */
  restore(classes: readonly Omit<AccountClass, 'index'>[], indices: Uint32Array): void {
    for (const { group, erased, populations } of classes) this.#intern(group, erased, populations);
    this.#of = indices;
    for (const index of indices) {
      const known = this.list[index];
      if (known === undefined) throw new RangeError('"indices" name a class that is not there');
      if (index === 0) continue;
      this.#apart++;
      if (known.erased) this.#erased++;
      (this.#sizes[index] as number)++;
      for (const population of known.populations) population.size++;
    }
    this.version++;
  }

  #intern(group: string, erased: boolean, populations: readonly Population[]): AccountClass {
    const key = classKey(group, erased, populations);
    let found = this.#byKey.get(key);
    if (found === undefined) {
      found = { index: this.list.length, group, erased, populations };
      this.list.push(found);
      this.#sizes.push(0);
      this.#byKey.set(key, found);
    }
    return found;
  }

  #change(handles: HandleList, to: (from: AccountClass) => AccountClass): void {
    this.version++;
    const last = handles[handles.length - 1];
    if (last !== undefined && last >= this.#of.length) {
      const grown = new Uint32Array(Math.max(64, 2 ** Math.ceil(Math.log2(last + 1))));
      grown.set(this.#of);
      this.#of = grown;
    }
    const changed = new Map<number, AccountClass>();
    for (let i = 0; i < handles.length; i++) {
      const handle = handles[i] as number;
      const before = this.#of[handle] as number;
      let after = changed.get(before);
      if (after === undefined) {
        after = to(this.list[before] as AccountClass);
        changed.set(before, after);
      }
      if (after.index === before) continue;
      this.#of[handle] = after.index;
      (this.#sizes[before] as number)--;
      (this.#sizes[after.index] as number)++;
      if ((this.list[before] as AccountClass).erased) this.#erased--;
      if (after.erased) this.#erased++;
      if (before === 0) this.#apart++;
      if (after.index === 0) this.#apart--;
      for (const population of (this.list[before] as AccountClass).populations) population.size--;
      for (const population of after.populations) population.size++;
    }
  }
}
