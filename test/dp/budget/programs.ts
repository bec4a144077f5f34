import fc from 'fast-check';
import { DELTAS, GROUPS, MODELS, MONTHS, SCENES } from './program-terms.ts';

export const ACCOUNTS = ['a', 'b', 'c', 'd', 'e'] as const;
export const POPULATIONS = ['all', 'some'] as const;

/** Which of the two accountants on the store acts. */
export type Actor = 0 | 1;
/** How accounts are named: by their ids, or by handles in the order of the ids. */
export type Naming = 'ids' | 'handles';

export interface ReserveStep {
  readonly kind: 'reserve';
  readonly scene: string;
  /** Accounts, or a population. */
  readonly accounts: readonly string[];
  readonly population: string | null;
  readonly naming: Naming;
  readonly event: number;
  readonly delta: number;
  readonly epochs: readonly string[];
  readonly model: string | null;
  readonly lease: string | null;
}

/** About the `which`-th reservation so far, counted around. */
export interface ClosingStep {
  readonly kind: 'commit' | 'release';
  readonly which: number;
}

/** One of several calls that do not wait for one another. */
export type ActedStep = { readonly actor: Actor } & (ReserveStep | ClosingStep);

/** Requests that must be refused with a code, whatever the state. */
export const BAD_REQUESTS = [
  'unknown scene',
  'no accounts',
  'an account twice',
  'an unknown handle',
  'an unknown population',
  'another relation',
  'an infinite cost',
  'a negative delta',
  'a subnormal delta',
  'a lease too long',
  'a lease of nothing',
  'a seeded generator',
  'no epoch',
  'an epoch not of the calendar',
  'epochs read together',
  'an unknown reservation',
  'an unknown group',
] as const;
export type BadRequest = (typeof BAD_REQUESTS)[number];

export type Step = { readonly actor: Actor } & (
  | ReserveStep
  | ClosingStep
  | { readonly kind: 'burst'; readonly steps: readonly ActedStep[] }
  | { readonly kind: 'retry'; readonly which: number; readonly changed: boolean }
  | { readonly kind: 'wait'; readonly minutes: number }
  | { readonly kind: 'reopen' }
  | { readonly kind: 'freeze'; readonly scene: string }
  | {
      readonly kind: 'join' | 'leave';
      readonly population: string;
      readonly accounts: readonly string[];
      readonly naming: Naming;
    }
  | { readonly kind: 'erase'; readonly accounts: readonly string[]; readonly naming: Naming }
  | { readonly kind: 'readmit'; readonly accounts: readonly string[] }
  | {
      readonly kind: 'assign';
      readonly group: string | null;
      readonly accounts: readonly string[];
      readonly naming: Naming;
    }
  | { readonly kind: 'set-policy'; readonly policy: number }
  | { readonly kind: 'rotate' }
  | { readonly kind: 'bad'; readonly request: BadRequest }
);

/** What callers may do to a budget, in any order; `family` chooses its terms. */
export interface Program {
  readonly family: number;
  readonly steps: readonly Step[];
}

const accounts = fc.subarray([...ACCOUNTS], { minLength: 1 });
const population = fc.constantFrom(...POPULATIONS);
const naming = fc.constantFrom<Naming>('ids', 'ids', 'handles');
const which = fc.nat(60);

const reserve: fc.Arbitrary<ReserveStep> = fc.record({
  kind: fc.constant('reserve'),
  scene: fc.constantFrom(...SCENES, ...SCENES.slice(0, 4), ...SCENES.slice(0, 4)),
  accounts,
  population: fc.oneof({ weight: 6, arbitrary: fc.constant(null) }, population),
  naming,
  event: fc.nat(20),
  delta: fc.constantFrom(0, ...DELTAS),
  epochs: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(['2023-11'], ['2023-10', '2023-11']) },
    fc.subarray([...MONTHS], { minLength: 1 }),
  ),
  model: fc.constantFrom(null, null, ...MODELS),
  lease: fc.constantFrom(null, null, null, 'PT5M'),
});

const closing: fc.Arbitrary<ClosingStep> = fc.record({
  kind: fc.constantFrom('commit', 'commit', 'release'),
  which,
});

function acted<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T & { readonly actor: Actor }> {
  return fc
    .tuple(fc.constantFrom<Actor>(0, 0, 1), arbitrary)
    .map(([actor, rest]) => ({ ...rest, actor }));
}

const weighted: readonly (readonly [number, fc.Arbitrary<unknown>])[] = [
  [40, reserve],
  [24, closing],
  [
    5,
    fc.record({
      kind: fc.constant('burst'),
      steps: fc.array(acted(fc.oneof({ weight: 3, arbitrary: reserve }, closing)), {
        minLength: 2,
        maxLength: 4,
      }),
    }),
  ],
  [5, fc.record({ kind: fc.constant('retry'), which, changed: fc.boolean() })],
  [
    12,
    fc.record({
      kind: fc.constant('wait'),
      // Leases and intervals are of 5, 10, 20 and 30 minutes: often just before, at and after their end.
      minutes: fc.oneof(
        { weight: 9, arbitrary: fc.constantFrom(-20, -1, 1, 4, 5, 6, 9, 10, 11, 25) },
        fc.integer({ min: -1500, max: 2000 }),
      ),
    }),
  ],
  [4, fc.record({ kind: fc.constant('reopen') })],
  [1, fc.record({ kind: fc.constant('freeze'), scene: fc.constantFrom(...SCENES) })],
  [12, fc.record({ kind: fc.constant('join'), population, accounts, naming })],
  [5, fc.record({ kind: fc.constant('leave'), population, accounts, naming })],
  [
    2,
    fc.record({
      kind: fc.constant('erase'),
      accounts: fc.subarray([...ACCOUNTS], { minLength: 1, maxLength: 1 }),
      naming,
    }),
  ],
  [3, fc.record({ kind: fc.constant('readmit'), accounts })],
  [
    3,
    fc.record({
      kind: fc.constant('assign'),
      group: fc.constantFrom(null, ...GROUPS),
      accounts,
      naming,
    }),
  ],
  [2, fc.record({ kind: fc.constant('set-policy'), policy: fc.nat(2) })],
  [1, fc.record({ kind: fc.constant('rotate') })],
  [3, fc.record({ kind: fc.constant('bad'), request: fc.constantFrom(...BAD_REQUESTS) })],
];

const step: fc.Arbitrary<Step> = acted(
  fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary }))),
).map((drawn) => drawn as Step);

export const programs: fc.Arbitrary<Program> = fc.record({
  family: fc.nat(999),
  steps: fc.array(step, { minLength: 1, maxLength: 30, size: 'max' }),
});
