import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, describe, expect, it } from 'vitest';
import { type ChainEntry, HashChain } from '../../src/core/hash-chain.ts';
import { epsilonOfPlan } from '../../src/dp/accounting/create.ts';
import type { BudgetSummary } from '../../src/dp/budget/budget.ts';
import { currencyOf } from '../../src/dp/budget/currency.ts';
import { encodeRecord } from '../../src/dp/budget/log-codec.ts';
import type { LogRecord } from '../../src/dp/budget/log-record.ts';
import type { BudgetPolicy } from '../../src/dp/budget/policy.ts';
import type { DpEvent } from '../../src/dp/event.ts';
import {
  BUDGET_BALANCE_COLUMNS,
  BUDGET_LOG_COLUMNS,
  BUDGET_SPEND_COLUMNS,
  budgetBalanceRows,
  budgetLogRows,
  budgetSpendRows,
} from '../../src/node/budget-export.ts';
import { type TableRow, writeTable } from '../../src/node/table-writer.ts';

const folder = mkdtempSync(join(tmpdir(), 'velatura-export-'));
afterAll(() => rmSync(folder, { recursive: true }));

const terms = { unit: 'user', relation: 'zero-out-one-user' } as const;
const gaussian: DpEvent = { kind: 'gaussian', noiseMultiplier: 6 };
const policy: BudgetPolicy = {
  version: 1,
  currency: 'gdp',
  delta: 1e-6,
  user: { epsilon: 3 },
  scenes: { default: {} },
  epoch: { kind: 'calendar', length: 'P1M', timeField: 'time' },
  groups: { minors: { user: { epsilon: 0 } } },
  reservationLease: 'PT10M',
};
const NOON = Date.UTC(2026, 10, 22, 12);
const digest = new Uint8Array(32);

function recordsUnder(
  terms_: BudgetPolicy,
  currency: 'gdp' | 'zcdp' | 'rdp',
): readonly LogRecord[] {
  const rules = currencyOf(terms_, terms.unit, terms.relation);
  const plan = { ...terms, event: gaussian };
  const handles = Uint32Array.of(0, 2);
  const keyCheck = new Uint8Array(16);
  return [
    { kind: 'open', time: NOON, version: 2, policy: terms_, ...terms, currency, keyCheck },
    { kind: 'intern', time: NOON, size: 3, pages: [{ page: 0, digest }] },
    { kind: 'plan', time: NOON, number: 0, plan, cost: [...rules.cost(plan)] },
    { kind: 'join', time: NOON, name: 'everyone', handles },
    {
      kind: 'reserve',
      time: NOON + 1,
      scene: 'live, "food"',
      plan: 0,
      deltaCost: 2 ** 20,
      handles,
      population: null,
      idempotencyKey: 'round 1',
      expiresAt: NOON + 600_000,
      model: 'tags',
      epochs: ['2026-10', '2026-11'],
      insecure: false,
    },
    { kind: 'commit', time: NOON + 2, reservation: 4 },
    {
      kind: 'reserve',
      time: NOON + 3,
      scene: 'live, "food"',
      plan: 0,
      deltaCost: 0,
      handles: null,
      population: 'everyone',
      idempotencyKey: 'round 2',
      expiresAt: NOON + 600_000,
      model: null,
      epochs: ['2026-11'],
      insecure: false,
    },
    { kind: 'release', time: NOON + 4, reservation: 6 },
    {
      kind: 'refuse',
      time: NOON + 5,
      scene: 'shop',
      limit: 'user-total',
      epoch: '2026-11',
      count: 2,
      blocked: Uint32Array.of(2),
      spent: 1,
      asked: 4,
      allowed: 3,
      idempotencyKey: 'round 3',
      fingerprint: 'f',
    },
    { kind: 'assign', time: NOON + 6, name: 'minors', handles: Uint32Array.of(1) },
    { kind: 'policy', time: NOON + 7, policy: { ...terms_, delta: 1e-5 } },
    { kind: 'plan', time: NOON + 8, number: 1, plan, cost: [...rules.cost(plan)] },
    { kind: 'freeze', time: NOON + 9, scene: 'shop' },
    {
      kind: 'reserve',
      time: NOON + 10,
      scene: 'live, "food"',
      plan: 0,
      deltaCost: 0,
      handles,
      population: null,
      idempotencyKey: 'round 4',
      expiresAt: NOON + 600_000,
      model: null,
      epochs: ['2026-11'],
      insecure: false,
    },
  ];
}

function entriesOf(records: readonly LogRecord[]): readonly ChainEntry[] {
  const chain = new HashChain('budget');
  const entries: ChainEntry[] = [];
  for (const record of records) {
    entries.push(chain.append(entries.at(-1) ?? chain.start(), encodeRecord(record)));
  }
  return entries;
}

async function all(rows: AsyncIterable<TableRow>): Promise<readonly TableRow[]> {
  const found: TableRow[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

describe('the log as a table', () => {
  it('has a row an entry, with what each kind says', async () => {
    const entries = entriesOf(recordsUnder(policy, 'gdp'));
    const rows = await all(budgetLogRows([entries.slice(0, 5), entries.slice(5)]));
    expect(rows.map(({ seq }) => seq)).toEqual(entries.map(({ seq }) => seq));
    expect(rows.map(({ hash }) => hash)).toEqual(
      entries.map(({ hash }) => Buffer.from(hash).toString('hex')),
    );
    const columns = new Set(BUDGET_LOG_COLUMNS.map(({ name }) => name));
    for (const row of rows) for (const name of Object.keys(row)) expect(columns).toContain(name);
    const epsilon = epsilonOfPlan({ ...terms, event: gaussian }, 1e-6, 'gdp').upper;
    expect(rows[1]).toMatchObject({ kind: 'intern', accounts: 3 });
    expect(rows[2]).toMatchObject({ kind: 'plan', plan: 0, event: JSON.stringify(gaussian) });
    expect(rows[3]).toMatchObject({ kind: 'join', population: 'everyone', accounts: 2 });
    expect(rows[4]).toMatchObject({
      kind: 'reserve',
      time: NOON + 1,
      scene: 'live, "food"',
      epochs: '2026-10 2026-11',
      model: 'tags',
      population: null,
      accounts: 2,
      plan: 0,
      delta: 2 ** -32,
      idempotencyKey: 'round 1',
      reservation: 4,
    });
    expect(rows[4]?.['cost']).toBeCloseTo(1 / 36, 9);
    expect(rows[4]?.['epsilon']).toBeCloseTo(epsilon, 8);
    expect(rows[4]?.['epsilon']).toBeGreaterThanOrEqual(epsilon);
    expect(rows[5]).toMatchObject({ kind: 'commit', reservation: 4 });
    expect(rows[6]).toMatchObject({ population: 'everyone', accounts: null, model: null });
    expect(rows[7]).toMatchObject({ kind: 'release', reservation: 6 });
    expect(rows[8]).toMatchObject({
      scene: 'shop',
      epochs: '2026-11',
      limit: 'user-total',
      accounts: 2,
    });
    expect(rows[9]).toMatchObject({ kind: 'assign', group: 'minors', accounts: 1 });
    // At the larger delta now in force, for plans old and new.
    expect(rows[11]?.['epsilon']).toBeLessThan(epsilon);
    expect(rows[13]?.['epsilon']).toBe(rows[11]?.['epsilon']);
    expect(rows[12]).toMatchObject({ kind: 'freeze', scene: 'shop' });
  });

  it('leaves the vector of an RDP price out, and still knows its epsilon', async () => {
    const rdp: BudgetPolicy = {
      ...policy,
      currency: 'rdp',
      plannedRun: { kind: 'repeated', count: 30, event: gaussian },
    };
    const rows = await all(budgetLogRows([entriesOf(recordsUnder(rdp, 'rdp'))]));
    expect(rows[4]?.['cost']).toBeNull();
    const epsilon = epsilonOfPlan({ ...terms, event: gaussian }, 1e-6, 'rdp').upper;
    expect(rows[4]?.['epsilon']).toBeGreaterThanOrEqual(epsilon * (1 - 1e-9));
    expect(rows[4]?.['epsilon']).toBeLessThan(epsilon * 2);
  });

  it('reads the same from CSV, JSON and Parquet', async () => {
    const entries = entriesOf(recordsUnder(policy, 'gdp'));
    const rows = await all(budgetLogRows([entries]));
    const file = (format: 'csv' | 'json' | 'parquet'): string => join(folder, `log.${format}`);
    for (const format of ['csv', 'json', 'parquet'] as const) {
      await writeTable(file(format), BUDGET_LOG_COLUMNS, budgetLogRows([entries]), { format });
    }
    const csv = parse(readFileSync(file('csv')), { columns: true }) as Record<string, string>[];
    const json = JSON.parse(readFileSync(file('json'), 'utf8')) as Record<string, unknown>[];
    const bytes = readFileSync(file('parquet'));
    const parquet = await parquetReadObjects({
      file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer,
    });
    for (const [i, row] of rows.entries()) {
      const time = new Date(row['time'] as number);
      for (const { name, kind } of BUDGET_LOG_COLUMNS) {
        if (kind === 'time') continue;
        const value = row[name] ?? null;
        expect(csv[i]?.[name]).toBe(value === null ? '' : String(value));
        expect(json[i]?.[name]).toBe(value);
        const typed = parquet[i]?.[name];
        expect(typeof typed === 'bigint' ? Number(typed) : typed).toBe(value);
      }
      expect([csv[i]?.['time'], json[i]?.['time']]).toEqual([
        time.toISOString(),
        time.toISOString(),
      ]);
      expect(parquet[i]?.['time']).toEqual(time);
    }
  });

  it('refuses a log that refers to what it does not hold', async () => {
    const [open, , , , reserve] = recordsUnder(policy, 'gdp') as [LogRecord, ...LogRecord[]];
    const broken = budgetLogRows([entriesOf([open, reserve as LogRecord])]);
    await expect(all(broken)).rejects.toMatchObject({ code: 'dp/budget-corrupt' });
  });
});

describe('balances and sums as tables', () => {
  it('lists balances by handle, with nothing for no limit', async () => {
    const balanceRows = async () => [
      {
        handle: 0,
        scene: null,
        epoch: null,
        epsilon: 1.5,
        allowed: Number.POSITIVE_INFINITY,
      },
      { handle: 0, scene: 'live', epoch: '2026-11', epsilon: 0.5, allowed: 1 },
    ];
    const rows = await all(budgetBalanceRows({ balanceRows }));
    expect(rows).toEqual([
      { handle: 0, epoch: null, scene: null, epsilon: 1.5, limit: null },
      { handle: 0, epoch: '2026-11', scene: 'live', epsilon: 0.5, limit: 1 },
    ]);
    const path = join(folder, 'balances.csv');
    await writeTable(path, BUDGET_BALANCE_COLUMNS, rows, { format: 'csv' });
    expect(readFileSync(path, 'utf8')).toBe(
      'handle,epoch,scene,epsilon,limit\n0,,,1.5,\n0,2026-11,live,0.5,1\n',
    );
  });

  it('lists summaries without their histograms', () => {
    const summary: BudgetSummary = {
      scene: 'live',
      epoch: null,
      accounts: 2,
      releases: 3,
      refused: 1,
      frozen: true,
      epsilonMax: 0.75,
      epsilonMean: 0.5,
      allowed: Number.POSITIVE_INFINITY,
      histogram: { edges: [0, 1], counts: [2] },
    };
    const [row] = [...budgetSpendRows([summary])];
    expect(Object.keys(row ?? {})).toEqual(BUDGET_SPEND_COLUMNS.map(({ name }) => name));
    expect(row).toMatchObject({ scene: 'live', accounts: 2, epsilonMax: 0.75, limit: null });
  });
});
