import type { RankingMetrics } from '../../federated/index.ts';
import { formatTable, type Terminal } from '../terminal.ts';
import type { QuickstartResult, RoundReport, UtilitySweep } from './result.ts';
import type { TrainingWatcher } from './train-scene.ts';

const METHOD_NAMES = {
  fedavg: 'federated gradient rounds',
  'one-shot': 'one-shot statistics',
} as const;

/** Shows rounds as they happen. */
export function trainingWatcher(terminal: Terminal): TrainingWatcher {
  const { say, style } = terminal;
  return {
    started(scene, method, asked) {
      say();
      const behind = method === 'fedavg' ? ' behind SecAgg+' : '';
      say(`   ${style.bold(scene)}: ${METHOD_NAMES[method]}${behind}, ${asked} enrolled`);
      say(style.dim('     round  cohort      clipped*    SNR  epsilon so far     P@3'));
    },
    refused(scene, count, message) {
      say(style.warn(`     refused by the budget: ${count} clients in "${scene}"`));
      say(style.warn(`     ${message}`));
      say('     nothing was booked; training goes on with the others');
    },
    round(_scene, report) {
      say(roundLine(report));
    },
  };
}

function roundLine(report: RoundReport): string {
  return [
    String(report.round).padStart(10),
    String(report.cohort).padStart(8),
    clippedShare(report).padStart(14),
    report.signalToNoise.toFixed(2).padStart(7),
    report.epsilonSoFar.toFixed(4).padStart(16),
    (report.precisionAt3 === null ? '' : report.precisionAt3.toFixed(3)).padStart(8),
  ].join('');
}

/** The noisy share, brought back into [0, 100] %, with the deviation of its noise. */
function clippedShare({ clippedShare, clippedShareStddev }: RoundReport): string {
  if (clippedShare === null || clippedShareStddev === null) return '–';
  const share = Math.min(1, Math.max(0, clippedShare));
  return `${Math.round(100 * share)} ± ${Math.round(100 * clippedShareStddev)} %`;
}

/** The table at the end, on stdout. */
export function printTable(result: QuickstartResult, report: string, terminal: Terminal): void {
  const { print, style } = terminal;
  const score = (metrics: RankingMetrics): string => metrics.precisionAt3.toFixed(3);
  print();
  print(style.bold('Precision@3 on the public evaluation set'));
  for (const line of formatTable(
    [
      'scene',
      'method',
      'trained',
      'refused',
      'epsilon',
      'private',
      'popularity',
      'own history',
      'NOT private',
    ],
    result.scenes.map((scene) => [
      scene.scene,
      METHOD_NAMES[scene.method],
      String(scene.cohort),
      String(scene.refused),
      scene.epsilon.toFixed(4),
      score(scene.metrics),
      score(scene.baselines.popularity),
      score(scene.baselines.ownHistory),
      score(scene.baselines.nonPrivate),
    ]),
  )) {
    print(`  ${line}`);
  }
  const { budget, limits, scoring, explanation } = result;
  print();
  print(
    `  No user spent more than epsilon ${budget.epsilonMax.toFixed(4)} of ${limits.user} (delta ${limits.delta}, zero-out-one-user, Rényi accounting).`,
  );
  print(
    '  * the clipped share is a noisy count inside the same release: paid for. Own history = with paid-for popularity.',
  );
  print();
  print(style.bold(`Top articles for one client, ranked from ${scoring.items} encrypted scores`));
  for (const item of scoring.top) {
    print(
      `  ${String(item.rank).padStart(2)}  ${item.name}${item.tags.length === 0 ? '' : style.dim(`  (${item.tags.join(', ')})`)}`,
    );
  }
  print(
    `  largest error against plain integer scores ${scoring.maxError.toExponential(1)}, stated bound ${scoring.errorBound.toExponential(1)}; top-100 recall ${scoring.recallAt100.toFixed(2)}`,
  );
  print();
  print(style.bold(`Why "${explanation.tag}"`));
  for (const line of explanation.text.split('\n')) print(`  ${line}`);
  print();
  print(`Report: ${report}   (${result.seconds.toFixed(1)} s)`);
}

/** The sweep as a table: a row a method, a column an epsilon. */
export function sayUtility(sweep: UtilitySweep, terminal: Terminal): void {
  const epsilons = [...new Set(sweep.points.map((point) => point.epsilon))];
  const methods = [...new Set(sweep.points.map((point) => point.method))];
  const rows = methods.map((method) => [
    method === 'one-shot-without-prior' ? 'one-shot, no prior' : METHOD_NAMES[method],
    ...epsilons.map((epsilon) => {
      const point = sweep.points.find((p) => p.method === method && p.epsilon === epsilon);
      return point === undefined ? '' : point.mean.toFixed(3);
    }),
  ]);
  const header = epsilons.map((epsilon) => (epsilon === Infinity ? 'NOT private' : `ε ${epsilon}`));
  for (const line of formatTable([`P@3, ${sweep.scene}`, ...header], rows)) {
    terminal.say(`   ${line}`);
  }
}
