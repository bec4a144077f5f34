import { VelaturaError } from '../../core/errors.ts';
import { SecureRandom } from '../../core/secure-random.ts';
import { SeededRandom } from '../../core/seeded-random.ts';
import { epsilonOfPlan, type Plan, type PrivacyStatement } from '../../dp/index.ts';
import { PlainSum, type RoundEnvironment, type TagTrainingMethod } from '../../federated/index.ts';
import { splitUsers } from '../../federated/simulation/sweep.ts';
import {
  runTagTraining,
  type TagExperiment,
  type TagRunSettings,
  type TagRunState,
  type TagSplit,
  type TrainedRun,
  tagRunPlan,
} from '../../federated/simulation/sweep-run.ts';
import type { Terminal } from '../terminal.ts';
import {
  type BudgetCharge,
  isQuota,
  openRunBudget,
  refusedRun,
  rehearse,
  releasesOf,
} from './budget.ts';
import type { Checkpoint } from './checkpoint.ts';
import { requireCohort, type TagDataTask } from './task.ts';

/** Everything a run is told. */
export interface TrainRequest {
  readonly method: TagTrainingMethod;
  readonly tuning: Pick<TagRunSettings, 'rounds' | 'clippingNorm'>;
  readonly epsilon: number;
  readonly delta: number;
  readonly seed: number;
  readonly testFraction: number;
  readonly minimumCohort: number;
  readonly insecureNoise: boolean;
  /** True trains on the others where the budget refuses some. */
  readonly leaveOutRefused: boolean;
  /** Null trains on data that is declared public and charges nobody. */
  readonly charge: BudgetCharge | null;
}

/** A finished run with what a reader of its files has to know. */
export interface TrainResult {
  readonly run: TrainedRun;
  /** Of everything that was released: popularity and model. */
  readonly statement: PrivacyStatement;
  readonly trainingUsers: number;
  /** Users whom the budget refused and who were left out. */
  readonly refusedUsers: number;
  readonly evaluationUsers: number;
  readonly tags: readonly string[];
  readonly features: number;
  readonly scene: string | null;
  readonly seconds: number;
}

/** What the caller has to do or hear of on the way. */
export interface TrainHooks {
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  /** Called when the budget would admit the whole run, before anything is charged. */
  readonly onAdmitted: () => void;
  /** Where an earlier run of the same task was stopped. */
  readonly resume: Checkpoint | null;
  /** Keeps where a charged run stands. */
  readonly save: (checkpoint: Omit<Checkpoint, 'task'>) => Promise<void>;
}

/**
 * Trains on the table, on the budget's account or as a simulation.
 *
 * @throws {VelaturaError} `dp/budget-exceeded` and `dp/scene-frozen` when the budget would refuse any release
 * of the run: none is made then; `federated/cohort-too-small`; `core/aborted`
 */
export async function trainOnTable(
  task: TagDataTask,
  request: TrainRequest,
  hooks: TrainHooks,
): Promise<TrainResult> {
  const started = performance.now();
  const { experiment } = task;
  const { charge, seed } = request;
  const { terminal, signal } = hooks;
  const asked = splitUsers(experiment.table.users.length, request.testFraction, seed);
  requireCohort(asked.trainingRows.length, request.minimumCohort);
  const { resume } = hooks;
  const attempt = resume === null ? 0 : resume.attempt + 1;
  const budget = charge === null ? null : await openRunBudget(charge, attempt);
  try {
    const environment: RoundEnvironment = {
      scene: charge?.scene ?? 'simulation',
      relation: 'zero-out-one-user',
      secureSum: new PlainSum(),
      random: request.insecureNoise ? new SeededRandom(`${seed}/noise`) : new SecureRandom(),
      budget,
      minimumCohort: request.minimumCohort,
      signal,
    };
    const settings: TagRunSettings = {
      runId:
        resume?.runId ??
        (charge === null ? 'train' : `train/${charge.scene}/${crypto.randomUUID()}`),
      method: request.method,
      epsilon: request.epsilon,
      delta: request.delta,
      watchRounds: asked.evaluationRows.length > 0,
      ...request.tuning,
    };
    const planned: PlannedRun = { environment, experiment, settings, split: asked };
    const admitted =
      charge === null
        ? planned
        : resume === null
          ? await admit(charge, planned, request)
          : await readmit(charge, planned, resume);
    const { split } = admitted;
    const users = split.trainingRows.length;
    if (users < asked.trainingRows.length) {
      const left = asked.trainingRows.length - users;
      terminal.say(terminal.style.warn(`the budget refuses ${left} users: they are left out`));
    }
    if (admitted.settings.baselines === false) {
      terminal.say(terminal.style.warn('the scene has room for one release less: no baselines'));
    }
    hooks.onAdmitted();

    const plan = tagRunPlan(environment, experiment, admitted.settings, users);
    const events = releasesOf(plan.event);
    const bar = terminal.progress('releases', events.length);
    let done = resume?.done ?? 0;
    // The release that had begun when the run was stopped may have been seen: it counts, and is made again.
    const lost = [...(resume?.lost ?? []), ...(resume === null ? [] : [done])];
    const keep = async (state: TagRunState): Promise<void> => {
      if (charge === null) return;
      const { runId, baselines = true } = admitted.settings;
      const rows = split.trainingRows;
      await hooks.save({ runId, attempt, done, lost, rows, baselines, state });
    };
    await keep(resume?.state ?? { popularity: null, training: null });
    const run = await runTagTraining(environment, experiment, split, {
      ...admitted.settings,
      ...(resume === null ? {} : { resume: resume.state }),
      onRelease: async (state) => {
        bar.to(++done);
        await keep(state);
      },
    })
      .catch((error: unknown) => {
        if (charge !== null) terminal.say(terminal.style.warn(chargedNote(done, events.length)));
        throw error;
      })
      .finally(() => bar.end());
    if (run.kind === 'refused') {
      throw new VelaturaError(
        'dp/budget-exceeded',
        `${run.refusal.message}: others charged these users during the run; what was released so far stays charged`,
        { scene: environment.scene, limit: run.refusal.limit },
      );
    }
    const spent = withLost(run.plan, lost);
    const epsilon =
      run.epsilonSpent === Infinity ? null : epsilonOfPlan(spent, request.delta, 'gdp');
    return {
      run: { ...run, plan: spent, epsilonSpent: epsilon?.upper ?? Infinity },
      statement: { ...run.model.statement, epsilon },
      trainingUsers: users,
      refusedUsers: asked.trainingRows.length - users,
      evaluationUsers: split.evaluationRows.length,
      tags: experiment.table.tags,
      features: experiment.features.length,
      scene: charge?.scene ?? null,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await budget?.close();
  }
}

/** What a run that ended early has cost: a charge is for a release that may have happened. */
function chargedNote(done: number, releases: number): string {
  const begun = done < releases ? ' and the one that may have begun' : '';
  return `${done} of ${releases} releases are made and kept; they${begun} stay charged. The same command goes on with the next`;
}

/** A plan with releases that were charged and lost. */
function withLost(plan: Plan, lost: readonly number[]): Plan {
  const events = releasesOf(plan.event);
  const again = lost.flatMap((position) => events[position] ?? []);
  if (again.length === 0) return plan;
  return { ...plan, event: { kind: 'composed', events: [plan.event, ...again] } };
}

/** A run that goes on: the same people, and what is left of it must be admitted. */
async function readmit(
  charge: BudgetCharge,
  { environment, experiment, settings, split }: PlannedRun,
  { rows, baselines, done }: Checkpoint,
): Promise<Pick<PlannedRun, 'settings' | 'split'>> {
  const fitted = { ...settings, baselines };
  const plan = tagRunPlan(environment, experiment, fitted, rows.length);
  const accounts = Array.from(rows, (row) => experiment.table.users[row] as string);
  const events = releasesOf(plan.event).slice(done);
  if (events.length > 0) {
    const left: Plan = { ...plan, event: { kind: 'composed', events } };
    const { refusal, ...place } = await rehearse(charge, accounts, left);
    if (refusal !== null) throw refusedRun(charge, { refusal, ...place }, rows.length);
  }
  return { settings: fitted, split: { ...split, trainingRows: rows } };
}

/** A run before its budget was asked. */
interface PlannedRun {
  readonly environment: RoundEnvironment;
  readonly experiment: TagExperiment;
  readonly settings: TagRunSettings;
  readonly split: TagSplit;
}

/**
 * Fits a run to its budget: leaves out whom the budget refuses, where that is wanted, and the baselines where
 * a quota has no room for their release.
 */
async function admit(
  charge: BudgetCharge,
  { environment, experiment, settings, split }: PlannedRun,
  { minimumCohort, leaveOutRefused }: TrainRequest,
): Promise<Pick<PlannedRun, 'settings' | 'split'>> {
  let fitted = settings;
  let rows = split.trainingRows;
  for (;;) {
    const plan = tagRunPlan(environment, experiment, fitted, rows.length);
    const accounts = Array.from(rows, (row) => experiment.table.users[row] as string);
    const { refusal, ...place } = await rehearse(charge, accounts, plan);
    if (refusal === null) {
      return { settings: fitted, split: { ...split, trainingRows: rows } };
    }
    const blocked = new Set(refusal.blocked);
    const others = rows.filter((_, position) => !blocked.has(position));
    if (isQuota(refusal) && place.releases === 2) {
      fitted = { ...fitted, baselines: false };
    } else if (leaveOutRefused && others.length < rows.length && others.length >= minimumCohort) {
      rows = others;
    } else {
      throw refusedRun(charge, { refusal, ...place }, rows.length);
    }
  }
}
