import { VelaturaError } from '../../core/errors.ts';
import type { ChainEntry } from '../../core/hash-chain.ts';
import type { AccountantName, CertifiedInterval } from '../accountant.ts';
import type { NeighbourRelation, Plan, PrivacyUnit } from '../plan.ts';
import { decodeRecord } from './log-codec.ts';
import { corruptAt, type LogRecord, type ReserveRecord } from './log-record.ts';
import { transcriptEpsilon } from './transcript-epsilon.ts';
import { unitsDelta } from './units.ts';

/** What somebody present in every release of a scope has been charged. */
export interface ReplayedScope {
  /** Null for all scenes together. */
  readonly scene: string | null;
  /** Epoch of the data, or null for life. */
  readonly epoch: string | null;
  /** Charges that count: committed, open or expired; not those given back. */
  readonly releases: number;
  /** The plans charged, each with how often, in the order of their first use. */
  readonly plans: readonly (readonly [Plan, number])[];
  /** What the charges spent of delta by themselves (wrap-around, abort, union bound). */
  readonly deltaSpent: number;
  /** The policy's delta less `deltaSpent`, at which `epsilon` holds. */
  readonly delta: number;
  /**
   * Epsilon at `delta`; its bounds are Infinity where nothing is left of delta. Null where the accountant
   * has no proven bound for an event of the scope.
   */
  readonly epsilon: CertifiedInterval | null;
  /** Why `epsilon` is null. */
  readonly unsupported: string | null;
}

/** A log added up by another accountant than the one that enforced it. */
export interface Replay {
  readonly accountant: AccountantName;
  readonly unit: PrivacyUnit;
  readonly relation: NeighbourRelation;
  /** All scenes for life first, then by epoch, then scene by scene. */
  readonly scopes: readonly ReplayedScope[];
}

/** Charges of one scope: how often each plan (by number), and delta in units. */
interface Totals {
  readonly scene: string | null;
  readonly epoch: string | null;
  readonly counts: Map<number, number>;
  releases: number;
  deltaUnits: number;
}

type Charge = Pick<ReserveRecord, 'scene' | 'plan' | 'deltaCost' | 'epochs'>;

interface Terms {
  readonly unit: PrivacyUnit;
  readonly relation: NeighbourRelation;
  readonly delta: number;
  readonly renews: boolean;
}

const NOTHING_LEFT: CertifiedInterval = {
  lower: Number.POSITIVE_INFINITY,
  upper: Number.POSITIVE_INFINITY,
};

/**
 * What a log says was released, read from its records alone: no keys, no balances, no state of an open
 * budget. A plan costs what its event says, so any accountant can add it up afterwards.
 *
 * ## Privacy
 * The result bounds what is known about a person who was in every release of the scope: every charge not
 * given back counts, also one whose release never happened. It holds where the plans did not depend on what
 * was released; where they did, the statement to rely on is the limit that the filter enforced
 * (filters.proof.md).
 */
export class LogTranscript {
  readonly #plans: Plan[] = [];
  /** Charges that may yet be given back, by the number of their entry. */
  readonly #open = new Map<number, Charge>();
  readonly #totals = new Map<string | null, Map<string | null, Totals>>();
  #terms: Terms | null = null;

  /**
   * Takes in the next record.
   *
   * @param seq - number of its entry
   * @throws {VelaturaError} `dp/budget-corrupt` for a record that refers to something the log does not hold
   */
  add(seq: number, record: LogRecord): void {
    switch (record.kind) {
      case 'open': {
        const { unit, relation, policy } = record;
        this.#terms = { unit, relation, delta: policy.delta, renews: policy.epoch !== undefined };
        break;
      }
      case 'policy':
        this.#terms = { ...this.#opened(seq), delta: record.policy.delta };
        break;
      case 'plan':
        if (record.number !== this.#plans.length) throw corruptAt(seq, 'a plan is missing');
        this.#plans.push(record.plan);
        break;
      case 'reserve': {
        if (this.#plans[record.plan] === undefined) throw corruptAt(seq, 'unknown plan');
        const { scene, plan, deltaCost } = record;
        const charge = { scene, plan, deltaCost, epochs: this.#epochsOf(seq, record) };
        this.#open.set(seq, charge);
        this.#book(charge, 1);
        break;
      }
      case 'release': {
        const charge = this.#open.get(record.reservation);
        if (charge === undefined) throw corruptAt(seq, 'gives back what is not reserved');
        this.#book(charge, -1);
        this.#open.delete(record.reservation);
        break;
      }
      case 'commit':
      case 'expire':
        this.#open.delete(record.reservation);
        break;
    }
  }

  /**
   * Adds everything up, scope by scope, at the delta of the policy now in force.
   *
   * Cost: one accountant run for each scope that differs from all others, of which `pld` is the slowest.
   *
   * @throws {VelaturaError} `dp/budget-corrupt` for a log without its first record
   */
  replay(accountant: AccountantName): Replay {
    const { unit, relation, delta } = this.#opened(0);
    const known = new Map<string, Pick<ReplayedScope, 'epsilon' | 'unsupported'>>();
    const scopes = this.#ordered().map((totals): ReplayedScope => {
      const used = [...totals.counts].filter(([, count]) => count > 0);
      const plans = used.map(([number, count]) => [this.#plans[number] as Plan, count] as const);
      const deltaSpent = unitsDelta(totals.deltaUnits);
      const left = Math.max(0, delta - deltaSpent);
      const signature = JSON.stringify([left, used]);
      let priced = known.get(signature);
      if (priced === undefined) {
        priced = price(plans, { unit, relation }, left, accountant);
        known.set(signature, priced);
      }
      const { scene, epoch, releases } = totals;
      return { scene, epoch, releases, plans, deltaSpent, delta: left, ...priced };
    });
    return { accountant, unit, relation, scopes };
  }

  #opened(seq: number): Terms {
    if (this.#terms === null) throw corruptAt(seq, 'the log does not begin with its terms');
    return this.#terms;
  }

  /** A budget for life may note epochs, but does not count by them. */
  #epochsOf(seq: number, record: ReserveRecord): readonly string[] {
    return this.#opened(seq).renews ? record.epochs : [];
  }

  #book(charge: Charge, sign: 1 | -1): void {
    for (const scene of [null, charge.scene]) {
      for (const epoch of [null, ...charge.epochs]) {
        const totals = this.#scope(scene, epoch);
        totals.releases += sign;
        totals.deltaUnits += sign * charge.deltaCost;
        totals.counts.set(charge.plan, (totals.counts.get(charge.plan) ?? 0) + sign);
      }
    }
  }

  #scope(scene: string | null, epoch: string | null): Totals {
    let epochs = this.#totals.get(scene);
    if (epochs === undefined) {
      epochs = new Map();
      this.#totals.set(scene, epochs);
    }
    let totals = epochs.get(epoch);
    if (totals === undefined) {
      totals = { scene, epoch, counts: new Map(), releases: 0, deltaUnits: 0 };
      epochs.set(epoch, totals);
    }
    return totals;
  }

  #ordered(): readonly Totals[] {
    this.#scope(null, null); // a log without charges has spent nothing, which is worth saying
    const byName = (a: string | null, b: string | null): number =>
      a === b ? 0 : a === null ? -1 : b === null ? 1 : a < b ? -1 : 1;
    return [...this.#totals.values()]
      .flatMap((epochs) => [...epochs.values()])
      .sort((a, b) => byName(a.scene, b.scene) || byName(a.epoch, b.epoch));
  }
}

function price(
  plans: readonly (readonly [Plan, number])[],
  terms: { readonly unit: PrivacyUnit; readonly relation: NeighbourRelation },
  delta: number,
  accountant: AccountantName,
): Pick<ReplayedScope, 'epsilon' | 'unsupported'> {
  if (plans.length === 0) return { epsilon: { lower: 0, upper: 0 }, unsupported: null };
  if (delta <= 0) return { epsilon: NOTHING_LEFT, unsupported: null };
  try {
    return { epsilon: transcriptEpsilon(plans, terms, delta, accountant), unsupported: null };
  } catch (error) {
    if (error instanceof VelaturaError && error.code === 'dp/unsupported-event') {
      return { epsilon: null, unsupported: error.message };
    }
    throw error;
  }
}

/**
 * Reads a whole log into a transcript.
 *
 * @param batches - entries in order from the first, such as `store.read(-1)`; their chain is not checked
 * here (that is `verify`)
 * @throws {VelaturaError} `dp/budget-corrupt`; and what the store throws
 */
export async function readTranscript(
  batches: AsyncIterable<readonly ChainEntry[]> | Iterable<readonly ChainEntry[]>,
): Promise<LogTranscript> {
  const transcript = new LogTranscript();
  for await (const entries of batches) {
    for (const entry of entries) transcript.add(entry.seq, decodeRecord(entry));
  }
  return transcript;
}

/**
 * Adds up a log under any accountant, worst case: somebody present in every release. See
 * {@link LogTranscript} for what the numbers promise.
 *
 * @param batches - entries in order from the first, such as `store.read(-1)`
 * @throws {VelaturaError} `dp/budget-corrupt`; and what the store throws
 */
export async function replayLog(
  batches: AsyncIterable<readonly ChainEntry[]> | Iterable<readonly ChainEntry[]>,
  accountant: AccountantName,
): Promise<Replay> {
  return (await readTranscript(batches)).replay(accountant);
}
