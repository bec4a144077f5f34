import type { Accountant } from '../dp/accountant.ts';
import type { AccountantOptions } from '../dp/accounting/transcript.ts';
import type { DpEvent } from '../dp/event.ts';
import type { NeighbourRelation, Plan } from '../dp/plan.ts';
import { type ConformanceCase, check, checkClose, errorCode } from './conformance.ts';

/** What {@link accountantConformance} tries. */
export interface AccountantSubject {
  /** An empty accountant under these terms. */
  create(options: AccountantOptions): Accountant;
  /** Two different events that the accountant supports, each of finite, positive cost. */
  readonly events: readonly [DpEvent, DpEvent];
  /** A well-formed event that it refuses, or null where it refuses none. */
  readonly refused: DpEvent | null;
  /** A relation under which the events are supported; default `add-or-remove-one-user`. */
  readonly relation?: NeighbourRelation;
}

/** Two computations of the same number may differ by that, relatively. */
const SAME = 1e-6;
const DELTAS = [1e-2, 1e-5, 1e-8];
const EPSILONS = [0, 0.5, 2];

/**
 * What every accountant must do, whatever it computes: keep one unit and relation for life, refuse before
 * it books, count a repetition like the loop it stands for, forget order, and move the right way.
 */
export function accountantConformance(subject: AccountantSubject): readonly ConformanceCase[] {
  const relation = subject.relation ?? 'add-or-remove-one-user';
  const other: NeighbourRelation =
    relation === 'replace-one-user' ? 'zero-out-one-user' : 'replace-one-user';
  const [first, second] = subject.events;
  const plan = (event: DpEvent): Plan => ({ unit: 'user', relation, event });
  const create = (): Accountant => subject.create({ unit: 'user', relation });
  const withPlans = (...plans: readonly Plan[]): Accountant => {
    const accountant = create();
    for (const one of plans) accountant.compose(one);
    return accountant;
  };
  const readings = (accountant: Accountant): readonly number[] => [
    ...DELTAS.map((delta) => accountant.epsilon(delta).upper),
    ...EPSILONS.map((epsilon) => accountant.delta(epsilon).upper),
  ];
  const checkSame = (a: Accountant, b: Accountant, what: string): void => {
    checkClose(a.epsilon(1e-5).upper, b.epsilon(1e-5).upper, SAME, `epsilon, ${what}`);
    checkClose(a.delta(0.5).upper, b.delta(0.5).upper, SAME, `delta, ${what}`);
  };
  const unchanged = async (
    attempt: (accountant: Accountant) => void,
    code: string,
  ): Promise<void> => {
    const accountant = withPlans(plan(first));
    const before = readings(accountant);
    const seen = await errorCode(() => attempt(accountant));
    check(seen === code, `expected ${code}, got ${seen}`);
    readings(accountant).forEach((value, i) => {
      check(value === before[i], 'a refusal changed the state');
    });
  };

  const cases: ConformanceCase[] = [
    {
      name: 'an empty accountant has spent nothing',
      run: () => {
        for (const value of readings(create())) check(value === 0, `expected 0, got ${value}`);
      },
    },
    {
      name: 'keeps its terms for life',
      run: async () => {
        const accountant = create();
        check(accountant.unit === 'user' && accountant.relation === relation, 'terms were lost');
        for (const wrong of [
          { ...plan(first), relation: other },
          { ...plan(first), unit: 'example' as const },
        ]) {
          const support = accountant.supports(wrong);
          check(!support.supported, 'a plan under other terms counts as supported');
          await unchanged((it) => it.compose(wrong), 'dp/relation-mismatch');
        }
      },
    },
    {
      name: 'supports what it composes, and answers without composing',
      run: () => {
        const accountant = create();
        for (const event of subject.events) {
          check(accountant.supports(plan(event)).supported, `refuses ${event.kind}`);
        }
        check(accountant.epsilon(1e-5).upper === 0, 'supports() composed something');
      },
    },
    {
      name: 'refuses bad parameters and counts, and stays as it was',
      run: async () => {
        const broken = { kind: 'gaussian', noiseMultiplier: -1 } as const;
        await unchanged((it) => it.compose(plan(broken)), 'dp/invalid-parameter');
        const late: DpEvent = { kind: 'composed', events: [first, broken] };
        await unchanged((it) => it.compose(plan(late)), 'dp/invalid-parameter');
        for (const count of [0, -1, 1.5, Number.NaN]) {
          await unchanged((it) => it.compose(plan(first), count), 'dp/invalid-parameter');
        }
        const unknown = { kind: 'telepathy' } as unknown as DpEvent;
        await unchanged((it) => it.compose(plan(unknown)), 'dp/unsupported-event');
      },
    },
    {
      name: 'refuses delta outside (0, 1) and epsilon below 0',
      run: async () => {
        const accountant = withPlans(plan(first));
        for (const delta of [0, 1, -1, Number.NaN]) {
          const code = await errorCode(() => accountant.epsilon(delta));
          check(code === 'dp/invalid-parameter', `delta ${delta}: ${code}`);
        }
        for (const epsilon of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
          const code = await errorCode(() => accountant.delta(epsilon));
          check(code === 'dp/invalid-parameter', `epsilon ${epsilon}: ${code}`);
        }
      },
    },
    {
      name: 'a repetition is the loop it stands for',
      run: () => {
        for (const event of subject.events) {
          const looped = withPlans(...Array.from({ length: 5 }, () => plan(event)));
          const repeated = withPlans(plan({ kind: 'repeated', count: 5, event }));
          const counted = create();
          counted.compose(plan(event), 5);
          const nested: DpEvent = {
            kind: 'composed',
            events: [
              event,
              { kind: 'repeated', count: 2, event: { kind: 'repeated', count: 2, event } },
            ],
          };
          checkSame(repeated, looped, `repeated ${event.kind}`);
          checkSame(counted, looped, `counted ${event.kind}`);
          checkSame(withPlans(plan(nested)), looped, `nested ${event.kind}`);
          const once = withPlans(plan(event)).epsilon(1e-5).upper;
          check(
            looped.epsilon(1e-5).upper > once,
            `five times ${event.kind} cost no more than once`,
          );
        }
      },
    },
    {
      name: 'order is irrelevant',
      run: () => {
        const joint: DpEvent = { kind: 'composed', events: [second, first, second] };
        const forth = withPlans(plan(first), plan(second), plan(second));
        checkSame(withPlans(plan(second), plan(first), plan(second)), forth, 'another order');
        checkSame(withPlans(plan(joint)), forth, 'one composed event');
      },
    },
    {
      name: 'more releases never cost less, and the curves fall',
      run: () => {
        const slack = 1 + SAME;
        const one = withPlans(plan(first));
        const two = withPlans(plan(first), plan(second));
        const before = readings(one);
        readings(two).forEach((value, i) => {
          check(value * slack >= (before[i] as number), 'a second release lowered the cost');
        });
        for (const accountant of [one, two]) {
          const epsilons = DELTAS.map((delta) => accountant.epsilon(delta).upper);
          const deltas = EPSILONS.map((epsilon) => accountant.delta(epsilon).upper);
          for (const falling of [[...epsilons].reverse(), deltas]) {
            for (let i = 1; i < falling.length; i++) {
              check((falling[i] as number) <= (falling[i - 1] as number) * slack, 'a curve rises');
            }
          }
        }
      },
    },
    {
      name: 'intervals are intervals, and both readings agree',
      run: () => {
        const accountant = withPlans(plan(first), plan(second));
        for (const delta of DELTAS) {
          const { lower, upper } = accountant.epsilon(delta);
          check(
            upper >= 0 && (lower === null || (lower >= 0 && lower <= upper)),
            'not an interval',
          );
          if (upper === 0) continue;
          check(
            accountant.delta(upper).upper <= delta * (1 + 1e-4),
            'delta of epsilon is above delta',
          );
        }
      },
    },
    {
      name: 'a release without protection costs everything',
      run: () => {
        const accountant = withPlans(plan(first), plan({ kind: 'non-private' }));
        check(accountant.epsilon(1e-5).upper === Number.POSITIVE_INFINITY, 'epsilon is finite');
        check(accountant.delta(1).upper === 1, 'delta is below 1');
      },
    },
  ];
  const { refused } = subject;
  if (refused !== null) {
    cases.push({
      name: 'refuses what it cannot prove, with the path, and stays as it was',
      run: async () => {
        const inside: DpEvent = {
          kind: 'composed',
          events: [first, { kind: 'repeated', count: 2, event: refused }],
        };
        const support = create().supports(plan(inside));
        check(!support.supported, `${refused.kind} counts as supported`);
        check(support.path.startsWith('event.events[1].event'), `path is ${support.path}`);
        check(support.reason.length > 0, 'no reason was given');
        await unchanged((it) => it.compose(plan(inside)), 'dp/unsupported-event');
      },
    });
  }
  return cases;
}
