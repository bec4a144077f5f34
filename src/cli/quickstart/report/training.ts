import type { Reference } from '../../report/chart-parts.ts';
import { COLORS } from '../../report/chart-parts.ts';
import {
  capitalised,
  count,
  counted,
  epsilon,
  epsilonColumn,
  metric,
  percent,
  signed,
  threeDigits,
  wordList,
} from '../../report/format.ts';
import {
  facts,
  figure,
  type Html,
  html,
  type LegendEntry,
  legend,
  lines,
  table,
} from '../../report/html.ts';
import { type Chapter, more } from '../../report/section.ts';
import { responsive, small } from '../../report/svg.ts';
import type { BudgetLimits, RoundReport, SceneResult } from '../result.ts';
import { precisionByRound, smallRounds } from './chart-training.ts';
import { comparison } from './comparison.ts';

/** Words for the methods; the same everywhere. */
export const METHOD_NAMES: Readonly<Record<SceneResult['method'], string>> = {
  fedavg: 'federated rounds',
  'one-shot': 'one upload each',
};

const METHOD_WORDS: Readonly<Record<SceneResult['method'], string>> = {
  fedavg:
    'Every client takes part in every round. Each round costs a little ε and moves the model one step. Its sum is made behind SecAgg+: masks hide every update and cancel in the sum, and each client adds its own share of the noise. The model does not start from nothing: that people go on buying what they bought is known without any data.',
  'one-shot':
    'Every client sends once and is done: sums over its features and labels, clipped together. The server solves for the model and leaves out the directions that are mostly noise.',
};

/** What was trained where, round by round, and how good it is. */
export async function trainingChapter(
  scenes: readonly SceneResult[],
  limits: BudgetLimits,
  evaluation: number,
): Promise<Chapter> {
  const articles = await Promise.all(
    scenes.map((scene, i) =>
      sceneArticle(
        scene,
        limits,
        scenes.slice(0, i).some(({ method }) => method === scene.method),
      ),
    ),
  );
  const ahead = scenes.filter((s) => s.metrics.precisionAt3 > s.baselines.popularity.precisionAt3);
  return {
    id: 'training',
    short: 'Training',
    title: 'Training on the clients',
    lead: `Each client computes its own update from its own events, shortens it to a fixed length and sends only that. What becomes the next model is a sum with noise, never an update. The models beat popularity in ${count(ahead.length)} of ${counted(scenes.length, 'scene')}.`,
    body: html`
<p>What is learnt: which of the shop's tags a customer will buy next. Judged by <dfn>precision@3</dfn>: of the three tags suggested, the share that came true. All of it is measured on the public evaluation set only.</p>
${articles}
${await comparison(scenes, evaluation)}`,
  };
}

/** @param explained - the method was explained in an earlier scene */
async function sceneArticle(
  scene: SceneResult,
  limits: BudgetLimits,
  explained: boolean,
): Promise<Html> {
  const { rounds, cohort, asked, metrics } = scene;
  const limit = limits.scenes[scene.scene] ?? limits.user;
  const [only] = rounds;
  return html`<article class="card">
<h3>${capitalised(scene.scene)}: ${METHOD_NAMES[scene.method]}</h3>
${explained ? null : html`<p>${METHOD_WORDS[scene.method]}</p>`}
${facts([
  ['clients asked', count(asked)],
  ['trained on', count(cohort)],
  rounds.length === 1 && only !== undefined
    ? ['signal to noise', threeDigits(only.signalToNoise)]
    : ['rounds', count(rounds.length)],
  ['ε of the scene', html`${epsilonColumn(scene.epsilon)} <small>of ${epsilon(limit)}</small>`],
  ['precision@3', metric(metrics.precisionAt3)],
])}
${refusal(scene)}
<p>${verdict(scene)}</p>
${rounds.length > 1 ? await manyRounds(scene, limit) : null}
${more('The privacy statement of this model', html`<p>${lines(scene.statement)}</p>`)}
</article>`;
}

function refusal({ refused, asked, cohort, refusal: words }: SceneResult): Html | null {
  if (refused === 0) return null;
  return html`<div class="refusal">
<p><strong>${count(refused)} of ${count(asked)} were refused by the budget.</strong> They have taken part in other scenes already, and this one on top would have carried them over their total. Nobody was asked to send anything before that was settled. The scene went on with the other ${count(cohort)}.</p>
${words === null ? null : html`<blockquote>${words}</blockquote><p class="note">The budget, in its own words.</p>`}
</div>`;
}

async function manyRounds(scene: SceneResult, limit: number): Promise<Html> {
  const { rounds } = scene;
  const measured = rounds.some(({ precisionAt3 }) => precisionAt3 !== null);
  const clipped = rounds.filter(({ clippedShare }) => clippedShare !== null);
  const cells = await Promise.all([
    smallFigure(
      'ε so far',
      `The dashed line is the limit of the scene. The first round includes the popularity count, released before.`,
      {
        label: `Epsilon grew over the rounds to ${epsilon(scene.epsilon)}; the limit is ${epsilon(limit)}.`,
        values: rounds.map(({ round, epsilonSoFar }) => ({ round, value: epsilonSoFar })),
        limit,
        format: '~g',
      },
    ),
    smallFigure(
      'Signal to noise',
      'How far the sum of all updates stands out from the noise added to it.',
      {
        label: 'Signal to noise of the sum of each round.',
        values: rounds.map(({ round, signalToNoise }) => ({ round, value: signalToNoise })),
        format: '~g',
      },
    ),
    ...(clipped.length === 0
      ? []
      : [
          smallFigure(
            'Updates shortened',
            'Data of people like any other, so the share is noisy and paid for. The band is one standard deviation of that noise.',
            {
              label: 'Share of updates that were clipped, as the noise shows it, in each round.',
              values: clipped.map(({ round, clippedShare, clippedShareStddev }) => ({
                round,
                value: share(clippedShare),
                spread: clippedShareStddev ?? 0,
              })),
              format: '%',
            },
          ),
        ]),
  ]);
  return html`
${
  measured
    ? figure({
        title: 'Precision@3 on the public evaluation set, round by round',
        legend: legend(baselineLegend(scene)),
        drawing: await responsive(precisionByRound(rounds, baselineReferences(scene))),
        note: 'The scale does not begin at zero.',
      })
    : null
}
<div class="smalls">${cells}</div>
${more(`All ${rounds.length} rounds in numbers`, roundTable(rounds, scene.scene))}`;
}

async function smallFigure(
  title: string,
  note: string,
  options: Parameters<typeof smallRounds>[0],
): Promise<Html> {
  return figure({ title, drawing: await small(smallRounds(options), 220), note });
}

function shortened({ clippedShare, clippedShareStddev }: RoundReport): string {
  const noise = clippedShareStddev === null ? '' : ` ± ${percent(clippedShareStddev)}`;
  return `${percent(share(clippedShare))}${noise}`;
}

/** Noise can carry a share out of its range. */
function share(clippedShare: number | null): number {
  return clippedShare === null ? Number.NaN : Math.min(1, Math.max(0, clippedShare));
}

function roundTable(rounds: readonly RoundReport[], scene: string): Html {
  return table({
    caption: `Rounds of ${capitalised(scene)}`,
    columns: ['Round', 'Cohort', 'Shortened', 'Signal to noise', 'ε so far', 'Precision@3'].map(
      (name) => ({ name, number: true }),
    ),
    rows: rounds.map((round) => [
      count(round.round),
      count(round.cohort),
      shortened(round),
      threeDigits(round.signalToNoise),
      epsilonColumn(round.epsilonSoFar),
      metric(round.precisionAt3 ?? Number.NaN),
    ]),
  });
}

/** The lines a curve of precision is to be judged by. */
function baselineReferences({ baselines }: SceneResult): readonly Reference[] {
  return [
    { value: baselines.popularity.precisionAt3, color: COLORS.popularity, dash: [2, 3] },
    { value: baselines.ownHistory.precisionAt3, color: COLORS.ownHistory, dash: [7, 3] },
    { value: baselines.nonPrivate.precisionAt3, color: COLORS.nonPrivate, dash: [1, 0] },
  ];
}

function baselineLegend({ baselines }: SceneResult): readonly LegendEntry[] {
  return [
    { name: 'private model', color: COLORS.private, shape: 'dot' },
    {
      name: 'popularity',
      value: metric(baselines.popularity.precisionAt3),
      color: COLORS.popularity,
      shape: 'dots',
    },
    {
      name: 'own history + popularity',
      value: metric(baselines.ownHistory.precisionAt3),
      color: COLORS.ownHistory,
      shape: 'dashes',
    },
    {
      name: 'NOT private',
      value: metric(baselines.nonPrivate.precisionAt3),
      color: COLORS.nonPrivate,
      shape: 'line',
    },
  ];
}

/** One honest sentence about a model among its baselines. */
function verdict({ metrics, baselines }: SceneResult): string {
  const own = metrics.precisionAt3;
  const against = (
    [
      ['popularity', baselines.popularity],
      ['own history with popularity', baselines.ownHistory],
      ['the same training without any privacy', baselines.nonPrivate],
    ] as const
  ).map(([name, other]) => difference(own - other.precisionAt3, name));
  return `The model reaches ${metric(own)}: ${wordList(against)}.`;
}

function difference(gap: number, name: string): string {
  if (!Number.isFinite(gap)) return `not comparable with ${name}`;
  if (Math.abs(gap) < 0.0005) return `level with ${name}`;
  return `${signed(Math.abs(gap), 3).replace('+', '')} ${gap > 0 ? 'above' : 'below'} ${name}`;
}
