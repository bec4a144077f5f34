import { describeStatement } from '../../dp/index.ts';
import type { TaskMetrics } from '../../federated/simulation/sweep-metrics.ts';
import { formatTable, type Terminal } from '../terminal.ts';
import { shownEpsilon } from './options.ts';
import type { TrainResult } from './run.ts';

/** What must stand beside every number of a run that nobody was charged for. */
export const SIMULATION = 'simulation on public data, not charged';

/** Names of metrics as people read them. */
export const METRIC_NAMES: Readonly<Record<string, string>> = {
  precisionAt3: 'precision@3',
  macroAuc: 'macro AUC',
  ndcgAt5: 'NDCG@5',
  auc: 'AUC',
  averagePrecision: 'average precision',
};

/** With a capital, where it begins a sentence. */
export function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

/** What is said about the users who were measured on. */
export function evaluationNote({ evaluationUsers, scene }: TrainResult): string {
  if (evaluationUsers === 0) return 'nobody was measured on';
  return scene === null
    ? `measured on ${evaluationUsers} users who were not trained on`
    : `measured on ${evaluationUsers} users who are declared public for that: they were neither trained on nor charged`;
}

/** What is said about the price. */
export function costNote({ run, scene, statement }: TrainResult): string {
  if (run.epsilonSpent === Infinity)
    return 'NOT private: no epsilon bounds what this model reveals';
  const cost = `epsilon ${roundedUp(run.epsilonSpent)} at delta ${statement.delta}`;
  if (statement.insecure) {
    return `INSECURE noise from a seed: protects nobody; with real noise ${cost}`;
  }
  return scene === null ? `${SIMULATION}; real cost would be ${cost}` : `charged: ${cost}`;
}

function roundedUp(epsilon: number): number {
  return Math.ceil(Number((epsilon * 1e4).toPrecision(12))) / 1e4;
}

/** The stable JSON keys of the command. */
export function trainDocument(result: TrainResult): Readonly<Record<string, unknown>> {
  const { run, statement } = result;
  return {
    metrics: run.metrics,
    baselines: run.baselines,
    epsilonSpent: shownEpsilon(run.epsilonSpent),
    delta: statement.delta,
    users: result.trainingUsers,
    refused: result.refusedUsers,
    method: run.method,
    private: run.epsilonSpent !== Infinity && !statement.insecure,
    scene: result.scene,
    cost: costNote(result),
    evaluation: {
      users: result.evaluationUsers,
      declared: 'public',
      charged: false,
    },
    rounds: run.rounds.map(({ round, quality, metrics }) => ({
      round,
      quality,
      cohort: metrics.cohort,
      signalToNoise: Number.isFinite(metrics.signalToNoise) ? metrics.signalToNoise : null,
    })),
    tags: result.tags,
    plan: run.plan,
    statement,
    seconds: result.seconds,
  };
}

/** The result as a table with its price and its statement. */
export function printTrained(result: TrainResult, { print, style }: Terminal): void {
  const { run, statement } = result;
  const names = Object.keys(run.metrics);
  const row = (name: string, metrics: TaskMetrics): string[] => [
    name,
    ...names.map((key) => cell(metrics[key] ?? null)),
  ];
  const isPrivate = run.epsilonSpent !== Infinity;
  print(style.bold(`${run.method}, ${result.trainingUsers} users, ${result.tags.length} tags`));
  if (result.evaluationUsers > 0) {
    print();
    for (const line of formatTable(
      ['', ...names.map((name) => METRIC_NAMES[name] ?? name)],
      [
        row(isPrivate ? 'model' : 'model (NOT private)', run.metrics),
        row(isPrivate ? 'popularity' : 'popularity (NOT private)', run.baselines.popularity),
        row('own history + popularity', run.baselines.ownHistory),
      ],
    )) {
      print(`  ${line}`);
    }
    print();
  }
  print(`  ${evaluationNote(result)}`);
  print(`  ${costNote(result)}`);
  print();
  for (const line of describeStatement(statement).split('\n')) print(`  ${line}`);
}

function cell(value: number | null): string {
  return value === null ? '–' : value.toFixed(3);
}
