import type { ChainEntry } from '../core/hash-chain.ts';
import type { BudgetRows } from '../dp/budget/accountant.ts';
import type { BudgetSummary } from '../dp/budget/budget.ts';
import { type CurrencyRules, currencyOf } from '../dp/budget/currency.ts';
import { decodeRecord } from '../dp/budget/log-codec.ts';
import { corruptAt, type LogRecord } from '../dp/budget/log-record.ts';
import { unitsDelta } from '../dp/budget/units.ts';
import type { TableColumn, TableRow } from './table-writer.ts';

/** Columns of {@link budgetLogRows}. */
export const BUDGET_LOG_COLUMNS: readonly TableColumn[] = [
  { name: 'seq', kind: 'integer' },
  { name: 'time', kind: 'time' },
  { name: 'kind', kind: 'text' },
  { name: 'scene', kind: 'text' },
  { name: 'epochs', kind: 'text' },
  { name: 'model', kind: 'text' },
  { name: 'population', kind: 'text' },
  { name: 'group', kind: 'text' },
  { name: 'accounts', kind: 'integer' },
  { name: 'plan', kind: 'integer' },
  { name: 'event', kind: 'text' },
  { name: 'cost', kind: 'number' },
  { name: 'epsilon', kind: 'number' },
  { name: 'delta', kind: 'number' },
  { name: 'limit', kind: 'text' },
  { name: 'idempotencyKey', kind: 'text' },
  { name: 'reservation', kind: 'integer' },
  { name: 'hash', kind: 'text' },
];

/** Columns of {@link budgetBalanceRows}. */
export const BUDGET_BALANCE_COLUMNS: readonly TableColumn[] = [
  { name: 'handle', kind: 'integer' },
  { name: 'epoch', kind: 'text' },
  { name: 'scene', kind: 'text' },
  { name: 'epsilon', kind: 'number' },
  { name: 'limit', kind: 'number' },
];

/** Columns of {@link budgetSpendRows}. */
export const BUDGET_SPEND_COLUMNS: readonly TableColumn[] = [
  { name: 'scene', kind: 'text' },
  { name: 'epoch', kind: 'text' },
  { name: 'accounts', kind: 'integer' },
  { name: 'releases', kind: 'integer' },
  { name: 'refused', kind: 'integer' },
  { name: 'frozen', kind: 'flag' },
  { name: 'epsilonMean', kind: 'number' },
  { name: 'epsilonMax', kind: 'number' },
  { name: 'limit', kind: 'number' },
];

/** What a plan of the log costs by itself. */
interface PlanPrice {
  /** In the currency; null where that is a vector over orders. */
  readonly cost: number | null;
  /** In units, a sum for each order of the currency. */
  readonly units: readonly number[];
}

/** Turns records into rows; knows the plans and the terms in force so far. */
class LogRowWriter {
  readonly #plans: PlanPrice[] = [];
  readonly #epsilons = new Map<number, number>();
  #currency: CurrencyRules | null = null;
  #conversionDelta = 0;

  row(entry: ChainEntry, record: LogRecord): TableRow {
    this.#follow(entry.seq, record);
    return {
      seq: entry.seq,
      time: record.time,
      kind: record.kind,
      hash: Buffer.from(entry.hash).toString('hex'),
      ...this.#cells(entry.seq, record),
    };
  }

  #follow(seq: number, record: LogRecord): void {
    if (record.kind === 'open') {
      this.#currency = currencyOf(record.policy, record.unit, record.relation);
    }
    if (record.kind === 'open' || record.kind === 'policy') {
      this.#conversionDelta = record.policy.delta - (record.policy.additiveDelta ?? 0);
      this.#epsilons.clear();
    }
    if (record.kind === 'plan') {
      if (record.number !== this.#plans.length) throw corruptAt(seq, 'a plan is missing');
      const amounts = this.#opened(seq).amounts(record.cost);
      const cost = amounts.length === 1 ? (amounts[0] as number) : null;
      this.#plans.push({ cost, units: record.cost });
    }
  }

  #cells(seq: number, record: LogRecord): TableRow {
    switch (record.kind) {
      case 'plan':
        return {
          ...this.#price(seq, record.number),
          event: JSON.stringify(record.plan.event),
        };
      case 'reserve':
        return {
          ...this.#price(seq, record.plan),
          scene: record.scene,
          epochs: record.epochs.length === 0 ? null : record.epochs.join(' '),
          model: record.model,
          population: record.population,
          accounts: record.handles === null ? null : record.handles.length,
          delta: unitsDelta(record.deltaCost),
          idempotencyKey: record.idempotencyKey,
          reservation: seq,
        };
      case 'refuse':
        return {
          scene: record.scene,
          epochs: record.epoch,
          accounts: record.count,
          limit: record.limit,
          idempotencyKey: record.idempotencyKey,
        };
      case 'commit':
      case 'release':
      case 'expire':
        return { reservation: record.reservation };
      case 'freeze':
        return { scene: record.scene };
      case 'intern':
        return { accounts: record.size };
      case 'erase':
      case 'readmit':
        return { accounts: record.handles.length };
      case 'assign':
        return { group: record.name, accounts: record.handles.length };
      case 'join':
      case 'leave':
        return { population: record.name, accounts: record.handles.length };
      default:
        return {};
    }
  }

  #opened(seq: number): CurrencyRules {
    if (this.#currency === null) throw corruptAt(seq, 'the log does not begin with its terms');
    return this.#currency;
  }

  #price(seq: number, number: number): TableRow {
    const priced = this.#plans[number];
    if (priced === undefined) throw corruptAt(seq, 'unknown plan');
    return { plan: number, cost: priced.cost, epsilon: this.#epsilon(seq, number, priced.units) };
  }

  #epsilon(seq: number, plan: number, units: readonly number[]): number {
    let epsilon = this.#epsilons.get(plan);
    if (epsilon === undefined) {
      epsilon = this.#opened(seq).epsilon(units, this.#conversionDelta);
      this.#epsilons.set(plan, epsilon);
    }
    return epsilon;
  }
}

/**
 * The log of a budget as a table, one row an entry, in the columns {@link BUDGET_LOG_COLUMNS}.
 *
 * `epsilon` is what the plan costs by itself at the delta in force then; epsilons of several rows do not
 * add up. `cost` adds up (in GDP, the sum of 1/noiseMultiplier²; in zCDP, of rho); in RDP it is a vector
 * over orders and left out: `event`, on the row that declares a plan, is what other accountants need.
 * `epochs` are separated by blanks. On an `intern` row `accounts` is how many there are since then.
 *
 * ## Privacy
 * Holds no identity and no handle, but all that pipelines wrote into scenes, models, populations and
 * idempotency keys.
 *
 * @param batches - entries in order from the first, such as `store.read(-1)`
 * @throws {VelaturaError} `dp/budget-corrupt`; and what the store throws
 */
export async function* budgetLogRows(
  batches: AsyncIterable<readonly ChainEntry[]> | Iterable<readonly ChainEntry[]>,
): AsyncGenerator<TableRow> {
  const writer = new LogRowWriter();
  for await (const entries of batches) {
    for (const entry of entries) yield writer.row(entry, decodeRecord(entry));
  }
}

/**
 * Balances as a table, in the columns {@link BUDGET_BALANCE_COLUMNS}; `limit` is empty where nothing limits.
 *
 * ## Privacy
 * Accounts appear by handle: pseudonymous, not anonymous. Whoever holds the budget and its key can tell who
 * is meant, and the pattern of scenes alone may point to a person: treat the table as personal data.
 */
export async function* budgetBalanceRows(budget: BudgetRows): AsyncGenerator<TableRow> {
  for (const { handle, scene, epoch, epsilon, allowed } of await budget.balanceRows()) {
    yield { handle, scene, epoch, epsilon, limit: limitCell(allowed) };
  }
}

/** Summaries as a table, in the columns {@link BUDGET_SPEND_COLUMNS}; about no single account. */
export function* budgetSpendRows(summaries: readonly BudgetSummary[]): Generator<TableRow> {
  for (const summary of summaries) {
    const { scene, epoch, accounts, releases, refused, frozen, epsilonMean, epsilonMax } = summary;
    yield {
      scene,
      epoch,
      accounts,
      releases,
      refused,
      frozen,
      epsilonMean,
      epsilonMax,
      limit: limitCell(summary.allowed),
    };
  }
}

function limitCell(allowed: number): number | null {
  return Number.isFinite(allowed) ? allowed : null;
}
