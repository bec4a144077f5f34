import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LiveEvent, LiveWork, Turn } from '../../../src/federated/live/round-events.ts';
import { initialRun, reduce } from '../../../src/federated/live/round-machine.ts';
import {
  neededAnswers,
  outstanding,
  type RunRules,
  type RunState,
} from '../../../src/federated/live/run-state.ts';

const ACCOUNTS = ['a', 'b', 'c', 'd', 'e', 'f'];
const HASH = '0'.repeat(64);

function rulesOf(turns: readonly Turn[], corruptShare: number): RunRules {
  return {
    ...{ taskId: 'task', taskDigest: HASH, turns, rounds: 4, asked: 4, minimum: 2, corruptShare },
    ...{ checkIn: 200, step: 500, coolDown: 20 },
  };
}

/** One choice of what happens next. */
interface Choice {
  readonly kind: 'work' | 'wake' | 'account' | 'again' | 'noise' | 'fail' | 'refuse' | 'operator';
  readonly pick: number;
}

const CHOICE: fc.Arbitrary<Choice> = fc.record({
  kind: fc.oneof(
    { weight: 60, arbitrary: fc.constant<'work'>('work') },
    { weight: 12, arbitrary: fc.constant<'wake'>('wake') },
    { weight: 120, arbitrary: fc.constant<'account'>('account') },
    { weight: 20, arbitrary: fc.constant<'again'>('again') },
    { weight: 10, arbitrary: fc.constant<'noise'>('noise') },
    {
      weight: 1,
      arbitrary: fc.constantFrom<'fail' | 'refuse' | 'operator'>('fail', 'refuse', 'operator'),
    },
  ),
  pick: fc.nat(1_000_000),
});

/** The answer of a world in which the work succeeds. */
function done(work: LiveWork, move: number, at: number, pick: number): LiveEvent {
  switch (work.kind) {
    case 'draw': {
      const cohort = work.candidates.slice(0, work.count);
      const nonce = pick.toString(16).padStart(32, '0');
      return { kind: 'drawn', at, move, nonce, graphSeed: new Uint8Array(32), cohort };
    }
    case 'reserve':
      return { kind: 'reserved', at, move, reservation: `reservation of ${work.key}` };
    case 'open':
      return { kind: 'opened', at, move, recipients: ACCOUNTS };
    case 'advance':
      return { kind: 'advanced', at, move, recipients: ACCOUNTS.slice(pick % 7 === 0 ? 3 : 0) };
    case 'sum':
      return { kind: 'summed', at, move, sum: new Uint8Array(8), survivors: 2 + (pick % 3) };
    case 'step': {
      const figures = { model: HASH, progress: HASH, signalToNoise: 1, clippedShare: null };
      return { kind: 'stepped', at, move, ...figures };
    }
    case 'commit':
      return { kind: 'committed', at, move, epsilonSpent: 1 };
    case 'publish':
      return { kind: 'published', at, move };
    case 'give-back':
      return { kind: 'given-back', at, move, free: pick % 2 === 0 };
    case 'close':
      return { kind: 'closed', at, move };
  }
}

function happens(
  choice: Choice,
  state: RunState,
  rules: RunRules,
  past: readonly LiveEvent[],
  at: number,
): LiveEvent {
  const { kind, pick } = choice;
  const { move } = state;
  const work = outstanding(state, rules);
  const account = ACCOUNTS[pick % ACCOUNTS.length] as string;
  switch (kind) {
    case 'work':
      return work === null ? { kind: 'woken', at, move } : done(work, move, at, pick);
    case 'wake':
      return { kind: 'woken', at: at + (pick % 4 === 0 ? 1000 : 0), move };
    case 'account': {
      if (state.stage.kind !== 'collecting') {
        return { kind: 'checked-in', at, account, key: `key of ${account}` };
      }
      const { expected, answers } = state.stage;
      // Mostly somebody who is waited for, sometimes anybody.
      const missing = [...expected].filter((member) => !answers.has(member));
      const sender = pick % 4 === 0 ? account : (missing[pick % missing.length] ?? account);
      const frame = new Uint8Array(3);
      return { kind: 'answered', at, move, account: sender, digest: String(pick), frame };
    }
    case 'again':
      return past[pick % Math.max(1, past.length)] ?? { kind: 'woken', at, move };
    case 'noise': {
      // The right answer to work that nobody asked for, now or some moves ago.
      const kinds: readonly LiveWork[] = [
        { kind: 'sum' },
        { kind: 'commit', reservation: 'x' },
        { kind: 'publish', version: 9, model: HASH },
        { kind: 'close' },
        { kind: 'advance', turn: 'input' },
        { kind: 'draw', candidates: ['x', 'x'], count: 2 },
        { kind: 'step', sum: new Uint8Array(8), survivors: 3 },
      ];
      return done(kinds[pick % kinds.length] as LiveWork, move - (pick % 3), at, pick);
    }
    case 'fail':
      return { kind: 'failed', at, move, code: 'federated/secagg-bad-share' };
    case 'refuse':
      return { kind: 'refused', at, move, limit: 'user-total', blocked: [pick % 4] };
    case 'operator':
      return { kind: pick % 20 === 0 ? 'wound-up' : 'aborted', at };
  }
}

describe.each([
  ['plain', rulesOf(['input'], 0)],
  ['secagg-plus', rulesOf(['advertise', 'share', 'input', 'unmask'], 0.25)],
  ['with consistency', rulesOf(['advertise', 'share', 'input', 'confirm', 'unmask'], 0.25)],
] as const)('the machine of a %s run', (_, rules) => {
  it('keeps its promises whatever happens, in whatever order', () => {
    let released = 0;
    fc.assert(
      fc.property(fc.array(CHOICE, { minLength: 120, maxLength: 240 }), (choices) => {
        let state = initialRun({ model: HASH, progress: HASH }, 0);
        const taken: LiveEvent[] = [];
        const past: LiveEvent[] = [];
        const opened = new Set<string>();
        const announced = new Set<string>();
        const summed = new Set<string>();
        const reserved = new Set<string>();
        const asked = new Set<string>();
        const committed = new Set<string>();
        const published: number[] = [];
        let at = 0;
        for (const choice of choices) {
          at += choice.pick % 40;
          const event = happens(choice, state, rules, past, at);
          // An order of the operator is no message that a network could repeat.
          if ('move' in event) past.push(event);
          const before = state;
          const { state: after, effects } = reduce(rules, before, event);
          if (choice.pick % 8 === 0) {
            expect(reduce(rules, before, event)).toEqual({ state: after, effects });
          }
          if (after === before) {
            expect(effects).toEqual([]);
            continue;
          }
          taken.push(event);
          state = after;
          if (event.kind === 'reserved' && before.stage.kind === 'reserving') {
            reserved.add(before.stage.round.id);
          }
          if (event.kind === 'opened' && before.stage.kind === 'opening') {
            announced.add(before.stage.round.id);
          }
          if (event.kind === 'committed' && before.stage.kind === 'committing') {
            committed.add(before.stage.round.id);
          }
          if (state.stage.kind === 'collecting') {
            const { round, answers, expected } = state.stage;
            const members = round.cohort.map(({ account }) => account);
            expect(new Set(members).size).toBe(members.length);
            for (const account of answers.keys()) expect(members).toContain(account);
            expect(answers.size).toBeLessThanOrEqual(expected.size);
          }
          for (const effect of effects) {
            if (effect.kind === 'report') continue;
            const { work } = effect;
            expect(outstanding(state, rules)).toEqual(work);
            const round = 'round' in state.stage ? state.stage.round : null;
            const id = round?.id ?? '';
            switch (work.kind) {
              case 'reserve':
                // Asked for once under each key, and never again once it was granted.
                expect(asked.has(work.key)).toBe(false);
                expect(reserved.has(id)).toBe(false);
                asked.add(work.key);
                break;
              case 'open':
                expect(reserved.has(id)).toBe(true);
                expect(opened.has(id)).toBe(false);
                opened.add(id);
                break;
              case 'advance':
              case 'sum': {
                const last = round?.turns.at(-1);
                const needed = neededAnswers(rules, round?.cohort.length ?? 0);
                expect(last?.turn === 'unmask' ? needed : last?.answered).toBeGreaterThanOrEqual(
                  needed,
                );
                expect(opened.has(id)).toBe(true);
                if (work.kind === 'sum') {
                  expect(summed.has(id)).toBe(false);
                  summed.add(id);
                }
                break;
              }
              case 'step':
              case 'commit':
                expect(summed.has(id)).toBe(true);
                expect(work.kind === 'commit' ? work.reservation : '').toContain(
                  work.kind === 'commit' ? id : '',
                );
                break;
              case 'publish':
                expect(committed.has(id)).toBe(true);
                published.push(work.version);
                break;
              default:
                break;
            }
          }
        }
        // Versions go up by one, and whoever was asked stays charged.
        expect(published).toEqual(published.map((_version, i) => i + 2));
        for (const report of state.reports) {
          if (announced.has(report.roundId)) expect(report.charged).toBeGreaterThan(0);
          if (report.outcome === 'released') released++;
        }
        // A journal of the events that changed something is the run.
        let again = initialRun({ model: HASH, progress: HASH }, 0);
        for (const event of taken) again = reduce(rules, again, event).state;
        expect(again).toEqual(state);
      }),
      { numRuns: 100 },
    );
    // Not a test of rounds that never get anywhere.
    expect(released).toBeGreaterThan(20);
  });
});
