import { describeStatement } from '../../dp/index.ts';
import type { SweepCellResult } from '../../federated/simulation/sweep.ts';
import type { SweepRow } from '../../federated/simulation/sweep-summary.ts';
import type { Reference } from '../report/chart-parts.ts';
import { count, counted, epsilon, metric, smallBound, threeDigits } from '../report/format.ts';
import { figure, type Html, html, type LegendEntry, legend, lines, table } from '../report/html.ts';
import { reportPage } from '../report/page.ts';
import { type Chapter, callout, more } from '../report/section.ts';
import { responsive, small } from '../report/svg.ts';
import { learningCurves } from '../train/chart-rounds.ts';
import { METRIC_NAMES, sentence } from '../train/result.ts';
import { paretoChart } from './chart-pareto.ts';
import { type UtilitySeries, utilityCurves } from './chart-utility.ts';
import { lookOf, lookOfSetting } from './looks.ts';
import { type SweepSummary, settingsOf } from './result.ts';
import type { SweepRun } from './run.ts';

/** The label that must stand beside every figure of a simulation. */
const BADGE = 'simulation on public data';
/** Width of a small learning curve. */
const SMALL = 190;

/** The report of a sweep: what more or less privacy buys, how learning went, what is worth its price. */
export async function renderSweepReport(run: SweepRun, summary: SweepSummary): Promise<string> {
  const { grid } = run;
  const name = METRIC_NAMES[summary.primary] ?? summary.primary;
  const inFront = summary.front.filter((row) => row.epsilon !== Infinity);
  const cheapest = inFront[0];
  const best = inFront.at(-1);
  const learning = await learningChapter(run, summary);
  return reportPage({
    eyebrow: 'Velatura sweep',
    title: 'What does privacy cost?',
    lead: html`${counted(settingsOf(run).length, 'setting')} at ${counted(grid.epsilons.length, 'value')} of ε, ${counted(grid.repeats, 'repeat')} each, on ${count(run.users)} users. ${sentence(summary.cost)}`,
    tiles: [
      {
        figure: count(run.results.length),
        name: 'trainings',
        detail: `${threeDigits(run.results.reduce((sum, { seconds }) => sum + seconds, 0))} s of computing`,
      },
      {
        figure: count(run.users),
        name: 'users',
        detail: `${counted(run.features, 'feature')}, ${counted(run.tags, 'label')}`,
      },
      ...[cheapest, best === cheapest ? undefined : best].flatMap((row) =>
        row === undefined
          ? []
          : [
              {
                figure: metric(row.mean ?? Number.NaN),
                name: `${name} at ε ${epsilon(row.epsilon)}`,
                detail: row.setting,
              },
            ],
      ),
    ],
    chapters: [
      await utilityChapter(run, summary, name),
      ...(learning === null ? [] : [learning]),
      await paretoChapter(run, summary, name),
      priceChapter(run, summary),
    ],
  });
}

async function utilityChapter(
  run: SweepRun,
  summary: SweepSummary,
  name: string,
): Promise<Chapter> {
  const series = seriesOf(run, summary);
  const nonPrivate = bestNonPrivate(summary);
  const entries: LegendEntry[] = [
    ...series.map(({ name, look }): LegendEntry => ({ name, color: look.color, shape: look.key })),
    ...(nonPrivate === null
      ? []
      : [
          {
            name: 'best without privacy',
            value: metric(nonPrivate),
            color: 'vermilion',
            shape: 'dots',
          } as const,
        ]),
  ];
  const epsilons = [...run.grid.epsilons].sort((a, b) => a - b);
  return {
    id: 'utility',
    short: 'Trade-off',
    title: 'Quality against ε',
    lead: 'A smaller ε protects more and teaches less. The curves show how much less, so that a limit can be chosen with open eyes.',
    body: html`
${figure({
  title: `${name} against ε`,
  badge: BADGE,
  legend: legend(entries),
  drawing: await responsive(utilityCurves(series, name, nonPrivate)),
  note: `Means of ${counted(run.grid.repeats, 'repeat')}, each another split of the users and other noise; bars are one standard deviation of a single repeat to either side. Models and the popularity beside them share the ε. What stands at ∞ was trained without noise and is non-private. The scale does not begin at zero.`,
})}
${summary.metrics.map((key) =>
  table({
    caption: `${METRIC_NAMES[key] ?? key}, mean ± standard deviation`,
    columns: [
      { name: 'ε' },
      ...epsilons.map((value) => ({
        name: value === Infinity ? '∞ (non-private)' : epsilon(value),
        number: true,
      })),
    ],
    rows: [
      ...settingsOf(run).map((setting) => tableRow(setting, setting, summary.rows, key, epsilons)),
      tableRow('popularity beside a model', 'popularity', summary.popularity, key, epsilons),
      ...(summary.ownHistory.length === 0
        ? []
        : [tableRow('own history + popularity', 'ownHistory', summary.ownHistory, key, epsilons)]),
    ],
  }),
)}`,
  };
}

function seriesOf(run: SweepRun, summary: SweepSummary): UtilitySeries[] {
  const pointsOf = (rows: readonly SweepRow[], setting: string): UtilitySeries['points'] =>
    rows
      .filter((row) => row.setting === setting && row.metric === summary.primary)
      .flatMap(({ epsilon, mean, sd }) => (mean === null ? [] : [{ epsilon, mean, sd: sd ?? 0 }]))
      .sort((a, b) => a.epsilon - b.epsilon);
  const models = settingsOf(run).map(
    (setting, position): UtilitySeries => ({
      name: setting,
      look: lookOfSetting(setting, position),
      baseline: false,
      points: pointsOf(summary.rows, setting),
    }),
  );
  const baselines: UtilitySeries[] = [
    {
      name: 'popularity beside a model',
      look: lookOf('popularity'),
      baseline: true,
      points: pointsOf(summary.popularity, 'popularity'),
    },
    {
      name: 'own history + popularity',
      look: lookOf('ownHistory'),
      baseline: true,
      points: pointsOf(summary.ownHistory, 'ownHistory'),
    },
  ];
  return [...baselines, ...models].filter(({ points }) => points.length > 0);
}

function bestNonPrivate({ rows, primary }: SweepSummary): number | null {
  const means = rows
    .filter((row) => row.epsilon === Infinity && row.metric === primary)
    .flatMap(({ mean }) => (mean === null ? [] : [mean]));
  return means.length === 0 ? null : Math.max(...means);
}

function tableRow(
  name: string,
  setting: string,
  rows: readonly SweepRow[],
  key: string,
  epsilons: readonly number[],
): (Html | string)[] {
  return [
    name,
    ...epsilons.map((value) => {
      const row = rows.find(
        (one) => one.setting === setting && one.metric === key && one.epsilon === value,
      );
      if (row === undefined || row.mean === null) return 'n/a';
      return row.sd === null
        ? metric(row.mean)
        : html`${metric(row.mean)} <small>± ${metric(row.sd)}</small>`;
    }),
  ];
}

/** Learning curves of the first repeat, small, one figure an epsilon; null where no method has rounds. */
async function learningChapter(run: SweepRun, summary: SweepSummary): Promise<Chapter | null> {
  const { primary } = summary;
  const curved = run.results.filter(
    ({ rounds }) =>
      rounds.filter(({ quality }) => (quality?.[primary] ?? null) !== null).length > 1,
  );
  if (curved.length === 0) return null;
  const name = METRIC_NAMES[primary] ?? primary;
  const epsilons = [...new Set(curved.map(({ cell }) => cell.epsilon))].sort((a, b) => a - b);
  const settings = settingsOf(run);
  const drawn = settings.filter((setting) => curved.some(({ cell }) => cell.setting === setting));
  const colorOf = (setting: string): string =>
    lookOfSetting(setting, settings.indexOf(setting)).color;
  const figures = await Promise.all(
    epsilons.map(async (value) => {
      const here = curved.filter(({ cell }) => cell.epsilon === value);
      return figure({
        title: value === Infinity ? 'ε = ∞, non-private' : `ε = ${epsilon(value)}`,
        drawing: await small(
          learningCurves(
            here.map((result) => curveOf(result, primary, colorOf(result.cell.setting))),
            name,
            referencesOf(here, primary),
          ),
          SMALL,
        ),
      });
    }),
  );
  return {
    id: 'learning',
    short: 'Learning',
    title: 'How learning went',
    lead: 'Quality after each round, in the first repeat. A curve that falls has been given more rounds than its noise allows.',
    body: html`
${legend([
  ...drawn.map(
    (setting): LegendEntry => ({ name: setting, color: colorOf(setting), shape: 'line' }),
  ),
  { name: 'popularity', color: lookOf('popularity').color, shape: 'dots' },
  { name: 'own history + popularity', color: lookOf('ownHistory').color, shape: 'dashes' },
])}
<div class="smalls">${figures}</div>
<p class="note">Simulation on public data. Methods that need one upload only have no curve.</p>`,
  };
}

function curveOf(
  { cell, rounds }: SweepCellResult,
  primary: string,
  color: string,
): Parameters<typeof learningCurves>[0][number] {
  return {
    name: cell.setting,
    color,
    points: rounds.flatMap(({ round, quality }) => {
      const value = quality?.[primary] ?? null;
      return value === null ? [] : [{ round, value }];
    }),
  };
}

function referencesOf(results: readonly SweepCellResult[], primary: string): Reference[] {
  const [first] = results;
  const look = (method: string, value: number | null | undefined): Reference => ({
    value: value ?? Number.NaN,
    color: lookOf(method).color,
    dash: lookOf(method).dash,
  });
  return [
    look('popularity', first?.popularity[primary]),
    look('ownHistory', first?.ownHistory[primary]),
  ];
}

async function paretoChapter(run: SweepRun, summary: SweepSummary, name: string): Promise<Chapter> {
  const settings = settingsOf(run);
  const looks = new Map(settings.map((one, position) => [one, lookOfSetting(one, position)]));
  const rows = summary.rows.filter(
    ({ metric, mean }) => metric === summary.primary && mean !== null,
  );
  return {
    id: 'pareto',
    short: 'Best buys',
    title: 'What is worth its price',
    lead: 'A choice is worth looking at when nothing cheaper is as good. All others can be forgotten.',
    body: html`
${figure({
  title: `Choices by price and ${name}`,
  badge: BADGE,
  drawing: await responsive(paretoChart(rows, summary.front, name, looks)),
  note: 'Filled points are on the front; hollow ones are beaten by a point at their left or above them. Differences within the bars of the first figure are chance.',
})}
${table({
  caption: 'The front, from cheap to dear',
  columns: [
    { name: 'ε' },
    { name: 'Setting' },
    { name, number: true },
    { name: '± sd', number: true },
  ],
  rows: summary.front.map(({ epsilon: value, setting, mean, sd }) => [
    value === Infinity ? '∞ (non-private)' : epsilon(value),
    setting,
    metric(mean ?? Number.NaN),
    sd === null ? 'n/a' : metric(sd),
  ]),
})}`,
  };
}

function priceChapter(run: SweepRun, summary: SweepSummary): Chapter {
  const statement = run.results.find(
    (result) => result.statement !== null && result.cell.epsilon !== Infinity,
  )?.statement;
  return {
    id: 'price',
    short: 'Statement',
    title: 'What this would have cost',
    lead: sentence(summary.cost),
    body: html`
${callout('Choosing costs.', 'Trying settings on real people’s data and keeping the best one is a use of their data, too. Here nobody was charged because the data is declared public. In a deployment, take the settings from public data like this, or pay for each trial.')}
<p>One cell protects a user by its own ε at δ ${smallBound(run.grid.delta)}, relation zero-out-one-user. A user may be trained on in every repeat and by every method: the sum over all cells is what such a person would have paid.</p>
${
  statement === undefined || statement === null
    ? null
    : more(
        'The statement of one private cell, in full',
        html`<div class="card">${lines(describeStatement(statement))}</div>`,
      )
}`,
  };
}
