import { describe, expect, it } from 'vitest';
import { SecureRandom } from '../../../src/core/secure-random.ts';
import { epsilonOfPlan } from '../../../src/dp/accounting/index.ts';
import { MemoryBudgetStore } from '../../../src/dp/budget/index.ts';
import { auditPlan } from '../../../src/profile/fairness/charged-audit.ts';
import {
  auditGroups,
  type GroupAudit,
  type GroupAuditTerms,
  type JudgedPerson,
} from '../../../src/profile/fairness/group-audit.ts';
import { newBudget, peopleOf, publicTerms } from './fixtures.ts';

const FAIR = { truePositive: 900, falseNegative: 100, falsePositive: 200, trueNegative: 800 };
const HARSH = { truePositive: 500, falseNegative: 500, falsePositive: 100, trueNegative: 900 };
const PEOPLE: readonly JudgedPerson[] = [...peopleOf('a', FAIR), ...peopleOf('b', HARSH)];

function terms(changes: Partial<GroupAuditTerms> = {}): GroupAuditTerms {
  return { ...publicTerms('groups'), groups: ['a', 'b'], scoreEdges: [0.5], ...changes };
}

async function audit(
  people: readonly JudgedPerson[],
  changes: Partial<GroupAuditTerms> = {},
): Promise<GroupAudit> {
  const outcome = await auditGroups(people, terms(changes));
  if (outcome.kind === 'refused') throw new Error(outcome.refusal.message);
  return outcome.audit;
}

describe('auditGroups', () => {
  it('finds shares and gaps, near the truth and within their intervals', async () => {
    const found = await audit(PEOPLE);
    const [a, b] = found.groups;
    expect(a?.selected.value).toBeCloseTo(0.55, 1);
    expect(a?.truePositive.value).toBeCloseTo(0.9, 1);
    expect(b?.falsePositive.value).toBeCloseTo(0.1, 1);
    // Of the people of high scores 900 in 1100 of a, 500 in 600 of b had the outcome.
    expect(a?.calibration[1]?.value).toBeCloseTo(900 / 1100, 1);
    expect(b?.calibration[1]?.value).toBeCloseTo(500 / 600, 1);
    for (const [gap, truth] of [
      [found.parity, 0.25],
      [found.truePositive, 0.4],
      [found.falsePositive, 0.1],
      [found.impactRatio, 0.3 / 0.55],
    ] as const) {
      expect(gap.interval.low).toBeLessThanOrEqual(truth);
      expect(gap.interval.high).toBeGreaterThanOrEqual(truth);
      expect(gap.interval.high - gap.interval.low).toBeLessThan(0.2);
      expect(gap.value).toBeCloseTo(truth, 1);
    }
  });

  it('charges everybody what it said, and a second look is a second charge', async () => {
    const budget = await newBudget(1);
    const people = PEOPLE.slice(0, 40);
    const noiseMultiplier = 8;
    const common = { budget, noiseMultiplier, random: new SecureRandom() };
    const first = await auditGroups(people, terms({ ...common, auditId: 'one' }));
    if (first.kind !== 'released') throw new Error('the budget is large enough');
    const plan = auditPlan({ relation: 'zero-out-one-user', noiseMultiplier });
    expect(first.audit.plan).toEqual(plan);
    const epsilon = epsilonOfPlan(plan, 1e-6, 'gdp').upper;
    const spent = async (account: string): Promise<number> =>
      (await budget.remaining(account)).find(({ limit }) => limit === 'user-total')
        ?.spent as number;
    for (const { account } of people) expect(await spent(account)).toBeCloseTo(epsilon, 6);
    await expect(auditGroups(people, terms({ ...common, auditId: 'one' }))).rejects.toMatchObject({
      code: 'dp/idempotency-conflict',
    });
    const second = await auditGroups(
      people,
      terms({ ...common, noiseMultiplier: 2, auditId: 'two' }),
    );
    expect(second.kind).toBe('refused');
    expect(await spent(people[0]?.account as string)).toBeCloseTo(epsilon, 6);
  });

  it('takes no seeded noise where a real budget pays', async () => {
    const store = Object.assign(new MemoryBudgetStore(), { durable: true });
    const budget = await newBudget(1, store);
    await expect(auditGroups(PEOPLE.slice(0, 5), terms({ budget }))).rejects.toMatchObject({
      code: 'dp/insecure-release',
    });
  });

  it('says that people declared public were not charged', async () => {
    const { statement } = await audit(PEOPLE, { random: new SecureRandom() });
    expect(statement).toMatchObject({ insecure: false, simulation: expect.any(String) });
    expect(statement.bounds[0]).toContain('2 tables');
  });

  it('reports nothing where the noise drowns a group', async () => {
    const few = [...peopleOf('a', FAIR), ...peopleOf('b', HARSH).slice(0, 3)];
    const found = await audit(few, { noiseMultiplier: 20 });
    expect(found.parity.value).toBeNull();
    expect(found.groups[1]?.selected.interval).toEqual({ low: 0, high: 1 });
    expect(found.parity.interval.high).toBeGreaterThan(0.4);
  });

  it('counts unknown outcomes for parity alone, and leaves out other groups and bad scores', async () => {
    const silent = { ...publicTerms('x', { noiseMultiplier: 1e-3 }), scoreEdges: [0.5] };
    const odd = (changes: Partial<JudgedPerson>): JudgedPerson => ({
      ...(PEOPLE[0] as JudgedPerson),
      ...changes,
    });
    const people = [
      ...PEOPLE,
      ...Array.from({ length: 500 }, () => odd({ group: 'b', outcome: null, decision: true })),
      ...Array.from({ length: 500 }, () => odd({ group: 'elsewhere' })),
      ...Array.from({ length: 500 }, () => odd({ group: 'b', score: Number.NaN, decision: false })),
    ];
    const outcome = await auditGroups(people, { ...silent, groups: ['a', 'b'], delta: 1e-300 });
    if (outcome.kind === 'refused') throw new Error('nobody refuses');
    const b = outcome.audit.groups[1];
    expect(b?.selected.value).toBeCloseTo(1100 / 3000, 3);
    expect(b?.truePositive.value).toBeCloseTo(500 / 1500, 3);
    expect(b?.calibration[1]?.value).toBeCloseTo(500 / 600, 3);
    expect(outcome.audit.groups[0]?.selected.value).toBeCloseTo(0.55, 3);
  });

  it.each([
    { groups: ['a'] },
    { groups: ['a', 'a'] },
    { scoreEdges: [0.5, 0.5] },
    { scoreEdges: [1] },
    { confidence: 1 },
  ])('refuses %j', async (changes) => {
    await expect(audit(PEOPLE, changes)).rejects.toThrow(RangeError);
  });
});
