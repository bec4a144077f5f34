import { describeStatement } from '../../dp/index.ts';
import { COLORS, type Reference } from '../report/chart-parts.ts';
import { count, epsilon, metric, smallBound, threeDigits } from '../report/format.ts';
import { figure, type Html, html, legend, lines, table } from '../report/html.ts';
import { reportPage } from '../report/page.ts';
import { type Chapter, callout, more } from '../report/section.ts';
import { responsive } from '../report/svg.ts';
import { learningCurves } from './chart-rounds.ts';
import { costNote, evaluationNote, METRIC_NAMES, sentence } from './result.ts';
import type { TrainResult } from './run.ts';

/** The report of one training: quality beside the baselines, the price, and what is claimed. */
export async function renderTrainReport(result: TrainResult): Promise<string> {
  const { run, statement } = result;
  const [primary = ''] = Object.keys(run.metrics);
  const isPrivate = run.epsilonSpent !== Infinity;
  const measured = result.evaluationUsers > 0;
  return reportPage({
    eyebrow: 'Velatura train',
    title: isPrivate ? 'A private tag model' : 'A tag model that is not private',
    lead: html`${count(result.trainingUsers)} users, ${count(result.features)} features, ${count(result.tags.length)} ${result.tags.length === 1 ? 'label' : 'labels'}; method ${run.method}. ${sentence(costNote(result))}`,
    tiles: [
      {
        figure: count(result.trainingUsers),
        name: 'users trained on',
        detail: evaluationNote(result),
      },
      {
        figure: isPrivate ? html`ε ${epsilon(run.epsilonSpent)}` : '∞',
        name: isPrivate ? 'spent by each of them' : 'non-private',
        detail: `at δ ${smallBound(statement.delta)}`,
      },
      ...(measured
        ? [
            {
              figure: metric(run.metrics[primary] ?? Number.NaN),
              name: METRIC_NAMES[primary] ?? primary,
              detail: `popularity alone has ${metric(run.baselines.popularity[primary] ?? Number.NaN)}`,
            },
          ]
        : []),
      {
        figure: `${threeDigits(result.seconds)} s`,
        name: 'on this computer',
        detail: `${run.rounds.length} ${run.rounds.length === 1 ? 'round' : 'rounds'}`,
      },
    ],
    chapters: [
      ...(measured ? [await qualityChapter(result, primary)] : []),
      guaranteeChapter(result),
    ],
  });
}

async function qualityChapter(result: TrainResult, primary: string): Promise<Chapter> {
  const { run } = result;
  const names = Object.keys(run.metrics);
  const isPrivate = run.epsilonSpent !== Infinity;
  const popularity = run.baselines.popularity[primary] ?? Number.NaN;
  const history = run.baselines.ownHistory[primary] ?? Number.NaN;
  const points = run.rounds.flatMap(({ round, quality }) => {
    const value = quality?.[primary] ?? null;
    return value === null ? [] : [{ round, value }];
  });
  const references: Reference[] = [
    { value: popularity, color: COLORS.popularity, dash: [2, 3] },
    { value: history, color: COLORS.ownHistory, dash: [7, 3] },
  ];
  const name = METRIC_NAMES[primary] ?? primary;
  const badge = result.scene === null ? { badge: 'simulation on public data' } : {};
  const curve =
    points.length > 1
      ? figure({
          title: `${name} from round to round`,
          ...badge,
          legend: legend([
            {
              name: isPrivate ? 'model' : 'model, NOT private',
              color: COLORS.private,
              shape: 'line',
            },
            {
              name: 'popularity',
              value: metric(popularity),
              color: COLORS.popularity,
              shape: 'dots',
            },
            ...(Number.isFinite(history)
              ? [
                  {
                    name: 'own history + popularity',
                    value: metric(history),
                    color: COLORS.ownHistory,
                    shape: 'dashes',
                  } as const,
                ]
              : []),
          ]),
          drawing: await responsive(
            learningCurves([{ name: 'model', color: COLORS.private, points }], name, references),
          ),
          note: 'Single rounds as measured; the model is an average of the last of them. The scale does not begin at zero.',
        })
      : null;
  const row = (title: Html | string, values: typeof run.metrics): (Html | string)[] => [
    title,
    ...names.map((key) => metric(values[key] ?? Number.NaN)),
  ];
  return {
    id: 'quality',
    short: 'Quality',
    title: 'Is it better than guessing?',
    lead: verdict(run.metrics[primary] ?? null, popularity, history),
    body: html`${curve}
${table({
  caption: `Quality, ${evaluationNote(result)}`,
  columns: [
    { name: '' },
    ...names.map((key) => ({ name: METRIC_NAMES[key] ?? key, number: true })),
  ],
  rows: [
    row(html`<b>${isPrivate ? 'model' : 'model, NOT private'}</b>`, run.metrics),
    row('popularity', run.baselines.popularity),
    row('own history + popularity', run.baselines.ownHistory),
  ],
})}
<p class="note">Popularity and model share the ε above. n/a: there is no such baseline, or a label had too few users of one kind.</p>`,
  };
}

function verdict(value: number | null, popularity: number, history: number): string {
  if (value === null) return 'The metric is not defined for these users.';
  const best = Math.max(popularity, Number.isFinite(history) ? history : 0);
  return value > best
    ? 'The model is above both baselines.'
    : 'The model is not above its baselines: at this ε use the better one of them, which costs less.';
}

function guaranteeChapter(result: TrainResult): Chapter {
  const { run, statement } = result;
  const isPrivate = run.epsilonSpent !== Infinity;
  return {
    id: 'statement',
    short: 'Statement',
    title: isPrivate ? 'What is promised, and to whom' : 'Nothing is promised',
    lead: sentence(costNote(result)),
    body: html`
${isPrivate ? null : callout('NOT private.', 'This model was trained without noise and may hold what single users did.')}
${statement.insecure ? callout('Insecure.', 'The noise came from a seed; whoever knows it can take it off.') : null}
<div class="card">${lines(describeStatement(statement))}</div>
<p>The users who were measured on are declared public: reading their labels was not charged. Clip bounds, feature maps and guesses come from the bounds file or from defaults, not from this data.</p>
${more('The plan that was priced', html`<p><code>${JSON.stringify(run.plan)}</code></p>`)}`,
  };
}
