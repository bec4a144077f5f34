import type {
  AbortReason,
  LiveEffect,
  LiveEvent,
  LiveMember,
  RoundReport,
  Turn,
} from './round-events.ts';
import { writeRoundName } from './round-name.ts';
import {
  neededAnswers,
  outstanding,
  type RoundFacts,
  type RunRules,
  type RunState,
  type Stage,
} from './run-state.ts';

/** Refusals after which no cohort of this scene would pass. */
const SCENE_LIMITS: ReadonlySet<string> = new Set([
  'frozen',
  'scene-worst-case',
  'model',
  'max-releases',
]);
/** Times a round may be asked for again without those whom the budget named. */
const MOST_ATTEMPTS = 3;
const NONCE = /^[0-9a-f]{32}$/;
const NO_EFFECTS: readonly LiveEffect[] = [];

/** A state and what the move to it causes. */
export interface LiveMove {
  /** The very same object where the event changed nothing. */
  readonly state: RunState;
  readonly effects: readonly LiveEffect[];
}

/** Where a run starts, before its first round. */
export function initialRun(
  first: { readonly model: string; readonly progress: string },
  at: number,
): RunState {
  return {
    ...{ move: 0, round: 0, version: 1, ...first },
    ...{ stage: { kind: 'idle' }, deadline: at, ending: false, reports: [] },
  };
}

/**
 * The whole of a federation's rounds as a function: a state and an event give the next state and what has to be
 * done. It has no clock, draws nothing and sends nothing, so a journal of its events is a run that can be taken up
 * anywhere.
 *
 * An event that does not fit, twice, late or out of order, changes nothing.
 *
 * ## Privacy
 * Nobody is asked before the budget admitted the cohort; nothing is published before it was told so. A round that was
 * opened stays charged, whatever becomes of it, and none is opened twice: its id comes with its draw.
 */
export function reduce(rules: RunRules, state: RunState, event: LiveEvent): LiveMove {
  const moved = next(rules, state, event);
  if (moved === null) return { state, effects: NO_EFFECTS };
  const after = { ...state, ...moved };
  if (after.stage.kind === state.stage.kind && after.move === state.move) {
    return { state: after, effects: NO_EFFECTS };
  }
  const effects: LiveEffect[] = [];
  const work = outstanding(after, rules);
  if (work !== null) effects.push({ kind: 'work', move: after.move, work });
  if (after.stage.kind === 'closing') effects.push({ kind: 'report', report: after.stage.report });
  return { state: after, effects };
}

type Change = Partial<RunState> | null;

function next(rules: RunRules, state: RunState, event: LiveEvent): Change {
  if ('move' in event && event.move !== state.move) return null;
  switch (event.kind) {
    case 'wound-up':
      return state.ending ? null : windUp(state);
    case 'aborted':
      return abortByOperator(rules, state, event.at);
    case 'woken':
      return wake(rules, state, event.at);
    case 'failed':
      return fail(state, event.code, event.at);
    default:
      return step(rules, state, event);
  }
}

type StepEvent = Exclude<LiveEvent, { readonly kind: 'wound-up' | 'aborted' | 'woken' | 'failed' }>;

function step(rules: RunRules, state: RunState, event: StepEvent): Change {
  const { stage } = state;
  switch (event.kind) {
    case 'checked-in': {
      if (stage.kind !== 'selecting' || stage.candidates.has(event.account)) return null;
      const candidates = new Map(stage.candidates).set(event.account, event.key);
      return { stage: { kind: 'selecting', candidates } };
    }
    case 'drawn':
      return stage.kind === 'drawing' ? draw(rules, state, stage.candidates, event) : null;
    case 'reserved': {
      if (stage.kind !== 'reserving') return null;
      const round = { ...stage.round, reservation: event.reservation };
      return enter(state, { kind: 'opening', round });
    }
    case 'refused':
      return stage.kind === 'reserving' ? refuse(rules, state, stage.round, event) : null;
    case 'opened': {
      if (stage.kind !== 'opening') return null;
      return collect(rules, state, stage.round, rules.turns[0] as Turn, event);
    }
    case 'answered':
      return stage.kind === 'collecting' ? answer(state, stage, event) : null;
    case 'advanced': {
      if (stage.kind !== 'advancing') return null;
      const turn = rules.turns[rules.turns.indexOf(stage.turn) + 1] as Turn;
      return collect(rules, state, stage.round, turn, event);
    }
    case 'summed': {
      if (stage.kind !== 'summing') return null;
      const round = { ...stage.round, survivors: event.survivors };
      if (event.survivors < neededAnswers(rules, round.cohort.length)) {
        return keepCharge(state, round, 'too-few-answers', event.at);
      }
      return enter(state, { kind: 'stepping', round, sum: event.sum });
    }
    case 'stepped': {
      if (stage.kind !== 'stepping') return null;
      const { model, progress, signalToNoise, clippedShare } = event;
      const figures = { model, progress, signalToNoise, clippedShare };
      return enter(state, { kind: 'committing', round: stage.round, figures, epsilonSpent: null });
    }
    case 'committed': {
      if (stage.kind !== 'committing') return null;
      return enter(state, { ...stage, kind: 'publishing', epsilonSpent: event.epsilonSpent });
    }
    case 'published':
      return stage.kind === 'publishing' ? release(state, stage, event.at) : null;
    case 'given-back': {
      if (stage.kind !== 'giving-back') return null;
      const { round, reason } = stage;
      return close(state, abortReport(state, round, reason, event.at, !event.free));
    }
    case 'closed':
      return stage.kind === 'closing' ? rest(rules, state, stage.report, event.at) : null;
  }
}

/** The next stage; answers to earlier moves no longer count. */
function enter(state: RunState, stage: Stage, deadline: number | null = null): Change {
  return { stage, deadline, move: state.move + 1 };
}

function wake(rules: RunRules, state: RunState, at: number): Change {
  const { stage, deadline } = state;
  if (deadline === null || at < deadline) return null;
  switch (stage.kind) {
    case 'idle':
      if (state.ending) return enter(state, { kind: 'finished' });
      return enter(state, { kind: 'selecting', candidates: new Map() }, at + rules.checkIn);
    case 'selecting': {
      const { size } = stage.candidates;
      if (size >= neededAnswers(rules, Math.min(size, rules.asked)) && size > 0) {
        return enter(state, { kind: 'drawing', candidates: stage.candidates });
      }
      return enter(state, { kind: 'idle' }, at + rules.coolDown);
    }
    case 'collecting':
      return endTurn(rules, state, stage, at);
    default:
      return null;
  }
}

function draw(
  rules: RunRules,
  state: RunState,
  candidates: ReadonlyMap<string, string>,
  event: Extract<LiveEvent, { kind: 'drawn' }>,
): Change {
  const expected = Math.min(rules.asked, candidates.size);
  const cohort: LiveMember[] = [];
  for (const account of new Set(event.cohort)) {
    const key = candidates.get(account);
    if (key !== undefined) cohort.push({ account, key });
  }
  if (cohort.length !== event.cohort.length || cohort.length !== expected) return null;
  if (!NONCE.test(event.nonce)) return null;
  const number = state.round + 1;
  const round: RoundFacts = {
    // The model and the task are in the name that every frame of a secure sum is bound to: members that were given
    // different ones cannot be in one sum.
    id: writeRoundName({ ...rules, round: number, nonce: event.nonce, model: state.model }),
    cohort,
    graphSeed: event.graphSeed,
    startedAt: event.at,
    attempt: 1,
    reservation: null,
    turns: [],
    survivors: 0,
  };
  return { ...enter(state, { kind: 'reserving', round }), round: number };
}

/** Without those who cannot bear it the round may still be one. */
function refuse(
  rules: RunRules,
  state: RunState,
  round: RoundFacts,
  { limit, blocked, at }: Extract<LiveEvent, { kind: 'refused' }>,
): Change {
  const places = new Set(blocked);
  const cohort = round.cohort.filter((_, place) => !places.has(place));
  const isSmaller = cohort.length < round.cohort.length;
  const attempt = round.attempt + 1;
  if (
    isSmaller &&
    attempt <= MOST_ATTEMPTS &&
    cohort.length >= neededAnswers(rules, cohort.length)
  ) {
    return enter(state, { kind: 'reserving', round: { ...round, cohort, attempt } });
  }
  const report = abortReport(state, round, 'refused-by-budget', at, false);
  return { ...close(state, report), ending: state.ending || SCENE_LIMITS.has(limit) };
}

function collect(
  rules: RunRules,
  state: RunState,
  round: RoundFacts,
  turn: Turn,
  { recipients, at }: { readonly recipients: readonly string[]; readonly at: number },
): Change {
  const members = new Set(round.cohort.map(({ account }) => account));
  const expected = new Set(recipients.filter((account) => members.has(account)));
  const stage = {
    kind: 'collecting',
    round,
    turn,
    expected,
    answers: new Map(),
    bytes: 0,
  } as const;
  return enter(state, stage, at + rules.step);
}

type Collecting = Extract<Stage, { kind: 'collecting' }>;

function answer(
  state: RunState,
  stage: Collecting,
  event: Extract<LiveEvent, { kind: 'answered' }>,
): Change {
  const { account, digest, frame, at } = event;
  if (!stage.expected.has(account) || stage.answers.has(account)) return null;
  const answers = new Map(stage.answers).set(account, digest);
  const collecting = { ...stage, answers, bytes: stage.bytes + frame.length };
  if (answers.size < stage.expected.size) return { stage: collecting };
  // Nobody is left to wait for: the deadline is now.
  return { stage: collecting, deadline: Math.min(at, state.deadline ?? at) };
}

/** Too few ends the round here, before another frame of anybody is asked for. */
function endTurn(rules: RunRules, state: RunState, stage: Collecting, at: number): Change {
  const { turn, expected, answers, bytes } = stage;
  const tally = { turn, asked: expected.size, answered: answers.size, bytes };
  const round = { ...stage.round, turns: [...stage.round.turns, tally] };
  // Shares may come from fewer than all survivors: whether they suffice is for the sum to say.
  const needed = turn === 'unmask' ? 1 : neededAnswers(rules, round.cohort.length);
  if (answers.size < needed) return keepCharge(state, round, 'too-few-answers', at);
  const isLast = turn === rules.turns.at(-1);
  return enter(state, isLast ? { kind: 'summing', round } : { kind: 'advancing', round, turn });
}

function release(
  state: RunState,
  { round, figures, epsilonSpent }: Extract<Stage, { kind: 'publishing' }>,
  at: number,
): Change {
  const version = state.version + 1;
  const { model, progress, signalToNoise, clippedShare } = figures;
  const report: RoundReport = {
    ...reportOf(state, round, at),
    ...{ outcome: 'released', reason: null, charged: round.cohort.length },
    ...{ signalToNoise, clippedShare, epsilonSpent, version },
  };
  return { ...close(state, report), version, model, progress };
}

/** Stops the round where that is still possible: once the budget is being told, it goes on. */
function abortByOperator(rules: RunRules, state: RunState, at: number): Change {
  const { stage } = state;
  switch (stage.kind) {
    case 'selecting':
    case 'drawing':
      return enter(state, { kind: 'idle' }, at + rules.coolDown);
    case 'reserving':
      return close(state, abortReport(state, stage.round, 'operator', at, true));
    case 'opening':
      return enter(state, { kind: 'giving-back', round: stage.round, reason: 'operator' });
    case 'collecting':
    case 'advancing':
    case 'summing':
    case 'stepping':
      return keepCharge(state, stage.round, 'operator', at);
    default:
      return null;
  }
}

function fail(state: RunState, code: AbortReason, at: number): Change {
  const { stage } = state;
  switch (stage.kind) {
    case 'reserving':
      // Whether anything was booked is not known here: the report must not say too little.
      return close(state, abortReport(state, stage.round, code, at, true));
    case 'opening':
      return enter(state, { kind: 'giving-back', round: stage.round, reason: code });
    case 'advancing':
    case 'summing':
    case 'stepping':
      return keepCharge(state, stage.round, code, at);
    default:
      return null;
  }
}

/** Something was asked of the clients: what they were charged stays. */
function keepCharge(state: RunState, round: RoundFacts, reason: AbortReason, at: number): Change {
  return close(state, abortReport(state, round, reason, at, true));
}

function close(state: RunState, report: RoundReport): Change {
  return enter(state, { kind: 'closing', report });
}

function rest(rules: RunRules, state: RunState, report: RoundReport, at: number): Change {
  const reports = [...state.reports, report];
  const isOver = state.ending || state.round >= rules.rounds;
  const after = isOver
    ? enter(state, { kind: 'finished' })
    : enter(state, { kind: 'idle' }, at + rules.coolDown);
  return { ...after, reports };
}

/** A round in hand is finished first. */
function windUp(state: RunState): Change {
  const { kind } = state.stage;
  const isBetween = kind === 'idle' || kind === 'selecting' || kind === 'drawing';
  return isBetween ? { ...enter(state, { kind: 'finished' }), ending: true } : { ending: true };
}

function abortReport(
  state: RunState,
  round: RoundFacts,
  reason: AbortReason,
  at: number,
  charged: boolean,
): RoundReport {
  return {
    ...reportOf(state, round, at),
    ...{ outcome: 'aborted', reason, charged: charged ? round.cohort.length : 0 },
    ...{ signalToNoise: null, clippedShare: null, epsilonSpent: null, version: null },
  };
}

function reportOf(
  state: RunState,
  { id, survivors, turns, startedAt }: RoundFacts,
  at: number,
): Pick<RoundReport, 'round' | 'roundId' | 'survivors' | 'turns' | 'startedAt' | 'endedAt'> {
  return {
    ...{ round: state.round, roundId: id, survivors, turns },
    ...{ startedAt, endedAt: at },
  };
}
