import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HashChain } from '../src/core/hash-chain.ts';
import { SecureRandom } from '../src/core/secure-random.ts';
import {
  type BudgetPolicy,
  MemoryBudgetStore,
  openBudget,
  type Plan,
  type PrivacyBudgetAccountant,
} from '../src/dp/index.ts';
import { nodeSha256, openBudgetDatabase, openBudgetFile } from '../src/node/index.ts';
import { type BenchRow, type BenchSuite, median, row } from './suite.ts';

const ACCOUNTS = 1_000_000;
const BULK = 10_000;
const SINGLES = 100_000;
const POSTGRES = process.env['VELATURA_PG'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

const policy: BudgetPolicy = {
  version: 1,
  currency: 'gdp',
  delta: 1e-6,
  user: { epsilon: 10 },
  scenes: { shop: { perUser: { epsilon: 5 } } },
  reservationLease: 'PT10M',
};
const terms = { policy, unit: 'user', relation: 'zero-out-one-user' } as const;
const plan: Plan = {
  unit: 'user',
  relation: 'zero-out-one-user',
  event: { kind: 'gaussian', noiseMultiplier: 10_000 },
};
const random = new SecureRandom();

type Report = (entry: BenchRow) => void;

function openInMemory(): Promise<PrivacyBudgetAccountant> {
  const store = new MemoryBudgetStore();
  return openBudget({ ...terms, store, secrets: [random.bytes(32)], sha256: nodeSha256 });
}

/** A uniformly random order. */
function shuffled(handles: Uint32Array): Uint32Array {
  const order = handles.slice();
  const words = new Uint32Array(order.length);
  random.fillUint32(words);
  for (let i = order.length - 1; i > 0; i--) {
    const j = (words[i] as number) % (i + 1);
    const swap = order[i] as number;
    order[i] = order[j] as number;
    order[j] = swap;
  }
  return order;
}

async function book(
  budget: PrivacyBudgetAccountant,
  accounts: Uint32Array,
  idempotencyKey: string,
): Promise<string> {
  const decision = await budget.reserve({ scene: 'shop', accounts, plan, idempotencyKey });
  if (decision.kind === 'refused') throw new Error(decision.refusal.message);
  return decision.reservation.id;
}

/** Lets go of what earlier rows left behind. */
function settle(): void {
  (globalThis as { gc?: () => void }).gc?.();
}

async function milliseconds(work: () => unknown): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
}

function accountIds(): readonly string[] {
  return Array.from({ length: ACCOUNTS }, (_, i) => `account-${i}`);
}

/** Two bare arrays, a check and an addition each: what no budget can be faster than by much. */
function bareLoop(order: Uint32Array): () => void {
  const scopes = [new Float64Array(ACCOUNTS), new Float64Array(ACCOUNTS)];
  return () => {
    for (const scope of scopes) {
      for (const handle of order) if ((scope[handle] as number) > 1e9) throw new Error('over');
    }
    for (const scope of scopes) for (const handle of order) (scope[handle] as number) += 1;
  };
}

/** Requests a second: the median of five rounds on a budget of its own, after one to warm up. */
async function requestRate(
  round: (budget: PrivacyBudgetAccountant, each: readonly Uint32Array[], name: string) => unknown,
): Promise<number> {
  settle();
  const budget = await openInMemory();
  const handles = await budget.intern(accountIds().slice(0, BULK));
  const each = Array.from(handles, (_, i) => handles.subarray(i, i + 1));
  const times: number[] = [];
  for (let i = 0; i < 6; i++) {
    times.push(await milliseconds(() => round(budget, each, `round ${i}`)));
  }
  await budget.close();
  return (1000 * SINGLES) / median(times.slice(1));
}

async function singlesInMemory(report: Report): Promise<void> {
  const one = (each: readonly Uint32Array[], i: number): Uint32Array =>
    each[i % BULK] as Uint32Array;
  const singles = await requestRate(async (budget, each, name) => {
    for (let i = 0; i < SINGLES; i++) await book(budget, one(each, i), `${name}-${i}`);
  });
  const groups = await requestRate(async (budget, each, name) => {
    for (let i = 0; i < SINGLES; i += 500) {
      const keys = Array.from({ length: 500 }, (_, j) => i + j);
      await Promise.all(keys.map((j) => book(budget, one(each, j), `${name}-${j}`)));
    }
  });
  const pairs = await requestRate(async (budget, each, name) => {
    for (let i = 0; i < SINGLES; i++) {
      await budget.commit(await book(budget, one(each, i), `${name}-${i}`));
    }
  });
  const chain = new HashChain('bench', nodeSha256);
  const body = new Uint8Array(64);
  let head = chain.start();
  const links: number[] = [];
  for (let i = 0; i < 5; i++) {
    links.push(
      await milliseconds(() => {
        for (let j = 0; j < SINGLES; j++) head = chain.append(head, body);
      }),
    );
  }
  const chained = (1000 * SINGLES) / median(links);
  const note = 'baseline: hash-chaining entries of 64 bytes and nothing else';
  report(row('memory: single reserves, one after another', singles, '1/s', chained, { note }));
  report(row('memory: single reserves, 500 at a time', groups, '1/s', chained, { note }));
  report(row('memory: single reserve + commit', pairs, '1/s', chained, { note }));
}

async function bulksInMemory(report: Report): Promise<void> {
  const ids = accountIds();
  settle();
  const before = process.memoryUsage().arrayBuffers;
  const bulk = await openInMemory();
  const interning = await milliseconds(() => bulk.intern(ids));
  report(row('memory: 1,000,000 ids made known, once', interning, 'ms'));
  const order = shuffled(await bulk.intern(ids));
  const bare = bareLoop(order);
  const times: number[] = [];
  const bareTimes: number[] = [];
  for (let i = 0; i < 9; i++) {
    times.push(await milliseconds(async () => bulk.commit(await book(bulk, order, `bulk ${i}`))));
    bareTimes.push(await milliseconds(bare));
  }
  report(
    row(
      'memory: reserve + commit of 1,000,000 handles in random order, total and scene',
      median(times.slice(2)),
      'ms',
      median(bareTimes.slice(2)),
      { note: 'baseline: a bare check and addition on two arrays in the same order' },
    ),
  );
  settle();
  const bytes = (process.memoryUsage().arrayBuffers - before) / (2 * ACCOUNTS);
  report(row('memory: bytes an account and scope, keys and tables included', bytes, 'B'));
  await bulk.close();
}

/** What the disk itself takes to make 4 KiB durable. */
function diskTimes(folder: string): readonly number[] {
  const file = openSync(join(folder, 'probe'), 'w');
  const page = new Uint8Array(4096);
  const times: number[] = [];
  for (let i = 0; i < 400; i++) {
    const started = performance.now();
    writeSync(file, page);
    fdatasyncSync(file);
    times.push(performance.now() - started);
  }
  closeSync(file);
  return times;
}

/** Bulks of random accounts, single reserves and groups on a store that lasts. */
async function onStore(
  name: string,
  budget: PrivacyBudgetAccountant,
  report: Report,
  disk: readonly number[] | null,
): Promise<void> {
  const handles = await budget.intern(accountIds());
  const order = shuffled(handles);
  const bulks: number[] = [];
  for (let i = 0; i < 40; i++) {
    const cohort = order.subarray((i * BULK) % ACCOUNTS, ((i * BULK) % ACCOUNTS) + BULK);
    bulks.push(await milliseconds(() => book(budget, cohort, `bulk ${i}`)));
  }
  report(
    row(
      `${name}: bulk of 10,000 random accounts × 2 scopes a durable transaction`,
      (2 * BULK * 1000) / median(bulks.slice(5)),
      'charges/s',
    ),
  );
  const singles: number[] = [];
  for (let i = 0; i < 400; i++) {
    const one = order.subarray(i, i + 1);
    singles.push(await milliseconds(() => book(budget, one, `single ${i}`)));
  }
  const allowed = disk === null ? null : 2 * quantile(disk, 0.99) + 1;
  report(
    row(
      `${name}: single reserve, p50`,
      median(singles),
      'ms',
      disk === null ? null : median(disk),
      {
        ...(disk === null ? {} : { note: "baseline: the disk's own write + fdatasync, p50" }),
      },
    ),
  );
  report(
    row(`${name}: single reserve, p99`, quantile(singles, 0.99), 'ms', allowed, {
      ...(disk === null
        ? {}
        : { note: "baseline: 2 × the disk's own write + fdatasync p99 + 1 ms" }),
    }),
  );
  const count = 20_000;
  const grouped = await milliseconds(async () => {
    for (let i = 0; i < count; i += 2000) {
      const keys = Array.from({ length: 2000 }, (_, j) => i + j);
      await Promise.all(keys.map((j) => book(budget, order.subarray(j, j + 1), `group ${j}`)));
    }
  });
  report(row(`${name}: reserves in groups`, (1000 * count) / grouped, '1/s'));
}

/** Reserve and commit: in memory, in a SQLite file, in PostgreSQL where one answers. */
export const budget: BenchSuite = async (log) => {
  const rows: BenchRow[] = [];
  const report = (entry: BenchRow): void => {
    const ratio = entry.ratio === null ? '' : ` (${entry.ratio.toPrecision(3)} × baseline)`;
    log(`${entry.name}: ${entry.value.toPrecision(4)} ${entry.unit}${ratio}`);
    rows.push(entry);
  };
  await bulksInMemory(report);
  await singlesInMemory(report);

  const folder = mkdtempSync(join(tmpdir(), 'velatura-bench-'));
  try {
    const disk = diskTimes(folder);
    report(row('disk: write + fdatasync of 4 KiB, p50', median(disk), 'ms'));
    report(row('disk: write + fdatasync of 4 KiB, p99', quantile(disk, 0.99), 'ms'));
    const file = await openBudgetFile(join(folder, 'budget.sqlite'), terms);
    await onStore('SQLite', file, report, disk);
    await file.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }

  try {
    const database = await openBudgetDatabase(POSTGRES, {
      ...terms,
      budget: `bench-${Date.now()}`,
      secrets: [random.bytes(32)],
      connectTimeout: 2000,
    });
    await onStore('PostgreSQL', database, report, null);
    await database.close();
  } catch (error) {
    log(`SKIPPED: PostgreSQL (${(error as Error).message})`);
  }
  return rows;
};
