/**
 * A tiny budget in exact rationals, written from the rules and sharing no code with the real one: every
 * cost is a fraction of BigInts, every balance a sum over a list of charges.
 */

/** A non-negative fraction. */
export interface Fraction {
  readonly n: bigint;
  readonly d: bigint;
}

export function fraction(n: bigint, d: bigint): Fraction {
  return { n, d };
}

export function add(a: Fraction, b: Fraction): Fraction {
  return a.d === b.d ? { n: a.n + b.n, d: a.d } : { n: a.n * b.d + b.n * a.d, d: a.d * b.d };
}

export function isAtMost(a: Fraction, b: Fraction): boolean {
  return a.n * b.d <= b.n * a.d;
}

const ZERO: Fraction = { n: 0n, d: 1n };

/** A double, exactly. */
export function exact(x: number): Fraction {
  let d = 1n;
  let n = x;
  while (!Number.isInteger(n)) {
    n *= 2;
    d *= 2n;
  }
  return { n: BigInt(n), d };
}

export interface ReferenceScene {
  readonly perUser: Fraction | null;
  readonly worstCase: Fraction | null;
  readonly maxReleases: number | null;
  readonly interval: number;
}

export interface ReferenceRules {
  readonly user: Fraction;
  readonly delta: Fraction;
  readonly lease: number;
  readonly scenes: Readonly<Record<string, ReferenceScene>>;
}

interface Charge {
  readonly scene: string;
  readonly accounts: readonly string[];
  readonly cost: Fraction;
  readonly delta: Fraction;
  readonly at: number;
  state: 'open' | 'committed' | 'released';
  committedAt: number;
}

export interface ReferenceRequest {
  readonly scene: string;
  readonly accounts: readonly string[];
  readonly cost: Fraction;
  readonly delta: Fraction;
}

/** Largest error of one rounded charge: one unit of 2^-32, in cost; of 2^-52, in delta. */
const COST_UNIT: Fraction = { n: 1n, d: 2n ** 32n };
const DELTA_UNIT: Fraction = { n: 1n, d: 2n ** 52n };

/** `unsure` within the rounding that the real budget does against the asker. */
export type ReferenceAnswer = 'admit' | 'refuse' | 'unsure';

export class ReferenceBudget {
  readonly charges: Charge[] = [];
  readonly frozen = new Set<string>();
  readonly #rules: ReferenceRules;
  #now = Number.NEGATIVE_INFINITY;

  constructor(rules: ReferenceRules) {
    this.#rules = rules;
  }

  /** Time as the budget sees it: never before that of the last thing it wrote down. */
  at(clock: number): number {
    return Math.max(this.#now, clock);
  }

  /** Something was written down at that time. */
  wrote(now: number): void {
    this.#now = now;
  }

  freeze(scene: string, now: number): void {
    if (!this.frozen.has(scene)) this.wrote(now);
    this.frozen.add(scene);
  }

  spent(account: string, scene?: string): Fraction {
    return this.#sum(
      (charge) =>
        charge.accounts.includes(account) && (scene === undefined || charge.scene === scene),
      ({ cost }) => cost,
    );
  }

  answer({ scene, accounts, cost, delta }: ReferenceRequest, now: number): ReferenceAnswer {
    const rules = this.#rules.scenes[scene] as ReferenceScene;
    const inScene = this.#live().filter((charge) => charge.scene === scene);
    if (this.frozen.has(scene)) return 'refuse';
    if (rules.maxReleases !== null && inScene.length >= rules.maxReleases) return 'refuse';
    const end = ({ state, at, committedAt }: Charge): number =>
      state === 'committed' ? committedAt : at + this.#rules.lease;
    if (rules.interval > 0 && inScene.some((charge) => now < end(charge) + rules.interval)) {
      return 'refuse';
    }
    const slack = BigInt(this.charges.length + 2);
    const checks: [Fraction, Fraction | null, Fraction][] = [
      [
        add(
          this.#sum(
            (c) => c.scene === scene,
            (c) => c.cost,
          ),
          cost,
        ),
        rules.worstCase,
        COST_UNIT,
      ],
      ...accounts.flatMap((account): [Fraction, Fraction | null, Fraction][] => [
        [add(this.spent(account), cost), this.#rules.user, COST_UNIT],
        [add(this.spent(account, scene), cost), rules.perUser, COST_UNIT],
        [
          add(
            this.#sum(
              (c) => c.accounts.includes(account),
              (c) => c.delta,
            ),
            delta,
          ),
          delta.n === 0n ? null : this.#rules.delta,
          DELTA_UNIT,
        ],
      ]),
    ];
    let answer: ReferenceAnswer = 'admit';
    for (const [sum, limit, unit] of checks) {
      if (limit === null) continue;
      if (!isAtMost(sum, limit)) return 'refuse';
      if (!isAtMost(add(sum, { n: unit.n * slack, d: unit.d }), limit)) answer = 'unsure';
    }
    return answer;
  }

  book({ scene, accounts, cost, delta }: ReferenceRequest, now: number): number {
    const charge = {
      scene,
      accounts,
      cost,
      delta,
      at: now,
      state: 'open',
      committedAt: now,
    } as const;
    return this.charges.push({ ...charge }) - 1;
  }

  commit(index: number, now: number): boolean {
    const charge = this.charges[index] as Charge;
    if (charge.state === 'released') return false;
    if (charge.state === 'committed') return true;
    this.wrote(now);
    charge.committedAt = now;
    charge.state = 'committed';
    return true;
  }

  release(index: number, now: number): boolean {
    const charge = this.charges[index] as Charge;
    if (charge.state === 'released') return true;
    if (charge.state === 'committed') return false;
    const expiry = charge.at + this.#rules.lease;
    if (this.#now < expiry) this.wrote(now);
    if (now >= expiry) return false;
    charge.state = 'released';
    return true;
  }

  #live(): readonly Charge[] {
    return this.charges.filter(({ state }) => state !== 'released');
  }

  #sum(which: (charge: Charge) => boolean, what: (charge: Charge) => Fraction): Fraction {
    return this.#live()
      .filter(which)
      .reduce((sum, charge) => add(sum, what(charge)), ZERO);
  }
}
