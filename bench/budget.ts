import { SecureRandom } from '../src/core/secure-random.ts';
import { MemoryBudgetStore, openBudget, type Plan } from '../src/dp/index.ts';
import { type BenchRow, type BenchSuite, median, row } from './suite.ts';

const PLAN: Plan = {
  unit: 'user',
  relation: 'zero-out-one-user',
  event: { kind: 'gaussian', noiseMultiplier: 50 },
};

/** Reserve and commit in memory: many accounts in one call, and one account at a time. */
export const budget: BenchSuite = async (log) => {
  const rows: BenchRow[] = [];
  const open = () =>
    openBudget({
      policy: {
        version: 1,
        currency: 'gdp',
        delta: 1e-6,
        user: { epsilon: 10 },
        scenes: { shop: { perUser: { epsilon: 5 } } },
        reservationLease: 'PT10M',
      },
      unit: 'user',
      relation: 'zero-out-one-user',
      store: new MemoryBudgetStore(),
      secrets: [new SecureRandom().bytes(32)],
    });
  const report = (entry: BenchRow): void => {
    log(`${entry.name}: ${entry.value.toPrecision(4)} ${entry.unit}`);
    rows.push(entry);
  };

  const accounts = Array.from({ length: 100_000 }, (_, i) => `account-${i}`);
  const bulk = await open();
  const bulkTimes: number[] = [];
  for (let i = 0; i < 6; i++) {
    const started = performance.now();
    const decision = await bulk.reserve({
      scene: 'shop',
      accounts,
      plan: PLAN,
      idempotencyKey: `bulk-${i}`,
    });
    if (decision.kind === 'refused') throw new Error(decision.refusal.message);
    await bulk.commit(decision.reservation.id);
    bulkTimes.push(performance.now() - started);
  }
  await bulk.close();
  report(
    row(
      'memory, 100,000 accounts a reserve+commit, by account id',
      median(bulkTimes.slice(1)),
      'ms',
      bulkTimes[0] ?? null,
      {
        note: 'baseline: the first call, which also makes the accounts known',
      },
    ),
  );

  const single = await open();
  const count = 5000;
  const started = performance.now();
  for (let i = 0; i < count; i++) {
    const decision = await single.reserve({
      scene: 'shop',
      accounts: [`account-${i % 500}`],
      plan: PLAN,
      idempotencyKey: `single-${i}`,
    });
    if (decision.kind === 'admitted') await single.commit(decision.reservation.id);
  }
  report(
    row('memory, single reserve+commit', count / ((performance.now() - started) / 1000), '1/s'),
  );
  await single.close();
  return rows;
};
