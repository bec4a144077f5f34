import type { PrivacyStatement } from '../dp/index.ts';
import { describeStatement, type Plan, validatePlan } from '../dp/index.ts';
import { type ConformanceCase, check } from './conformance.ts';

/** What every plan a mechanism or pipeline hands out must be: valid, plain JSON, and immutable in meaning. */
export function planConformance(plan: Plan): readonly ConformanceCase[] {
  return [
    {
      name: 'is a valid plan',
      run() {
        validatePlan(plan);
      },
    },
    {
      name: 'survives JSON unchanged',
      run() {
        const copy = validatePlan(JSON.parse(JSON.stringify(plan)));
        check(JSON.stringify(copy) === JSON.stringify(plan), 'the plan changed on the way');
      },
    },
  ];
}

/** What every privacy statement must say. */
export function statementConformance(statement: PrivacyStatement): readonly ConformanceCase[] {
  return [
    {
      name: 'has an interval whose ends are in order, or says that it is not private',
      run() {
        const { epsilon, accountant } = statement;
        if (epsilon === null) {
          check(accountant === 'none', 'no epsilon, but an accountant is named');
          check(
            describeStatement(statement).includes('NOT private'),
            'the prose hides that the result is not private',
          );
          return;
        }
        check(epsilon.upper >= 0, 'epsilon is negative or NaN');
        check(
          epsilon.lower === null || (epsilon.lower >= 0 && epsilon.lower <= epsilon.upper),
          'the interval is empty',
        );
        check(statement.delta > 0 && statement.delta < 1, 'delta is outside (0, 1)');
      },
    },
    {
      name: 'has a line for every adversary, and names what it does not cover',
      run() {
        const { server, otherClients, modelReaders } = statement.trustModel;
        for (const line of [server, otherClients, modelReaders, statement.sybilAssumption]) {
          check(line.trim() !== '', 'an adversary or the Sybil assumption is left out');
        }
        check(statement.sideChannelsNotCovered.length > 0, 'claims to cover every side channel');
      },
    },
    {
      name: 'admits seeded noise in its prose',
      run() {
        check(
          describeStatement(statement).includes('INSECURE') === statement.insecure,
          'the prose and the flag "insecure" disagree',
        );
      },
    },
    {
      name: 'survives JSON unchanged',
      run() {
        const copy: unknown = JSON.parse(JSON.stringify(statement));
        check(JSON.stringify(copy) === JSON.stringify(statement), 'it holds more than plain JSON');
      },
    },
  ];
}
