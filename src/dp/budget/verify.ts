import { sameBytes } from '../../core/bytes.ts';
import { VelaturaError } from '../../core/errors.ts';
import { yieldToEventLoop } from '../../core/event-loop.ts';
import {
  type ChainEntry,
  type ChainHead,
  type HashChain,
  headHex,
  portableSha256,
  type Sha256,
} from '../../core/hash-chain.ts';
import { type Checkpoint, type VerifySignature, verifySignedHead } from '../../core/signed-head.ts';
import { assertEpochs } from './admission.ts';
import type { BudgetVerification } from './budget.ts';
import { violationOf } from './filters.ts';
import { budgetChain } from './ledger.ts';
import type { Limits } from './limits.ts';
import { decodeRecord } from './log-codec.ts';
import type { LogRecord, OpenRecord, PlanRecord, ReserveRecord } from './log-record.ts';
import { BudgetState } from './state.ts';
import { encodeState } from './state-snapshot.ts';
import type { BudgetStore } from './store.ts';

/** Options of {@link verifyStore}. */
export interface VerifyOptions {
  /** A head noted down earlier: it must be an entry of this chain. */
  readonly checkpoint?: Checkpoint | undefined;
  /** Where a process that has the log open believes it to be. */
  readonly seen?: ChainHead;
  readonly sha256?: Sha256 | undefined;
  /** Checks the signature of a signed checkpoint; without it only its hash is looked up. */
  readonly verifySignature?: VerifySignature | undefined;
  /** Key that must have signed it. */
  readonly publicKey?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Prices may differ by this much between platforms whose exp and log round differently. */
const PRICE_TOLERANCE = 1e-9;
/** Units from which on a last bit may tell between them. */
const ROUNDED = 2 ** 20;
/** More problems than these are only counted. */
const MOST_PROBLEMS = 100;
/** Times that identity pages are read again while somebody makes accounts known. */
const PAGE_ATTEMPTS = 3;

/** What is wrong with a price. */
function faultsOfPlan(limits: Limits, terms: OpenRecord, { plan, cost }: PlanRecord): string[] {
  if (plan.unit !== terms.unit || plan.relation !== terms.relation) {
    return ['its plan counts neighbours in another way than the budget'];
  }
  try {
    const price = limits.currency.cost(plan);
    const fits = price.every((units, k) => {
      const slack = units < ROUNDED ? 0 : 1 + PRICE_TOLERANCE * units;
      return Math.abs(units - (cost[k] as number)) <= slack;
    });
    return fits ? [] : ['its price is not that of its plan'];
  } catch (error) {
    if (!(error instanceof VelaturaError)) throw error;
    return [`its plan has no price: ${error.message}`];
  }
}

/** What is wrong with a charge, given everything before it. */
function faultsOfCharge(
  state: BudgetState,
  limits: Limits,
  durable: boolean,
  record: ReserveRecord,
): string[] {
  const { scene, plan, handles, deltaCost, time, epochs, model, expiresAt } = record;
  const faults: string[] = [];
  const lease = expiresAt - time;
  if (!(lease > 0 && lease <= limits.lease)) faults.push('its lease is beyond that of the policy');
  if (record.insecure && durable) faults.push('its noise was seeded');
  const rules = limits.scene(scene);
  const cost = state.planCosts[plan];
  if (rules === undefined) return [...faults, `the policy does not know the scene "${scene}"`];
  try {
    assertEpochs(limits, epochs, time);
  } catch (error) {
    return [...faults, (error as Error).message];
  }
  const population =
    record.population === null ? null : state.classes.populations.get(record.population);
  if (cost === undefined || population === undefined) return faults; // the fold says so
  const charge = { scene, handles, population, model, epochs, cost, deltaCost, time };
  const violation = violationOf(state, limits, rules, charge);
  if (violation !== null) faults.push(`it passes the limit ${violation.limit}`);
  return faults;
}

/** Goes through a log from its first byte and notes what is wrong with it. */
class LogCheck {
  readonly problems: string[] = [];
  readonly state: BudgetState;
  readonly #chain: HashChain;
  readonly #sha256: Sha256;
  readonly #durable: boolean;
  /** Heads to be met on the way, with what to say when they are not. */
  readonly #wanted = new Map<string, string>();
  entries = 0;
  head: ChainHead;
  /** Links of the chain hold, and the fold goes on. */
  #linked = true;
  #folds = true;

  constructor(sha256: Sha256, durable: boolean) {
    this.#sha256 = sha256;
    this.#durable = durable;
    this.#chain = budgetChain(sha256);
    this.head = this.#chain.start();
    this.state = new BudgetState(this.head, (length) => new Uint8Array(length), sha256);
  }

  /** True while every entry so far made sense. */
  get sound(): boolean {
    return this.#linked && this.#folds;
  }

  want(head: string, otherwise: string): void {
    this.#wanted.set(head.trim().toLowerCase(), otherwise);
  }

  report(problem: string): void {
    if (this.problems.length < MOST_PROBLEMS) this.problems.push(problem);
  }

  add(batch: readonly ChainEntry[]): void {
    for (const entry of batch) {
      this.entries++;
      if (!this.#linked) continue;
      const fault = this.#chain.fault(this.head, [entry]);
      if (fault !== null) {
        this.report(fault.reason);
        this.#linked = false;
        continue;
      }
      this.head = { seq: entry.seq, hash: entry.hash };
      if (this.#wanted.size > 0) this.#wanted.delete(headHex(entry));
      if (this.#folds) this.#fold(entry);
    }
  }

  end(): void {
    if (this.entries === 0) this.report('the log is empty');
    for (const otherwise of this.#wanted.values()) this.report(otherwise);
  }

  #fold(entry: ChainEntry): void {
    try {
      const record = decodeRecord(entry);
      for (const fault of this.#faultsOf(record)) {
        this.report(`entry ${entry.seq} of the budget log: ${fault}`);
      }
      this.state.apply(entry, record);
    } catch (error) {
      // Whatever a forged entry makes fail, it is the entry that is wrong.
      const { message } = error as Error;
      this.report(
        error instanceof VelaturaError
          ? message
          : `entry ${entry.seq} of the budget log: ${message}`,
      );
      this.#folds = false;
    }
  }

  #faultsOf(record: LogRecord): readonly string[] {
    const { state } = this;
    const { limits, opened } = state;
    if (limits === null || opened === null) return [];
    switch (record.kind) {
      case 'plan':
        return faultsOfPlan(limits, opened, record);
      case 'reserve':
        return faultsOfCharge(state, limits, this.#durable, record);
      case 'snapshot':
        return sameBytes(record.digest, this.#sha256(encodeState(state)))
          ? []
          : ['its snapshot is not of the balances before it'];
      default:
        return [];
    }
  }
}

async function checkPages(check: LogCheck, store: BudgetStore): Promise<void> {
  let faults: readonly string[] = [];
  for (let attempt = 0; attempt < PAGE_ATTEMPTS; attempt++) {
    const pages = await store.pages();
    for await (const batch of store.read(check.head.seq)) check.add(batch);
    if (!check.sound) return;
    faults = check.state.directory.faults(pages);
    if (faults.length === 0) return;
  }
  for (const fault of faults) check.report(fault);
}

/** A snapshot that nobody would use is no danger, but somebody must have put it there. */
async function checkSnapshot(check: LogCheck, store: BudgetStore, sha256: Sha256): Promise<void> {
  const snapshot = await store.loadSnapshot();
  if (snapshot === null) return;
  for await (const [entry] of store.read(snapshot.seq - 1)) {
    if (entry?.seq === snapshot.seq) {
      const record = decodeRecord(entry);
      if (record.kind === 'snapshot' && sameBytes(record.digest, sha256(snapshot.bytes))) return;
    }
    break;
  }
  check.report(`the kept snapshot of entry ${snapshot.seq} is not the one that the log speaks of`);
}

/**
 * Checks a budget from its first byte: every link of the chain, every price, every balance and every limit
 * at the moment it was charged, every identity page and the snapshot against their hashes in the chain.
 * Needs neither the account keys nor the policy, which is in the log.
 *
 * What it cannot see by itself is a log rewritten as a whole or rolled back to an earlier state: for that
 * keep a head elsewhere and give it as `checkpoint`.
 */
export async function verifyStore(
  store: BudgetStore,
  options: VerifyOptions = {},
): Promise<BudgetVerification> {
  const { checkpoint, seen, sha256 = portableSha256, verifySignature, publicKey, signal } = options;
  const check = new LogCheck(sha256, store.durable);
  if (checkpoint !== undefined) {
    const head = typeof checkpoint === 'string' ? checkpoint : checkpoint.hash;
    check.want(
      head,
      `the noted head ${head} is no entry of this log: it was rolled back, replaced or altered`,
    );
    // A budget without a key notes down heads without a signature.
    const signed =
      typeof checkpoint !== 'string' && (checkpoint.signature !== null || publicKey !== undefined);
    if (signed && verifySignature !== undefined) {
      const problem = await verifySignedHead(checkpoint, verifySignature, publicKey);
      if (problem !== null) check.report(problem);
    }
  }
  if (seen !== undefined) {
    check.want(
      headHex(seen),
      `entry ${seen.seq}, which this process has seen, is no longer in the log: it was rolled back, replaced or altered while in use`,
    );
  }
  for await (const batch of store.read(-1)) {
    check.add(batch);
    await yieldToEventLoop();
    signal?.throwIfAborted();
  }
  if (check.sound) await checkPages(check, store);
  if (check.sound) await checkSnapshot(check, store, sha256);
  check.end();
  return {
    ok: check.problems.length === 0,
    entries: check.entries,
    head: headHex(check.head),
    problems: check.problems,
  };
}
